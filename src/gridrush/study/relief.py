"""When each remedy arrives and what it is worth: scenarios that pull one lever, beside the one that pulls none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from gridrush.case.scenario import Scenario
from gridrush.case.schema import Project
from gridrush.policy.fiscal import system_cost_usd
from gridrush.study.run import Run

COLUMNS = (
    "remedy", "kind", "scenario", "first_year_low", "first_year_best", "first_year_high", "power_mw", "eue_avoided_gwh",
    "cost_usd_per_mwh", "why",
)  # fmt: skip

DAYS_PER_YEAR = 365.25


def time_to_relief(runs: Mapping[str, Run], *, without: str = "open-door") -> pd.DataFrame:
    """One row for each scenario that differs from `without` by a remedy; see `COLUMNS`.

    `eue_avoided_gwh` is the expected energy not served that the remedy takes away, over the years assessed by Monte
    Carlo; `cost_usd_per_mwh` what the system pays more for it, per MWh, NaN when it pays less or nothing is avoided.
    """
    base = runs.get(without)
    rows = []
    for name, run in runs.items():
        if base is None or name in (without, "no-rush"):
            continue
        low, best, high, power, kind = _arrival(run)
        avoided = _avoided_gwh(base, run)
        extra = float((system_cost_usd(run.ledger) - system_cost_usd(base.ledger)).sum())
        cost = extra / (avoided * 1e3) if avoided > 1e-3 and extra > 0 else np.nan
        rows.append((run.scenario.title, kind, name, low, best, high, power, avoided, cost, run.scenario.story))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.sort_values("first_year_best", kind="stable").reset_index(drop=True)


def _arrival(run: Run) -> tuple[float, float, float, float, str]:
    """First year in which the remedy serves (low, best, high), its power, and its kind."""
    s = run.scenario
    projects = {p.project: p for p in run.case.projects}
    if s.also_build:
        dates = [_dates(projects[b.project], b.online, s) for b in s.also_build]
        first = min(dates, key=lambda d: d[1])
        power = sum(projects[b.project].capacity_mw for b in s.also_build)
        return *first, power, "plant"
    levers = [*s.ban, *s.registration, *s.enforcement, *s.rationing, *s.import_contract, *s.fee]
    starts = [_year(x.start) for x in levers if _year(x.start) >= _year(run.case.as_of)] or [_year(run.case.as_of)]
    start = min(starts)
    power = sum(c.capacity_mw for c in s.import_contract) or _miners_gone_mw(run)
    return start, start, start, power, "import" if s.import_contract else "policy"


def _dates(project: Project, online: date | None, scenario: Scenario) -> tuple[float, float, float]:
    if online is not None:
        return (_year(online),) * 3
    planned, extra = _year(project.planned), scenario.assume.slip_extra_years
    low = project.low if project.low is not None else project.slip_years
    high = project.high if project.high is not None else project.slip_years
    return planned + low + extra, planned + project.slip_years + extra, planned + high + extra


def _miners_gone_mw(run: Run) -> float:
    """Miners' MW of the case's last known month less those two years on, cut ones included."""
    total = (run.monthly["registered_mw"] + run.monthly["unregistered_mw"]).sum("zone")
    month = np.datetime64(run.case.as_of, "M")
    now = total.sel(month=month.astype("datetime64[ns]"), method="nearest")
    later = total.sel(month=(month + 24).astype("datetime64[ns]"), method="nearest")
    return max(float(now - later), 0.0)


def _avoided_gwh(base: Run, run: Run) -> float:
    years = [y for y in base.risk["year"].values if y in run.risk["year"].values] if "EUE_mwh" in base.risk else []
    if not years or "EUE_mwh" not in run.risk:
        return 0.0
    gone = base.risk["EUE_mwh"].sel(zone="system", year=years) - run.risk["EUE_mwh"].sel(zone="system", year=years)
    return float(gone.sum()) / 1e3


def _year(day: date) -> float:
    return day.year + (day.timetuple().tm_yday - 1) / DAYS_PER_YEAR
