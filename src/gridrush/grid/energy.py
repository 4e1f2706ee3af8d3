"""Limited energy on top of the hourly kernels: water in reservoirs and power in stores.

Water: each period is a small linear programme over whole dispatches. A water value per reservoir is added to the
running cost of its units, the dispatch that follows is a column, and the master mixes columns so that the energy is
used exactly (Dantzig and Wolfe 1960). The best water values give a lower bound on the cost, so the gap is known.

Stores: one store at a time is scheduled to the optimum against the response of everything else, a few rounds over all.
A valid lower bound comes from the prices; it is exact for a single store up to steps of equal cost.

References
----------
Dantzig, G. B. and Wolfe, P. (1960), Decomposition principle for linear programs, Operations Research 8(1).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, Storage, System
from gridrush.errors import EngineError, InfeasibleError
from gridrush.grid import _kernels, _kernels_mesh, _kernels_store
from gridrush.grid.lp import Shares, unit_limits_mw
from gridrush.grid.merit import Merit, merit_order
from gridrush.units import Floats

WATER_GAP_SHARE = 2e-6
"""A period's water is settled when mixing more dispatches could not save more than this share of its cost."""
WATER_ROUNDS = 60
STORE_ROUNDS = 3
SMOOTH = 10
"""Pieces each price step is spread over while several stores find their places."""
TURNS = 3
"""Turns of water and stores answering each other."""
SMOOTH = 10
"""Pieces each price step is spread over while several stores find their places."""
TURNS = 3
"""Turns of water and stores answering each other."""
STORE_GAIN_SHARE = 1e-4
"""Rounds over the stores end when one saves less than this share of the cost."""
LADDER_STEPS = 48
"""Price steps of the response of the system to a store; more are thinned out."""
MESH_LADDER_STEPS = 20
NUDGE = 1e-7
"""A water value is tried this much below and above, so that a tie falls both ways."""
STRIDES = (0.02, 0.1, 0.5)
"""Steps away from a guessed water value until the energy lies between two uses."""
PRICE_AT = 3  # place of the prices in Hours
_NOTHING = np.zeros((0, 0))
_TREE: Any = _kernels.tree  # numba's types do not know about unpacked arguments
_RESPONSE: Any = _kernels.response
_MESH: Any = _kernels_mesh.mesh


@dataclass(frozen=True, eq=False)
class Hours:
    """Outputs of the kernels, along time."""

    generation: Floats  # (G, T)
    served: Floats  # (B, T)
    flow: Floats  # (L, T)
    price: Floats  # (Z, T)
    spill: Floats  # (Z, T)
    cost: Floats  # (T,)

    @staticmethod
    def empty(system: System) -> Hours:
        T, Z = system.time.size, len(system.zones)
        shapes = (len(system.units), T), (len(system.demand), T), (len(system.links), T), (Z, T), (Z, T), (T,)
        return Hours(*(np.empty(shape) for shape in shapes))

    def arrays(self) -> tuple[Floats, ...]:
        return self.generation, self.served, self.flow, self.price, self.spill, self.cost


@dataclass(eq=False)
class Desk:
    """A system ready for the kernels."""

    system: System
    merit: Merit
    up: Shares
    links_up: Shares
    inject: Floats  # (Z, T), or empty

    @staticmethod
    def of(system: System, merit: Merit | None, up: Shares | None, links_up: Shares | None) -> Desk:
        m = merit_order(system) if merit is None else merit
        return Desk(system, m, _NOTHING if up is None else up, _NOTHING if links_up is None else links_up, _NOTHING)

    def _series(self) -> tuple[Any, ...]:
        s = self.system
        inject = self.inject
        if not self.merit.tree and not inject.size:
            inject = np.zeros((len(s.zones), s.time.size))
        return np.ascontiguousarray(s.profiles), self.up, self.links_up, s.demand.load_mw, inject

    def run(self, first: int, last: int, out: Hours, merit: Merit | None = None) -> None:
        """Dispatch hours first to last with the given merit order (costs), stores as injected."""
        m = self.merit if merit is None else merit
        if m.tree:
            _TREE(*self._series(), *m.tree_arrays(), first, last, *out.arrays(), True)
            return
        failed = _MESH(*self._series(), *m.mesh_arrays(self.system), first, last, *out.arrays(), -1, 0.0, out.cost)
        if failed:
            raise EngineError(f"the network simplex gave up in {failed} hours; use engine='lp'")

    def response(self, merit: Merit, zone: int, first: int, last: int, ladder: Floats, table: Floats) -> None:
        """Surplus offered to a zone at each price of the ladder; merit must have the zone as its first node."""
        if merit.tree:
            _RESPONSE(*self._series(), *merit.tree_arrays(), first, last, ladder, table)
            return
        out, sold = Hours.empty(self.system), np.empty(self.system.time.size)
        for m, price in enumerate(ladder):
            _MESH(
                *self._series(), *merit.mesh_arrays(self.system), first, last, *out.arrays(), zone, float(price), sold
            )
            table[first:last, m] = sold[first:last]


def spans(system: System) -> list[tuple[int, int, int]]:
    """Period, first and last hour (exclusive) of each run of hours of one period."""
    if not len(system.reservoirs):
        return [(0, 0, system.time.size)]
    cut = np.flatnonzero(np.diff(system.period)) + 1
    edges = [0, *cut.tolist(), system.time.size]
    return [(int(system.period[a]), a, b) for a, b in pairwise(edges) if b > a]


def guess_water(desk: Desk) -> Floats:
    """Water values (H, P) at which each reservoir by itself would be used up, from the response of all else to its
    zone.

    Exact for one reservoir with units of equal cost in one zone of a network without losses; a start for
    `settle_water`.
    """
    s, u = desk.system, desk.system.units
    H, P = s.reservoirs.energy_mwh.shape
    values = np.zeros((H, P))
    for h in range(H) if desk.merit.tree else ():
        fed = np.flatnonzero(u.reservoir == h)
        if not fed.size:
            continue
        zone = int(u.zone[fed[np.argmax(u.capacity_mw[fed])]])
        own_cost = float(np.average(u.cost_usd_per_mwh[fed], weights=u.capacity_mw[fed] + 1e-9))
        table, steps = _table(desk, zone, values, apart=h)
        low, high = unit_limits_mw(s, desk.up if desk.up.size else None, fed)
        must, room = low.sum(axis=1), (high - low).sum(axis=1)
        for p in range(P):
            at = np.flatnonzero(s.period == p)
            if not at.size:
                continue
            here, most, left = (
                table[at[0] : at[-1] + 1][at - at[0]],
                room[at],
                s.reservoirs.energy_mwh[h, p] - must[at].sum(),
            )
            first, last = int(np.searchsorted(steps, own_cost)), steps.size
            if np.clip(-here[:, first], 0.0, most).sum() <= left:
                continue
            while last - first > 1:
                mid = (first + last) // 2
                if np.clip(-here[:, mid], 0.0, most).sum() > left:
                    first = mid
                else:
                    last = mid
            values[h, p] = max(0.0, steps[min(first, steps.size - 1)] - own_cost)
    return values


def settle_water(desk: Desk, guess: Floats) -> tuple[Hours, Floats]:
    """Dispatch with the energy of every reservoir kept, and the water values (H, P).

    guess (H, P): water values to start from.
    """
    s = desk.system
    H, P = s.reservoirs.energy_mwh.shape
    out, values = Hours.empty(s), np.zeros((H, P))
    if not H:
        desk.run(0, s.time.size, out)
        return out, values
    runs: dict[int, list[tuple[int, int]]] = {}
    for p, a, b in spans(s):
        runs.setdefault(p, []).append((a, b))
    for p, pieces in runs.items():
        values[:, p] = _settle_period(desk, pieces, s.reservoirs.energy_mwh[:, p], guess[:, p], out)
    return out, values


def _settle_period(desk: Desk, pieces: list[tuple[int, int]], energy: Floats, guess: Floats, out: Hours) -> Floats:
    """Fill `out` over the hours of one period; water values (H,)."""
    s = desk.system
    H, owner = energy.size, s.units.reservoir
    fed = [np.flatnonzero(owner == h) for h in range(H)]
    whole = slice(pieces[0][0], pieces[-1][1])
    columns: list[list[Floats]] = []
    cost: list[float] = []
    used: list[Floats] = []
    worths: list[Floats] = []
    bounds: list[float] = []

    def price(worth: Floats) -> None:
        extra = np.where(owner >= 0, worth[owner], 0.0)
        merit = desk.merit.dearer(extra) if worth.any() else desk.merit
        total, water = 0.0, np.zeros(H)
        for a, b in pieces:
            desk.run(a, b, out, merit)
            total += float(out.cost[a:b].sum())
            for h in range(H):
                water[h] += out.generation[fed[h], a:b].sum()
            if worth.any():
                out.cost[a:b] -= sum(worth[h] * out.generation[fed[h], a:b].sum(axis=0) for h in range(H))
        columns.append([x[..., whole].copy() for x in out.arrays()])
        cost.append(total - float(worth @ water))
        used.append(water)
        worths.append(worth)
        bounds.append(total - float(worth @ energy))

    def seen(more: bool) -> NDArray[np.bool_]:
        return np.asarray((np.array(used) > energy if more else np.array(used) <= energy).any(axis=0))

    for worth in (guess * (1.0 - NUDGE), guess * (1.0 + NUDGE)) if guess.any() else (guess,):
        price(worth)
    for step in STRIDES if guess.any() else ():
        if (seen(True) & seen(False)).all():
            break
        worth = worths[-1]
        price(np.where(seen(False), np.where(seen(True), worth, worth * (1.0 - step)), worth * (1.0 + step)))
    if guess.any() and not seen(True).all():
        price(np.zeros(H))
    if not worths[-1].any() and (used[-1] <= energy * (1 + 1e-9)).all():
        return worths[-1]
    if not any((u <= energy).all() for u in used):
        merit = desk.merit
        price(np.full(H, 2.0 * max(1.0, float(merit.steps[-1]) / float(np.prod(merit.keep_share)))))
        if (short := used[-1] > energy * (1 + 1e-9) + 1e-6).any():
            raise InfeasibleError(
                "must-run needs more water than there is",
                (
                    f"reservoir {s.reservoirs.name[h]}: must-run {used[-1][h]:.0f} MWh, energy {energy[h]:.0f} MWh"
                    for h in np.flatnonzero(short)
                ),
            )
    for _ in range(WATER_ROUNDS):
        total, mix, worth = _master(np.array(cost), np.array(used), energy)
        if total - max(bounds) <= WATER_GAP_SHARE * max(1.0, abs(total)):
            break
        price(np.maximum(worth, 0.0))
    best = int(np.argmax(bounds))
    some = np.flatnonzero(mix > 0)
    for i, x in enumerate(out.arrays()):
        for a, b in pieces:
            here = slice(a - whole.start, b - whole.start)
            if i == PRICE_AT:
                x[..., a:b] = columns[best][i][..., here]
            else:
                x[..., a:b] = sum(mix[k] * columns[k][i][..., here] for k in some)
    return worths[best]


def _master(cost: Floats, used: Floats, energy: Floats) -> tuple[float, Floats, Floats]:
    """Cheapest mix of dispatches that keeps the energy: its cost, the weights, and the worth of each reservoir's

    water."""
    K, H = used.shape
    size, money = np.maximum(used.max(axis=0), 1.0), max(1.0, float(np.abs(cost).max()))
    A = np.zeros((H + 1, K + H))
    A[0, :K], A[1:, :K], A[1:, K:] = 1.0, (used / size).T, np.eye(H)
    c = np.concatenate([cost / money, np.zeros(H)])
    b = np.concatenate([[1.0], energy / size])
    high = np.concatenate([np.ones(K), energy / size])
    basis = np.concatenate([[1], K + np.arange(H)])
    inverse, d, x = np.empty((H + 1, H + 1)), np.empty(K + H), np.zeros(K + H)
    _kernels_mesh.price_out(A, c, basis, inverse, d)
    where = np.where(d >= 0, 0, 1)
    where[basis] = 2
    if _kernels_mesh.mend(A, b, c, np.zeros(K + H), high, basis, where, inverse, d, x, 500) < 0:
        raise EngineError("the water values did not settle; use engine='lp'")
    mix = np.clip(x[:K], 0.0, 1.0)
    mix[mix < 1e-12] = 0.0
    mix /= mix.sum()
    y = c[basis] @ inverse
    return float(cost @ mix), mix, -y[1:] * money / size


@dataclass(frozen=True, eq=False)
class Stores:
    """Schedule of the stores and the worth of stored energy in each hour."""

    charge: Floats  # (T, J)
    discharge: Floats  # (T, J)
    stored: Floats  # (T, J)
    worth: Floats  # (T, J)


def operate(desk: Desk) -> tuple[Hours, Floats, Stores]:
    """Dispatch with water and stores settled: the outputs, water values (H, P) and the schedule of the stores.

    Several reservoirs and stores answer to each other, so they take turns, and the cheapest turn is kept.
    """
    s = desk.system
    T, J, H = s.time.size, len(s.storage), len(s.reservoirs)
    stores, water = Stores(*(np.zeros((T, J)) for _ in range(4))), guess_water(desk)
    if not J:
        return *settle_water(desk, water), stores
    alone = H == 1 and desk.merit.tree and np.unique(s.units.zone[s.units.reservoir == 0]).size <= 1
    if H and not alone:
        desk.inject = np.zeros((len(s.zones), T))
        water = settle_water(desk, water)[1]
    best: tuple[Hours, Floats, Stores] | None = None
    for _ in range(TURNS if H and not alone else 1):
        stores = schedule_stores(desk, water)
        out, water = settle_water(desk, water)
        if best is None or out.cost.sum() < best[0].cost.sum():
            best = out, water, stores
    assert best is not None
    return best


def schedule_stores(desk: Desk, water: Floats) -> Stores:
    """Schedule every store against the rest, with water at its value; leaves desk.inject at the schedule."""
    s, st = desk.system, desk.system.storage
    T, J = s.time.size, len(st)
    out = Stores(*(np.zeros((T, J)) for _ in range(4)))
    zones = np.unique(st.zone)
    desk.inject = np.zeros((len(s.zones), T))
    together = J > 1 or len(s.reservoirs) > 1
    for turn in range(STORE_ROUNDS if together else 1):
        for z in zones:
            if turn == 0 or zones.size > 1:
                own = desk.inject[z].copy()
                desk.inject[z] = 0.0
                exact = _table(desk, int(z), water)
                desk.inject[z] = own
            table, steps = _smooth(*exact) if together and turn < STORE_ROUNDS - 1 else exact
            members = np.flatnonzero(st.zone == z)
            if turn == 0 and members.size > 1:
                _start_as_one(s, members, table, steps, desk.inject[z], out)
                desk.inject[z] += (out.discharge[:, members] - out.charge[:, members]).sum(axis=1)
            for j in members:
                desk.inject[z] -= out.discharge[:, j] - out.charge[:, j]
                _schedule_one(s, int(j), table, steps, desk.inject[z], out)
                desk.inject[z] += out.discharge[:, j] - out.charge[:, j]
    return out


def _start_as_one(s: System, members: Ints, table: Floats, steps: Floats, moved: Floats, out: Stores) -> None:
    """A first place for the stores of a zone: the schedule of one store as large as all, shared out by size."""
    st = s.storage
    share = st.energy_mwh[members] / max(float(st.energy_mwh[members].sum()), 1e-9)
    both = (st.charge_mw, st.discharge_mw, st.energy_mwh)
    mean = (st.charge_efficiency, st.discharge_efficiency, st.initial_share)
    pool = Storage(
        ("pool",),
        st.zone[members[:1]],
        *(np.array([x[members].sum()]) for x in both),
        *(np.array([x[members] @ share]) for x in mean),
    )
    one = Stores(*(np.zeros((s.time.size, 1)) for _ in range(4)))
    _schedule_one(replace(s, storage=pool), 0, table, steps, moved, one)
    out.charge[:, members], out.discharge[:, members] = one.charge * share, one.discharge * share


def _smooth(table: Floats, steps: Floats) -> tuple[Floats, Floats]:
    """The response with its steps spread out, so that stores share a long step instead of taking turns on it."""
    M, R = table.shape[1], SMOOTH
    at = np.arange((M - 1) * R + 1) / R
    left = np.minimum(at.astype(np.int64), M - 2)
    part = at - left
    middle = np.concatenate([[steps[0] / 2], (steps[1:] + steps[:-1]) / 2, [2 * steps[-1]]])
    fine = np.interp((np.arange((M - 1) * R) + 0.5) / R, np.arange(M), middle)
    return table[:, left] * (1.0 - part) + table[:, left + 1] * part, fine


def _table(desk: Desk, zone: int, water: Floats, apart: int = -1) -> tuple[Floats, Floats]:
    """Response of the system at the zone, (T, M + 1), and the price steps (M,) that part its columns.

    Units that draw on reservoir `apart` only do what they must.
    """
    s = desk.system
    rooted = merit_order(s, root=zone)
    steps = rooted.steps
    most = LADDER_STEPS if rooted.tree else MESH_LADDER_STEPS
    if steps.size > most:  # keep the dearest, where a step is a cut in supply, thin out the rest
        dear = most // 4
        keep = np.unique(np.linspace(0, steps.size - dear - 1, most - dear).astype(np.int64))
        steps = np.concatenate([steps[keep], steps[-dear:]])
    between = np.concatenate([[steps[0] / 2], (steps[1:] + steps[:-1]) / 2, [2 * steps[-1]]])
    table = np.empty((s.time.size, between.size))
    for p, a, b in spans(s):
        merit = rooted
        if len(s.reservoirs) and (apart >= 0 or water[:, p].any()):
            extra = np.where(s.units.reservoir >= 0, water[s.units.reservoir, p], 0.0)
            merit = rooted.dearer(np.where((apart >= 0) & (s.units.reservoir == apart), 4.0 * steps[-1] + 1.0, extra))
        desk.response(merit, zone, a, b, between, table)
    return table, steps


def _schedule_one(s: System, j: int, table: Floats, steps: Floats, moved: Floats, out: Stores) -> None:
    st = s.storage
    eff_in, eff_out, size = float(st.charge_efficiency[j]), float(st.discharge_efficiency[j]), float(st.energy_mwh[j])
    if size <= 0.0 or eff_in <= 0.0 or eff_out <= 0.0:
        return
    edges = np.unique(np.concatenate([steps * eff_out, steps / eff_in]))
    inside = np.concatenate([[edges[0] / 2], (edges[1:] + edges[:-1]) / 2, [2 * edges[-1]]])
    sell: Ints = np.searchsorted(steps, inside / eff_out)
    buy: Ints = np.searchsorted(steps, inside * eff_in)
    level, interval = np.empty(s.time.size), np.empty(s.time.size, np.int64)
    first = size * float(st.initial_share[j])
    _kernels_store.schedule(
        table,
        np.ascontiguousarray(moved),
        sell,
        buy,
        float(st.charge_mw[j]),
        float(st.discharge_mw[j]),
        eff_in,
        eff_out,
        size,
        first,
        level,
        interval,
    )
    gain = np.diff(level, prepend=first)
    out.charge[:, j] = np.clip(gain / eff_in, 0.0, st.charge_mw[j])
    out.discharge[:, j] = np.clip(-gain * eff_out, 0.0, st.discharge_mw[j])
    out.stored[:, j] = level
    out.worth[:, j] = edges[np.clip(interval - 1, 0, edges.size - 1)]
