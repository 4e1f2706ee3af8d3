"""The rich twin: dispatch with units that are on or off, week by week, written in linopy.

It adds to the model of `dispatch` a least load of each unit when it is on, a cost of starting, ramps and spinning
reserve. Each week begins with the units on or off as the week before left them; ramps are not held across that
midnight. Stores return to their first level at the end of each week, and the water of a period is shared out over its
hours as a year's dispatch does it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gridrush.case.system import NO_RESERVOIRS, Reservoirs, System
from gridrush.errors import CaseError, EngineError, Problem
from gridrush.grid.dispatch import dispatch
from gridrush.grid.lp import link_limits_mw, unit_limits_mw
from gridrush.units import Floats

HOURS_PER_WEEK = 168


@dataclass(frozen=True, eq=False)
class Commitment:
    """On and off, output and cost."""

    on: Floats  # (T, G) 0 or 1; in between when relaxed
    generation_mw: Floats  # (T, G)
    served_mw: Floats  # (T, B)
    cost_usd: float  # running, starting and load not served
    start_cost_usd: float


def commit(
    system: System,
    *,
    least_load_share: ArrayLike,
    start_usd_per_mw: ArrayLike,
    integer: bool = True,
    reserve_mw: float = 0.0,
    gap_share: float = 1e-4,
    progress: Callable[[float, str], None] | None = None,
) -> Commitment:
    """Cheapest operation when units have a least load and cost something to start.

    Parameters
    ----------
    system : System
    least_load_share : array_like, shape (G,)
        Least output of a unit that is on, share of what is available. 0 for units that need no commitment.
    start_usd_per_mw : array_like, shape (G,)
        Cost of a start. [USD/MW of capacity]
    integer : bool
        On or off; False relaxes it to anything in between, a lower bound on the cost of the week.
    reserve_mw : float
        Headroom that units which are on keep together; a shortfall costs the highest value of load. [MW]
    gap_share : float
        Gap at which HiGHS may stop a week.
    progress : callable, optional
        Given the share done and a word after each week.
    """
    G, T = len(system.units), system.time.size
    least, start = np.asarray(least_load_share, np.float64), np.asarray(start_usd_per_mw, np.float64)
    problems = [
        Problem(name, x.shape, f"shape ({G},), numbers >= 0")
        for name, x in (("least_load_share", least), ("start_usd_per_mw", start))
        if x.shape != (G,) or not (x >= 0).all()
    ]
    if problems:
        raise CaseError(problems)
    water = dispatch(system).generation_mw if len(system.reservoirs) else None
    on, generation = np.zeros((T, G)), np.zeros((T, G))
    served = np.zeros((T, len(system.demand)))
    cost = starts = 0.0
    before: tuple[Floats, Floats] | None = None
    for first in range(0, T, HOURS_PER_WEEK):
        hours = slice(first, min(first + HOURS_PER_WEEK, T))
        week = _week(system, hours, water)
        on[hours], generation[hours], served[hours], spent, starting = _solve(
            week, least, start, integer, reserve_mw, gap_share, before
        )
        before = on[hours][-1], generation[hours][-1]
        cost, starts = cost + spent, starts + starting
        if progress is not None:
            progress(hours.stop / T, f"week {first // HOURS_PER_WEEK + 1}")
    return Commitment(on, generation, served, cost, starts)


def commitment_terms(n: Any, system: System) -> tuple[Floats, Floats]:
    """Least load, as a share of what is available, and cost of a start [USD/MW] of each unit of a system that was read
    from this PyPSA network. (G,) each

    Both are zero for units that are not committable. Of a least load that changes by snapshot the highest counts; least
    times up and down, and what a stop costs, are left out.
    """
    least, start = np.zeros(len(system.units)), np.zeros(len(system.units))
    for g, (name, mw) in enumerate(zip(system.units.name, system.units.capacity_mw, strict=True)):
        if name in n.generators.index and n.generators.at[name, "committable"] and mw > 0.0:
            row, series = n.generators.loc[name], n.generators_t["p_min_pu"]
            share = float(series[name].max() if name in series else row["p_min_pu"])
            least[g], start[g] = min(share * float(row["p_nom"]) / mw, 1.0), float(row["start_up_cost"]) / mw
    return least, start


def _week(s: System, hours: slice, water: Floats | None) -> System:
    """The hours of a week, with the water that the year's dispatch used in them."""
    n = hours.stop - hours.start
    reservoirs = NO_RESERVOIRS
    if water is not None:
        used = [water[hours][:, s.units.reservoir == h].sum() for h in range(len(s.reservoirs))]
        reservoirs = Reservoirs(s.reservoirs.name, np.array(used)[:, None])
    return replace(
        s,
        time=s.time[hours],
        period=np.zeros(n, np.int64),
        profiles=s.profiles[:, hours],
        reservoirs=reservoirs,
        demand=replace(s.demand, load_mw=s.demand.load_mw[hours]),
    )


def _solve(
    s: System,
    least: Floats,
    start: Floats,
    integer: bool,
    reserve_mw: float,
    gap_share: float,
    before: tuple[Floats, Floats] | None,
) -> tuple[Floats, Floats, Floats, float, float]:
    import linopy
    import pandas as pd
    import xarray as xr

    u, d, k, st, T = s.units, s.demand, s.links, s.storage, s.time.size
    low, high = unit_limits_mw(s)
    forward, backward = link_limits_mw(s)
    hour = pd.RangeIndex(T, name="hour")

    def axis(name: str, n: int) -> list[pd.Index[int]]:
        return [hour, pd.RangeIndex(n, name=name)]

    def table(values: Floats, name: str) -> xr.DataArray:
        return xr.DataArray(np.broadcast_to(values, (T, values.shape[-1])), coords=axis(name, values.shape[-1]))

    m = linopy.Model()
    gen = m.add_variables(lower=0.0, upper=table(high, "unit"), name="gen")
    runs = (
        m.add_variables(binary=True, coords=axis("unit", len(u)), name="on")
        if integer
        else m.add_variables(lower=0.0, upper=1.0, coords=axis("unit", len(u)), name="on")
    )
    begun = m.add_variables(lower=0.0, upper=1.0, coords=axis("unit", len(u)), name="begun")
    cut = m.add_variables(lower=0.0, upper=table(d.load_mw, "block"), name="cut")
    sent = m.add_variables(lower=0.0, upper=table(forward, "link"), name="sent")
    back = m.add_variables(lower=0.0, upper=table(backward, "link"), name="back")
    spill = m.add_variables(lower=0.0, coords=axis("zone", len(s.zones)), name="spill")
    lack = m.add_variables(lower=0.0, upper=float(reserve_mw), coords=[hour], name="lack")

    m.add_constraints(gen - table(high, "unit") * runs <= 0, name="off means nothing")
    m.add_constraints(gen - table(np.maximum(least * high, low), "unit") * runs >= 0, name="least load")
    m.add_constraints(runs >= table((low > 0).astype(float), "unit"), name="must run means on")
    later = slice(1, None)

    def earlier(x: Any) -> Any:
        return x.shift(hour=1).isel(hour=later)

    m.add_constraints(begun.isel(hour=later) - runs.isel(hour=later) + earlier(runs) >= 0, name="starts")
    step = u.ramp_share_per_h * u.capacity_mw
    slow = np.flatnonzero(u.ramp_share_per_h < 1.0)
    if slow.size and T > 1:
        change = (gen.isel(hour=later) - earlier(gen)).isel(unit=slow)
        rise = step[slow] + np.maximum(0.0, low[1:, slow] - low[:-1, slow])
        fall = step[slow] + np.maximum(0.0, high[:-1, slow] - high[1:, slow])
        at = change.coords
        m.add_constraints(change <= xr.DataArray(rise, coords=[at["hour"], at["unit"]]), name="ramp up")
        m.add_constraints(change >= xr.DataArray(-fall, coords=[at["hour"], at["unit"]]), name="ramp down")
    if before is not None:
        m.add_constraints((begun - runs).isel(hour=0) >= -xr.DataArray(before[0], dims="unit"), name="first starts")
    if reserve_mw > 0:
        room = (table(high, "unit") * runs - gen).sum("unit")
        m.add_constraints(room + lack >= reserve_mw, name="reserve")

    charge = m.add_variables(lower=0.0, upper=table(st.charge_mw, "store"), name="charge")
    give = m.add_variables(lower=0.0, upper=table(st.discharge_mw, "store"), name="give")
    level = m.add_variables(lower=0.0, upper=table(st.energy_mwh, "store"), name="level")
    if len(st):
        first = xr.DataArray(st.energy_mwh * st.initial_share, dims="store")
        moved = charge * xr.DataArray(st.charge_efficiency, dims="store") - give * xr.DataArray(
            1 / st.discharge_efficiency, dims="store"
        )
        m.add_constraints((level - moved).isel(hour=0) == first, name="first level")
        m.add_constraints(level.isel(hour=later) - earlier(level) - moved.isel(hour=later) == 0, name="levels")
        m.add_constraints(level.isel(hour=T - 1) == first, name="last level")
    for z, name in enumerate(s.zones):
        keep = xr.DataArray(1.0 - k.loss_share, dims="link")
        flows = (
            (sent * keep).isel(link=np.flatnonzero(k.target == z)).sum("link")
            + (back * keep).isel(link=np.flatnonzero(k.source == z)).sum("link")
            - sent.isel(link=np.flatnonzero(k.source == z)).sum("link")
            - back.isel(link=np.flatnonzero(k.target == z)).sum("link")
        )
        own = gen.isel(unit=np.flatnonzero(u.zone == z)).sum("unit") + cut.isel(block=np.flatnonzero(d.zone == z)).sum(
            "block"
        )
        stores = (give - charge).isel(store=np.flatnonzero(st.zone == z)).sum("store")
        load = xr.DataArray(d.load_mw[:, d.zone == z].sum(axis=1), coords=[hour])
        m.add_constraints(own + flows + stores - spill.isel(zone=z) == load, name=f"balance of {name}")
    for h, name in enumerate(s.reservoirs.name):
        fed = gen.isel(unit=np.flatnonzero(u.reservoir == h)).sum()
        m.add_constraints(fed <= float(s.reservoirs.energy_mwh[h, 0]), name=f"water of {name}")
    running = (gen * xr.DataArray(u.cost_usd_per_mwh, dims="unit")).sum() + (
        cut * xr.DataArray(d.value_usd_per_mwh, dims="block")
    ).sum()
    starting = (begun * xr.DataArray(start * u.capacity_mw, dims="unit")).sum()
    m.add_objective(running + starting + float(d.value_usd_per_mwh.max(initial=0.0)) * lack.sum())
    status, why = m.solve(solver_name="highs", output_flag=False, mip_rel_gap=gap_share)
    if (status, why) != ("ok", "optimal"):
        raise EngineError(f"HiGHS stopped with {why!r} in the week of {s.time[0]}")
    on, out, shed = (np.asarray(v.solution.to_numpy(), np.float64) for v in (runs, gen, cut))
    worst = max(
        float((out - high * on).max(initial=0.0)), float((np.maximum(least * high, low) * on - out).max(initial=0.0))
    )
    if worst > 1e-4 * max(1.0, float(high.max(initial=0.0))):
        raise EngineError(f"HiGHS broke a limit by {worst:.3g} MW in the week of {s.time[0]}")
    begin = float(np.asarray(begun.solution.to_numpy()).sum(axis=0) @ (start * u.capacity_mw))
    return on, out, d.load_mw - shed, float(m.objective.value or 0.0), begin
