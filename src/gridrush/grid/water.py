"""Water in reservoirs: each period is a small linear programme over whole dispatches.

A water value per reservoir is added to the running cost of its units, the dispatch that follows is a column, and the
master mixes columns so that the energy is used exactly (Dantzig and Wolfe 1960). The best water values give a lower
bound on the cost, so the gap is known. What the reservoirs' units give in the mix is then kept, and everything else is
dispatched around it, which costs no more than the mix.

References
----------
Dantzig, G. B. and Wolfe, P. (1960), Decomposition principle for linear programs, Operations Research 8(1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints
from gridrush.errors import EngineError, InfeasibleError
from gridrush.grid import _kernels_mesh, _kernels_store
from gridrush.grid.desk import Desk, Hours, between_steps, respond, spans
from gridrush.grid.lp import unit_limits_mw
from gridrush.units import Floats

GAP_SHARE = 5e-6
"""A period's water is settled when mixing more dispatches could not save more than this share of its cost; what
is dispatched around the water afterwards saves part of it."""
ROUNDS = 60
NUDGE = 1e-7
"""A guessed water value is tried this much above, so that a tie saves water."""
STRIDES = (0.01, 0.05, 0.2, 0.5)
"""Steps away from a guessed water value until the energy lies between two uses."""
GUESS_EVERY_H, GUESS_HOURS = 5, 700
"""Of periods of so many hours on the mean, a guess looks at one hour of so many (no divisor of a day or a week)."""
_DRAWN: Any = _kernels_store.drawn


def guess_water(desk: Desk) -> Floats:
    """Water values (H, P) at which each reservoir by itself would be used up, from the response of all else to its
    zone.

    Exact for one reservoir with units of equal cost in one zone of a network without losses; a start for
    `settle_water`.
    """
    H, P = desk.system.reservoirs.energy_mwh.shape
    values = np.zeros((H, P))
    if H and desk.merit.tree and (step := GUESS_EVERY_H if desk.system.time.size >= GUESS_HOURS * P else 1) > 1:
        desk = desk.every(step)
    s, u = desk.system, desk.system.units
    for h in [*range(H), *range(H - 1)] if desk.merit.tree else ():
        fed = np.flatnonzero(u.reservoir == h)
        if not fed.size:
            continue
        zone = int(u.zone[fed[np.argmax(u.capacity_mw[fed])]])
        own_cost = float(np.average(u.cost_usd_per_mwh[fed], weights=u.capacity_mw[fed] + 1e-9))
        low, high = unit_limits_mw(s, desk.up if desk.up.size else None, fed)
        must, room = low.sum(axis=1), np.ascontiguousarray((high - low).sum(axis=1))
        rest = respond(desk, zone, values, float(room.max()), 0.0, apart=h)
        steps = rest.steps[1:]
        between = between_steps(steps)
        for p, a, b in spans(s):
            left = s.reservoirs.energy_mwh[h, p] * (b - a) / np.count_nonzero(s.period == p) - must[a:b].sum()
            first, last = int(np.searchsorted(steps, own_cost)), between.size - 1
            if _DRAWN(a, b, between[first], *rest.arrays(), rest.steps, room) <= left:
                values[h, p] = 0.0
                continue
            while last - first > 1:
                mid = (first + last) // 2
                if _DRAWN(a, b, between[mid], *rest.arrays(), rest.steps, room) > left:
                    first = mid
                else:
                    last = mid
            values[h, p] = max(0.0, steps[min(first, steps.size - 1)] - own_cost)
    return values


@dataclass(frozen=True, eq=False)
class Settled:
    """A dispatch with the energy of every reservoir kept, and the dispatch at guessed water values it started from."""

    hours: Hours
    worth: Floats  # (H, P) water values
    used: Floats  # (H, P) energy the reservoirs gave [MWh]
    guessed_cost: Floats  # (P,) of the dispatch at the guess, water free [USD]
    guessed_used: Floats  # (H, P)


def settle_water(desk: Desk, guess: Floats, *, gap_share: float = GAP_SHARE) -> Settled:
    """Dispatch with the energy of every reservoir kept.

    guess (H, P): water values to start from.
    """
    s = desk.system
    H, P = s.reservoirs.energy_mwh.shape
    out, values, used, guessed = Hours.empty(s), np.zeros((H, P)), np.zeros((H, P)), np.zeros((H, P))
    if not H:
        desk.run(0, s.time.size, out)
        return Settled(out, values, used, np.zeros(P), guessed)
    cost = np.zeros(P)
    runs: dict[int, list[tuple[int, int]]] = {}
    for p, a, b in spans(s):
        runs.setdefault(p, []).append((a, b))
    fed = np.flatnonzero(s.units.reservoir >= 0)
    given, price = np.zeros((fed.size, s.time.size)), np.empty((len(s.zones), s.time.size))
    for p, pieces in runs.items():
        period = _Period(desk, fed, pieces, s.reservoirs.energy_mwh[:, p], out)
        values[:, p], used[:, p] = period.settle(guess[:, p], gap_share)
        guessed[:, p] = period.used[0]
        cost[p] = period.cost[0]
        for a, b in pieces:
            here = slice(a - pieces[0][0], b - pieces[0][0])
            given[:, a:b], price[:, a:b] = period.given[:, here], period.price[:, here]
    desk.around(fed, given, out)
    out.price[...] = price
    return Settled(out, values, used, cost, guessed)


class _Period:
    """The dispatches of one period that were tried, and their mix."""

    def __init__(self, desk: Desk, fed: Ints, pieces: list[tuple[int, int]], energy: Floats, out: Hours) -> None:
        self.desk, self.fed, self.pieces, self.energy, self.out = desk, fed, pieces, energy, out
        self.owner = desk.system.units.reservoir
        self.of = self.owner[fed]
        self.only = np.append(self.owner >= 0, False)
        self.uses: list[Floats] = []  # generation of the fed units
        self.prices: list[Floats] = []
        self.cost: list[float] = []
        self.used: list[Floats] = []
        self.worths: list[Floats] = []
        self.bounds: list[float] = []

    def try_at(self, worth: Floats) -> None:
        """One more dispatch, at these water values (H,)."""
        dear = bool(worth.any())
        merit = self.desk.merit.dearer(np.where(self.owner >= 0, worth[self.owner], 0.0)) if dear else self.desk.merit
        total, out = 0.0, self.out
        for a, b in self.pieces:
            self.desk.run(a, b, out, merit, self.only)
            total += float(out.cost[a:b].sum())
        whole = slice(self.pieces[0][0], self.pieces[-1][1])
        use = out.generation[self.fed, whole]
        by_unit = sum(use[:, a - whole.start : b - whole.start].sum(axis=1) for a, b in self.pieces)
        water: Floats = np.bincount(self.of, by_unit, minlength=worth.size).astype(np.float64)
        self.uses.append(use)
        self.prices.append(out.price[:, whole].copy())
        self.cost.append(total - float(worth @ water))
        self.used.append(water)
        self.worths.append(worth)
        self.bounds.append(total - float(worth @ self.energy))

    def seen(self, more: bool) -> NDArray[np.bool_]:
        """Reservoirs of which some dispatch used more, or no more, than there is. (H,)"""
        used = np.array(self.used)
        return np.asarray((used > self.energy if more else used <= self.energy).any(axis=0))

    def settle(self, guess: Floats, gap_share: float) -> tuple[Floats, Floats]:
        """Water values and energy used (H,); leaves `given` and `price` of the fed units and the zones over the

        period."""
        energy = self.energy
        self.try_at(guess * (1.0 + NUDGE))
        for step in STRIDES if guess.any() else ():
            less, more = self.seen(False), self.seen(True)
            if (less & more).all():
                break
            worth = self.worths[-1]
            self.try_at(np.where(less, np.where(more, worth, worth * (1.0 - step)), worth * (1.0 + step)))
        if guess.any() and not self.seen(True).all():
            self.try_at(np.zeros(energy.size))
        if not self.worths[-1].any() and (self.used[-1] <= energy * (1 + 1e-9)).all():
            self.given, self.price = self.uses[-1], self.prices[-1]
            return self.worths[-1], self.used[-1]
        if not any((u <= energy).all() for u in self.used):
            merit = self.desk.merit
            dearest = float(np.abs(merit.cost_usd_per_mwh).max(initial=1.0))
            self.try_at(np.full(energy.size, 2.0 * max(1.0, dearest / float(np.prod(merit.keep_share)))))
            if (short := self.used[-1] > energy * (1 + 1e-9) + 1e-6).any():
                names = self.desk.system.reservoirs.name
                raise InfeasibleError(
                    "must-run needs more water than there is",
                    (
                        f"reservoir {names[h]}: must-run {self.used[-1][h]:.0f} MWh, energy {energy[h]:.0f} MWh"
                        for h in np.flatnonzero(short)
                    ),
                )
        for _ in range(ROUNDS):
            total, mix, worth = cheapest_mix(np.array(self.cost), np.array(self.used), energy)
            if total - max(self.bounds) <= gap_share * max(1.0, abs(total)):
                break
            self.try_at(np.maximum(worth, 0.0))
        best = int(np.argmax(self.bounds))
        self.given, self.price = sum(mix[k] * self.uses[k] for k in np.flatnonzero(mix > 0)), self.prices[best]
        return self.worths[best], mix @ np.array(self.used)


def cheapest_mix(cost: Floats, used: Floats, energy: Floats) -> tuple[float, Floats, Floats]:
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
