"""When each remedy arrives and what it is worth: scenarios that pull one lever, beside the one that pulls none.

Here runs become remedies; `gridrush.planning.relief_table` does the sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.planning.leadtime import slips_from_record
from gridrush.planning.relief import Remedy, bridge, relief_table
from gridrush.policy.fiscal import system_cost_usd
from gridrush.study.run import Run
from gridrush.study.service import service_draws, year_of
from gridrush.units import Floats


def time_to_relief(runs: Mapping[str, Run], *, without: str = "open-door") -> pd.DataFrame:
    """When, how much and at what cost each scenario helps that differs from `without` by a remedy.

    Energy not served is the expected one of the Monte Carlo, linear between the years assessed, from the case's date
    on; costs are those of the ledger without energy not served. Plants come at the dates drawn from their slips
    (`service_draws`); what a remedy does in a year before its run has it is taken to be what it does in the first full
    year of it.

    Returns
    -------
    DataFrame
        Columns of `gridrush.planning.relief_table` and `scenario`. `cost_usd_per_mwh` is NaN when the system pays less
        or nothing is avoided.
    """
    years, unserved, remedies = remedies_of(runs, without=without)
    table = relief_table(years, unserved, remedies)
    paid, avoided = (table[k].astype(float) for k in ("cost_usd_per_mwh", "eue_avoided_gwh"))
    table["cost_usd_per_mwh"] = paid.where((paid > 0) & np.isfinite(paid) & (avoided > 1e-3))
    table["scenario"] = table["remedy"]
    table["remedy"] = [runs[n].scenario.title for n in table["scenario"]]
    return table


def remedies_of(
    runs: Mapping[str, Run], *, without: str = "open-door"
) -> tuple[list[int], Floats, list[Remedy]]:
    """Years, expected energy not served in each without any remedy [MWh], and the other runs as remedies."""
    base = runs.get(without)
    known = [] if base is None else [y for y in _assessed(base) if y >= base.case.as_of.year]
    if base is None or not known:
        return [], np.zeros(0), []
    years = list(range(known[0], known[-1] + 1))
    unserved = _unserved_mwh(base, years)
    others = {n: r for n, r in runs.items() if n not in (without, "no-rush")}
    return years, unserved, [_remedy(n, r, base, years, unserved) for n, r in others.items()]


def bridge_to_reactor(
    runs: Mapping[str, Run], *, without: str = "open-door", technology: str = "nuclear"
) -> pd.DataFrame:
    """What carries each year before the first reactor is there, cheapest first; see `gridrush.planning.bridge`.

    Runs with a reactor are not offered; without any such run the table is empty.
    """
    years, unserved, remedies = remedies_of(runs, without=without)
    reactors = {n for n, r in runs.items() for b in r.scenario.builds
                if any(p.project == b.project and p.technology == technology for p in r.case.projects)}  # fmt: skip
    until = min((float(np.median(r.service_years)) for r in remedies if r.name in reactors), default=-np.inf)
    return bridge(years, unserved, [r for r in remedies if r.name not in reactors], until_year=until)


def recorded_slip_shares(case: Case) -> Floats:
    """Slips of the plants on record over the time that was announced for each, sorted; lines left out."""
    plants = [a for a in case.announcements if not a.project.endswith("line")]
    said = np.array([year_of(a.said) for a in plants])
    planned, became = (np.array([year_of(getattr(a, k)) for a in plants]) for k in ("planned", "became"))
    return slips_from_record(np.zeros(len(plants)), (became - planned) / (planned - said))


def _remedy(name: str, run: Run, base: Run, years: list[int], unserved: Floats) -> Remedy:
    draws, power, kind = _arrival(run, base)
    there = next((i for i, y in enumerate(years) if y >= np.median(draws)), len(years) - 1)
    cost = _cost_usd(run, years) - _cost_usd(base, years)
    left = np.divide(_unserved_mwh(run, years), unserved, out=np.ones(len(years)), where=unserved > 0)
    cost[:there], left[:there] = cost[there], left[there]
    return Remedy(name, kind, power, draws, left * unserved, cost, run.scenario.story)


def _arrival(run: Run, base: Run) -> tuple[Floats, float, str]:
    """Draws of the year from which the remedy serves, its power, and its kind."""
    s = run.scenario
    projects = {p.project: p for p in run.case.projects}
    told = {b.project for b in base.scenario.builds}
    added = [b for b in s.builds if b.project not in told]
    draws = [service_draws(projects[b.project], s, online=b.online) for b in added]
    first = min(draws, key=lambda d: float(np.median(d))) if draws else np.full(1, np.inf)
    plants_mw = sum(b.capacity_mw or projects[b.project].capacity_mw for b in added)
    known = _levers(base.scenario)
    levers = [x for x in _levers(s) if x not in known]
    starts = [year_of(x.start) for x in levers if year_of(x.start) >= year_of(run.case.as_of)]
    if added and not (starts and min(starts) < float(np.median(first))):
        return first, plants_mw, "plant"
    begins = min(starts, default=year_of(run.case.as_of))
    contracts_mw = sum(c.capacity_mw for c in s.import_contract if year_of(c.start) <= begins)
    return np.full(1, begins), contracts_mw or _miners_gone_mw(run), "import" if contracts_mw else "policy"


def _levers(s: Scenario) -> list[Any]:
    return [*s.ban, *s.registration, *s.enforcement, *s.rationing, *s.import_contract, *s.fee]


def _miners_gone_mw(run: Run) -> float:
    """Miners' MW of the case's last known month less those two years on, cut ones included."""
    total = (run.monthly["registered_mw"] + run.monthly["unregistered_mw"]).sum("zone")
    month = np.datetime64(run.case.as_of, "M")
    now = total.sel(month=month.astype("datetime64[ns]"), method="nearest")
    later = total.sel(month=(month + 24).astype("datetime64[ns]"), method="nearest")
    return max(float(now - later), 0.0)


def _assessed(run: Run) -> list[int]:
    return [int(y) for y in run.risk["year"].values] if "EUE_mwh" in run.risk else []


def _unserved_mwh(run: Run, years: list[int]) -> Floats:
    """Expected energy not served, linear between the years assessed; that of the base if none was. [MWh] (Y,)"""
    known = _assessed(run)
    if not known:
        return np.full(len(years), np.nan)
    return np.asarray(np.interp(years, known, run.risk["EUE_mwh"].sel(zone="system").values))


def _cost_usd(run: Run, years: list[int]) -> Floats:
    """Cost of the system to the country without energy not served. [USD/yr] (Y,)"""
    cost = system_cost_usd(run.ledger) - run.ledger["unserved"]
    return cost.reindex(years).fillna(0.0).to_numpy(dtype=np.float64, copy=True)
