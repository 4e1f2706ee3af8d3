"""What a plan of a case may build or contract: its projects, import contracts, miners that let themselves be cut."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from gridrush.case.model import Case
from gridrush.case.schema import Project
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid.fleet import online_date
from gridrush.grid.hourly import month_of
from gridrush.grid.network import WEATHER_DRIVEN, GridModel
from gridrush.planning.options import Candidate, annuity_share, overnight_with_interest
from gridrush.study.paths import Paths
from gridrush.units import Floats

LINE_LIFE_YEARS = 40.0
"""Economic life of an overhead line. Danish Energy Agency, Technology Data for Energy Transport."""
DEFAULT_LIFE_YEARS = 25.0
"""Economic life of a technology whose life the case does not give."""
LINE_BUILD_YEARS = 3.0
"""Years over which a line is paid for. Karabatan-Ulke, 500 kV: September 2024 to December 2027 (Trend, 2024-09-10)."""
WHOLE_FROM_MW = 100.0
"""Units at least this large are built whole; a park of smaller ones can have any size."""
WORTH_CALLING_MW = 1.0
"""Miners of a zone below this are too few to contract with."""


def candidate_of(
    project: Project, model: GridModel, *, slip_extra_years: float = 0.0, decide: date | None = None
) -> Candidate:
    """A project of a case as something a plan may build; see `case_problem`."""
    case, t = model.case, project.technology
    zone = {name: i for i, name in enumerate(case.zone_names)}
    line = t == "line"
    life = model.parameter(t, "life_years", LINE_LIFE_YEARS if line else DEFAULT_LIFE_YEARS)
    rate = case.parameters.discount_share.value
    lead = model.parameter(t, "lead_time_years", 0.0)
    capex = overnight_with_interest(
        project.capex_usd_per_mw, discount_share=rate,
        build_years=model.parameter(t, "construction_years", LINE_BUILD_YEARS if line else lead),
    )  # fmt: skip
    again = project.status == "candidate" and not project.needs_consent and not project.replaces and not line
    serves = online_date(project, slip_extra_years=slip_extra_years) + _moved(project, decide)
    unit_mw = project.unit_mw if project.unit_mw >= WHOLE_FROM_MW else 0.0
    common = Candidate(
        name=project.project, technology=t, zone=zone[project.zone],
        max_mw=math.inf if again else project.capacity_mw,
        unit_mw=project.capacity_mw if project.replaces else unit_mw,  # the old plant goes as a whole
        build_mw_per_year=project.capacity_mw / max(lead, 1.0) if again else math.inf,
        first_mw=project.capacity_mw if again else 0.0,
        capex_usd_per_mw_year=capex * annuity_share(rate, life),
        fixed_usd_per_mw_year=model.parameter(t, "fixed_cost_usd_per_mw_year", 0.0),
        earliest_year=_first_whole_year(serves), life_years=life, takes_over=project.status == "existing-rebuild",
    )  # fmt: skip
    if line:
        return replace(common, kind="link", zone_to=zone[project.zone_to])
    if hours := model.parameter(t, "storage_hours", 0.0):
        one_way = math.sqrt(model.parameter(t, "round_trip_share", 1.0))
        return replace(common, kind="storage", storage_hours=hours, unit_mw=0.0, charge_efficiency=one_way,
                       discharge_efficiency=one_way)  # fmt: skip
    cost, co2 = model.marginal_cost(t, project.zone)
    failing = 0.0 if t in WEATHER_DRIVEN else model.parameter(t, "forced_outage_share", 0.0)
    mttr = model.parameter(t, "mttr_h", 1.0)
    must = [model.must_run_share(t, m) / max(model.available_share(t, m), 1e-9) for m in range(1, 13)]
    return replace(
        common, cost_usd_per_mwh=cost - model.carbon_price_usd_per_t * co2, co2_t_per_mwh=co2, fuel=model.fuel_of[t],
        must_run_share=0.0 if t in WEATHER_DRIVEN else min(1.0, *must), mttr_h=mttr,
        mttf_h=mttr * (1.0 - failing) / failing if failing > 0 else math.inf,
        replaces=tuple(u.unit for u in case.units if project.replaces and u.plant == project.replaces),
    )  # fmt: skip


def _moved(project: Project, decide: date | None) -> timedelta:
    """How much later, or sooner, a project serves when it is decided on a day; public consent cannot be hurried."""
    if decide is None or project.decided is None or project.needs_consent:
        return timedelta()
    free = project.status == "candidate" or project.decided > decide
    return decide - project.decided if free else timedelta()


def contracts_of(case: Case, years: Sequence[int]) -> list[Candidate]:
    """Firm import contracts: what a tie may carry at most beyond what the case counts on, at the price in force.

    No fee for holding the capacity ready is known, so none is charged.
    """
    zone = {name: i for i, name in enumerate(case.zone_names)}
    found = []
    for t in case.ties:
        serves = [y for y in years if t.start <= date(y, 7, 1) < (t.end or date.max)]
        more = (t.high_mw or t.capacity_mw) - t.capacity_mw
        if t.direction == "import" and not t.emergency and more > 0 and serves:
            found.append(Candidate(
                name=f"{t.tie} contract {t.start.year}", technology="import", fuel="import", zone=zone[t.zone],
                max_mw=more, cost_usd_per_mwh=t.price_usd_per_mwh, earliest_year=serves[0],
                at_most_mw={y: 0.0 for y in years if y not in serves}, life_years=serves[-1] - serves[0] + 1,
            ))  # fmt: skip
    return found


def interruptible_of(case: Case, systems: Sequence[System]) -> list[Candidate]:
    """Miners that count as firm load, by zone, as a resource: they may be called at the price the case's scenarios pay.

    No standing fee is paid; a system where they are cut by order or contract anyway has none of them.
    """
    paid = [r.paid_usd_per_mwh for s in case.scenarios.values() for r in s.rationing if r.paid_usd_per_mwh > 0]
    if not paid:
        return []
    most = np.max([_firm_miners(s).max(axis=1) for s in systems], axis=0)
    return [
        Candidate(name=f"interruptible miners {case.zone_names[z]}", technology="interruptible", fuel="interruptible",
                  zone=z, max_mw=float(mw), cost_usd_per_mwh=max(paid))
        for z, mw in enumerate(most) if mw > WORTH_CALLING_MW
    ]  # fmt: skip


def _firm_miners(system: System) -> Floats:
    """Registered miners' load that counts as firm. [MW] (Z, T)"""
    out = np.zeros((len(system.zones), system.time.size))
    for b, (name, kind) in enumerate(zip(system.demand.name, system.demand.kind, strict=True)):
        if kind == "firm" and name.endswith("registered miners"):
            out[system.demand.zone[b]] += system.demand.load_mw[:, b]
    return out


def _first_whole_year(day: date) -> int:
    return day.year + (day.timetuple().tm_yday > 1)


def availability(
    candidates: Sequence[Candidate], case: Case, model: GridModel, paths: Paths, row: int, system: System
) -> Floats:
    """Share of each candidate that can run in each hour of a year: weather, else derating and maintenance. (C, T)"""
    out = np.ones((len(candidates), paths.time[row].size))
    month = month_of(paths.time[row])
    problems = []
    for i, c in enumerate(candidates):
        if c.kind != "unit" or c.technology == "import":
            continue
        if c.technology == "interruptible":
            out[i] = np.clip(_firm_miners(system)[c.zone] / c.max_mw, 0.0, 1.0)
            continue
        if c.technology in WEATHER_DRIVEN:
            place = (case.zone_names[c.zone], c.technology)
            if place in paths.resources:
                out[i] = np.clip(paths.capacity_factor[row, 0, paths.resources.index(place)], 0.0, 1.0)
            else:
                problems.append(Problem(f"projects[{c.name}]", ":".join(place), "a resource of renewable_shape.csv"))
            continue
        share = np.array([model.available_share(c.technology, m) for m in range(1, 13)])
        out[i] = share[month - 1]
    if problems:
        raise CaseError(problems)
    return out
