"""Limited energy on top of the hourly kernels: power in stores, and stores and water answering each other.

One store at a time is scheduled to the optimum against the response of everything else, a few rounds over all. A valid
lower bound comes from the prices; it is exact for a single store up to steps of equal cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gridrush.case.system import Ints, Storage, System
from gridrush.grid import _kernels_store
from gridrush.grid.desk import Desk, Hours, Response, between_steps, respond, spans
from gridrush.grid.water import guess_water, settle_water
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
WORTHS_PER_SPREAD = 4
"""Worths of stored energy tried within that share."""
TURN_HOURS = 8_000
MOST_TURNS = 3
"""Turns of water and stores answering each other: `TURN_HOURS` over the hours, from 1 to this many."""
TURN_GAIN_SHARE = 1e-4
"""Turns end when one saves less than this share of the cost."""
WATER_GAP_SHARE = 8e-4
"""As `water.GAP_SHARE`, where there are stores too: their own gap is larger."""
_SCHEDULE: Any = _kernels_store.schedule


@dataclass(frozen=True, eq=False)
class Stores:
    """Schedule of the stores and the worth of stored energy in each hour."""

    charge: Floats  # (T, J)
    discharge: Floats  # (T, J)
    stored: Floats  # (T, J)
    worth: Floats  # (T, J)


def operate(desk: Desk) -> tuple[Hours, Floats, Stores]:
    """Dispatch with water and stores settled: the outputs, water values (H, P) and the schedule of the stores.

    Reservoirs and stores answer to each other, so they take turns while that saves something, and the cheapest turn is
    kept.
    """
    s = desk.system
    T, J, H = s.time.size, len(s.storage), len(s.reservoirs)
    stores, water = Stores(*(np.zeros((T, J)) for _ in range(4))), guess_water(desk)
    if not J:
        return *settle_water(desk, water), stores
    best: tuple[Hours, Floats, Stores] | None = None
    for _ in range(int(np.clip(TURN_HOURS // T, 1, MOST_TURNS)) if H else 1):
        stores = schedule_stores(desk, water)
        out, water = settle_water(desk, water, gap_share=WATER_GAP_SHARE)
        cost = float(out.cost.sum())
        before = np.inf if best is None else float(best[0].cost.sum())
        if cost < before:
            best = out, water, stores
        if cost > before - TURN_GAIN_SHARE * abs(cost):
            break
    assert best is not None
    return best


def schedule_stores(desk: Desk, water: Floats) -> Stores:
    """Schedule every store against the rest, with water at its value; leaves desk.inject at the schedule.

    Several stores are placed in turns, from a common start on prices that are spread out and, where there is time for
    it, also one after the other, the one that loses least first: where power to charge with is short, turns from a
    common start never give it all to the better store. The cheaper of the two is kept.
    """
    s, st = desk.system, desk.system.storage
    spreads = _spreads(s.time.size, len(st))
    found = [_in_turns(desk, water, spreads, np.arange(len(st)), together=True)]
    if len(spreads) > 2:
        better = np.argsort(-st.charge_efficiency * st.discharge_efficiency, kind="stable")
        found.append(_in_turns(desk, water, [0.0, 0.0], better, together=False))
        found.sort(key=lambda stores: _cost(desk, stores, water))
    desk.inject = _injected(s, found[0])
    return found[0]


def _cost(desk: Desk, stores: Stores, water: Floats) -> float:
    """Cost of everything else around the stores, with water at its value."""
    s, fed = desk.system, desk.system.units.reservoir
    desk.inject, out = _injected(s, stores), Hours.empty(s)
    for p, a, b in spans(s):
        dearer = np.where(fed >= 0, water[fed, p], 0.0) if len(s.reservoirs) else np.zeros(len(fed))
        desk.run(a, b, out, desk.merit.dearer(dearer) if dearer.any() else None)
    return float(out.cost.sum())


def _injected(s: System, stores: Stores) -> Floats:
    """Net power of the stores in each zone. (Z, T)"""
    out = np.zeros((len(s.zones), s.time.size))
    np.add.at(out, s.storage.zone, (stores.discharge - stores.charge).T)
    return out


def _in_turns(desk: Desk, water: Floats, spreads: list[float], order: Ints, *, together: bool) -> Stores:
    """Stores scheduled one after the other in as many rounds as there are spreads of the price steps.

    together: stores of a zone begin with the schedule of one store as large as all.
    """
    s, st = desk.system, desk.system.storage
    T, J = s.time.size, len(st)
    out = Stores(*(np.zeros((T, J)) for _ in range(4)))
    zones = list(dict.fromkeys(st.zone[order].tolist()))
    desk.inject = np.zeros((len(s.zones), T))
    rest: dict[int, Response] = {}
    for turn, spread in enumerate(spreads):
        for z in zones:
            members = order[st.zone[order] == z]
            if z not in rest or len(zones) > 1:
                own = desk.inject[z].copy()
                desk.inject[z] = 0.0
                most = float(st.discharge_mw[members].sum()), float(st.charge_mw[members].sum())
                rest[z] = respond(desk, z, water, *most)
                desk.inject[z] = own
            if together and turn == 0 and members.size > 1:
                _start_as_one(s, members, rest[z], spread, desk.inject[z], out)
                desk.inject[z] += (out.discharge[:, members] - out.charge[:, members]).sum(axis=1)
            for j in members:
                desk.inject[z] -= out.discharge[:, j] - out.charge[:, j]
                _schedule_one(s, int(j), rest[z], spread, desk.inject[z], out)
                desk.inject[z] += out.discharge[:, j] - out.charge[:, j]
    return out


def _spreads(hours: int, stores: int) -> list[float]:
    """Spread of the price steps in each round over the stores."""
    if stores < 2:
        return [0.0]
    rounds = int(np.clip(STORE_HOURS // (hours * stores), 2, MOST_ROUNDS)) - 1
    return [*(np.geomspace(*SPREADS, rounds).tolist() if rounds > 1 else [ONE_SPREAD]), 0.0]


def _start_as_one(s: System, members: Ints, rest: Response, spread: float, moved: Floats, out: Stores) -> None:
    """A first place for the stores of a zone: the schedule of one store as large as all, shared out by size."""
    st = s.storage
    share = st.energy_mwh[members] / max(float(st.energy_mwh[members].sum()), 1e-9)
    both = (st.charge_mw, st.discharge_mw, st.energy_mwh)
    mean = (st.charge_efficiency, st.discharge_efficiency, st.initial_share)
    pool = Storage(
        ("pool",), st.zone[members[:1]], *(np.array([x[members].sum()]) for x in both),
        *(np.array([x[members] @ share]) for x in mean),
    )  # fmt: skip
    one = Stores(*(np.zeros((s.time.size, 1)) for _ in range(4)))
    _schedule_one(replace(s, storage=pool), 0, rest, spread, moved, one)
    out.charge[:, members], out.discharge[:, members] = one.charge * share, one.discharge * share


def _schedule_one(s: System, j: int, rest: Response, spread: float, moved: Floats, out: Stores) -> None:
    st = s.storage
    eff_in, eff_out, size = float(st.charge_efficiency[j]), float(st.discharge_efficiency[j]), float(st.energy_mwh[j])
    if size <= 0.0 or eff_in <= 0.0 or eff_out <= 0.0:
        return
    steps = rest.steps[1:]
    edges = np.unique(np.concatenate([steps * eff_out, steps / eff_in]))
    worths = between_steps(edges)
    if spread and edges.size:
        n = int(np.log(edges[-1] / edges[0] * (1.0 + spread) ** 2) / spread * WORTHS_PER_SPREAD) + 2
        worths = np.geomspace(edges[0] / (1.0 + spread), edges[-1] * (1.0 + spread), n)
        edges = np.sqrt(worths[1:] * worths[:-1])
    level, place = np.empty(s.time.size), np.empty(s.time.size, np.int64)
    first = size * float(st.initial_share[j])
    _SCHEDULE(
        worths, *rest.arrays(), spread, np.ascontiguousarray(moved), float(st.charge_mw[j]),
        float(st.discharge_mw[j]), eff_in, eff_out, size, first, level, place,
    )  # fmt: skip
    gain = np.diff(level, prepend=first)
    out.charge[:, j] = np.clip(gain / eff_in, 0.0, st.charge_mw[j])
    out.discharge[:, j] = np.clip(-gain * eff_out, 0.0, st.discharge_mw[j])
    out.stored[:, j] = level
    out.worth[:, j] = edges[np.clip(place - 1, 0, edges.size - 1)] if edges.size else 0.0
