"""Operation at given capacities by linear programs over windows of hours: values of stored energy, schedules,
dispatch.

Windows end where water periods end, and stores pass from one window to the next at their starting share, so windows
are independent. Whatever this costs shows up in the certified gap. Only bounds differ from one call to the next: the
dual simplex starts from the last basis of each window.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridrush.errors import EngineError
from gridrush.planning.clearing import Schedule, Values
from gridrush.planning.lp import Columns, Rows, add_operation, solved, solver, taken
from gridrush.planning.operation import Operation
from gridrush.units import Floats

WINDOW_H = 336
"""Shortest window; two weeks hide the seams of stores of a day and less."""

PROBE_MW = 0.1
"""Store too small to matter, put where none stands to learn what one would earn."""

OPTIONS = {"solver": "simplex", "simplex_strategy": 1, "presolve": "off"}

Bases = dict[tuple[int, int], Any]
"""Last basis of each (operation, first hour of the window)."""


@dataclass(frozen=True, eq=False)
class Operated:
    """Operation of all hours. The last four are None where nobody asked for them."""

    values: Values
    schedule: Schedule
    price: Floats  # (Z, T)
    cost_usd: float
    missing_mw: float  # above 0 the dispatch does not exist
    item_mw: Floats | None  # (N, T)
    unserved_mw: Floats | None  # (B, T)
    sent_mw: tuple[Floats, Floats] | None  # (Z, T) on a tree: entering a link at the node, at its parent
    flow_mw: tuple[Floats, Floats] | None  # (L, T) forwards and backwards, on a network with loops


def windows(op: Operation) -> list[slice]:
    """Ranges of hours that share no water period, each at least `WINDOW_H` long if there are that many hours."""
    edges = np.flatnonzero(np.diff(op.period)) + 1 if op.water.size else np.arange(WINDOW_H, op.T, WINDOW_H)
    if op.water.size and np.unique(op.period[np.r_[0, edges]]).size != edges.size + 1:
        return [slice(0, op.T)]  # a period that comes back ties all hours together
    starts = [0]
    for e in edges:
        if e - starts[-1] >= WINDOW_H and op.T - e >= WINDOW_H:
            starts.append(int(e))
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], op.T], strict=True)]


def has_memory(op: Operation) -> bool:
    """Whether hours are tied together at all, by stores or by water."""
    return bool(op.store_zone.size or op.water.size)


def no_values(op: Operation) -> Values:
    """Values of an operation whose hours are independent."""
    return Values(np.zeros((op.store_zone.size, op.T)), np.zeros(op.water.shape))


def operate(
    ops: Sequence[Operation],
    standing: Sequence[Floats],
    *,
    pool: ThreadPoolExecutor,
    bases: Bases,
    keys: Sequence[int],
    probe: bool,
) -> list[Operated]:
    """Operation of each `op` at its capacities; `probe` puts a tiny store where none stands, to learn its worth."""
    tasks = [(n, w) for n, op in enumerate(ops) for w in windows(op)]

    def one(task: tuple[int, slice]) -> tuple[Columns, Floats, Floats, float]:
        n, w = task
        x = _probed(ops[n], standing[n]) if probe else standing[n]
        rows = Rows()
        columns = add_operation(rows, ops[n], hours=w, standing_mw=x)
        h = solver(rows, OPTIONS)
        key = keys[n], w.start
        if key in bases:
            h.setBasis(bases[key])
        if not solved(h, f"operation, hours {w.start}-{w.stop}"):
            raise EngineError(f"operation, hours {w.start}-{w.stop}: called infeasible, though all load may be shed")
        bases[key] = h.getBasis()
        answer, info = h.getSolution(), h.getInfo()
        broken = float(info.max_primal_infeasibility)
        return columns, np.asarray(answer.col_value), np.asarray(answer.row_dual), broken

    done = list(pool.map(one, tasks))
    return [
        gathered(op, standing[n], [(w, d) for (at, w), d in zip(tasks, done, strict=True) if at == n])
        for n, op in enumerate(ops)
    ]


def _probed(op: Operation, standing_mw: Floats) -> Floats:
    x = standing_mw.copy()
    for j in np.flatnonzero(op.energy.at(x) <= 0):
        x[np.flatnonzero(op.energy.slope[j] > 0)] = PROBE_MW
    return x


def gathered(
    op: Operation, x: Floats, parts: Sequence[tuple[slice, tuple[Columns, Floats, Floats, float]]]
) -> Operated:
    """Operation from the solutions of its windows: columns, their values, duals of rows, broken limits."""
    J, N, T = op.store_zone.size, op.zone.size, op.T
    price, stored, water = np.zeros((op.Z, T)), np.zeros((J, T)), np.zeros(op.water.shape)
    charge, discharge = np.zeros((J, T)), np.zeros((J, T))
    item, unserved = np.zeros((N, T)), np.zeros((op.value.size, T))
    flow, back = np.zeros((op.source.size, T)), np.zeros((op.source.size, T))
    tops = [limits.at(x) for limits in (op.charge, op.discharge)]
    tops = [
        np.where(t > 0, t, PROBE_MW * lim.slope.max(axis=1, initial=0.0))
        for t, lim in zip(tops, (op.charge, op.discharge), strict=True)
    ]
    missing = 0.0
    for w, (columns, value, dual, broken) in parts:
        price[:, w] = dual[columns.balance] / op.weight[w]
        has = columns.stored[:, 0] >= 0
        stored[has, w] = np.maximum(-dual[columns.content[has]], 0.0)
        for out, col, top in ((charge, columns.charge, tops[0]), (discharge, columns.discharge, tops[1])):
            out[:, w] = np.clip(taken(value, col) / np.maximum(top, 1e-12)[:, None], 0.0, 1.0)
        item[:, w], unserved[:, w] = (
            np.maximum(taken(value, columns.item), 0.0),
            np.maximum(taken(value, columns.unserved), 0.0),
        )
        flow[:, w], back[:, w] = taken(value, columns.flow), taken(value, columns.back)
        if op.water.size:
            water[:, columns.periods] = np.maximum(-dual[columns.water], 0.0)
        missing = max(missing, broken * 1e3)
    for h in range(op.water.shape[0]):  # the solver's rounding taken out: never more water than there is
        mine = np.flatnonzero(op.reservoir == h)
        have = np.bincount(op.period, weights=item[mine].sum(axis=0), minlength=op.water.shape[1])
        item[mine] *= np.minimum(1.0, op.water[h] / np.maximum(have, 1e-12))[op.period]
    held = np.zeros((N, T))
    held[op.reservoir >= 0] = item[op.reservoir >= 0]
    cost = float(op.cost @ (item @ op.weight)) + float(op.value @ (unserved @ op.weight))
    return Operated(
        Values(stored, water), Schedule(charge, discharge, held), np.maximum(price, 0.0), cost,
        missing if missing > 1e-3 else 0.0, item, unserved, None, (flow, back),
    )  # fmt: skip
