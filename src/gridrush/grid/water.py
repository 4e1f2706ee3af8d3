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

from gridrush.case.system import Ints
from gridrush.errors import EngineError, InfeasibleError
from gridrush.grid import _kernels_water
from gridrush.grid.desk import Desk, Hours
from gridrush.units import Floats

GAP_SHARE = 5e-6
"""A period's water is settled when mixing more dispatches could not save more than this share of its cost; what
is dispatched around the water afterwards saves part of it."""
GUESS_GAP_SHARE, ROUGH_GAP_SHARE = 1e-4, 1e-3
"""The same for a guess, and for one that is followed by another."""
MOST_TRIES = 100
ABOVE_ALL_USD_PER_MWH = 1e9
"""Price at which a mix could buy water: so high that it never does where it need not."""
NUDGE = 1e-7
"""A guessed water value is tried this much above, so that a tie saves water."""
REACH, AGAIN_REACH, GUESS_REACH = 0.02, 0.1, 0.2
"""How far from where it begins a water value is looked for at first, as a share of what its power is worth."""
GUESS_EVERY_H, ROUGH_EVERY_H, GUESS_HOURS = 5, 11, 700
"""A guess, and one that is followed by another, look at one hour of so many (no divisors of a day or a week), where
periods have so many hours on the mean."""
_SETTLE: Any = _kernels_water.settle  # numba's types do not know about unpacked arguments


@dataclass(frozen=True, eq=False)
class Settled:
    """A dispatch with the energy of every reservoir kept, and the dispatch at guessed water values it started from."""

    hours: Hours
    worth: Floats  # (H, P) [USD/MWh]
    used: Floats  # (H, P) energy the reservoirs gave [MWh]
    guessed_cost: Floats  # (P,) of the dispatch at the guess, water free [USD]
    guessed_used: Floats  # (H, P) [MWh]


@dataclass(frozen=True, eq=False)
class Values:
    """Water values found, and what goes with them."""

    worth: Floats  # (H, P) [USD/MWh]
    fed: Ints  # (F,) units with a reservoir, one of those alike
    given: Floats  # (F, T) what they, and those alike, give in the mix
    price: Floats  # (Z, T)
    guessed_cost: Floats  # (P,)
    guessed_used: Floats  # (H, P)


def guess_water(desk: Desk, start: Floats | None = None, *, rough: bool = False) -> Floats:
    """Water values (H, P) at which the reservoirs are about used up.

    start (H, P): where to look first; from the middle of all costs and then from period to period if left out.
    rough: at one hour of ROUGH_EVERY_H of long periods, and to a wider gap.
    """
    s = desk.system
    H, P = s.reservoirs.energy_mwh.shape
    if not H:
        return np.zeros((H, P))
    step, gap_share = (ROUGH_EVERY_H, ROUGH_GAP_SHARE) if rough else (GUESS_EVERY_H, GUESS_GAP_SHARE)
    step = step if s.time.size >= GUESS_HOURS * P else 1
    return values_of_water(desk, start, gap_share, GUESS_REACH if start is None else AGAIN_REACH, step).worth


def settle_water(desk: Desk, guess: Floats, *, gap_share: float = GAP_SHARE) -> Settled:
    """Dispatch with the energy of every reservoir kept.

    guess (H, P): water values to start from.
    """
    s = desk.system
    out = Hours.empty(s)
    if not len(s.reservoirs):
        desk.whole(out)
        zeros = np.zeros_like(guess)
        return Settled(out, zeros, zeros, np.zeros(guess.shape[1]), zeros)
    found, used = values_of_water(desk, guess, gap_share, REACH), np.zeros_like(guess)
    for h, given in zip(s.units.reservoir[found.fed].tolist(), found.given, strict=True):
        used[h] += np.bincount(s.period, given, minlength=guess.shape[1])
    desk.around(found.fed, found.given, out)
    out.price[...] = found.price
    return Settled(out, found.worth, used, found.guessed_cost, found.guessed_used)


def values_of_water(desk: Desk, start: Floats | None, gap_share: float, reach: float, step: int = 1) -> Values:
    """Water values of each period, from one hour of so many and a like share of the energy."""
    s, u, merit = desk.system, desk.system.units, desk.alike(desk.merit)
    T, Z, (H, P) = s.time.size, len(s.zones), s.reservoirs.energy_mwh.shape
    own = merit.reservoir >= 0
    fed = np.sort(merit.unit[own])
    owner, size, F = merit.reservoir[own], merit.capacity_mw[own], fed.size
    own_cost = np.bincount(owner, size * merit.cost_usd_per_mwh[own], H) / np.maximum(np.bincount(owner, size, H), 1e-9)
    dearest = float(np.abs(merit.cost_usd_per_mwh).max(initial=1.0))
    ceiling = 2.0 * max(1.0, dearest / float(np.prod(merit.keep_share)))
    worth, used = np.zeros((P, H)), np.empty((MOST_TRIES, H))
    out = Values(worth.T, fed, np.empty((F, T)), np.empty((Z, T)), np.zeros(P), np.zeros((H, P)))
    if start is None:
        begin = np.maximum(np.median(merit.steps) - own_cost, 0.0)[None] if merit.steps.size else np.zeros((1, H))
    else:
        begin = np.ascontiguousarray(start.T) * (1.0 + NUDGE)
    edges = np.concatenate([[0], np.cumsum(np.bincount(s.period, minlength=P))])
    state, p = _SETTLE(
        np.argsort(s.period, kind="stable"), edges, step, s.reservoirs.energy_mwh, begin, start is None, own_cost,
        reach, gap_share, ceiling, u.reservoir, fed, u.zone[fed], u.cost_usd_per_mwh[fed], merit.tree, desk.series(),
        merit.tree_arrays(), merit.mesh_arrays(s)[6:], out.given, out.price, worth, out.guessed_cost, out.guessed_used,
        used,
    )  # fmt: skip
    if state <= 0 and step == 1:  # else some hours need not have what all have
        _give_up(s.reservoirs.name, used[-state - 1], s.reservoirs.energy_mwh[:, p], state)
    return out


def _give_up(names: tuple[str, ...], used: Floats, energy: Floats, state: int) -> None:
    if not state:
        raise EngineError("the water values did not settle; use engine='lp'")
    raise InfeasibleError(
        "must-run needs more water than there is",
        (f"reservoir {names[h]}: must-run {used[h]:.0f} MWh, energy {energy[h]:.0f} MWh"
         for h in np.flatnonzero(used > energy * (1 + 1e-9) + 1e-6)),
    )  # fmt: skip


def cheapest_mix(cost: Floats, used: Floats, energy: Floats) -> tuple[Floats, Floats]:
    """Weights of the cheapest mix of dispatches that keeps the energy, and the worth of each reservoir's water."""
    mix, worth = np.empty(cost.size), np.empty(energy.size)
    total, bought = _kernels_water.cheapest_mix(
        cost, used, energy, np.zeros(energy.size), np.full(energy.size, ABOVE_ALL_USD_PER_MWH), mix, worth
    )
    if bought or not np.isfinite(total):
        raise EngineError("the water values did not settle; use engine='lp'")
    return mix, worth
