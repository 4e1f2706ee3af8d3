"""Supply before any forced outage: planned maintenance levelled into the margin, hydro energy spent on the peaks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from gridrush.adequacy._kernels_shave import plan_water
from gridrush.case.system import NO_RESERVOIRS, BlockKind, Ints, Links, System, Units
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


def planned_supply(
    system: System, *, up: NDArray[np.float64] | None = None
) -> tuple[System, dict[str, tuple[int, int]]]:
    """The same system with hydro energy scheduled and maintenance placed, as profiles.

    Hydro of a reservoir runs where its zone lacks most once its neighbours have lent what they can. On a tree of zones,
    with x_z the load less the working supply of a zone and limits F on its links, a zone lacks

        s_z = x_z + sum_n clip(s of n's side, -F(n to z), F(z to n)),

    negative where there is supply to spare (where links close a ring, a spanning tree is used), and the hydro is
    h_t = clip(s_t - level, must-run, capacity), the level of each period chosen so that the energy is spent.

    Units then go into maintenance one by one, the largest (MW times hours) first, each where the highest daily need of
    its island over the outage is least.

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
    u = system.units
    todo = np.flatnonzero((u.maintenance_h > 0) & (u.capacity_mw > 0)).tolist() if u.maintenance_h.any() else []
    if not todo and not len(system.reservoirs):
        return system, {}
    profiles, available = system.profiles, u.available
    short, followed = _spend_water(system, up)
    added: list[Floats] = []
    if len(system.reservoirs):
        profiles = profiles.copy()
    for share, followers in followed:
        for row, mine in followers:
            if not mine.size:  # nobody else follows this profile
                profiles[row] *= share
                continue
            available = available.copy()
            available[mine] = len(profiles) + len(added)
            added.append(share * profiles[row])
    if added:
        profiles = np.concatenate([profiles, added])
    placed: dict[str, tuple[int, int]] = {}
    if todo:
        available = available.copy()
        profiles, placed = _place_maintenance(system, todo, short, profiles, available)
    units = u.planned if available is u.available else replace(u.planned, available=available)
    return system.with_parts(profiles, NO_RESERVOIRS, units=units), placed


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


def _spend_water(system: System, up: NDArray[np.float64] | None) -> tuple[Floats, list[tuple[Floats, _Followers]]]:
    """What zones lack once water is spent (Z, T), and of each reservoir its output over what it could give (T,) and who
    follows it."""
    u, d, T, Z = system.units, system.demand, system.time.size, len(system.zones)
    w, energy = _wet(u, system.links, Z), system.reservoirs.energy_mwh
    H = len(w.reservoir)
    rows = np.empty((2 * Z + 3 * H + 4, T))
    ends = [0, *accumulate((Z, Z, 4, H, H, H))]
    short, side, work, can, must, run = (rows[a:b] for a, b in pairwise(ends))
    plan_water(
        d.load_mw, d.zone, _counted(d.kind), u.zone, w.dry_mean_mw if up is None else w.dry_mw, u.capacity_mw, w.of,
        u.available, u.must_run, system.profiles, _ALL_UP if up is None else np.ascontiguousarray(up.T),
        energy[w.reservoir], system.period, w.count, w.node, w.parent, w.out_mw, w.in_mw, np.empty(T, np.int64),
        np.empty(energy.shape[1] + 2, np.int64), short, run, side, work, can, must,
    )  # fmt: skip
    return short, list(zip(run, w.followers, strict=True))


_ALL_UP = np.zeros((0, 0))


@lru_cache(maxsize=64)
def _counted(kinds: tuple[BlockKind, ...]) -> NDArray[np.bool_]:
    """Blocks that water is spent for: firm ones. (B,)"""
    return np.array([kind == "firm" for kind in kinds], np.bool_)


_Followers = tuple[tuple[int, Ints], ...]
"""A profile and the units that leave it to follow a reservoir, none where all that follow it do."""


@dataclass(frozen=True, eq=False)
class _Wet:
    """Reservoirs that have units, W of them, and what lies around the zone of each: zones from there on."""

    dry_mw: Floats  # (G,) capacity that needs no reservoir
    dry_mean_mw: Floats  # (G,) the same, forced outages taken off
    of: Ints  # (G,) row below of the reservoir of each unit, or -1
    reservoir: Ints  # (W,)
    followers: tuple[_Followers, ...]
    count: Ints  # (W,) zones that can be reached, the first of each row below
    node: Ints  # (W, Z) zones, from the reservoir's own on
    parent: Ints  # (W, Z)
    out_mw: Floats  # (W, Z) limit from the parent to the node
    in_mw: Floats  # (W, Z) and back


@lru_cache(maxsize=64)
def _wet(u: Units, links: Links, zones: int) -> _Wet:
    limits: dict[int, dict[int, tuple[float, float]]] = {z: {} for z in range(zones)}
    ends = links.source.tolist(), links.target.tolist(), links.forward_mw.tolist(), links.backward_mw.tolist()
    for a, b, there, back in zip(*ends, strict=True):
        out, into = limits[a].get(b, (0.0, 0.0))
        limits[a][b] = (out + there, into + back)
        limits[b][a] = (into + back, out + there)
    own = np.where(u.capacity_mw > 0, u.reservoir, -1)
    reservoir = np.unique(own[own >= 0])
    fed = tuple(np.flatnonzero(own == h) for h in reservoir)
    of = np.full(len(u), -1)
    for i, members in enumerate(fed):
        of[members] = i
    dry_mw = np.where(u.reservoir < 0, u.capacity_mw, 0.0)
    rows, count = np.zeros((len(fed), zones, 4)), np.zeros(len(fed), np.int64)
    for i, members in enumerate(fed):
        root = int(u.zone[members[0]])
        found, seen = [(root, root, 0.0, 0.0)], {root}
        for z, *_ in found:  # grows while it is walked
            for n, (out, into) in limits[z].items():
                if n not in seen:
                    seen.add(n)
                    found.append((n, z, out, into))
        rows[i, : len(found)], count[i] = found, len(found)
    node, parent, out_mw, in_mw = (np.ascontiguousarray(rows[:, :, k]) for k in range(4))
    followers = []
    for members in fed:
        rows_of = {int(row): members[u.available[members] == row] for row in np.unique(u.available[members])}
        alone = {row: row > 1 and mine.size == np.count_nonzero(u.available == row) for row, mine in rows_of.items()}
        followers.append(tuple((row, mine[:0] if alone[row] else mine) for row, mine in rows_of.items()))
    return _Wet(dry_mw, dry_mw * (1.0 - u.forced_outage_share), of, reservoir, tuple(followers), count,
                node.astype(np.int64), parent.astype(np.int64), out_mw, in_mw)  # fmt: skip
