"""A case in brief, and its tables as rows: what `case show` prints."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

from gridrush.case._words import closest
from gridrush.case.model import TABLES, Case
from gridrush.case.schema import Range
from gridrush.errors import CaseError, Problem


def summary_of(case: Case) -> dict[str, Any]:
    """Name, span, zones, installed MW by zone and technology in the first year, scenarios, rows and grades.

    Examples
    --------
    >>> from gridrush.case.load import load_case
    >>> summary_of(load_case("kazakhstan"))["zones"]
    ['North', 'South', 'West']
    """
    installed: dict[str, dict[str, float]] = {z: defaultdict(float) for z in case.zone_names}
    for unit in case.units:
        if unit.active_in(case.first_year):
            installed[unit.zone][unit.technology] += unit.capacity_mw
    grades: Counter[str] = Counter(fact.grade for _, fact in case.parameters)
    for table in TABLES:
        grades.update(r.grade for r in getattr(case, table) if hasattr(r, "grade"))
    return {
        "name": case.name,
        "title": case.title,
        "years": [case.first_year, case.last_year],
        "as_of": str(case.as_of),
        "digest": case.digest,
        "zones": list(case.zone_names),
        "installed_mw": {z: {t: round(v, 1) for t, v in sorted(mw.items())} for z, mw in installed.items()},
        "scenarios": list(case.scenarios),
        "default_scenario": case.default_scenario,
        "rows": {table: len(getattr(case, table)) for table in TABLES},
        "grades": dict(sorted(grades.items())),
        "sources": len(case.sources),
    }


def rows_of(case: Case, table: str) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows of a table of the case; columns blank in every row are left out.

    Raises
    ------
    CaseError
        If there is no such table.
    """
    if table not in TABLES:
        wanted = "a table: " + ", ".join(TABLES)
        raise CaseError([Problem("table", table, wanted, closest(table, TABLES))])
    rows = getattr(case, table)
    used: dict[str, bool] = defaultdict(bool)
    for r in rows:
        for name in TABLES[table].row.model_fields:
            used[name] |= getattr(r, name) not in (None, "")
    heads = [name for name in TABLES[table].row.model_fields if used[name] and name not in Range.model_fields]
    heads += [name for name in ("low", "high", "source", "grade", "note") if used[name]]
    return heads, [[_cell(getattr(r, name)) for name in heads] for r in rows]


def _cell(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
