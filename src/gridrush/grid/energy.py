"""Limited energy on top of the hourly kernels: power in stores, and stores and water answering each other.

One store at a time is scheduled to the optimum against the response of everything else, a few rounds over all. A valid
lower bound comes from the prices; it is exact for a single store up to steps of equal cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, Storage, System
from gridrush.grid import _kernels_store
from gridrush.grid.desk import Desk, Hours, Response, respond, spans
from gridrush.grid.water import Settled, cheapest_mix, guess_water, settle_water
from gridrush.units import Floats

STORE_HOURS = 35_040
"""Hours of stores that are scheduled in all the rounds over several stores, 2 rounds at least: spans of weeks get many
rounds, a year gets few."""
MOST_ROUNDS = 25
SPREADS = (0.9, 0.1)
"""Share of its price that a step is spread over to either side while several stores find their places: first, last.
The last round of all is exact."""
ONE_SPREAD = 0.1
"""The same where there is but one round before the exact one."""
WORTHS_PER_SPREAD = 2
"""Worths of stored energy told apart within that share."""
WINDOW_GAP_SHARE = 0.2
"""Share of that which is left to a period, if its hours do not give it more."""
MOST_TURNS = 8
"""Turns of water and stores answering each other in a period, after the first."""
TURN_GAP_SHARE = 1e-3
"""Turns end when cost and bound are no further apart than this share of the cost."""
WATER_GAP_SHARE = 8e-4
"""As `water.GAP_SHARE`, where there are stores too: their own gap is larger."""
WATER_MOVED = 0.01
"""Share of a water value below which a new guess is no other."""
LEAST_WEIGHT = 1e-6
"""Weight in a mix below which a schedule is left out."""
_GAINS: Any = _kernels_store.gains  # numba's types do not know about unpacked arguments
_SCHEDULE: Any = _kernels_store.schedule
_MOVES: Any = _kernels_store.moves


@dataclass(frozen=True, eq=False)
class Stores:
    """Schedule of the stores and the worth of stored energy in each hour."""

    charge: Floats  # (T, J)
    discharge: Floats  # (T, J)
    stored: Floats  # (T, J)
    worth: Floats  # (T, J)

    @staticmethod
    def none(hours: int, stores: int) -> Stores:
        """Stores at rest, empty."""
        return Stores(*(np.zeros((hours, stores)) for _ in range(4)))

    def arrays(self) -> tuple[Floats, ...]:
        return self.charge, self.discharge, self.stored, self.worth

    def part(self, first: int, last: int) -> Stores:
        """A copy of hours first to last."""
        return Stores(*(x[first:last].copy() for x in self.arrays()))


def operate(desk: Desk) -> tuple[Hours, Floats, Stores]:
    """Dispatch with water and stores settled: the outputs, water values (H, P) and the schedule of the stores.

    Stores are scheduled with water at its value, then water is settled around the stores. The first is a dispatch at
    given water values, so it bounds the cost from below as far as the stores are at their best; the second from above.
    Periods where the two are apart are gone over again, see `_Turns`, with what is stored at their ends kept.
    """
    s = desk.system
    T, J, H = s.time.size, len(s.storage), len(s.reservoirs)
    spreads = _spreads(T, J)
    water = guess_water(desk, rough=len(spreads) > 1)
    if not J:
        settled = settle_water(desk, water)
        return settled.hours, settled.worth, Stores.none(T, J)
    ends = np.tile(s.storage.energy_mwh * s.storage.initial_share, (2, 1))
    stores, water = schedule_stores(desk, water, ends, spreads, guess_again=H > 0)
    found = settle_water(desk, water, gap_share=WATER_GAP_SHARE)
    values = found.worth
    windows = spans(s) if H else []
    if len({p for p, _, _ in windows}) < len(windows):
        windows = []  # a period that comes back: its water is not that of a window
    turns = [_Turns(desk, p, a, b, ends, found, stores, water) for p, a, b in windows]
    most = TURN_GAP_SHARE * max(1.0, abs(float(found.hours.cost.sum())))
    left = sum(t.gap for t in turns)
    for t in sorted(turns, key=lambda t: -t.gap):
        if left <= most:
            break
        left -= t.gap
        t.go_on(spreads, most * max((t.last - t.first) / T, WINDOW_GAP_SHARE))
        left += t.gap
        if t.best is not None:
            t.put(found.hours, values, stores)
    return found.hours, values, stores


class _Turns:
    """Dispatches of a window that were found, each with the energy of the reservoirs kept or at given water values.

    They are mixed so that the energy is kept (as in `water`, with whole windows as columns), the mix is tried, and its
    water values are those of the next turn.
    """

    def __init__(
        self, whole: Desk, period: int, first: int, last: int, ends: Floats, found: Settled, stores: Stores,
        water: Floats,
    ) -> None:
        self.whole, self.period, self.first, self.last = whole, period, first, last
        self.energy = whole.system.reservoirs.energy_mwh[:, period]
        before = stores.stored[first - 1] if first else ends[0]
        self.ends = np.stack([before, stores.stored[last - 1]])
        self.cost = [float(found.hours.cost[first:last].sum()), float(found.guessed_cost[period])]
        self.used = [found.used[:, period], found.guessed_used[:, period]]
        self.stores = [stores.part(first, last)]
        self.lowest = self.cost[0]
        self.least = self.cost[1] + float(water[:, period] @ (self.used[1] - self.energy))
        self.water, self.settled = water[:, period], found.worth[:, period]  # at the best bound, and of the cheapest
        self.best: tuple[Settled, Stores] | None = None

    @property
    def gap(self) -> float:
        """Distance of the cheapest dispatch from the bound. [USD]"""
        return self.lowest - self.least

    def go_on(self, spreads: list[float], gap: float) -> None:
        """Turns until the gap is no larger than this: at the water values just settled, then half way between those of
        the mix and those of the best bound (Wentges 1997)."""
        desk = self.whole.part(self.period, self.first, self.last)
        water = self.settled
        for _ in range(MOST_TURNS):
            self.take(desk, schedule_stores(desk, water[:, None], self.ends, spreads)[0], water, bounds=True)
            if self.gap <= gap:
                break
            mixed, mean = self.mixed()
            if mixed is not None:
                self.take(desk, mixed, mean, bounds=False)
                if self.gap <= gap:
                    break
            water = 0.5 * (mean + self.water)

    def take(self, desk: Desk, stores: Stores, water: Floats, *, bounds: bool) -> None:
        """Settle the water around the stores, and keep what was found."""
        desk.inject = _injected(desk.system, stores)
        found = settle_water(desk, water[:, None], gap_share=WATER_GAP_SHARE)
        cost = float(found.hours.cost.sum())
        self.cost += [cost, float(found.guessed_cost[0])]
        self.used += [found.used[:, 0], found.guessed_used[:, 0]]
        self.stores.append(stores)
        least = self.cost[-1] + float(water @ (self.used[-1] - self.energy))
        if bounds and least > self.least:
            self.least, self.water = least, water
        if cost < self.lowest:
            self.lowest, self.best = cost, (found, stores)

    def mixed(self) -> tuple[Stores | None, Floats]:
        """The mix of the schedules found that should cost least, None when it is but one, and its water values."""
        mix, water = cheapest_mix(np.array(self.cost), np.array(self.used), self.energy)
        weight = mix.reshape(-1, 2).sum(axis=1)
        if (weight > LEAST_WEIGHT).sum() == 1:
            return None, water
        out = Stores.none(self.last - self.first, self.ends.shape[1])
        for w, stores in zip(weight, self.stores, strict=True):
            out.stored[...] += w * stores.stored
            out.worth[...] += w * stores.worth
        st = self.whole.system.storage
        which = np.flatnonzero(_works(st))
        _move(st, which, self.ends[0, which], out)
        return out, water

    def put(self, hours: Hours, water: Floats, stores: Stores) -> None:
        """Write the best of the window into the whole."""
        assert self.best is not None
        found, best = self.best
        here = slice(self.first, self.last)
        for into, part in zip(hours.arrays(), found.hours.arrays(), strict=True):
            into[..., here] = part
        water[:, self.period] = found.worth[:, 0]
        for into, part in zip(stores.arrays(), best.arrays(), strict=True):
            into[here] = part


def schedule_stores(
    desk: Desk, water: Floats, ends: Floats, spreads: list[float], *, guess_again: bool = False
) -> tuple[Stores, Floats]:
    """Schedule every store against the rest, with water at its value; leaves desk.inject at the schedule.

    Several stores are placed in turns, from a common start on prices that are spread out and, where there is time for
    it, also one after the other, the one that loses least first: where power to charge with is short, turns from a
    common start never give it all to the better store. The cheaper of the two is kept.

    ends (2, J): what is stored before the first hour and after the last; spreads, guess_again: see `_in_turns`. Comes
    with the water values it is for.
    """
    s, st = desk.system, desk.system.storage
    first, water = _in_turns(desk, water, ends, spreads, np.arange(len(st)), together=True, guess_again=guess_again)
    found = [first]
    if len(spreads) > 2:
        better = np.argsort(-st.charge_efficiency * st.discharge_efficiency, kind="stable")
        found.append(_in_turns(desk, water, ends, [0.0, 0.0], better, together=False)[0])
        found.sort(key=lambda stores: _cost(desk, stores, water))
    desk.inject = _injected(s, found[0])
    return found[0], water


def _cost(desk: Desk, stores: Stores, water: Floats) -> float:
    """Cost of everything else around the stores, with water at its value."""
    s, fed = desk.system, desk.system.units.reservoir
    desk.inject, out, merit = _injected(s, stores), Hours.empty(s), desk.alike(desk.merit)
    for p, a, b in spans(s):
        dearer = np.where(fed >= 0, water[fed, p], 0.0) if len(s.reservoirs) else np.zeros(len(fed))
        desk.run(a, b, out, merit.dearer(dearer) if dearer.any() else merit)
    return float(out.cost.sum())


def _injected(s: System, stores: Stores) -> Floats:
    """Net power of the stores in each zone. (Z, T)"""
    out = np.zeros((len(s.zones), s.time.size))
    np.add.at(out, s.storage.zone, (stores.discharge - stores.charge).T)
    return out


def _in_turns(
    desk: Desk, water: Floats, ends: Floats, spreads: list[float], order: Ints, *, together: bool,
    guess_again: bool = False,
) -> tuple[Stores, Floats]:
    """Stores scheduled one after the other in as many rounds as there are spreads of the price steps.

    together: stores of a zone begin with the schedule of one store as large as all; where each zone has but one, the
    first round places the largest alone. guess_again: half way, water is guessed again, now that there are stores.
    """
    s, st = desk.system, desk.system.storage
    T, J = s.time.size, len(st)
    out, works = Stores.none(T, J), _works(st)
    out.stored[:, ~works] = ends[0, ~works]
    order = order[works[order]]
    alone = together and np.unique(st.zone[order]).size == order.size
    if alone:
        order = order[np.argsort(st.energy_mwh[order], kind="stable")]
    zones = list(dict.fromkeys(st.zone[order].tolist()))
    desk.inject = np.zeros((len(s.zones), T))
    rest: dict[int, Response] = {}
    for turn, spread in enumerate(spreads):
        if guess_again and turn == len(spreads) // 2 > 0:
            guess = guess_water(desk, water)
            moved = (np.abs(guess - water) > WATER_MOVED * (1.0 + water)).any(axis=0)
            if moved.any():
                water, rest = np.where(moved, guess, water), {}
        for z in zones[-1:] if alone and turn == 0 else zones:
            members = order[st.zone[order] == z]
            if z not in rest or len(zones) > 1:
                own = desk.inject[z].copy()
                desk.inject[z] = 0.0
                most = float(st.discharge_mw[members].sum()), float(st.charge_mw[members].sum())
                rest[z] = respond(desk, z, water, *most)
                desk.inject[z] = own
            if together and turn == 0 and members.size > 1:
                _start_as_one(s, members, ends, rest[z], spread, desk.inject[z], out)
                desk.inject[z] += (out.discharge[:, members] - out.charge[:, members]).sum(axis=1)
            for j in members:
                desk.inject[z] -= out.discharge[:, j] - out.charge[:, j]
                _schedule_one(s, int(j), ends[:, j], rest[z], spread, desk.inject[z], out)
                desk.inject[z] += out.discharge[:, j] - out.charge[:, j]
    return out, water


def _spreads(hours: int, stores: int) -> list[float]:
    """Spread of the price steps in each round over the stores."""
    if stores < 2:
        return [0.0]
    rounds = int(np.clip(STORE_HOURS // (hours * stores), 2, MOST_ROUNDS)) - 1
    return [*(np.geomspace(*SPREADS, rounds).tolist() if rounds > 1 else [ONE_SPREAD]), 0.0]


def _start_as_one(
    s: System, members: Ints, ends: Floats, rest: Response, spread: float, moved: Floats, out: Stores
) -> None:
    """A first place for the stores of a zone: the schedule of one store as large as all, shared out by size."""
    st = s.storage
    share = st.energy_mwh[members] / max(float(st.energy_mwh[members].sum()), 1e-9)
    both = (st.charge_mw, st.discharge_mw, st.energy_mwh)
    mean = (st.charge_efficiency, st.discharge_efficiency, st.initial_share)
    pool = Storage(
        ("pool",), st.zone[members[:1]], *(np.array([x[members].sum()]) for x in both),
        *(np.array([x[members] @ share]) for x in mean),
    )  # fmt: skip
    one = Stores.none(s.time.size, 1)
    _schedule_one(replace(s, storage=pool), 0, ends[:, members].sum(axis=1), rest, spread, moved, one)
    out.charge[:, members], out.discharge[:, members] = one.charge * share, one.discharge * share


def _works(st: Storage) -> NDArray[np.bool_]:
    """Stores that can take power and give it back. (J,)"""
    return np.asarray((st.energy_mwh > 0.0) & (st.charge_efficiency > 0.0) & (st.discharge_efficiency > 0.0))


def _move(st: Storage, which: Ints, first: Floats, out: Stores) -> None:
    """Charge and discharge of some stores from what is stored in them, and was before the first hour."""
    _MOVES(out.stored, which, first, st.charge_efficiency, st.discharge_efficiency, st.charge_mw, st.discharge_mw,
           out.charge, out.discharge)  # fmt: skip


def _schedule_one(
    s: System, j: int, ends: Floats, rest: Response, spread: float, moved: Floats, out: Stores
) -> None:
    st = s.storage
    eff_in, eff_out, size = float(st.charge_efficiency[j]), float(st.discharge_efficiency[j]), float(st.energy_mwh[j])
    bins, share, since, until = _bins(rest.steps.tobytes(), eff_in, eff_out, spread)
    T, (first, last) = s.time.size, ends.tolist()
    least, start = np.empty(T), np.empty(T + 1, np.int64)
    row, more = np.empty(2 * rest.place.size, np.int64), np.empty(2 * rest.place.size)
    _GAINS(*rest.arrays(), np.ascontiguousarray(moved), float(st.charge_mw[j]), float(st.discharge_mw[j]), eff_in,
           eff_out, rest.steps.size, least, start, row, more)  # fmt: skip
    level, worth = np.empty(T), np.empty(T, np.int64)
    _SCHEDULE(least, start, row, more, bins.size, share, since, until, size, first, last, level, worth)
    out.stored[:, j] = level
    _move(st, np.array([j]), ends[:1], out)
    out.worth[:, j] = bins[worth]


@lru_cache(maxsize=64)
def _bins(prices: bytes, eff_in: float, eff_out: float, spread: float) -> tuple[Floats, Floats, Ints, Ints]:
    """Worths of stored energy, from zero up (B,), at which a store sells less and buys more.

    prices: the rising steps of a response, as the bytes of their floats. For each step, sold at or (after all these)
    bought at, the first worth and the one after the last at which something changes, and the share of the change that
    happens before the first worth and each after it (R, .).
    """
    steps = np.frombuffer(prices)
    centre = np.concatenate([steps * eff_out, steps / eff_in])
    if not spread or steps.size < 2:
        bins, since = np.unique(centre, return_inverse=True)
        return bins, np.tile([0.0, 1.0], (since.size, 1)), since, since + 1
    low, high = centre[centre > 0].min() / (1.0 + spread), centre.max() * (1.0 + spread)
    edges = np.geomspace(low, high, int(np.log(high / low) / spread * WORTHS_PER_SPREAD) + 2)
    since = np.searchsorted(edges, centre * (1.0 - spread), "right")
    until = np.minimum(np.searchsorted(edges, centre * (1.0 + spread)) + 1, edges.size)
    since[centre == 0.0], until[centre == 0.0] = 0, 1  # free power: before the first worth
    at = since[:, None] + np.arange((until - since).max() + 1)
    share = edges[np.clip(at - 1, 0, edges.size - 1)] / np.maximum(centre, low)[:, None]
    share = np.where(at < until[:, None], np.clip((share - 1.0 + spread) / (2.0 * spread), 0.0, 1.0), 1.0)
    share[:, 0] = 0.0
    return np.concatenate([[0.0], np.sqrt(edges[1:] * edges[:-1])]), share, since, until
