"""What one row cannot show: rows that contradict each other, or name what is not there."""

from __future__ import annotations

from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from gridrush.case._words import closest
from gridrush.case.model import TABLES, Case, Header
from gridrush.case.scenario import Scenario
from gridrush.errors import Problem

KEYS: Mapping[str, tuple[str, ...]] = {
    "units": ("unit",),
    "technologies": ("technology", "parameter"),
    "fuels": ("fuel", "zone", "parameter"),
    "demand": ("year",),
    "demand_areas": ("zone", "area"),
    "demand_shape": ("month", "hour"),
    "links": ("link", "start"),
    "ties": ("tie", "direction", "start"),
    "outages": ("unit", "start", "event"),
    "renewable_shape": ("zone", "technology", "month", "hour"),
    "renewable_stats": ("zone", "technology"),
    "renewable_correlation": ("first", "second"),
    "generation": ("year", "fuel"),
    "capacity": ("on",),
    "projects": ("project",),
    "announcements": ("project", "said"),
    "network": ("month",),
    "atlas": ("month", "country"),
    "machines": ("model",),
    "machine_prices": ("month", "min_j_per_th", "max_j_per_th", "source"),
    "power_prices": ("country", "start"),
    "statements": ("on", "who", "quantity"),
    "mining_zones": ("zone", "status"),
    "events": ("on", "event"),
    "policies": ("on", "item"),
    "claims": ("claim",),
    "exchange": ("on",),
}
"""Columns that name a row of each table; no two rows may have the same."""

HEAT = "price_usd_per_mwh_th", "co2_t_per_mwh_th"
"""What is known of a fuel by its heat: a technology that burns it needs an efficiency."""
SHAPE_TOLERANCE = 0.02
"""How far the mean of a shape per unit of its mean may lie from 1, and shares of a whole from their sum."""

FACTOR_TOLERANCE = 0.05
"""How far the mean of a month-and-hour table of capacity factors may lie from the stated annual mean."""

POLICY_ITEMS: Mapping[str, str] = {
    "retail_household": "KZT/kWh",  # what unregistered miners pay
    "mining_fee_scale_floor": "KZT/kWh",
    "mining_fee_scale_ceiling": "KZT/kWh",
    "mining_fee_flat": "KZT/kWh",
    "mining_fee_own_generation": "KZT/kWh",
    "mining_fee_own_renewables": "KZT/kWh",
}
"""Items of policies.csv the model reads, and the unit it reads them in; others are for the reader."""


@dataclass
class Draft:
    """A case as far as it could be read. A check that a broken part would mislead is left out."""

    header: Header | None = None
    zones: set[str] = field(default_factory=set)  # also known when the rest of the header is not
    sources: set[str] = field(default_factory=set)
    rows: dict[str, Sequence[Any]] = field(default_factory=dict)
    lines: dict[str, Sequence[int]] = field(default_factory=dict)  # line of each row in its file
    scenarios: dict[str, Scenario] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)  # tables (or "case", "sources", "scenarios") not fully read

    def place(self, table: str, at: int, column: str = "") -> str:
        """Name of a row, or of a cell of it, as in `units.csv:17 [ekibastuz-2].capacity_mw`."""
        key = [str(getattr(self.rows[table][at], name)) for name in KEYS[table]]
        return cell(table, self.lines[table][at] if table in self.lines else None, key, column)

    def names(self, table: str, column: str) -> set[Any]:
        """Values of a column."""
        return {getattr(r, column) for r in self.rows.get(table, ())}


def cell(table: str, line: int | None, key: Iterable[str], column: str = "") -> str:
    """Name of a cell: file, line, the row's key in brackets, column."""
    at = "" if line is None else f":{line}"
    named = "/".join(k for k in key if k)
    return f"{TABLES[table].file}{at}" + (f" [{named}]" if named else "") + (f".{column}" if column else "")


def check_case(case: Case) -> list[Problem]:
    """Every contradiction inside a case; an empty list when it is sound.

    Examples
    --------
    >>> from gridrush.case.load import load_case
    >>> check_case(load_case("kazakhstan"))
    []
    """
    rows = {table: getattr(case, table) for table in TABLES}
    return check_draft(Draft(case, set(case.zone_names), set(case.sources), rows, {}, dict(case.scenarios)))


def check_draft(draft: Draft) -> list[Problem]:
    """Every contradiction inside what was read of a case."""
    return [problem for check in _CHECKS for problem in check(draft)]


def _duplicates(d: Draft) -> Iterator[Problem]:
    for table, rows in d.rows.items():
        first: dict[tuple[object, ...], int] = {}
        for at, r in enumerate(rows):
            key = tuple(getattr(r, name) for name in KEYS[table])
            if key in first:
                before = d.lines[table][first[key]] if table in d.lines else first[key] + 1
                yield Problem(d.place(table, at), f"the same {', '.join(KEYS[table])} as row {before}", "each row once")
            first.setdefault(key, at)


def _sources(d: Draft) -> Iterator[Problem]:
    if "sources" in d.broken:
        return
    for table, rows in d.rows.items():
        for at, r in enumerate(rows):
            if (key := getattr(r, "source", None)) is not None and key not in d.sources:
                yield Problem(d.place(table, at, "source"), key, "a key of sources.yaml", closest(key, d.sources))
    if d.header is None:
        return
    facts = [(f"case.yaml parameters.{name}", fact) for name, fact in d.header.parameters]
    facts += [(f"case.yaml clock.{at}", clock) for at, clock in enumerate(d.header.clock)]
    facts += [(f"case.yaml series.{name}", note) for name, note in d.header.series.items()]
    for where, fact in facts:
        if fact.source not in d.sources:
            yield Problem(f"{where}.source", fact.source, "a key of sources.yaml", closest(fact.source, d.sources))


_REFERENCES: tuple[tuple[str, str, str, str], ...] = (
    ("outages", "unit", "units", "unit"),
    ("units", "technology", "technologies", "technology"),
    ("projects", "technology", "technologies", "technology"),
    ("projects", "replaces", "units", "plant"),
)
_ZONED = (
    "units.zone",
    "demand_areas.zone",
    "links.zone_from",
    "links.zone_to",
    "ties.zone",
    "renewable_shape.zone",
    "renewable_stats.zone",
    "projects.zone",
    "projects.zone_to",
    "mining_zones.zone",
    "events.zone",
    "fuels.zone",
)
_NOT_PLANTS = ("line",)  # technologies of projects that are not in technologies.csv: their cost stands in projects.csv


def _references(d: Draft) -> Iterator[Problem]:
    for table, column, target, name in _REFERENCES:
        known = d.names(target, name)
        for at, r in enumerate(d.rows.get(table, ())) if target not in d.broken else ():
            value = getattr(r, column)
            if value and value not in known and not (column == "technology" and value in _NOT_PLANTS):
                wanted = f"a {name} of {TABLES[target].file}"
                yield Problem(d.place(table, at, column), value, wanted, closest(value, known))
    for entry in _ZONED if d.zones else ():
        table, column = entry.split(".")
        for at, r in enumerate(d.rows.get(table, ())):
            if (zone := getattr(r, column)) and zone not in d.zones:
                yield Problem(d.place(table, at, column), zone, "a zone of case.yaml", closest(zone, d.zones))
    pairs = {f"{r.zone}:{r.technology}" for r in d.rows.get("renewable_stats", ())}
    for at, r in enumerate(d.rows.get("renewable_correlation", ())) if "renewable_stats" not in d.broken else ():
        for column in ("first", "second"):
            if getattr(r, column) not in pairs:
                wanted = "zone:technology of a row of renewable_stats.csv"
                yield Problem(
                    d.place("renewable_correlation", at, column),
                    getattr(r, column),
                    wanted,
                    closest(getattr(r, column), pairs),
                )


def _links(d: Draft) -> Iterator[Problem]:
    for table, source, target in (("links", "zone_from", "zone_to"), ("projects", "zone", "zone_to")):
        for at, r in enumerate(d.rows.get(table, ())):
            if getattr(r, source) == getattr(r, target):
                yield Problem(
                    d.place(table, at, target), getattr(r, target), "a zone other than the one it starts from"
                )
    for table, names in (("links", ("link",)), ("ties", ("tie", "direction")), ("power_prices", ("country",))):
        spans: dict[tuple[object, ...], list[tuple[date, date, int]]] = defaultdict(list)
        for at, r in enumerate(d.rows.get(table, ())):
            spans[tuple(getattr(r, n) for n in names)].append((r.start, r.end or date.max, at))
        for span in spans.values():
            for (_, end, _a), (start, _b, at) in pairwise(sorted(span)):
                if start < end:
                    wanted = f"a start on or after {end}" if end < date.max else "an end of the span before it"
                    yield Problem(d.place(table, at, "start"), str(start), wanted, "spans of one name may not overlap")


def _ranges(d: Draft) -> Iterator[Problem]:
    for table in ("units", "links", "ties", "projects", "network", "machine_prices"):
        low, best, high = {
            "links": ("low_mw", "forward_mw", "high_mw"),
            "projects": ("capex_low_usd_per_mw", "capex_usd_per_mw", "capex_high_usd_per_mw"),
            "network": ("fleet_low_j_per_th", "fleet_best_j_per_th", "fleet_high_j_per_th"),
            "machine_prices": ("min_j_per_th", "max_j_per_th", "max_j_per_th"),
        }.get(table, ("low_mw", "capacity_mw", "high_mw"))
        for at, r in enumerate(d.rows.get(table, ())):
            values = [v for v in (getattr(r, low), getattr(r, best), getattr(r, high)) if v is not None]
            if values != sorted(values):
                yield Problem(d.place(table, at, best), values, f"{low} <= {best} <= {high}")


def _technologies(d: Draft) -> Iterator[Problem]:
    if {"technologies", "renewable_shape"} & d.broken:
        return
    facts: dict[str, set[str]] = defaultdict(set)
    fuel_of: dict[str, str] = {}
    for at, r in enumerate(d.rows.get("technologies", ())):
        facts[r.technology].add(r.parameter)
        if fuel_of.setdefault(r.technology, r.fuel) != r.fuel:
            yield Problem(
                d.place("technologies", at, "fuel"),
                r.fuel,
                f"{fuel_of[r.technology]!r}, as in the other rows of this technology",
            )
    shaped = {(r.zone, r.technology) for r in d.rows.get("renewable_shape", ())}
    used = {(r.technology, r.zone) for table in ("units", "projects") for r in d.rows.get(table, ())}
    for technology in sorted({t for t, _ in used if t in facts}):
        have = facts[technology]
        need = {"variable_cost_usd_per_mwh"}
        if (
            not {z for t, z in used if t == technology} <= {z for z, t in shaped if t == technology}
            and "storage_hours" not in have
        ):
            need |= {"available_winter_share", "available_summer_share"}
        for together in (
            ("forced_outage_share", "mttr_h"),
            ("must_run_winter_share", "must_run_summer_share"),
            ("storage_hours", "round_trip_share"),
        ):
            need |= set(together) if have & set(together) else set()
        for parameter in sorted(need - have):
            yield Problem(
                f"technologies.csv [{technology}].{parameter}",
                "nothing",
                "a row with this parameter",
                "units or projects use it",
            )
    if "fuels" in d.broken:
        return
    priced = {(r.fuel, r.zone, r.parameter) for r in d.rows.get("fuels", ())}
    missing: dict[tuple[str, str], set[str]] = defaultdict(set)
    without_efficiency: set[str] = set()
    for technology, zone in used:
        fuel = fuel_of.get(technology, "")
        if "efficiency_share" not in facts[technology] and any(f == fuel and p in HEAT for f, _, p in priced):
            without_efficiency.add(technology)
        for parameter in HEAT if "efficiency_share" in facts[technology] else ():
            if not {(fuel, zone, parameter), (fuel, "", parameter)} & priced:
                missing[fuel, parameter].add(zone)
    for technology in sorted(without_efficiency):
        wanted = "a row with this parameter: its fuel has a price or CO2 by heat"
        yield Problem(f"technologies.csv [{technology}].efficiency_share", "nothing", wanted)
    for (fuel, parameter), zones in sorted(missing.items()):
        yield Problem(
            f"fuels.csv [{fuel}].{parameter}",
            "nothing",
            f"a row for {', '.join(sorted(zones))}, or one with a blank zone",
        )


def _shapes(d: Draft) -> Iterator[Problem]:
    every = {(m, h) for m in range(1, 13) for h in range(24)}
    if "demand_shape" in d.rows and "demand_shape" not in d.broken:
        cells = {(r.month, r.hour): r.mean_pu for r in d.rows["demand_shape"]}
        if every - cells.keys():
            yield Problem("demand_shape.csv", _gap(every - cells.keys()), "a row for each of 12 months and 24 hours")
        elif abs(mean := _year_mean(cells)) and abs(mean - 1) > SHAPE_TOLERANCE:
            yield Problem(
                "demand_shape.csv.mean_pu",
                round(mean, 4),
                "a mean over the year near 1",
                "divide the column by its mean",
            )
    if {"renewable_shape", "renewable_stats"} & d.broken:
        return
    tables: dict[tuple[str, str], dict[tuple[int, int], float]] = defaultdict(dict)
    for r in d.rows.get("renewable_shape", ()):
        tables[r.zone, r.technology][r.month, r.hour] = r.mean_cf
    stated = {(r.zone, r.technology): r.annual_mean_cf for r in d.rows.get("renewable_stats", ())}
    for pair, cells in tables.items():
        where = f"renewable_shape.csv [{'/'.join(pair)}]"
        if every - cells.keys():
            yield Problem(where, _gap(every - cells.keys()), "a row for each of 12 months and 24 hours")
        elif pair in stated and abs(_year_mean(cells) - stated[pair]) > FACTOR_TOLERANCE:
            yield Problem(
                f"{where}.mean_cf",
                round(_year_mean(cells), 4),
                f"a mean near annual_mean_cf of renewable_stats.csv, {stated[pair]:g}",
            )
    for pair in sorted(tables.keys() ^ stated.keys()):
        lacking = "renewable_stats.csv" if pair in tables else "renewable_shape.csv"
        yield Problem(f"{lacking} [{'/'.join(pair)}]", "nothing", "rows for the same resources in both files")


def _year_mean(cells: Mapping[tuple[int, int], float]) -> float:
    return sum(v * monthrange(2021, m)[1] for (m, _), v in cells.items()) / (365 * 24)


def _gap(cells: set[tuple[int, int]]) -> str:
    month, hour = min(cells)
    return f"{len(cells)} missing, the first month {month} hour {hour}"


def _series(d: Draft) -> Iterator[Problem]:
    for table in ("network", "atlas"):
        months = (
            [] if table in d.broken else [12 * int(m[:4]) + int(m[5:]) - 1 for m in sorted(d.names(table, "month"))]
        )
        for a, b in pairwise(months):
            if b != a + 1:
                found = f"no month between {a // 12}-{a % 12 + 1:02d} and {b // 12}-{b % 12 + 1:02d}"
                yield Problem(TABLES[table].file, found, "months without a gap")
    for table, column, group in (("atlas", "hashrate_share", "month"), ("mining_zones", "share", "status")):
        sums: Counter[str] = Counter()
        for r in d.rows.get(table, ()) if table not in d.broken else ():
            sums[getattr(r, group)] += getattr(r, column)
        for name, total in sorted(sums.items()):
            if total > 1 + SHAPE_TOLERANCE or (table == "mining_zones" and total < 1 - SHAPE_TOLERANCE):
                wanted = "shares that add up to 1" if table == "mining_zones" else "shares that add up to 1 at most"
                yield Problem(f"{TABLES[table].file} [{name}].{column}", round(total, 4), wanted)
    for table in ("demand", "demand_areas", "units") if not d.broken else ():
        if not d.rows.get(table):
            yield Problem(TABLES[table].file, "no rows", "one row or more")


def _header(d: Draft) -> Iterator[Problem]:
    h = d.header
    if h is None:
        return
    if h.last_year < h.first_year:
        yield Problem("case.yaml last_year", h.last_year, f"a year from first_year on, {h.first_year}")
    for name, times in Counter(z.name for z in h.zones).items():
        if times > 1:
            yield Problem("case.yaml zones", f"{name!r} {times} times", "each zone once")
    starts = [c.start for c in h.clock]
    if not starts or starts[0] > date(h.first_year, 1, 1):
        yield Problem(
            "case.yaml clock",
            str(starts[0]) if starts else "no entry",
            f"legal time from {h.first_year}-01-01 or before",
        )
    for a, b in pairwise(starts):
        if b <= a:
            yield Problem("case.yaml clock", f"{b} after {a}", "dates that run forwards")
    for table in h.series:
        if table not in TABLES:
            yield Problem(f"case.yaml series.{table}", table, "a table of the case", closest(table, TABLES))
    for table in d.rows:
        if d.rows[table] and "source" not in TABLES[table].row.model_fields and table not in h.series:
            wanted = "unit, source and grade of the table, since its rows do not carry them"
            yield Problem(f"case.yaml series.{table}", "nothing", wanted)
    years = sorted(int(y) for y in d.names("demand", "year"))
    if years and "demand" not in d.broken:
        gaps = [y for y in range(h.first_year, years[-1]) if y not in years]
        if gaps:
            yield Problem(
                "demand.csv",
                f"no row for {gaps[0]}",
                f"every year from {h.first_year} to the last one recorded, {years[-1]}",
            )
        elif years[-1] < h.first_year - 1:
            yield Problem("demand.csv", f"last year {years[-1]}", f"a year no earlier than {h.first_year - 1}")
    if h.mining_country:
        for table in ("atlas", "power_prices"):
            known = d.names(table, "country")
            if table not in d.broken and h.mining_country not in known:
                wanted = f"a country of {TABLES[table].file}"
                yield Problem("case.yaml mining_country", h.mining_country, wanted, closest(h.mining_country, known))
        for table in ("network", "machines", "mining_zones", "exchange"):
            if table not in d.broken and not d.rows.get(table):
                yield Problem(TABLES[table].file, "no rows", "rows, since mining_country is set")


def _policies(d: Draft) -> Iterator[Problem]:
    if "policies" in d.broken or d.header is None:
        return
    need = {"retail_household"} if d.header.mining_country else set()
    if any(fee.kind == "by-power-price" for s in d.scenarios.values() for fee in s.fee):
        need |= {"mining_fee_scale_floor", "mining_fee_scale_ceiling"}
    for item in sorted(need - d.names("policies", "item")):
        wanted = f"a row with this item [{POLICY_ITEMS[item]}]"
        yield Problem("policies.csv", f"no {item}", wanted, closest(item, d.names("policies", "item")))
    for at, r in enumerate(d.rows.get("policies", ())):
        if r.unit != POLICY_ITEMS.get(r.item, r.unit):
            yield Problem(d.place("policies", at, "unit"), r.unit, f"the unit {POLICY_ITEMS[r.item]}")


def check_scenario(scenario: Scenario, draft: Draft, where: str) -> Iterator[Problem]:
    """What a scenario names that the case does not have."""
    if "projects" not in draft.broken:
        known = draft.names("projects", "project")
        places = [(f"build.{at}", b) for at, b in enumerate(scenario.build)]
        places += [(f"also_build.{at}", b) for at, b in enumerate(scenario.also_build)]
        for place, build in places:
            if build.project not in known:
                hint = closest(build.project, known)
                yield Problem(f"{where} {place}.project", build.project, "a project of projects.csv", hint)
    if not draft.zones:
        return
    zones = [(f"registration.{at}.quota_mw", z) for at, r in enumerate(scenario.registration) for z in r.quota_mw]
    zones += [(f"import_contract.{at}.zone", c.zone) for at, c in enumerate(scenario.import_contract)]
    zones += [(f"data_centre.{at}.zone", c.zone) for at, c in enumerate(scenario.data_centre)]
    for place, zone in zones:
        if zone not in draft.zones:
            yield Problem(f"{where} {place}", zone, "a zone of case.yaml", closest(zone, draft.zones))


def _scenarios(d: Draft) -> Iterator[Problem]:
    for name, scenario in d.scenarios.items():
        yield from check_scenario(scenario, d, f"scenarios/{name}.yaml")
    if d.header is not None and "scenarios" not in d.broken and d.header.default_scenario not in d.scenarios:
        wanted = "the name of a file in scenarios/"
        yield Problem(
            "case.yaml default_scenario",
            d.header.default_scenario,
            wanted,
            closest(d.header.default_scenario, d.scenarios),
        )


_CHECKS = (
    _header,
    _duplicates,
    _sources,
    _references,
    _links,
    _ranges,
    _technologies,
    _shapes,
    _series,
    _policies,
    _scenarios,
)
