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
    ) -> None:  # fmt: skip
        rows = Rows()
        self.columns = add_plan(
            rows, stages, candidates, integer=integer, margins=margins, margin_share=margin_share
        )
        self.weight = [[s.weight * f.probability for f in s.futures] for s in stages]
        self.theta = [
            rows.add_columns(np.array(w), np.full(len(w), -1e9), np.full(len(w), np.inf)) for w in self.weight
        ]
        self.fixed_columns = rows.columns
        self.cost = np.concatenate(rows.cost)
        self.integer = bool(rows.integer)
        self.h = solver(rows.model(), {"mip_rel_gap": 1e-5, "mip_feasibility_tolerance": 1e-7})
        # a twin keeps only the rows, to project a point on the set of plans that look good enough
        self.twin = solver(rows.model(), {"threads": 1})
        self.level_row = -1
        self.cuts: list[tuple[int, int, Cut]] = []

    def add(self, y: int, f: int, cut: Cut) -> None:
        """Add what one clearing has taught about stage y, future f."""
        K = self.columns.standing[y]
        used = np.flatnonzero(np.abs(cut.slope) > 1e-9)
        index = np.concatenate([[self.theta[y][f]], K[used]]).astype(np.int32)
        value = np.concatenate([[1.0], -cut.slope[used]])
        for h in (self.h, self.twin):
            h.addRow(cut.const / USD_PER_K, np.inf, index.size, index, value)
        self.cuts.append((y, f, cut))

    def _read(self, h: Any) -> Proposal:
        x = np.asarray(h.getSolution().col_value)
        info = h.getInfo()
        bound = info.mip_dual_bound if self.integer and h is self.h else info.objective_function_value
        return Proposal(
            np.maximum(x[self.columns.standing], 0.0) * MW_PER_GW, x[self.columns.build],
            float(self.cost @ x[: self.cost.size]) * USD_PER_K, float(bound) * USD_PER_K,
        )  # fmt: skip

    def solve(self) -> Proposal | None:
        """Least cost by all cuts, or None when the limits clash."""
        return self._read(self.h) if solved(self.h, "master") else None

    def invest_usd(self, standing_mw: Floats) -> float:
        """Annuities and fixed cost of what stands, discounted. [USD]"""
        return float((self.cost[self.columns.standing] * standing_mw / MW_PER_GW).sum()) * USD_PER_K
