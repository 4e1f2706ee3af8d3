"""From a folder to a Case: read everything, say everything that is wrong at once, or give the frozen facts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from gridrush.case import _words
from gridrush.case.check import KEYS, Draft, cell, check_draft, check_scenario
from gridrush.case.files import ARCHIVES, Folder, Tree, decode, read_bytes, read_csv, read_yaml
from gridrush.case.model import TABLES, Case, Header
from gridrush.case.scenario import Scenario
from gridrush.case.schema import Source
from gridrush.errors import CaseError, Problem

CASES = Path(__file__).parent / "cases"
"""Where the built-in cases lie."""

SAME_KIND = 20
"""Problems of one kind in one column that are listed one by one; the rest are counted."""

_Model = TypeVar("_Model", bound=BaseModel)
_NETWORKS = (".nc", ".h5", ".hdf5")
_YAML = (".yaml", ".yml")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?")


def built_in_cases() -> list[str]:
    """Names of the cases that come with gridrush.

    Examples
    --------
    >>> built_in_cases()
    ['kazakhstan']
    """
    return sorted(p.parent.name for p in CASES.glob("*/case.yaml"))


def load_case(where: str | Path) -> Case:
    """The facts of a case, read and checked.

    Parameters
    ----------
    where : str or Path
        Name of a built-in case, or a folder that holds `case.yaml`, `sources*.yaml`, the tables and `scenarios/*.yaml`.
        A text that names a built-in case means that case: write `./kazakhstan` for a folder of that name.

    Raises
    ------
    CaseError
        With every problem found: where it is, what was found, what was wanted, what to do.

    Examples
    --------
    >>> load_case("kazakhstan").zone_names
    ('North', 'South', 'West')
    """
    root = _root(where)
    folder = Folder(root)
    draft = Draft()
    tree = _read_header(folder, draft)
    sources = _read_sources(folder, draft)
    for table in TABLES:
        _read_table(folder, draft, table)
    _read_scenarios(folder, draft)
    _strange_files(folder)
    problems = folder.problems + check_draft(draft)
    for name, scenario in draft.scenarios.items():
        problems += _chain(scenario, draft.scenarios, f"scenarios/{name}.yaml", "scenarios" in draft.broken)[1]
    if problems or draft.header is None:
        raise CaseError(_shortened(_with_lines(problems, tree)))
    given = {name: getattr(draft.header, name) for name in Header.model_fields}
    tables = {table: tuple(rows) for table, rows in draft.rows.items()}
    return Case(**given, **tables, sources=sources, scenarios=draft.scenarios, digest=folder.digest)


def resolve_scenario(case: Case, name: str | Path | Scenario) -> Scenario:
    """A scenario with everything its bases say filled in.

    What a scenario writes replaces what its base says: a list of levers the whole list, an assumption the assumption.

    Parameters
    ----------
    case : Case
    name : str, Path or Scenario
        Name of a scenario of the case, a YAML file, or a scenario made in code. Its base is a scenario of the case.

    Examples
    --------
    >>> case = load_case("kazakhstan")
    >>> resolve_scenario(case, case.default_scenario).base is None
    True
    """
    problems: list[Problem] = []
    where = f"scenario {name.name!r}" if isinstance(name, Scenario) else str(name)
    scenario: Scenario | None
    if isinstance(name, Scenario):
        scenario = name
    elif str(name) in case.scenarios:
        scenario, where = case.scenarios[str(name)], f"scenarios/{name}.yaml"
    elif isinstance(name, Path) or name.endswith(_YAML):
        scenario = None
        raw = read_bytes(Path(name), where, problems)
        if raw is not None and (text := decode(raw, where, problems)) is not None:
            scenario = _scenario(text, where, problems)
    else:
        wanted = f"a scenario of the case {case.name!r}, or a .yaml file"
        raise CaseError([Problem("scenario", name, wanted, _words.closest(name, case.scenarios))])
    if scenario is not None:
        draft = Draft(zones=set(case.zone_names), rows={"projects": case.projects})
        problems += check_scenario(scenario, draft, where)
        merged, more = _chain(scenario, case.scenarios, where, False)
        problems += more
        if not problems:
            return merged
    raise CaseError(problems)


def _root(where: str | Path) -> Path:
    """The folder meant, or a CaseError that says what the path is instead."""
    if isinstance(where, str) and where in built_in_cases():
        return CASES / where
    path = Path(where)
    known = built_in_cases()
    wanted = "a case folder, or one of the built-in cases: " + ", ".join(known)
    try:
        if path.is_dir():
            if (path / "case.yaml").exists():
                return path
            hint = "`gridrush case new PATH` writes one to start from"
            if (path / "network.csv").exists() or (path / "snapshots.csv").exists():
                hint = _NETWORK_HINT
            raise CaseError([Problem(str(path), "a folder without case.yaml", wanted, hint)])
        exists = path.exists()
    except (OSError, ValueError) as err:  # ValueError: a NUL in the path
        raise CaseError([Problem(str(where), str(err), wanted)]) from None
    if not exists:
        raise CaseError([Problem("case", str(where), wanted, _words.closest(where, known))])
    suffix = path.suffix.lower()
    if suffix in ARCHIVES:
        raise CaseError([Problem(str(path), "an archive", wanted, "unpack it yourself and give the folder")])
    if suffix in _NETWORKS:
        raise CaseError([Problem(str(path), "a PyPSA network", wanted, _NETWORK_HINT)])
    if path.name == "case.yaml":
        raise CaseError([Problem(str(path), "a file of a case", wanted, f"give its folder: {path.parent}")])
    raise CaseError([Problem(str(path), "a file", wanted)])


_NETWORK_HINT = (
    "a network lacks the miners, prices and sources of a case: gridrush.load_case reads it as a system, for dispatch, "
    "contingency, assess, headroom and plan; `gridrush case new PATH` begins a case"
)


def _read_yaml(folder: Folder, name: str) -> Tree | None:
    """A YAML file of the folder that holds names and values."""
    text = folder.text(name)
    tree = None if text is None else read_yaml(text, name, folder.problems)
    if tree is not None and not isinstance(tree.value, dict):
        folder.problems.append(Problem(f"{name}:1", type(tree.value).__name__, "names and values"))
        return None
    return tree


def _validated(
    model: type[_Model],
    value: object,
    name: str,
    tree: Tree,
    problems: list[Problem],
    under: tuple[str | int, ...] = (),
) -> _Model | None:
    """The value as a model, its complaints placed by file, line and path."""

    def where(place: tuple[str | int, ...]) -> str:
        return f"{name}:{tree.line((*under, *place))} {'.'.join(map(str, (*under, *place)))}".rstrip()

    try:
        return model.model_validate(value)
    except ValidationError as err:
        problems += _words.problems_of(err, where, model)
        return None


def _read_header(folder: Folder, draft: Draft) -> Tree | None:
    tree = _read_yaml(folder, "case.yaml")
    if tree is None:
        draft.broken.add("case")
        return None
    assert isinstance(tree.value, dict)
    zones = tree.value.get("zones")
    draft.zones = (
        {str(z["name"]) for z in zones if isinstance(z, dict) and z.get("name")} if isinstance(zones, list) else set()
    )
    draft.header = _validated(Header, tree.value, "case.yaml", tree, folder.problems)
    if draft.header is None:
        draft.broken.add("case")
    return tree


def _read_sources(folder: Folder, draft: Draft) -> dict[str, Source]:
    found: dict[str, Source] = {}
    files = [n for n in folder.names() if n.startswith("sources") and n.endswith(".yaml")]
    if not files:
        folder.problems.append(Problem("sources.yaml", "no such file", "a file that names every source"))
        draft.broken.add("sources")
    for name in files:
        tree = _read_yaml(folder, name)
        if tree is None:
            draft.broken.add("sources")
            continue
        assert isinstance(tree.value, dict)
        for key, value in tree.value.items():
            if key in draft.sources:
                folder.problems.append(
                    Problem(f"{name}:{tree.line((key,))} {key}", "a key of an earlier file", "each source once")
                )
            draft.sources.add(key)
            if (source := _validated(Source, value, name, tree, folder.problems, (key,))) is not None:
                found[key] = source
    return found


def _read_table(folder: Folder, draft: Draft, table: str) -> None:
    spec = TABLES[table]
    if spec.file not in folder.names():
        if spec.required:
            folder.problems.append(Problem(spec.file, "no such file", "a table every case needs"))
            draft.broken.add(table)
        return
    draft.broken.add(table)  # until it is read
    text = folder.text(spec.file)
    sheet = None if text is None else read_csv(text, spec.file, folder.problems)
    if sheet is None:
        return
    fields = spec.row.model_fields
    unknown = [c for c in sheet.columns if c not in fields]
    for name in unknown:
        hint = _words.closest(name, fields.keys() - set(sheet.columns))
        folder.problems.append(Problem(f"{spec.file}:1.{name}", name, "a column that is known here", hint))
    lacking = [name for name, f in fields.items() if f.is_required() and name not in sheet.columns]
    for name in lacking:
        folder.problems.append(
            Problem(f"{spec.file}:1.{name}", "no such column", _words.with_unit("a column of this name", name))
        )
    if unknown or lacking:
        return
    dated = {name: kind for name, f in fields.items() if (kind := _time_kind(f.annotation)) and name in sheet.columns}
    validate: Callable[..., Any] = spec.row.model_validate_strings
    rows: list[Any] = []
    lines: list[int] = []
    before = len(folder.problems)
    for raw, line in zip(sheet.rows, sheet.lines, strict=True):
        bad = _bad_times(raw, dated)
        if not bad:
            try:
                rows.append(validate(raw, strict=True))
                lines.append(line)
                continue
            except ValidationError:
                pass
        _explain(raw, line, table, bad, folder.problems)
    draft.rows[table], draft.lines[table] = rows, lines
    if len(folder.problems) == before:
        draft.broken.discard(table)


def _time_kind(annotation: object) -> type[date] | None:
    """`datetime` or `date` when a column holds times or days."""
    kinds = get_args(annotation) or (annotation,)
    return datetime if datetime in kinds else date if date in kinds else None


def _bad_times(raw: dict[str, str], dated: Mapping[str, type[date]]) -> list[str]:
    """Columns whose text is no plain date or UTC time; a final Z is taken off, so that all times are alike."""
    bad = []
    for name, kind in dated.items():
        value = raw.get(name)
        if value is None:
            continue
        if not (_TIME if kind is datetime else _DATE).fullmatch(value):
            bad.append(name)
        elif kind is datetime:
            raw[name] = value.removesuffix("Z")
    return bad


def _explain(raw: dict[str, str], line: int, table: str, bad_times: list[str], problems: list[Problem]) -> None:
    """Put what is wrong with a row into words."""
    row = TABLES[table].row
    key = [raw.get(name, "") for name in KEYS[table]]
    for name in bad_times:
        wanted = (
            "a UTC time YYYY-MM-DDTHH:MM"
            if _time_kind(row.model_fields[name].annotation) is datetime
            else "a date YYYY-MM-DD"
        )
        problems.append(Problem(cell(table, line, key, name), raw[name], wanted))
    rest = {k: v for k, v in raw.items() if k not in bad_times}
    try:
        row.model_validate_strings(rest, strict=True)
    except ValidationError as err:
        found = _words.problems_of(err, lambda place: cell(table, line, key, ".".join(map(str, place))), row)
        left_out = {cell(table, line, key, name) for name in bad_times}
        problems += [p for p in found if p.where not in left_out]


def _scenario(text: str, name: str, problems: list[Problem]) -> Scenario | None:
    tree = read_yaml(text, name, problems)
    return None if tree is None else _validated(Scenario, tree.value, name, tree, problems)


def _read_scenarios(folder: Folder, draft: Draft) -> None:
    names = (
        [n for n in folder.names("scenarios") if n.endswith(".yaml")] if (folder.root / "scenarios").is_dir() else []
    )
    if not names:
        folder.problems.append(Problem("scenarios/", "no file", "one scenario or more, each a .yaml file"))
        draft.broken.add("scenarios")
    for name in names:
        text = folder.text(name)
        scenario = None if text is None else _scenario(text, name, folder.problems)
        stem = Path(name).stem
        if scenario is None:
            draft.broken.add("scenarios")
        elif scenario.name != stem:
            folder.problems.append(Problem(f"{name} name", scenario.name, f"{stem!r}, as the file is called"))
            draft.broken.add("scenarios")
        else:
            draft.scenarios[stem] = scenario


def _chain(
    scenario: Scenario, known: Mapping[str, Scenario], where: str, partial: bool
) -> tuple[Scenario, list[Problem]]:
    """A scenario over all its bases; with `partial`, a base that is missing is not complained about."""
    links = [scenario]
    while (base := links[-1].base) is not None:
        if base not in known:
            hint = _words.closest(base, known)
            return scenario, [] if partial else [Problem(f"{where} base", base, "a scenario of the case", hint)]
        if base in {s.name for s in links}:
            round_trip = " -> ".join([*(s.name for s in links), base])
            return scenario, [Problem(f"{where} base", round_trip, "bases that do not lead back")]
        links.append(known[base])
    merged: Scenario = links[-1]
    for link in reversed(links[:-1]):
        merged = _over(merged, link)
    problems = [
        Problem(f"{where} build", f"{name!r} {times} times", "each project once")
        for name, times in Counter(b.project for b in merged.builds).items()
        if times > 1
    ]
    problems += [Problem(f"{where} {lever}", found, wanted) for lever, found, wanted in merged.clashes()]
    return merged.model_copy(update={"base": None}), problems


def _over(base: _Model, difference: _Model) -> _Model:
    """The base with every field the difference sets put over it, models inside models likewise."""
    update: dict[str, Any] = {}
    for name in difference.model_fields_set:
        new, old = getattr(difference, name), getattr(base, name)
        update[name] = _over(old, new) if isinstance(new, BaseModel) and isinstance(old, BaseModel) else new
    return base.model_copy(update=update)


def _strange_files(folder: Folder) -> None:
    """Complain about tables no one would read: the usual slip of the pen in a file's name."""
    known = {t.file for t in TABLES.values()} | {"case.yaml", "sources.yaml"}
    for name in folder.names():
        if (
            name in known
            or not name.endswith((".csv", *_YAML))
            or (name.startswith("sources") and name.endswith(".yaml"))
        ):
            continue
        hint = _words.closest(name, known)
        folder.problems.append(
            Problem(
                name, "a file the case has no use for", "a table of the case", hint or "put notes into a folder below"
            )
        )


def _with_lines(problems: list[Problem], header: Tree | None) -> list[Problem]:
    """Problems of `case.yaml` found by cross-checks, given the line they stand on."""
    out = []
    for p in problems:
        if p.where.startswith("case.yaml ") and header is not None:
            path = p.where.removeprefix("case.yaml ")
            steps = tuple(int(s) if s.isdigit() else s for s in path.split("."))
            p = Problem(f"case.yaml:{header.line(steps)} {path}", p.found, p.wanted, p.hint)
        out.append(p)
    return out


def _shortened(problems: list[Problem]) -> list[Problem]:
    """The same list with the long runs of one kind cut short and counted."""
    kinds: dict[tuple[str, str, str], list[Problem]] = {}
    for p in problems:
        file, _, rest = p.where.partition(":")
        column = rest.rpartition(".")[2] if rest else ""
        kinds.setdefault((file, column, p.wanted), []).append(p)
    out: list[Problem] = []
    for (file, column, wanted), alike in kinds.items():
        out += alike[:SAME_KIND]
        if len(alike) > SAME_KIND:
            where = f"{file}.{column}" if column else file
            out.append(Problem(where, f"{len(alike) - SAME_KIND} more of this kind", wanted))
    return out
