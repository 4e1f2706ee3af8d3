"""The dispatch model handed to HiGHS, built straight from arrays.

Every limit is a bound on a column; rows are only zone balances, store balances, reservoir energies and, where asked
for, ramps and a reserve. Columns of one kind lie together, hours first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gridrush.case.system import Ints, System
from gridrush.errors import CaseError, EngineError, InfeasibleError, Problem
from gridrush.units import Floats

if TYPE_CHECKING:
    from gridrush.grid.dispatch import Dispatch

Shares = NDArray[np.bool_] | NDArray[np.number[Any]]
"""Share of each unit or link that is up: yes or no, or a number in [0, 1]."""

RESIDUAL_SHARE = 1e-6
"""Largest violated limit and duality gap that are accepted, relative to the size of the problem."""


def unit_limits_mw(system: System, up: Shares | None = None, units: Ints | None = None) -> tuple[Floats, Floats]:
    """Lowest and highest generation of all or some units by hour; must-run never exceeds what is available. [MW] (T,

    G)"""
    u = system.units
    some = np.arange(len(u)) if units is None else units
    high = system.profiles[u.available[some]].T * u.capacity_mw[some]
    low = np.minimum(high, system.profiles[u.must_run[some]].T * u.capacity_mw[some])
    if up is None:
        return low, high
    share = np.asarray(up[:, some], np.float64)
    return low * share, high * share


def link_limits_mw(system: System, links_up: Shares | None = None) -> tuple[Floats, Floats]:
    """Limit of each link forward and backward in each hour. [MW] (T, L)"""
    k = system.links
    share = system.profiles[k.available].T
    if links_up is not None:
        share = share * np.asarray(links_up, np.float64)
    return share * k.forward_mw, share * k.backward_mw


@dataclass
class _Lp:
    """Columns and rows under construction."""

    n: int = 0
    rows: int = 0
    cost: list[Floats] = field(default_factory=list)
    low: list[Floats] = field(default_factory=list)
    high: list[Floats] = field(default_factory=list)
    row_low: list[Floats] = field(default_factory=list)
    row_high: list[Floats] = field(default_factory=list)
    entries: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)

    def columns(self, cost: Floats, low: Floats, high: Floats) -> Ints:
        at = self.n + np.arange(low.size).reshape(low.shape)
        self.n += low.size
        for out, v in ((self.cost, cost), (self.low, low), (self.high, high)):
            out.append(np.broadcast_to(v, low.shape).ravel())
        return at

    def add_rows(self, low: Floats, high: Floats) -> Ints:
        at = self.rows + np.arange(low.size).reshape(low.shape)
        self.rows += low.size
        self.row_low.append(low.ravel())
        self.row_high.append(high.ravel())
        return at

    def put(self, rows: Ints, columns: Ints, values: Floats | float) -> None:
        r, c, v = np.broadcast_arrays(rows, columns, np.asarray(values, np.float64))
        self.entries.append((r.ravel(), c.ravel(), v.ravel()))


class LpDispatch:
    """One dispatch LP kept alive in HiGHS, so that a changed scenario starts from the last optimum.

    Parameters
    ----------
    system : System
    up, links_up : array, shapes (T, G) and (T, L), optional
        Shares that are up.
    ramps : bool
        Hold each unit's change from hour to hour within `ramp_share_per_h` of its capacity.
    reserve_mw : array, shape (T,), optional
        Headroom that units which are up must keep together; a shortfall costs the highest value of load. [MW]
    threads : int
        Threads HiGHS may use.

    Notes
    -----
    Dual simplex: one-year dispatch problems took it 7.6 s against 27-78 s for interior point.
    """

    def __init__(
        self,
        system: System,
        *,
        up: Shares | None = None,
        links_up: Shares | None = None,
        ramps: bool = False,
        reserve_mw: Floats | None = None,
        threads: int = 1,
    ) -> None:
        import highspy

        self._options = (ramps, reserve_mw)
        self._highs: Any = highspy.Highs()  # type: ignore[no-untyped-call]
        for name, value in (("output_flag", False), ("solver", "simplex"), ("threads", threads), ("parallel", "off")):
            self._highs.setOptionValue(name, value)
        self._build(system, up, links_up)
        lp, A = self._lp, self._matrix
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = lp.n, lp.rows
        model.col_cost_, model.col_lower_, model.col_upper_ = self._c, self._low, self._high
        model.row_lower_, model.row_upper_ = self._row_low, self._row_high
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = A.indptr, A.indices, A.data
        self._highs.passModel(model)

    def _build(self, s: System, up: Shares | None, links_up: Shares | None) -> None:
        import scipy.sparse as sp

        ramps, reserve_mw = self._options
        T, Z = s.time.size, len(s.zones)
        u, d, k, st = s.units, s.demand, s.links, s.storage
        if not np.isfinite(d.value_usd_per_mwh).all():
            raise CaseError([Problem("demand.value_usd_per_mwh", "infinite", "finite values of lost load")])
        self.system, self._up, self._links_up = s, up, links_up
        lp = self._lp = _Lp()
        hours = np.arange(T)[:, None]
        load = np.zeros((T, Z))
        for b, z in enumerate(d.zone):
            load[:, z] += d.load_mw[:, b]
        balance = lp.add_rows(load, load)
        low, high = unit_limits_mw(s, up)
        self._gen = lp.columns(u.cost_usd_per_mwh, low, high)
        lp.put(balance[:, u.zone], self._gen, 1.0)
        self._shed = lp.columns(d.value_usd_per_mwh, np.zeros_like(d.load_mw), d.load_mw)
        lp.put(balance[:, d.zone], self._shed, 1.0)
        forward, backward = link_limits_mw(s, links_up)
        lossless = k.loss_share == 0.0
        self._sent = lp.columns(np.zeros(len(k)), np.where(lossless, -backward, 0.0), forward)
        lp.put(balance[:, k.source], self._sent, -1.0)
        lp.put(balance[:, k.target], self._sent, 1.0 - k.loss_share)
        self._back = lp.columns(np.zeros(len(k)), np.zeros((T, len(k))), np.where(lossless, 0.0, backward))
        lp.put(balance[:, k.target], self._back, -1.0)
        lp.put(balance[:, k.source], self._back, 1.0 - k.loss_share)
        self._spill = lp.columns(np.zeros(Z), np.zeros((T, Z)), np.full((T, Z), np.inf))
        lp.put(balance, self._spill, -1.0)
        J, none = len(st), np.zeros((T, len(st)))
        self._charge = lp.columns(np.zeros(J), none, none + st.charge_mw)
        self._discharge = lp.columns(np.zeros(J), none, none + st.discharge_mw)
        first = np.broadcast_to(st.energy_mwh * st.initial_share, (1, J))
        stored_low, stored_high = none.copy(), none + st.energy_mwh
        stored_low[-1:], stored_high[-1:] = first, first
        self._stored = lp.columns(np.zeros(J), stored_low, stored_high)
        keep = np.zeros((T, 0), np.int64)
        if J:
            lp.put(balance[:, st.zone], self._charge, -1.0)
            lp.put(balance[:, st.zone], self._discharge, 1.0)
            start = none.copy()
            start[0] = first
            keep = lp.add_rows(start, start)
            lp.put(keep, self._stored, 1.0)
            lp.put(keep[1:], self._stored[:-1], -1.0)
            lp.put(keep, self._charge, -st.charge_efficiency)
            lp.put(keep, self._discharge, 1.0 / st.discharge_efficiency)
        self._balance, self._keep, self._water = balance, keep, np.zeros((0, 0), np.int64)
        if len(s.reservoirs):
            energy = s.reservoirs.energy_mwh
            self._water = lp.add_rows(np.full(energy.shape, -np.inf), energy)
            fed = np.flatnonzero(u.reservoir >= 0)
            lp.put(self._water[u.reservoir[fed], s.period[:, None]], self._gen[:, fed], 1.0)
        if ramps:
            slow = np.flatnonzero(u.ramp_share_per_h < 1.0)
            step = np.broadcast_to(u.ramp_share_per_h[slow] * u.capacity_mw[slow], (max(T - 1, 0), slow.size))
            # a fall of what is available and a rise of must-run may outrun the ramp
            fall = step + np.maximum(0.0, high[:-1, slow] - high[1:, slow])
            row = lp.add_rows(-fall, step + np.maximum(0.0, low[1:, slow] - low[:-1, slow]))
            lp.put(row, self._gen[1:, slow], 1.0)
            lp.put(row, self._gen[:-1, slow], -1.0)
        if reserve_mw is not None:
            worst = float(d.value_usd_per_mwh.max(initial=0.0))
            short = lp.columns(np.array([worst]), np.zeros((T, 1)), np.asarray(reserve_mw, np.float64)[:, None])
            row = lp.add_rows(
                np.full((T, 1), -np.inf), high.sum(axis=1, keepdims=True) - np.asarray(reserve_mw)[:, None]
            )
            lp.put(row + 0 * hours, self._gen, 1.0)
            lp.put(row, short, -1.0)
        self._c, self._low, self._high = (np.concatenate(x) for x in (lp.cost, lp.low, lp.high))
        self._row_low, self._row_high = np.concatenate(lp.row_low), np.concatenate(lp.row_high)
        r, c, v = (np.concatenate(x) for x in zip(*lp.entries, strict=True))
        self._matrix = sp.csc_array((v, (r, c)), shape=(lp.rows, lp.n))

    def change(self, system: System, *, up: Shares | None = None, links_up: Shares | None = None) -> None:
        """Swap in a system with the same names and hours; only costs, limits and loads that differ are passed on."""
        before, cost, low, high = self._matrix, self._c, self._low, self._high
        row_low, row_high = self._row_low, self._row_high
        self._build(system, up, links_up)
        if self._matrix.shape != before.shape or abs(self._matrix - before).max() > 0.0:
            raise CaseError(
                [Problem("system", "another network", "the zones, units, links, stores and hours of the first")]
            )
        h, at = self._highs, np.flatnonzero(cost != self._c).astype(np.int32)
        if at.size:
            h.changeColsCost(at.size, at, self._c[at])
        at = np.flatnonzero((low != self._low) | (high != self._high)).astype(np.int32)
        if at.size:
            h.changeColsBounds(at.size, at, self._low[at], self._high[at])
        at = np.flatnonzero((row_low != self._row_low) | (row_high != self._row_high)).astype(np.int32)
        if at.size:
            h.changeRowsBounds(at.size, at, self._row_low[at], self._row_high[at])

    def solve(self) -> Dispatch:
        """Optimum of the model as it stands.

        HiGHS's word is not taken: status, limits and the gap between primal and dual are checked here.
        """
        import highspy

        from gridrush.grid.dispatch import Dispatch

        h = self._highs
        h.run()
        status = h.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            raise InfeasibleError("the dispatch has no solution", self._clashes())
        if status != highspy.HighsModelStatus.kOptimal:
            raise EngineError(f"HiGHS stopped with status {h.modelStatusToString(status)!r}, not an optimum")
        solution = h.getSolution()
        x, y = np.array(solution.col_value), np.array(solution.row_dual)
        self._check(x, y)
        s = self.system
        gen, shed = x[self._gen], x[self._shed]
        cost = gen @ s.units.cost_usd_per_mwh + shed @ s.demand.value_usd_per_mwh
        water = -y[self._water] if len(s.reservoirs) else np.zeros((0, s.reservoirs.energy_mwh.shape[1]))
        return Dispatch(
            s,
            "lp",
            gen,
            s.demand.load_mw - shed,
            x[self._sent] - x[self._back],
            y[self._balance],
            x[self._spill],
            x[self._charge],
            x[self._discharge],
            x[self._stored],
            cost,
            water,
            -y[self._keep],
            self._up,
            self._links_up,
        )

    def _check(self, x: Floats, y: Floats) -> float:
        """Dual objective; raises when limits are violated or the duality gap is open."""
        activity = self._matrix @ x
        size = max(1.0, float(np.abs(x).max(initial=0.0)))
        worst = max(
            float(np.max(v, initial=0.0))
            for v in (self._low - x, x - self._high, self._row_low - activity, activity - self._row_high)
        )
        reduced = self._c - self._matrix.T @ y
        with np.errstate(invalid="ignore"):
            at = np.where(reduced > 0, self._low, self._high)
            row_at = np.where(y > 0, self._row_low, self._row_high)
            bound = float(
                np.where(np.isfinite(at), at * reduced, 0.0).sum()
                + np.where(np.isfinite(row_at), row_at * y, 0.0).sum()
            )
        gap = abs(float(self._c @ x) - bound)
        if worst > RESIDUAL_SHARE * size or gap > RESIDUAL_SHARE * max(1.0, abs(bound)):
            raise EngineError(
                f"HiGHS called optimal a point that violates a limit by {worst:.3g} MW or has a gap of {gap:.3g} USD"
            )
        return bound

    def _clashes(self) -> list[str]:
        """Reservoirs whose units must run on more energy than there is; nothing else can make a dispatch infeasible

        but ramps."""
        s, out = self.system, []
        low = self._low[self._gen]
        for r, name in enumerate(s.reservoirs.name):
            for p in range(s.reservoirs.energy_mwh.shape[1]):
                need = float(low[s.period == p][:, s.units.reservoir == r].sum())
                has = float(s.reservoirs.energy_mwh[r, p])
                if need > has * (1 + 1e-9):
                    out.append(
                        f"reservoir {name}, period {p}: must-run {need:.0f} MWh, energy {has:.0f} MWh"
                    )
        return out or ["stores cannot return to their first level, or ramps cannot be kept"]


def dispatch_lp(
    system: System, *, up: Shares | None = None, links_up: Shares | None = None, ramps: bool = False,
    reserve_mw: Floats | None = None, threads: int = 1,
) -> Dispatch:  # fmt: skip
    """Cheapest operation by HiGHS; see `gridrush.grid.dispatch.dispatch` for the model and the parameters."""
    return LpDispatch(system, up=up, links_up=links_up, ramps=ramps, reserve_mw=reserve_mw, threads=threads).solve()
