"""The operating problem as a linear program: hours of one operation, capacities given or to be chosen.

The solver works in GW, GWh and thousands of dollars. Limits are bounds of columns, not rows, where capacities are
given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gridrush.errors import EngineError
from gridrush.planning.operation import Limits, Operation
from gridrush.units import Floats

MW_PER_GW = 1000.0


@dataclass
class Rows:
    """A linear program under construction: columns, rows and entries in the solver's units."""

    cost: list[Floats] = field(default_factory=list)
    lower: list[Floats] = field(default_factory=list)
    upper: list[Floats] = field(default_factory=list)
    row_lower: list[Floats] = field(default_factory=list)
    row_upper: list[Floats] = field(default_factory=list)
    entry_row: list[NDArray[np.int64]] = field(default_factory=list)
    entry_col: list[NDArray[np.int64]] = field(default_factory=list)
    entry: list[Floats] = field(default_factory=list)
    columns: int = 0
    rows: int = 0
    integer: list[int] = field(default_factory=list)

    def add_columns(self, cost: Floats, lower: Floats, upper: Floats) -> NDArray[np.int64]:
        """New columns, their numbers in the shape given."""
        first = self.columns
        for mine, new in ((self.cost, cost), (self.lower, lower), (self.upper, upper)):
            mine.append(np.asarray(new, np.float64).ravel())
        self.columns += cost.size
        return np.arange(first, self.columns).reshape(cost.shape)

    def add_rows(self, lower: Floats, upper: Floats) -> NDArray[np.int64]:
        """New rows, their numbers in the shape given."""
        first = self.rows
        self.row_lower.append(np.asarray(lower, np.float64).ravel())
        self.row_upper.append(np.asarray(upper, np.float64).ravel())
        self.rows += lower.size
        return np.arange(first, self.rows).reshape(lower.shape)

    def put(self, row: NDArray[np.int64], col: NDArray[np.int64], value: Floats | float) -> None:
        """Entries of the matrix."""
        row, col, number = np.broadcast_arrays(row, col, np.asarray(value, np.float64))
        self.entry_row.append(row.ravel())
        self.entry_col.append(col.ravel())
        self.entry.append(number.ravel())


def solver(rows: Rows, options: Mapping[str, object] | None = None) -> Any:
    """A silent HiGHS on one thread holding a program."""
    import highspy
    from scipy.sparse import coo_array

    at = (np.concatenate(rows.entry_row), np.concatenate(rows.entry_col))
    matrix = coo_array((np.concatenate(rows.entry), at), shape=(rows.rows, rows.columns)).tocsc()
    whole = np.zeros(rows.columns, np.int32)
    whole[rows.integer] = int(highspy.HighsVarType.kInteger)
    h: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    h.setOptionValue("output_flag", False)
    h.setOptionValue("threads", 1)
    for name, value in (options or {}).items():
        h.setOptionValue(name, value)
    # arrays as they are: assigned to a HighsLp they are copied number by number, which takes as long as solving
    h.passModel(
        rows.columns, rows.rows, matrix.nnz, int(highspy.MatrixFormat.kColwise), int(highspy.ObjSense.kMinimize), 0.0,
        np.concatenate(rows.cost), np.concatenate(rows.lower), np.concatenate(rows.upper),
        np.concatenate(rows.row_lower), np.concatenate(rows.row_upper), matrix.indptr.astype(np.int32),
        matrix.indices.astype(np.int32), matrix.data, whole,
    )  # fmt: skip
    return h


def solved(h: Any, what: str, *, tolerance: float = 1e-6) -> bool:
    """Run and judge: True when optimal with limits kept, False when infeasible; anything else is an error.

    An answer the solver is not sure of is tried again from scratch by the other simplex and by interior point.
    """
    import highspy

    status = highspy.HighsModelStatus
    for attempt in ({}, {"presolve": "off", "simplex_strategy": 4}, {"solver": "ipm"}):
        for name, value in attempt.items():
            h.setOptionValue(name, value)
        if attempt:
            h.clearSolver()
        h.run()
        answer, info = h.getModelStatus(), h.getInfo()
        if answer == status.kInfeasible:
            return False
        if answer == status.kOptimal and info.max_primal_infeasibility <= tolerance:
            return True
    raise EngineError(
        f"{what}: the solver ends with {h.modelStatusToString(answer)!r} and limits broken by "
        f"{info.max_primal_infeasibility:.2g}; an answer it is not sure of is not used"
    )


@dataclass(frozen=True, eq=False)
class Columns:
    """Where the operating variables of an hour range are; -1 marks a column left out (limit zero)."""

    item: NDArray[np.int64]  # (N, T)
    unserved: NDArray[np.int64]  # (B, T)
    flow: NDArray[np.int64]  # (L, T) forwards (lossless links: both ways)
    back: NDArray[np.int64]  # (L, T)
    charge: NDArray[np.int64]  # (J, T)
    discharge: NDArray[np.int64]
    stored: NDArray[np.int64]
    balance: NDArray[np.int64]  # rows (Z, T)
    content: NDArray[np.int64]  # rows (J, T)
    water: NDArray[np.int64]  # rows (H, periods of the range)
    periods: NDArray[np.int64]


def add_operation(
    rows: Rows, op: Operation, *, hours: slice, scale: float = 1.0, standing_mw: Floats | None = None,
    standing_column: NDArray[np.int64] | None = None, water: Floats | None = None,
    content_mwh: tuple[Floats, Floats] | None = None,
) -> Columns:  # fmt: skip
    """Put the operation of a range of hours into a program.

    Parameters
    ----------
    hours : slice
        Range of hours. Stores begin and end it with `content_mwh`, by default their starting share.
    scale : float
        Weight of the cost: probability times discount weight.
    standing_mw, standing_column : ndarray, shape (C,)
        Capacity of each candidate, or the columns [GW] that hold it. Exactly one of them.
    water : ndarray, shape (H, periods in the range), optional
        Energy of each reservoir in each period of the range; by default all of it. [MWh]
    """
    t = np.arange(op.T)[hours]
    T, N, B, L, J = t.size, op.zone.size, op.value.size, op.source.size, op.store_zone.size
    w = op.weight[t] * scale
    fixed = standing_mw is not None
    x = standing_mw if standing_mw is not None else np.zeros(op.candidates)
    profile = op.profiles[:, t]

    def grown(limits: Limits) -> NDArray[np.bool_]:
        """Things whose limit depends on what is chosen here."""
        return np.zeros(limits.base.size, bool) if fixed else (limits.slope != 0).any(axis=1)

    def bounded(limits: Limits, k: int, share_row: Floats, column: NDArray[np.int64], sign: float = 1.0) -> None:
        """Rows sign * column <= share (base + slope @ standing)."""
        r = rows.add_rows(np.full(T, -np.inf), share_row * limits.base[k] / MW_PER_GW)
        rows.put(r, column, sign)
        for c in np.flatnonzero(limits.slope[k]):
            assert standing_column is not None
            rows.put(r, standing_column[c], -share_row * limits.slope[k, c])

    load = np.zeros((op.Z, T))
    np.add.at(load, op.block_zone, op.load[:, t])
    balance = rows.add_rows(load / MW_PER_GW, np.full((op.Z, T), np.inf))
    cap, free = op.mw.at(x), grown(op.mw)
    item = np.full((N, T), -1, np.int64)
    for i in range(N):
        if op.mw.base[i] <= 0 and not op.mw.slope[i].any():
            continue
        a, m = profile[op.avail[i]], profile[op.must[i]]
        if free[i]:
            item[i] = rows.add_columns(w * op.cost[i], np.zeros(T), np.full(T, np.inf))
            bounded(op.mw, i, a, item[i])
            if m.any():
                r = rows.add_rows(m * op.mw.base[i] / MW_PER_GW, np.full(T, np.inf))
                rows.put(r, item[i], 1.0)
                for c in np.flatnonzero(op.mw.slope[i]):
                    assert standing_column is not None
                    rows.put(r, standing_column[c], -m * op.mw.slope[i, c])
        else:
            item[i] = rows.add_columns(w * op.cost[i], cap[i] * m / MW_PER_GW, cap[i] * a / MW_PER_GW)
        rows.put(balance[op.zone[i]], item[i], 1.0)
    unserved = np.full((B, T), -1, np.int64)
    for b in range(B):
        unserved[b] = rows.add_columns(w * op.value[b], np.zeros(T), op.load[b, t] / MW_PER_GW)
        rows.put(balance[op.block_zone[b]], unserved[b], 1.0)
    flow, back = np.full((L, T), -1, np.int64), np.full((L, T), -1, np.int64)
    f, g, free = op.forward.at(x), op.backward.at(x), grown(op.forward) | grown(op.backward)
    for k in range(L):
        a, keep = profile[op.link_avail[k]] / MW_PER_GW, 1.0 - op.loss[k]
        s, e = op.source[k], op.target[k]
        if free[k] or keep < 1.0:
            for column, limits, top, here, there in ((flow, op.forward, f, s, e), (back, op.backward, g, e, s)):
                upper = np.full(T, np.inf) if free[k] else a * top[k]
                column[k] = rows.add_columns(np.zeros(T), np.zeros(T), upper)
                rows.put(balance[here], column[k], -1.0)
                rows.put(balance[there], column[k], keep)
                if free[k]:
                    bounded(limits, k, a * MW_PER_GW, column[k])
        else:
            flow[k] = rows.add_columns(np.zeros(T), -a * g[k], a * f[k])
            rows.put(balance[s], flow[k], -1.0)
            rows.put(balance[e], flow[k], 1.0)
    charge, discharge, stored = (np.full((J, T), -1, np.int64) for _ in range(3))
    content = np.full((J, T), -1, np.int64)
    ones, energy = np.ones(T), op.energy.at(x)
    free = grown(op.energy)
    first, last = content_mwh if content_mwh is not None else (op.start_share * energy, op.start_share * energy)
    for j in range(J):
        tops = (op.charge.at(x)[j], op.discharge.at(x)[j], energy[j])
        if max(tops) <= 0 and not op.energy.slope[j].any():
            continue
        for column, limits, top in zip(
            (charge, discharge, stored), (op.charge, op.discharge, op.energy), tops, strict=True
        ):
            upper = np.full(T, np.inf) if free[j] else np.full(T, top / MW_PER_GW)
            column[j] = rows.add_columns(np.zeros(T), np.zeros(T), upper)
            if free[j]:
                bounded(limits, j, ones, column[j])
        rows.put(balance[op.store_zone[j]], charge[j], -1.0)
        rows.put(balance[op.store_zone[j]], discharge[j], 1.0)
        start = np.zeros(T)
        start[0] = 0.0 if free[j] or op.free_start[j] else first[j] / MW_PER_GW
        content[j] = rows.add_rows(start, start)
        rows.put(content[j], stored[j], 1.0)
        rows.put(content[j, 1:], stored[j, :-1], -1.0)
        rows.put(content[j], charge[j], -op.eta_in[j])
        rows.put(content[j], discharge[j], 1.0 / op.eta_out[j])
        if op.free_start[j]:
            rows.put(content[j, :1], stored[j, -1:], -1.0)
            continue
        end = rows.add_rows(*(np.full(1, 0.0 if free[j] else last[j] / MW_PER_GW) for _ in range(2)))
        rows.put(end, stored[j, -1:], 1.0)
        if free[j]:
            share = op.start_share[j]
            assert standing_column is not None
            base = rows.row_lower[-1], rows.row_upper[-1]
            for side in base:
                side[:] = share * op.energy.base[j] / MW_PER_GW
            start_side = rows.row_lower[-2], rows.row_upper[-2]
            for side in start_side:
                side[0] = share * op.energy.base[j] / MW_PER_GW
            for c in np.flatnonzero(op.energy.slope[j]):
                rows.put(end, standing_column[c : c + 1], -share * op.energy.slope[j, c])
                rows.put(content[j, :1], standing_column[c : c + 1], -share * op.energy.slope[j, c])
    periods = np.unique(op.period[t])
    H = op.water.shape[0]
    limit = (op.water[:, periods] if water is None else water) / MW_PER_GW
    water_rows = (
        rows.add_rows(np.full((H, periods.size), -np.inf), limit) if H else np.zeros((0, periods.size), np.int64)
    )
    for k in np.flatnonzero(op.reservoir >= 0).tolist():
        if item[k, 0] >= 0:
            rows.put(water_rows[op.reservoir[k]][np.searchsorted(periods, op.period[t])], item[k], 1.0)
    return Columns(item, unserved, flow, back, charge, discharge, stored, balance, content, water_rows, periods)


def taken(values: Sequence[float] | Floats, columns: NDArray[np.int64]) -> Floats:
    """Values of columns, zero where the column was left out; back in MW."""
    v = np.asarray(values, np.float64)
    return np.asarray(np.where(columns >= 0, v[np.maximum(columns, 0)], 0.0) * MW_PER_GW)
