"""The master: what to build, given everything cuts have said so far about the cost of operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gridrush.planning.clearing import Cut
from gridrush.planning.limits import Margin, add_plan
from gridrush.planning.lp import MW_PER_GW, Rows, solved, solver
from gridrush.planning.options import Candidate, Stage
from gridrush.units import Floats

USD_PER_K = 1000.0


@dataclass(frozen=True, eq=False)
class Proposal:
    """A plan the master proposes and the least the whole can cost by what it knows. [USD]"""

    standing_mw: Floats  # (Y, C)
    build: Floats  # (Y, C) units or GW
    value_usd: float
    bound_usd: float  # the solver's bound on the master


class Master:
    """Builds under their limits; the cost of operation of (stage, future) is a column held up by cuts."""

    def __init__(
        self, stages: Sequence[Stage], candidates: Sequence[Candidate], *, integer: bool,
        margins: Sequence[Margin] | None = None, margin_share: Sequence[float] = (),
        ideal_usd: Sequence[float] | None = None,
    ) -> None:  # fmt: skip
        """`ideal_usd`: least cost of each future alone; then the worst regret is minimised, not the expected cost."""
        rows = Rows()
        self.columns = add_plan(rows, stages, candidates, integer=integer, margins=margins, margin_share=margin_share)
        self.ideal = None if ideal_usd is None else np.asarray(ideal_usd, np.float64)
        self.weight = [[s.weight * (f.probability if ideal_usd is None else 1.0) for f in s.futures] for s in stages]
        self.theta = [
            rows.add_columns(np.array(w), np.full(len(w), -1e9), np.full(len(w), np.inf)) for w in self.weight
        ]
        self.annual = np.concatenate(rows.cost)
        if self.ideal is not None:
            self._worst(rows)
        self.cost = np.concatenate(rows.cost)
        self.integer = bool(rows.integer)
        self.h = solver(rows, {"mip_rel_gap": 1e-5, "mip_feasibility_tolerance": 1e-7})

    def _worst(self, rows: Rows) -> None:
        """One column held above the regret of every future takes the place of the cost."""
        assert self.ideal is not None
        for part in rows.cost:
            part[:] = 0.0
        used = np.flatnonzero(self.annual[: self.theta[0][0]])
        worst = rows.add_columns(np.ones(1), np.full(1, -np.inf), np.full(1, np.inf))
        for f, ideal in enumerate(self.ideal):
            # worst >= cost in the future - ideal + largest ideal, so that gaps are shares of a cost
            r = rows.add_rows(np.array([(self.ideal.max() - ideal) / USD_PER_K]), np.array([np.inf]))
            rows.put(r, worst, 1.0)
            rows.put(np.repeat(r, used.size), used, -self.annual[used])
            for theta, weight in zip(self.theta, self.weight, strict=True):
                rows.put(r, theta[f : f + 1], -weight[f])

    def add(self, y: int, f: int, cut: Cut) -> None:
        """Add what one clearing has taught about stage y, future f."""
        K = self.columns.standing[y]
        used = np.flatnonzero(np.abs(cut.slope) > 1e-9)
        index = np.concatenate([[self.theta[y][f]], K[used]]).astype(np.int32)
        value = np.concatenate([[1.0], -cut.slope[used]])
        self.h.addRow(cut.const / USD_PER_K, np.inf, index.size, index, value)

    def _read(self) -> Proposal:
        h: Any = self.h
        x = np.asarray(h.getSolution().col_value)
        info = h.getInfo()
        bound = info.mip_dual_bound if self.integer else info.objective_function_value
        return Proposal(
            np.maximum(x[self.columns.standing], 0.0) * MW_PER_GW, x[self.columns.build],
            float(self.cost @ x[: self.cost.size]) * USD_PER_K, float(bound) * USD_PER_K,
        )  # fmt: skip

    def solve(self) -> Proposal | None:
        """Least cost by all cuts, or None when the limits clash."""
        return self._read() if solved(self.h, "master") else None

    def invest_usd(self, standing_mw: Floats) -> float:
        """Annuities and fixed cost of what stands, discounted. [USD]"""
        return float((self.annual[self.columns.standing] * standing_mw / MW_PER_GW).sum()) * USD_PER_K

    def total_usd(self, standing_mw: Floats, operation_usd: Sequence[Sequence[float]]) -> float:
        """What is minimised, given the cost of operation of each stage and future. [USD]"""
        invest = self.invest_usd(standing_mw)
        if self.ideal is None:
            return invest + sum(
                w * q for weight, cost in zip(self.weight, operation_usd, strict=True)
                for w, q in zip(weight, cost, strict=True)
            )  # fmt: skip
        by_future = np.array([np.multiply(w, q) for w, q in zip(self.weight, operation_usd, strict=True)]).sum(axis=0)
        return float((invest + by_future - self.ideal).max() + self.ideal.max())
