"""Supply before any forced outage: planned maintenance levelled into the margin, hydro energy spent on the peaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gridrush.case.system import NO_RESERVOIRS, System
from gridrush.units import HOURS_PER_DAY, Floats


def islands(system: System) -> list[list[int]]:
    """Zones that links join, as lists of zone indices.

    Returns
    -------
    list of list of int
        Each zone once, in order of the lowest index.
    """
    group = list(range(len(system.zones)))
    for a, b in zip(system.links.source.tolist(), system.links.target.tolist(), strict=True):
        ga, gb = group[a], group[b]
        group = [min(ga, gb) if g in (ga, gb) else g for g in group]
    return [[z for z, g in enumerate(group) if g == k] for k in sorted(set(group))]


def planned_supply(system: System) -> tuple[System, dict[str, tuple[int, int]]]:
    """The same system with hydro energy scheduled and maintenance placed, as profiles.

    Hydro of a reservoir runs where net load is highest: h_t = clip(n_t - level, must-run, capacity), with the level
    of each period chosen so that the energy is spent. Units then go into maintenance one by one, the largest
    (MW times hours) first, each where the highest daily need of its island over the outage is least.

    Parameters
    ----------
    system : System
        `units.maintenance_h` and `reservoirs` are what is placed; both are empty in the result.

    Returns
    -------
    System
        Same units; `available` points to new profile rows where something was placed.
    dict of str to (int, int)
        First hour and end hour of each unit's maintenance.
    """
    u, T = system.units, system.time.size
    todo = [g for g in range(len(u)) if u.maintenance_h[g] > 0 and u.capacity_mw[g] > 0]
    if not todo and not len(system.reservoirs):
        return system, {}
    rows = list(system.profiles)
    available = u.available.copy()
    islands_ = islands(system)
    island_of = {z: k for k, zones in enumerate(islands_) for z in zones}
    need = np.zeros((len(islands_), T))
    firm = [b for b, kind in enumerate(system.demand.kind) if kind == "firm"]
    for b in firm:
        need[island_of[int(system.demand.zone[b])]] += system.demand.load_mw[:, b]
    for g in np.flatnonzero(u.reservoir < 0):
        expected = 1.0 - u.forced_outage_share[g]
        need[island_of[int(u.zone[g])]] -= u.capacity_mw[g] * expected * system.profiles[u.available[g]]
    for h in range(len(system.reservoirs)):
        members = [int(g) for g in np.flatnonzero((u.reservoir == h) & (u.capacity_mw > 0))]
        if not members:
            continue
        k = island_of[int(u.zone[members[0]])]
        can = np.asarray(sum(u.capacity_mw[g] * system.profiles[u.available[g]] for g in members))
        must = np.asarray(sum(u.capacity_mw[g] * system.profiles[u.must_run[g]] for g in members))
        run = np.zeros(T)
        for p in np.unique(system.period):
            at = np.flatnonzero(system.period == p)
            run[at] = _shave(need[k, at], np.minimum(must[at], can[at]), can[at], system.reservoirs.energy_mwh[h, p])
        need[k] -= run
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(can > 0, run / can, 0.0)
        for g in members:
            available[g] = len(rows)
            rows.append(np.clip(share, 0.0, 1.0) * system.profiles[u.available[g]])
    placed: dict[str, tuple[int, int]] = {}
    days = -(-T // HOURS_PER_DAY)
    for g in sorted(todo, key=lambda g: (-u.capacity_mw[g] * u.maintenance_h[g], u.name[g])):
        k = island_of[int(u.zone[g])]
        length = min(int(round(float(u.maintenance_h[g]))), T)
        padded = np.full(days * HOURS_PER_DAY, -np.inf)
        padded[:T] = need[k]
        peak = padded.reshape(days, HOURS_PER_DAY).max(axis=1)
        span = -(-length // HOURS_PER_DAY)
        windows = np.lib.stride_tricks.sliding_window_view(peak, min(span, days))
        worst = windows.max(axis=1)
        best = int(np.lexsort((windows.mean(axis=1), worst))[0])
        a = min(best * HOURS_PER_DAY, T - length)
        profile = rows[available[g]].copy()
        need[k, a:a + length] += u.capacity_mw[g] * profile[a:a + length]
        profile[a:a + length] = 0.0
        available[g] = len(rows)
        rows.append(profile)
        placed[u.name[g]] = (a, a + length)
    units = replace(u, available=available, maintenance_h=np.zeros(len(u)), reservoir=np.full(len(u), -1))
    return replace(system, profiles=np.asarray(rows), units=units, reservoirs=NO_RESERVOIRS), placed


def _shave(need: Floats, low: Floats, high: Floats, energy: float) -> Floats:
    """clip(need - level, low, high) with the level that spends `energy`, or the nearest bound. (T,)"""
    if high.sum() <= energy:
        return high
    if low.sum() >= energy:
        return low * (energy / low.sum() if low.sum() > 0 else 0.0)
    a, b = float((need - high).min()), float((need - low).max())
    for _ in range(200):
        mid = 0.5 * (a + b)
        if np.clip(need - mid, low, high).sum() > energy:
            a = mid
        else:
            b = mid
    return np.clip(need - b, low, high)
