"""Supply before any forced outage: planned maintenance levelled into the margin, hydro energy spent on the peaks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from gridrush.adequacy._kernels_shave import shave, take_off
from gridrush.case.system import NO_RESERVOIRS, Ints, System, Units
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


def stress(system: System, short_mw: Floats, zone: int) -> Floats:
    """What a zone lacks in each hour once its neighbours have lent what they can. [MW] (T,)

    On a tree of zones, with x_z the load less the working supply of a zone and limits F on its links,

        stress_z = x_z + sum_n clip(stress of n's side, -F(n to z), F(z to n)),

    negative where there is supply to spare. Where links close a ring, a spanning tree of them is used.

    Parameters
    ----------
    short_mw : ndarray, shape (Z, T)
        Load less working supply. [MW]
    zone : int
        Zone whose stress is wanted.
    """
    limits: dict[int, dict[int, tuple[float, float]]] = {z: {} for z in range(len(system.zones))}
    k = system.links
    for a, b, there, back in zip(k.source.tolist(), k.target.tolist(), k.forward_mw, k.backward_mw, strict=True):
        out, into = limits[a].get(b, (0.0, 0.0))
        limits[a][b] = (out + there, into + back)
        limits[b][a] = (into + back, out + there)
    seen = {zone}

    def side(z: int) -> Floats:
        total: Floats = short_mw[z].copy()
        for n, (out, into) in limits[z].items():
            if n not in seen:
                seen.add(n)
                total += np.minimum(np.maximum(side(n), -into), out)
        return total

    return side(zone)


def planned_supply(
    system: System, *, up: NDArray[np.float64] | None = None
) -> tuple[System, dict[str, tuple[int, int]]]:
    """The same system with hydro energy scheduled and maintenance placed, as profiles.

    Hydro of a reservoir runs where its zone's `stress` s is highest: h_t = clip(s_t - level, must-run, capacity), with
    the level of each period chosen so that the energy is spent. Units then go into maintenance one by one, the largest
    (MW times hours) first, each where the highest daily need of its island over the outage is least.

    Parameters
    ----------
    system : System
        `units.maintenance_h` and `reservoirs` are what is placed; both are empty in the result.
    up : ndarray, shape (T, G), optional
        Share of each unit that is up, when the outages are known to whoever spends the water; else their mean is used.

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
    profiles = system.profiles
    available = u.available.copy()
    short = np.zeros((len(system.zones), T))  # load less working supply, by zone
    for b in (b for b, kind in enumerate(system.demand.kind) if kind == "firm"):
        short[system.demand.zone[b]] += system.demand.load_mw[:, b]
    dry = u.reservoir < 0
    if up is None:
        working = np.where(dry, u.capacity_mw * (1.0 - u.forced_outage_share), 0.0)
        by_profile = np.zeros((len(system.zones), len(system.profiles)))
        np.add.at(by_profile, (u.zone, u.available), working)
        short -= by_profile @ system.profiles
    else:
        dry_mw = np.where(dry, u.capacity_mw, 0.0)
        take_off(short, u.zone, dry_mw, u.available, system.profiles, np.ascontiguousarray(up.T))
    added: list[Floats] = []
    if len(system.reservoirs):
        profiles = profiles.copy()
    for members, run, can in _spend_water(system, short, up):
        share = np.divide(run, can, out=np.zeros(T), where=can > 0)
        np.minimum(np.maximum(share, 0.0, out=share), 1.0, out=share)
        for shared in set(u.available[members].tolist()):
            mine = members[u.available[members] == shared]
            if mine.size == np.count_nonzero(u.available == shared) and shared > 1:  # nobody else follows this profile
                profiles[shared] *= share
                continue
            available[mine] = len(profiles) + len(added)
            added.append(share * profiles[shared])
    if added:
        profiles = np.concatenate([profiles, added])
    placed: dict[str, tuple[int, int]] = {}
    if todo:
        profiles, placed = _place_maintenance(system, todo, short, profiles, available)
    units = u.planned if np.array_equal(available, u.available) else replace(u.planned, available=available)
    return replace(system, profiles=profiles, units=units, reservoirs=NO_RESERVOIRS), placed


def _place_maintenance(
    system: System, todo: list[int], short: Floats, profiles: Floats, available: Ints
) -> tuple[Floats, dict[str, tuple[int, int]]]:
    """Profiles with those of units in maintenance added, `available` pointing to them, and when each is out."""
    u, T = system.units, system.time.size
    islands_ = islands(system)
    island_of = {z: k for k, zones in enumerate(islands_) for z in zones}
    need = np.array([short[zones].sum(axis=0) for zones in islands_])
    rows = list(profiles)
    placed: dict[str, tuple[int, int]] = {}
    days = -(-T // HOURS_PER_DAY)
    for n in sorted(todo, key=lambda g: (-u.capacity_mw[g] * u.maintenance_h[g], u.name[g])):
        k = island_of[int(u.zone[n])]
        length = min(round(float(u.maintenance_h[n])), T)
        padded = np.full(days * HOURS_PER_DAY, -np.inf)
        padded[:T] = need[k]
        peak = padded.reshape(days, HOURS_PER_DAY).max(axis=1)
        span = -(-length // HOURS_PER_DAY)
        windows = np.lib.stride_tricks.sliding_window_view(peak, min(span, days))
        worst = windows.max(axis=1)
        best = int(np.lexsort((windows.mean(axis=1), worst))[0])
        a = min(best * HOURS_PER_DAY, T - length)
        profile = rows[available[n]].copy()
        need[k, a : a + length] += u.capacity_mw[n] * profile[a : a + length]
        profile[a : a + length] = 0.0
        available[n] = len(rows)
        rows.append(profile)
        placed[u.name[n]] = (a, a + length)
    return np.asarray(rows), placed


def _spend_water(system: System, short: Floats, up: NDArray[np.float64] | None) -> list[tuple[Ints, Floats, Floats]]:
    """Units, output and capacity of each reservoir; what zones lack is lowered by the output, in place.

    Reservoirs take turns, each against what the others leave; two rounds, since the first did not know the second.
    """
    u, T = system.units, system.time.size
    members = [np.flatnonzero((u.reservoir == h) & (u.capacity_mw > 0)) for h in range(len(system.reservoirs))]
    wet = [h for h in range(len(members)) if members[h].size]
    can = {h: _sum_of(u, members[h], u.available, system.profiles, up) for h in wet}
    must = {h: np.minimum(_sum_of(u, members[h], u.must_run, system.profiles, up), can[h]) for h in wet}
    run = {h: np.zeros(T) for h in wet}
    cuts = [0, *(np.flatnonzero(np.diff(system.period)) + 1).tolist(), T]
    runs = [(int(system.period[a]), slice(a, b)) for a, b in pairwise(cuts)]
    periods: list[tuple[int, slice | Ints]] = [*runs]
    if len({p for p, _ in runs}) < len(runs):  # a period that comes back
        periods = [(p, np.flatnonzero(system.period == p)) for p in np.unique(system.period).tolist()]
    for _ in range(min(len(wet), 2)):
        for h in wet:
            zone = int(u.zone[members[h][0]])
            short[zone] += run[h]
            need = stress(system, short, zone)
            for p, at in periods:
                run[h][at] = shave(need[at], must[h][at], can[h][at], system.reservoirs.energy_mwh[h, p])
            short[zone] -= run[h]
    return [(members[h], run[h], can[h]) for h in wet]


def _sum_of(
    units: Units, members: Ints, row: Ints, profiles: Floats, up: NDArray[np.float64] | None
) -> Floats:
    """Sum of units that follow profiles, those known to be out left out. (T,)"""
    mw = units.capacity_mw[members]
    if up is not None:
        return np.asarray((mw[:, None] * profiles[row[members]] * up.T[members]).sum(axis=0))
    weight = np.bincount(row[members], mw, minlength=len(profiles))
    used = np.flatnonzero(weight)
    return np.asarray(weight[used] @ profiles[used]) if used.size else np.zeros(profiles.shape[1])
