"""One scenario, coupled: months of miners, hours of grid, back to the miners."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np
import pandas as pd
import xarray as xr

from gridrush.adequacy.metrics import Assessment
from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid.fleet import build_fleet
from gridrush.grid.hourly import annual_demand_twh
from gridrush.grid.network import GridModel
from gridrush.policy.levers import PolicyCalendar, contracts
from gridrush.study.collect import Collector
from gridrush.study.hours import MonthEngine, MonthHours, rationed_share, spare_mw
from gridrush.study.ledger import RunLedger
from gridrush.study.miners import Miners, ScenarioMiners
from gridrush.study.paths import Paths, draw_paths
from gridrush.study.risk import NO_RISK, assess_year, year_system
from gridrush.study.run import Run
from gridrush.units import Floats

YearHook = Callable[[int, Sequence[MonthHours]], None]
"""Told a year and its months."""

Progress = Callable[[float, str], None]
"""Told the share done (0 to 1) and what is being done."""


def years_asked(case: Case, years: Sequence[int] | None, samples: int) -> list[int]:
    """Years to report, each once and in order: all of the case when none are named.

    Raises
    ------
    CaseError
        If one is not of the case, or there are no samples to simulate them with.
    """
    wanted = sorted(set(years)) if years is not None else list(case.years)
    problems = [Problem("samples", samples, "1 or more")] if samples < 1 else []
    if not wanted or not set(wanted) <= set(case.years):
        problems.append(Problem("years", wanted, f"years of the case, {case.first_year} to {case.last_year}"))
    if problems:
        raise CaseError(problems)
    return wanted


def simulate(
    case: Case,
    scenario: str | Scenario | None = None,
    *,
    years: Sequence[int] | None = None,
    samples: int = 4,
    seed: int = 1,
    risk_years: Sequence[int] = (),
    risk_samples: int = 200,
    paths: Paths | None = None,
    miners: Miners | None = None,
    keep_hours: bool = True,
    on_year: YearHook | None = None,
    progress: Progress | None = None,
) -> Run:
    """Simulate a scenario hour by hour with miners that answer to prices, rules and cuts month by month.

    Parameters
    ----------
    case : Case
    scenario : str or Scenario, optional
        Name in the case, or one of your own; default the case's default.
    years : sequence of int, optional
        Years reported; the simulation always starts at the case's first year, because miners have a history.
    samples : int
        Paths of weather, water and unit outages, shared by every scenario with the same seed.
    seed : int
        The result is a function of case, scenario, years, samples and seed.
    risk_years, risk_samples : sequence of int, int
        Years to assess by Monte Carlo over unit outages, and with how many samples.
    paths, miners : optional
        Already drawn for this case, years and seed, when several scenarios are run.
    keep_hours : bool
        Whether the run holds its hours; without them `hourly` is empty.
    on_year : callable, optional
        Given each simulated year and its twelve months of hours, for whoever wants more than the `Run` keeps.
    progress : callable, optional
        Called with the share done and a word.

    Returns
    -------
    Run
    """
    began = clock.perf_counter()
    chosen = resolve_scenario(case, scenario if scenario is not None else case.default_scenario)
    wanted = years_asked(case, years, samples)
    span = tuple(range(case.first_year, max(wanted) + 1))
    paths = paths if paths is not None else draw_paths(case, span, samples=samples, seed=seed)
    state = (miners if miners is not None else Miners.of(case, seed=seed)).start(chosen)
    model, calendar = grid_model(case, chosen), PolicyCalendar(chosen, case)
    engine = MonthEngine(case, model, paths, consumers_twh(case, chosen, state, span))
    collector = Collector(case, model, span, paths.samples, hours=keep_hours)
    months: list[MonthHours] = []
    risk: list[xr.Dataset] = []
    cash = RunLedger(case, chosen, model)
    for y, year in enumerate(span):
        price = state.power_price(year)
        for m in range(1, 13):
            rules = calendar.month(date(year, m, 1), market_price_usd_per_mwh=price)
            now = state.month(12 * year + m - 1, rules)
            hours = engine.run(
                y, m, now.registered_mw, now.unregistered_mw, rationing=rules.rationing, answers=now.answers
            )
            cut = rationed_share(hours)
            state.feed_back(rationed_share=cut, spare_mw=spare_mw(hours) - now.idle_mw, hourly=hours.answered)
            sums = collector.add(hours, evening=paths.autumn_evening[y][paths.hours_of_month(y, m)])
            collector.add_month(hours.month, {**now.figures(), "rationed_share": cut})
            cash.add_month(hours, sums, now, rules)
            if year in risk_years or on_year is not None:
                months.append(hours)
        if year in risk_years:
            risk.append(assess_year(months, year, samples=risk_samples, seed=seed)[0])
        if on_year is not None:
            on_year(year, months)
        months = []
        if progress is not None:
            progress((y + 1) / len(span), f"{chosen.name} {year}")
    annual = collector.annual_dataset()
    risks = xr.concat(risk, "year", combine_attrs="override") if risk else NO_RISK
    return Run(
        case=case, scenario=chosen, seed=seed, samples=paths.samples,
        hourly=_keep(collector.hourly_dataset(), span, wanted, "time"),
        monthly=_keep(collector.monthly_dataset(), span, wanted, "month"), annual=annual.sel(year=wanted),
        risk=risks,
        ledger=cash.table(annual, risks).loc[wanted], seconds=clock.perf_counter() - began,
    )  # fmt: skip


def assess(
    case: Case,
    scenario: str | Scenario | None = None,
    *,
    year: int,
    samples: int = 1000,
    weather_paths: int = 2,
    seed: int = 1,
    progress: Progress | None = None,
) -> Assessment:
    """Risk of one year of a scenario: every metric by zone, month and hour, each with its error.

    Parameters
    ----------
    year : int
        Year assessed; the miners come to it month by month from the case's first year.
    samples : int
        Monte Carlo years of unit outages.
    weather_paths : int
        Weather years, drawn at equal odds.
    """
    found: list[Assessment] = []

    def keep(when: int, months: Sequence[MonthHours]) -> None:
        if when == year:
            found.append(assess_year(months, year, samples=samples, seed=seed,
                                     utc_offset_h=case.clock[-1].utc_offset_h)[1])  # fmt: skip

    simulate(case, scenario, years=[year], samples=weather_paths, seed=seed, on_year=keep, progress=progress)
    return found[0]


def grid_model(case: Case, scenario: Scenario) -> GridModel:
    """The fleet, links and rules of the grid under a scenario."""
    plants, wires = build_fleet(case, scenario.builds, slip_extra_years=scenario.assume.slip_extra_years,
                                life_extra_years=scenario.assume.life_extra_years)  # fmt: skip
    stress = scenario.assume.outage_stress
    record = max(d.year for d in case.demand)
    carbon = scenario.carbon_price_usd_per_t
    return GridModel(
        case=case, plants=plants, wires=wires, contracts=contracts(scenario),
        carbon_price_usd_per_t=case.parameters.carbon_price.value if carbon is None else carbon,
        outage_stress={0: 1.0, record: case.parameters.outage_stress.value if stress is None else stress},
        hydro_share=scenario.assume.hydro_share,
    )  # fmt: skip


def consumers_twh(case: Case, scenario: Scenario, miners: ScenarioMiners, years: Sequence[int]) -> Floats:
    """Consumption without miners by year: the record less the miners it contains, then growth. [TWh] (Y,)"""
    growth = scenario.assume.demand_growth_share
    growth = case.parameters.demand_growth_share.value if growth is None else growth
    contained = miners.contained_twh(years) * case.parameters.mining_in_base_demand.value
    return annual_demand_twh(case, years, miners_twh=contained, growth_share=growth)


def _keep(data: xr.Dataset, there: Sequence[int], wanted: Sequence[int], axis: str) -> xr.Dataset:
    if list(there) == list(wanted) or axis not in data:
        return data
    kept = np.isin(pd.DatetimeIndex(data[axis].values).year, list(wanted))
    return data.isel({axis: np.flatnonzero(kept)})


def year_systems(
    case: Case,
    scenario: str | Scenario | None = None,
    *,
    years: Sequence[int],
    seed: int = 1,
    progress: Progress | None = None,
) -> dict[int, System]:
    """The power system of each year as a scenario leaves it: for dispatch, contingencies, adequacy and planning.

    Parameters
    ----------
    years : sequence of int
        Years wanted.
    seed : int
        Of the path of weather and water; units are all up, dated outages left in.

    Returns
    -------
    dict of year to System
        8,760 hours each, reservoirs by month, sales abroad among the demand blocks.
    """
    found: dict[int, System] = {}

    def keep(year: int, months: Sequence[MonthHours]) -> None:
        if year in years:
            found[year] = year_system(months, exports=True)

    simulate(case, scenario, years=years, samples=1, seed=seed, on_year=keep, progress=progress)
    return found
