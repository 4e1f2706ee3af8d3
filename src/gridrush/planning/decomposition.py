"""Least-cost builds with a certified gap, all hours kept: cutting planes on the cost of operation.

    minimise  sum_y w_y [ sum_c (annuity_c + fixed_c) standing_yc + sum_f p_f Q_yf(standing_y) ]

Q is convex, so prices of any dispatch give a plane below it. A round solves the operation of all hours once, by
linear programs that start from their last basis; from then on stored energy has a price, hours come apart, and the
plane through any other capacities costs milliseconds. The master moves a part of the way from the best point to its
own optimum (in-out separation), which tames it better than a trust region does. Lower bound: the master. Upper
bound: a dispatch that exists.

References
----------
J. F. Benders, Numerische Mathematik 4 (1962) 238-252. W. Ben-Ameur and J. Neto, "Acceleration of cutting-plane and
column generation algorithms", Networks 49 (2007) 3-17.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from gridrush.errors import EngineError
from gridrush.planning.budgets import budgets_of
from gridrush.planning.clearing import Cut
from gridrush.planning.limits import Margin, margin_of
from gridrush.planning.master import Master, Proposal
from gridrush.planning.operation import Operation, operations
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.oracle import Oracle, learn
from gridrush.planning.refresh import Bases, Operated
from gridrush.planning.sample import weeks
from gridrush.units import Floats

V = TypeVar("V")
log = logging.getLogger(__name__)

INSIDE = 0.3
"""Part of the way from the best point to the master's optimum at which the next plane is made."""
TRUST = 0.6
"""Part of the way from the best plan to the point the priced model likes best, for the next round."""
PLANES = 12
"""Planes at most between two rounds."""


EXACT = 0.2
"""Part of the gap that bounds at one point may leave open before more is learnt there."""

START_WEEKS = 8
START_GAP = 0.01


@dataclass(frozen=True)
class Progress:
    """Where the search stands."""

    seconds: float
    lower_usd: float
    upper_usd: float
    gap_share: float
    what: str


@dataclass(frozen=True, eq=False)
class Best:
    """The best plan found and what is known about the best possible one."""

    standing_mw: Floats  # (Y, C)
    operated: list[list[Operated]]
    upper_usd: float
    lower_usd: float
    log: tuple[Progress, ...]


def gap_share(upper_usd: float, lower_usd: float) -> float:
    """Distance of the bounds as a share of the upper one."""
    return (upper_usd - lower_usd) / max(abs(upper_usd), 1e-9) if np.isfinite(upper_usd) else np.inf


class Search:
    """Rounds of learning and proposing, until the bounds meet."""

    def __init__(
        self, stages: Sequence[Stage], candidates: Sequence[Candidate], *, threads: int,
        ops: list[list[Operation]] | None = None, ideal_usd: Sequence[float] | None = None, bases: Bases | None = None,
    ) -> None:  # fmt: skip
        self.stages, self.threads, self.rough, self.ideal = stages, threads, False, ideal_usd
        self.report: Callable[[Progress], None] | None = None
        self.begin(candidates)
        self.ops = operations(stages, candidates) if ops is None else ops
        self.oracles = [
            Oracle.of(op, budgets_of(op, s)) for s, mine in zip(stages, self.ops, strict=True) for op in mine
        ]
        self.at = [(y, f) for y, mine in enumerate(self.ops) for f in range(len(mine))]
        self.bases: Bases = {} if bases is None else bases
        self.cuts: list[tuple[int, int, Cut]] = []

    def begin(self, candidates: Sequence[Candidate], *, seconds: float = np.inf) -> float:
        """Set out for a plan within a time, of candidates that cost the same to operate; when it begins. [s]"""
        self.candidates, self.patience = candidates, seconds
        self.steps: list[Progress] = []
        self.started = time.monotonic()
        return self.started

    def run(
        self, *, gap: float, margins: Sequence[Margin] | None, margin_share: Sequence[float]
    ) -> Best | None:
        """Search until the gap is met, with all planes known from runs before; None when the limits clash."""
        self.margins, self.margin_share = margins, margin_share
        relaxed, whole = (
            Master(
                self.stages, self.candidates, integer=integer, margins=margins, margin_share=margin_share,
                ideal_usd=self.ideal,
            )
            for integer in (False, not self.rough)
        )  # fmt: skip
        for m in (relaxed, whole):
            for y, f, cut in self.cuts:
                m.add(y, f, cut)
        if whole.solve() is None:
            return None
        lower = -np.inf
        with ThreadPoolExecutor(self.threads) as pool:
            if not self.cuts:
                start = self._first(relaxed)
                if whole.integer:
                    _, _, start, lower = self._phase(relaxed, (relaxed, whole), start, gap / 2, lower, pool, False)
            else:
                again = relaxed.solve()
                assert again is not None
                start = again.standing_mw
            found, upper, _, lower = self._phase(whole, (relaxed, whole), start, gap, lower, pool, whole.integer)
        if found is None:
            raise EngineError("no plan was found within the time allowed: allow more seconds or a wider gap")
        return Best(found.standing_mw, found.operated, upper, lower, tuple(self.steps))

    def learn(self, standing_mw: Floats, *, tolerance: float) -> list[tuple[list[Cut], Operated]]:
        """Cuts and a dispatch of every operation at given capacities (Y, C); the cuts are kept."""
        with ThreadPoolExecutor(self.threads) as pool:
            return self._learn((), standing_mw, pool, tolerance)

    def _learn(
        self, masters: Sequence[Master], x: Floats, pool: ThreadPoolExecutor, tolerance: float
    ) -> list[tuple[list[Cut], Operated]]:  # fmt: skip
        learnt = learn(self.oracles, [x[y] for y, _ in self.at], bases=self.bases, pool=pool, tolerance=tolerance)
        for n, (cuts, _) in enumerate(learnt):
            for k in cuts:
                self._add(masters, n, k)
        return learnt

    def _first(self, master: Master) -> Floats:
        """Where to start: the plan for a few spread weeks; for these, the cheapest firm capacity for the peak."""
        few = [
            [weeks(op, max(1, START_WEEKS // len(mine)), shift=f / len(mine)) for f, op in enumerate(mine)]
            for mine in self.ops
        ]
        if 3 * sum(op.T for mine in few for op in mine) < sum(op.T for mine in self.ops for op in mine):
            rough = Search(self.stages, self.candidates, threads=self.threads, ops=few, ideal_usd=self.ideal)
            rough.rough, rough.patience = True, self.patience
            found = rough.run(gap=START_GAP, margins=self.margins, margin_share=self.margin_share)
            if found is not None:
                return found.standing_mw
        margins = [margin_of(s, self.candidates) for s in self.stages]
        least = [max(0.0, m) for m in self.margin_share] or [0.0] * len(self.stages)
        peak = Master(self.stages, self.candidates, integer=False, margins=margins, margin_share=least)
        p = peak.solve() or master.solve()
        assert p is not None
        return p.standing_mw

    def _add(self, masters: Sequence[Master], n: int, cut: Cut) -> None:
        y, f = self.at[n]
        self.cuts.append((y, f, cut))
        for m in masters:
            m.add(y, f, cut)

    def _note(self, lower: float, upper: float, what: str) -> None:
        p = Progress(time.monotonic() - self.started, lower, upper, gap_share(upper, lower), what)
        self.steps.append(p)
        log.info("%6.1f s  lower %.6g  upper %.6g  gap %.4f%%  %s", p.seconds, lower, upper, 100 * p.gap_share, what)
        if self.report is not None:
            self.report(p)

    def _phase(
        self, master: Master, masters: Sequence[Master], x: Floats, gap: float, lower: float,
        pool: ThreadPoolExecutor, integer: bool,
    ) -> tuple[Best | None, float, Floats, float]:  # fmt: skip
        """Rounds on one master until its bounds meet; best plan, upper bound, best point, lower bound."""
        upper, found, centre = np.inf, None, x
        if integer:
            p = self._propose(master, None)
            x, lower = p.standing_mw, max(lower, p.bound_usd)
        stalled = 0
        while True:
            learnt = self._learn(masters, x, pool, EXACT * gap)
            cost = master.total_usd(x, self._grouped([o.cost_usd for _, o in learnt]))
            if all(o.missing_mw <= 0.0 for _, o in learnt) and cost < upper:
                stalled = 0
                upper, centre = cost, x
                found = Best(x, self._grouped([o for _, o in learnt]), upper, lower, ())
            else:
                stalled += 1
            p = self._propose(master, found)
            lower = max(lower, p.bound_usd)
            self._note(lower, upper, "whole units" if integer else "any size")
            if gap_share(upper, lower) <= gap or time.monotonic() - self.started > self.patience:
                return found, upper, centre, lower
            x, lower = self._inner(master, masters, centre, p, lower, upper, gap, pool, integer, stalled)
            if gap_share(upper, lower) <= gap:
                self._note(lower, upper, "whole units" if integer else "any size")
                return found, upper, centre, lower

    def _propose(self, master: Master, found: Best | None) -> Proposal:
        p = master.solve()
        if p is None:
            raise EngineError("the master has become infeasible, which no plane can make it")
        if found is not None and found.upper_usd < p.bound_usd * (1 - 1e-7) - 1.0:
            raise EngineError(
                f"the solver's bound {p.bound_usd:.9g} lies above a plan that costs {found.upper_usd:.9g}: it is wrong"
            )
        return p

    def _inner(
        self, master: Master, masters: Sequence[Master], centre: Floats, p: Proposal, lower: float, upper: float,
        gap: float, pool: ThreadPoolExecutor, integer: bool, stalled: int,
    ) -> tuple[Floats, float]:  # fmt: skip
        """Planes at the prices of stored energy learnt last, until the master and the priced model agree."""
        if any(o.clearing is None for o in self.oracles):
            return p.standing_mw if integer else centre + TRUST * (p.standing_mw - centre), lower
        best_value, best, near = np.inf, p.standing_mw, centre
        for _ in range(PLANES):
            spots = [near + INSIDE * (p.standing_mw - near)]
            if integer:
                spots.append(p.standing_mw)
            for q in spots:
                value = self._plane(masters, q, pool, master)
                if value < best_value and (not integer or q is p.standing_mw):
                    best_value, best = value, q
                if value <= best_value or not integer:
                    near = q if value <= best_value else near
            p = self._propose(master, None)
            lower = max(lower, p.bound_usd)
            if best_value - lower <= EXACT * gap * abs(best_value) or gap_share(upper, lower) <= gap:
                break
        if integer:
            units = np.array([c.unit_mw > 0 for c in self.candidates])
            same = np.abs((best - centre)[:, units]).max(initial=0.0) < 1e-3
            return (centre + TRUST * (best - centre) if same and stalled < 3 else best), lower
        return centre + (TRUST if np.isfinite(upper) else 1.0) * (best - centre), lower

    def _plane(self, masters: Sequence[Master], x: Floats, pool: ThreadPoolExecutor, master: Master) -> float:
        """One plane for every operation, through x; the value of the priced model there. [USD]"""

        def one(n: int) -> Cut:
            cut = self.oracles[n].cut(x[self.at[n][0]])
            assert cut is not None
            return cut

        cuts = list(pool.map(one, range(len(self.oracles))))
        for n, k in enumerate(cuts):
            self._add(masters, n, k)
        return master.total_usd(x, self._grouped([k.at(x[y]) for (y, _), k in zip(self.at, cuts, strict=True)]))

    def _grouped(self, values: Sequence[V]) -> list[list[V]]:
        """One value of each operation, by stage and future."""
        out: list[list[V]] = [[] for _ in self.stages]
        for (y, _), value in zip(self.at, values, strict=True):
            out[y].append(value)
        return out
