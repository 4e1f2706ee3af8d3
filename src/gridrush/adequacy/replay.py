"""A sample year drawn again: what was out, what was wanted and what was not met around its worst event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.adequacy._kernels_anchor import draw_anchor
from gridrush.adequacy._kernels_draw import fill_exponentials, mix, plain_events, uniform
from gridrush.adequacy._kernels_other import other_events
from gridrush.adequacy._kernels_walk import SAMPLE_WORD, SCENARIO_WORD
from gridrush.adequacy.batch import CELLS, COMMON_ROOM, run
from gridrush.adequacy.hazards import NO_HAZARDS, Hazards
from gridrush.adequacy.importance import make_tables
from gridrush.adequacy.metrics import Assessment, Event
from gridrush.adequacy.plan import Plan, demand_by_zone, make_plan
from gridrush.adequacy.simulate import seed_word
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.units import HOURS_PER_DAY, Floats

WEEK_H = 168
MOST_HOURS = CELLS - 1


@dataclass(frozen=True, slots=True)
class Outage:
    """A unit, link or common cause out of service from one hour of the span to another (excluded)."""

    name: str
    start: int
    end: int
    lost_mw: float  # largest capacity lost within the hours shown; 0 for a link or a common cause


@dataclass(frozen=True, eq=False)
class Replay:
    """Hours around one event of a Monte Carlo year, h hours and Z zones.

    Attributes
    ----------
    event : Event
    weather_year : int
        Which of the systems assessed the sample drew.
    time : ndarray, shape (h,)
    load_mw : ndarray, shape (Z, h)
        Firm load, flat draws of the sample left out. [MW]
    supply_mw : ndarray, shape (Z, h)
        Capacity not on outage; storage left out. [MW]
    lost_mw : ndarray, shape (Z, h)
        Capacity on forced outage. [MW]
    short_mw : ndarray, shape (Z + 1, h)
        Firm load not met, after links, storage and contracts; the system last. [MW]
    out : tuple of Outage
        What was out in these hours, the largest first.
    """

    event: Event
    zones: tuple[str, ...]
    weather_year: int
    time: NDArray[np.datetime64]
    load_mw: Floats
    supply_mw: Floats
    lost_mw: Floats
    short_mw: Floats
    out: tuple[Outage, ...]


def replay(
    system: System | Sequence[System],
    assessment: Assessment,
    *,
    most: int = 10,
    hours: int = WEEK_H,
    hazards: Hazards = NO_HAZARDS,
    weights: Floats | None = None,
    utc_offset_h: int = 0,
) -> list[Replay]:
    """The worst events of an assessment hour by hour, by drawing their sample years again.

    Parameters
    ----------
    system, hazards, weights, utc_offset_h
        As they were given to `assess`.
    assessment : Assessment
        By Monte Carlo.
    most : int
        Events wanted, of the ten that an assessment keeps.
    hours : int
        Hours shown around each, at most 287: from the local midnight before the two sevenths of them that come first.

    Returns
    -------
    list of Replay
        The event with most energy first.
    """
    problems = [Problem("hours", hours, f"1 to {MOST_HOURS}")] if not 1 <= hours <= MOST_HOURS else []
    if assessment.seed is None:
        problems.append(Problem("assessment", assessment.method, "one by method 'mc': an exact one has no samples"))
    if problems:
        raise CaseError(problems)
    systems = [system] if isinstance(system, System) else list(system)
    plan = make_plan(systems, weights=weights, hazards=hazards, utc_offset_h=utc_offset_h)
    kernel, tables = plan.kernel, None
    if assessment.diagnostics["variance"] == "importance" and (built := make_tables(plan)) is not None:
        kernel, tables = built
    key = seed_word(int(assessment.seed or 0))
    found = []
    for event in assessment.worst[:most]:
        first = event.hour - 2 * hours // 7
        first = max(0, min(first - (first + plan.kernel.off) % HOURS_PER_DAY, plan.shape[1] - hours))
        shown = slice(first, min(first + hours, plan.shape[1]))
        weather, lost, out = _outages(plan, kernel, tables, key, event.sample, shown)
        s = plan.systems[weather]
        load = demand_by_zone(s, "firm")[:, shown]
        supply = plan.surplus_mw[weather][:, shown] + load - lost
        short = _short(kernel, tables, key, event.sample, shown)
        found.append(Replay(event, plan.zones, weather, s.time[shown], load, supply, lost, short, out))
    return found


def _short(kernel: Any, tables: Any, key: np.uint64, sample: int, shown: slice) -> Floats:
    """Shortfall of one sample by zone and hour: its sums by month and hour of day, with hours shown as cells."""
    cell = np.full(kernel.T, CELLS - 1)
    cell[shown] = np.arange(shown.stop - shown.start)
    clock = np.column_stack([kernel.clock[:, 0], cell])
    heat = run(kernel._replace(clock=clock), tables, key, sample, 1)[3]
    heat = heat.reshape(kernel.Z + 1, CELLS, 4)[:, : shown.stop - shown.start]
    return np.asarray(np.divide(heat[..., 2], heat[..., 0], out=np.zeros(heat.shape[:2]), where=heat[..., 0] > 0))


def _outages(
    plan: Plan, P: Any, Q: Any, seed_key: np.uint64, sample: int, shown: slice
) -> tuple[int, Floats, tuple[Outage, ...]]:
    """Weather year, capacity lost by zone (Z, h), and what was out in the hours shown of a sample."""
    C, T, D = P.comp.size, P.T, P.D
    u64 = np.uint64
    word = int(mix(u64((sample + int(SAMPLE_WORD)) & (2**64 - 1))))
    key = u64(mix(u64((int(seed_key) + word) & (2**64 - 1))))
    value = np.empty((3, P.counter.size))
    bits = value.view(np.uint64)
    fill_exponentials(key, P.counter, bits[0], value[0], bits[1], value[1], value[2])
    weather, start, state = 0, 0, None
    if P.n_scenarios > 1:
        weather = min(int(np.searchsorted(P.scenario_cum, uniform(key, SCENARIO_WORD), "right")), P.n_scenarios - 1)
    if Q is not None:
        state = np.full(C, -1, np.int8)
        weather, start = draw_anchor(Q, P.comp, P.limit, Q.weights, key, state)
    comp = P.comp.copy()
    comp["row"] = np.arange(C)  # one row for each, so that what is out is known by name
    room = 4 * P.max_events
    ev, word_of = np.empty((room, 3), np.int32), np.empty(room, np.int64)
    head, net, rise = np.empty(D, np.int32), np.zeros((C, D), np.int64), np.zeros((C, D), np.int64)
    whole = np.maximum(P.seg_full, 1)  # an outage that takes nothing is told as well
    known = (comp, start, state, T, P.off, P.seg_hour, whole)
    events = (key, value[2], ev, word_of, head, net, rise)
    n = plain_events(0, P.plain, *known, *events)
    if P.other.size:
        common = np.zeros((COMMON_ROOM * C, 2), np.int64)
        c_ptr = np.zeros((P.n_common, 2), np.int64)
        n = other_events(n, P.other, *known, np.maximum(P.seg_part, 1), P.stress, common, c_ptr, *events)
    full = plan.lost_mw
    lost = np.zeros((P.Z, T))
    out = []
    order = np.lexsort((ev[:n, 0], ev[:n, 1]))
    edges = np.searchsorted(ev[:n, 1], np.arange(C + 1), sorter=order)
    for c in range(C):
        mine = order[edges[c] : edges[c + 1]]
        change = np.zeros(T + 1, np.int64)
        np.add.at(change, ev[mine, 0], word_of[mine])
        level = np.cumsum(change[:T])
        down = level > 0
        if not down[shown].any():
            continue
        step = np.flatnonzero(np.diff(np.concatenate([[0], down.astype(np.int8), [0]])))
        zone = int(plan.parts.row[c])
        mw = np.zeros(T)
        if plan.parts.unit[c] >= 0:
            part = plan.parts.part_lost[c]
            a, b = int(comp["seg"][c]), int(comp["seg_end"][c])
            of_full = np.repeat(whole[a:b], np.diff(np.append(P.seg_hour[a:b], T)))
            is_part = down & (level < of_full) if part > 0 else np.zeros(T, bool)
            mw = np.where(down, full[c], 0.0) * np.where(is_part, part, 1.0)
            lost[zone] += mw
        for a, b in zip(step[::2].tolist(), step[1::2].tolist(), strict=True):
            if a < shown.stop and b > shown.start:
                at = slice(max(a, shown.start), min(b, shown.stop))
                out.append(Outage(plan.parts.name[c], a, b, float(mw[at].max())))
    out.sort(key=lambda o: (-o.lost_mw, o.start, o.name))
    return weather, lost[:, shown], tuple(out)
