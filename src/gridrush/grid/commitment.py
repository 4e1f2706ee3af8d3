"""The rich twin: dispatch with units that are on or off, week by week, written in linopy.

It adds to the model of `dispatch` a least load of each unit when it is on, costs of starting and stopping, least times
on and off (as in Rajan and Takriti 2005), ramps and spinning reserve. Each week begins with the units on or off as the
week before left them, and as long as they had been; ramps are not held across that midnight. Stores return to their
first level at the end of each week, and the water of a period is shared out over its hours as a year's dispatch does.

References
----------
Rajan, D. and Takriti, S. (2005), Minimum up/down polytopes of the unit commitment problem with start-up costs, IBM
Research Report RC23628.
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
LACKING_SHARE = 0.9
"""Reserve that is lacking costs so much of the value of firm load: no load is cut to keep it."""


@dataclass(frozen=True, eq=False)
class Terms:
    """What binds units to being on or off, (G,) each; a unit with zeros comes and goes as it likes."""

    least_load_share: Floats  # least output when on, share of what is available
    start_usd_per_mw: Floats  # cost of a start, per MW of capacity
    stop_usd_per_mw: Floats
    least_up_h: Floats  # hours it stays on once it has started
    least_down_h: Floats
    before_h: Floats  # hours it was on before the first hour, or off (below zero); 0: either, at no cost


@dataclass(frozen=True, eq=False)
class Commitment:
    """On and off, output and cost."""

    on: Floats  # (T, G) 0 or 1; in between when relaxed
    generation_mw: Floats  # (T, G)
    served_mw: Floats  # (T, B)
    cost_usd: float  # running, starting, stopping, load not served and reserve that is lacking
    start_cost_usd: float  # of it starting and stopping
    lacking_mw: Floats  # (T,) of the reserve asked for
    lacking_cost_usd: float  # of it reserve that is lacking


def terms(
    system: System, *, least_load_share: ArrayLike = 0.0, start_usd_per_mw: ArrayLike = 0.0,
    stop_usd_per_mw: ArrayLike = 0.0, least_up_h: ArrayLike = 0.0, least_down_h: ArrayLike = 0.0,
    before_h: ArrayLike = 0.0,
) -> Terms:
    """Terms of the units of a system; each of `Terms` as one number or (G,).

    Raises
    ------
    CaseError
        For every one that has another shape, or a number below zero (`before_h` may have).
    """
    G, out, problems = len(system.units), {}, []
    for name, given in (
        ("least_load_share", least_load_share), ("start_usd_per_mw", start_usd_per_mw),
        ("stop_usd_per_mw", stop_usd_per_mw), ("least_up_h", least_up_h), ("least_down_h", least_down_h),
        ("before_h", before_h),
    ):
        x = np.asarray(given, np.float64)
        if x.shape not in ((), (G,)) or np.isnan(x).any() or (name != "before_h" and not (x >= 0).all()):
            problems.append(Problem(name, x.shape, f"shape ({G},), numbers >= 0"))
        else:
            out[name] = np.broadcast_to(x, (G,))
    if problems:
        raise CaseError(problems)
    return Terms(**out)


def commit(
    system: System,
    bound: Terms,
    *,
    integer: bool = True,
    reserve_mw: float = 0.0,
    gap_share: float = 1e-4,
    progress: Callable[[float, str], None] | None = None,
) -> Commitment:
    """Cheapest operation when units have a least load, stay on or off for a while and cost something to start.

    Parameters
    ----------
    system : System
    bound : Terms
        From `terms` or, for a PyPSA network, `commitment_terms`.
    integer : bool
        On or off; False relaxes it to anything in between, a lower bound on the cost of the week.
    reserve_mw : float
        Headroom that units which are on keep together. A shortfall costs `LACKING_SHARE` of the lowest value of firm
        load. [MW]
    gap_share : float
        Gap at which HiGHS may stop a week.
    progress : callable, optional
        Given the share done and a word after each week.
    """
    G, T = len(system.units), system.time.size
    water = dispatch(system).generation_mw if len(system.reservoirs) else None
    on, generation = np.zeros((T, G)), np.zeros((T, G))
    served = np.zeros((T, len(system.demand)))
    lacking = np.zeros(T)
    cost = starts = 0.0
    before = bound.before_h
    for first in range(0, T, HOURS_PER_WEEK):
        hours = slice(first, min(first + HOURS_PER_WEEK, T))
        week = _week(system, hours, water)
        on[hours], generation[hours], served[hours], lacking[hours], spent, starting = _solve(
            week, replace(bound, before_h=before), integer, reserve_mw, gap_share
        )
        before = _since(on[hours], before)
        cost, starts = cost + spent, starts + starting
        if progress is not None:
            progress(hours.stop / T, f"week {first // HOURS_PER_WEEK + 1}")
    short = _lacking_usd_per_mwh(system) * float(lacking.sum())
    return Commitment(on, generation, served, cost, starts, lacking, short)


def _lacking_usd_per_mwh(s: System) -> float:
    """What reserve that is lacking costs: less than firm load, which is not cut to keep it."""
    firm = np.array([kind == "firm" for kind in s.demand.kind], bool)
    value = s.demand.value_usd_per_mwh[firm]
    return LACKING_SHARE * float(value.min()) if value.size else 0.0


def commitment_terms(n: Any, system: System) -> Terms:
    """Terms of the units of a system that was read from this PyPSA network: none for units that are not committable.

    Of a least load that changes by snapshot the highest counts. Limits of the ramp of a start and a stop are left out.
    """
    out = {name: np.zeros(len(system.units)) for name in Terms.__dataclass_fields__}
    for g, (name, mw) in enumerate(zip(system.units.name, system.units.capacity_mw, strict=True)):
        if name in n.generators.index and n.generators.at[name, "committable"] and mw > 0.0:
            row, series = n.generators.loc[name], n.generators_t["p_min_pu"]
            share = float(series[name].max() if name in series else row["p_min_pu"])
            out["least_load_share"][g] = min(share * float(row["p_nom"]) / mw, 1.0)
            out["start_usd_per_mw"][g] = float(row["start_up_cost"]) / mw
            out["stop_usd_per_mw"][g] = float(row["shut_down_cost"]) / mw
            out["least_up_h"][g], out["least_down_h"][g] = float(row["min_up_time"]), float(row["min_down_time"])
            up, down = float(row["up_time_before"]), float(row["down_time_before"])
            out["before_h"][g] = -down if down > 0 else up if up > 0 else -np.inf
    return terms(system, **out)


def _since(on: Floats, before_h: Floats) -> Floats:
    """Hours each unit has been on at the end, or off (below zero), when it had been so long before the first. (G,)"""
    is_on = on > 0.5
    same = np.where((is_on == is_on[-1])[::-1].all(axis=0), len(on), (is_on != is_on[-1])[::-1].argmax(axis=0))
    sign = np.where(is_on[-1], 1.0, -1.0)
    return np.asarray(sign * (same + np.where((same == len(on)) & (before_h * sign > 0), np.abs(before_h), 0.0)))


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
    bound: Terms,
    integer: bool,
    reserve_mw: float,
    gap_share: float,
) -> tuple[Floats, Floats, Floats, Floats, float, float]:
    import linopy
    import pandas as pd
    import xarray as xr

    u, d, k, st, T, least = s.units, s.demand, s.links, s.storage, s.time.size, bound.least_load_share
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
    ended = m.add_variables(lower=0.0, upper=1.0, coords=axis("unit", len(u)), name="ended")
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
    m.add_constraints(ended.isel(hour=later) + runs.isel(hour=later) - earlier(runs) >= 0, name="stops")
    known = np.flatnonzero(bound.before_h)
    if known.size:
        was = xr.DataArray((bound.before_h[known] > 0).astype(float), coords={"unit": known}, dims="unit")
        m.add_constraints((begun - runs).isel(hour=0, unit=known) >= -was, name="first starts")
        m.add_constraints((ended + runs).isel(hour=0, unit=known) >= was, name="first stops")
    hours = np.arange(T)[:, None]
    for word, times, switch, left in (
        ("up", bound.least_up_h, begun, bound.least_up_h - bound.before_h),
        ("down", bound.least_down_h, ended, bound.least_down_h + bound.before_h),
    ):
        still = (hours < left) & (bound.before_h > 0 if word == "up" else bound.before_h < 0)
        held = xr.DataArray(still.astype(float), coords=axis("unit", len(u)))
        m.add_constraints(runs >= held if word == "up" else runs <= 1.0 - held, name=f"still {word}")
        for h in np.unique(times[times > 1]).astype(int).tolist():
            some = np.flatnonzero(times == h)
            own = switch.isel(unit=some).to_linexpr()
            lately = sum((own.shift(hour=lag).fillna(0) for lag in range(1, min(h, T))), own)
            state = runs.isel(unit=some)
            m.add_constraints(lately <= (state if word == "up" else 1.0 - state), name=f"{word} for {h} h")
    step = u.ramp_share_per_h * u.capacity_mw
    slow = np.flatnonzero(u.ramp_share_per_h < 1.0)
    if slow.size and T > 1:
        change = (gen.isel(hour=later) - earlier(gen)).isel(unit=slow)
        rise = step[slow] + np.maximum(0.0, low[1:, slow] - low[:-1, slow])
        fall = step[slow] + np.maximum(0.0, high[:-1, slow] - high[1:, slow])
        at = change.coords
        m.add_constraints(change <= xr.DataArray(rise, coords=[at["hour"], at["unit"]]), name="ramp up")
        m.add_constraints(change >= xr.DataArray(-fall, coords=[at["hour"], at["unit"]]), name="ramp down")
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
    price = bound.start_usd_per_mw * u.capacity_mw, bound.stop_usd_per_mw * u.capacity_mw
    starting = sum((x * xr.DataArray(usd, dims="unit")).sum() for x, usd in zip((begun, ended), price, strict=True))
    m.add_objective(running + starting + _lacking_usd_per_mwh(s) * lack.sum())
    status, why = m.solve(solver_name="highs", output_flag=False, mip_rel_gap=gap_share)
    if (status, why) != ("ok", "optimal"):
        raise EngineError(f"HiGHS stopped with {why!r} in the week of {s.time[0]}")
    on, out, shed, lacking = (np.asarray(v.solution.to_numpy(), np.float64) for v in (runs, gen, cut, lack))
    worst = max(
        float((out - high * on).max(initial=0.0)), float((np.maximum(least * high, low) * on - out).max(initial=0.0))
    )
    if worst > 1e-4 * max(1.0, float(high.max(initial=0.0))):
        raise EngineError(f"HiGHS broke a limit by {worst:.3g} MW in the week of {s.time[0]}")
    switched = sum(float(x.solution.to_numpy().sum(axis=0) @ usd) for x, usd in zip((begun, ended), price, strict=True))
    return on, out, d.load_mw - shed, lacking, float(m.objective.value or 0.0), switched
