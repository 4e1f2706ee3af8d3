"""A study in a file: which case, scenarios, years and draws."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from gridrush.case import _words
from gridrush.case.files import decode, read_bytes, read_yaml
from gridrush.case.load import built_in_cases, load_case
from gridrush.case.model import Case
from gridrush.case.schema import Name, Strict
from gridrush.errors import CaseError, Problem
from gridrush.study.uncertainty import Draws


class StudySpec(Strict):
    """What a study is made of.

    years        a list, or text such as "2019-2030"; left out: all of the case
    scenarios    names of the case's scenarios, or YAML files beside the study; left out: all of the case
    samples      paths of weather, water and unit outages in each task
    draws        of what is not known; left out: one task a scenario, everything at its best value
    risk_years   years assessed by Monte Carlo over outages, with `risk_samples` each
    keep_hours   keep each task's whole run as netCDF too (large)
    """

    name: Name
    title: str = ""
    case: Annotated[str, Field(min_length=1)] = "kazakhstan"
    scenarios: tuple[str, ...] = ()
    years: tuple[int, ...] | None = None
    samples: Annotated[int, Field(ge=1, le=1000)] = 1
    seed: Annotated[int, Field(ge=0)] = 1
    draws: Draws | None = None
    risk_years: tuple[int, ...] = ()
    risk_samples: Annotated[int, Field(ge=2)] = 200
    keep_hours: bool = False

    @field_validator("years", "risk_years", mode="before")
    @classmethod
    def _years(cls, value: Any) -> Any:
        if isinstance(value, int):
            return (value,)
        if not isinstance(value, str):
            return value
        years: set[int] = set()
        for part in value.split(","):
            first, _, last = part.partition("-")
            if not first.strip().isdigit() or not (last or first).strip().isdigit():
                raise ValueError("years are such as 2021, 2019-2025 or 2021,2030-2032")
            years |= set(range(int(first), int(last or first) + 1))
        return tuple(sorted(years))


def load_spec(path: str | Path) -> StudySpec:
    """A study read from its YAML file; a case or scenario in a file is looked for beside it.

    Raises
    ------
    CaseError
        With every problem found: line, what was found, what is wanted.
    """
    path = Path(path)
    problems: list[Problem] = []
    raw = read_bytes(path, str(path), problems)
    text = None if raw is None else decode(raw, str(path), problems)
    tree = None if text is None else read_yaml(text, str(path), problems)
    if tree is None:
        raise CaseError(problems)
    try:
        spec = StudySpec.model_validate(tree.value)
    except ValidationError as err:
        lines = tree

        def where(place: tuple[str | int, ...]) -> str:
            return f"{path}:{lines.line(place)} {'.'.join(map(str, place))}".rstrip()

        raise CaseError([*problems, *_words.problems_of(err, where, StudySpec)]) from None
    if problems:
        raise CaseError(problems)
    near = path.parent
    case = spec.case if spec.case in built_in_cases() or Path(spec.case).is_absolute() else str(near / spec.case)
    files = [str(near / s) if s.endswith((".yaml", ".yml")) else s for s in spec.scenarios]  # an absolute one stays
    return spec.model_copy(update={"case": case, "scenarios": tuple(files)})


def case_of(spec: StudySpec) -> Case:
    """The case of a study, its years checked."""
    case = load_case(spec.case)
    known = case.years
    problems = [
        Problem(f"study {spec.name} {name}", bad, f"years from {known[0]} to {known[-1]}")
        for name, years in (("years", spec.years or ()), ("risk_years", spec.risk_years))
        if (bad := [y for y in years if y not in known])
    ]
    if spec.years is not None and not spec.years:
        problems.append(Problem(f"study {spec.name} years", "none", "one year or more"))
    if problems:
        raise CaseError(problems)
    return case
