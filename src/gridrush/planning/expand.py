"""Least-cost expansion: `expand` and the loop that makes its plans reliable."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from gridrush.case.estimate import Estimate
from gridrush.case.system import System
from gridrush.errors import InfeasibleError
from gridrush.planning.budgets import Budgets, budgets_of, mixed
from gridrush.planning.clash import clashes
from gridrush.planning.clearing import Clearing, tree_of
from gridrush.planning.decomposition import Best, Progress, Search
from gridrush.planning.limits import Margin, margin_of
from gridrush.planning.model import size, solve_whole
from gridrush.planning.operation import Operation, operations
from gridrush.planning.options import Candidate, Stage, check_problem, with_builds
from gridrush.planning.plan import Plan, built_of, cost_lines, violation_mw
from gridrush.planning.refresh import Operated
from gridrush.units import Floats

log = logging.getLogger(__name__)

Engine = Literal["auto", "cuts", "whole"]

WHOLE_UP_TO = 40_000
"""Columns up to which one program is quicker than cutting planes."""

NO_MARGIN = -1.0
"""Margin at which the rows on firm capacity ask for nothing."""

SURE_STDERR = 2.0
"""Standard errors by which the simulated LOLE must lie below its target: another seed will then hold it too."""

MARGIN_STEP, MARGIN_STEP_MOST, MARGIN_ROUNDS = 0.01, 0.08, 15


def expand(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3, engine: Engine = "auto",
    lole: Callable[[System], Estimate] | None = None, lole_target_h: float | None = None,
    margin_share: float | Sequence[float] | None = None, threads: int = 2, seconds: float = math.inf,
    progress: Callable[[Progress], None] | None = None,
) -> Plan:  # fmt: skip
    """Cheapest plan that keeps every limit, with a certified gap.

    Minimises the present value of annuities, fixed cost and expected cost of operation over all hours of all
    futures; builds are the same in every future of a stage.

    Parameters
    ----------
    stages : sequence of Stage, length Y
        Milestone years in order.
    candidates : sequence of Candidate, length C
    gap : float
        Share of the cost by which the plan may be dearer than the lower bound.
    engine : {"auto", "cuts", "whole"}
        `whole` hands everything to HiGHS at once; `cuts` takes years and hours apart. `auto` takes `whole` for small
        problems.
    lole : callable, optional
        Loss of load expectation [h/yr] of a system by simulation. With `lole_target_h`, the margin of firm capacity is
        raised until every stage holds the target by two standard errors.
    lole_target_h : float, optional
    margin_share : float or sequence of float, optional
        Firm capacity over peak that every set of zones must hold. None: only what the target of reliability asks.
    threads : int
    seconds : float
        Time after which the best plan so far is returned with the gap it has.
    progress : callable, optional
        Called with a `Progress` whenever bounds move.

    Returns
    -------
    Plan

    Raises
    ------
    InfeasibleError
        When no plan exists; says which limits clash and what would relax them.
    """
    check_problem(stages, candidates)
    if (lole is None) != (lole_target_h is None):
        raise ValueError("lole and lole_target_h come together")
    started = time.monotonic()
    Y = len(stages)
    ask = [float(m) for m in np.broadcast_to(NO_MARGIN if margin_share is None else margin_share, (Y,))]
    margins = [margin_of(s, candidates) for s in stages]
    ops = operations(stages, candidates)
    anywhere = any(c.free_start for c in candidates)
    if engine == "auto":
        looped = any(
            tree_of(op) is None and budgets_of(op, s).limit.size for s, m in zip(stages, ops, strict=True) for op in m
        )
        engine = "whole" if looped or anywhere or size(ops) <= WHOLE_UP_TO else "cuts"
    if anywhere and engine == "cuts":
        raise ValueError("stores that begin at any level need the whole program: engine='whole'")
    search = Search(stages, candidates, threads=threads, progress=progress, seconds=seconds, ops=ops)
    best: Best | None = None
    statement: tuple[Estimate, ...] = ()
    history: list[list[tuple[float, float]]] = [[] for _ in stages]
    for _ in range(MARGIN_ROUNDS):
        best = _solve(search, engine, gap, margins, ask, best, seconds)
        if best is None:
            raise _refused(stages, candidates, margins, ask, statement, lole_target_h)
        if lole is None or lole_target_h is None:
            break
        statement = tuple(_lole(s, candidates, best.standing_mw[y], lole) for y, s in enumerate(stages))
        short = [y for y, e in enumerate(statement) if e.mean + SURE_STDERR * e.stderr > lole_target_h]
        log.info("LOLE %s h at margins %s", [str(e) for e in statement], ask)
        if not short:
            break
        for y in short:
            now = max(ask[y], held_margin(margins[y], best.standing_mw[y]))
            history[y].append((now, statement[y].mean))
            ask[y] = now + _step(history[y], lole_target_h)
    else:
        raise _refused(stages, candidates, margins, ask, statement, lole_target_h)
    assert best is not None
    return assemble(stages, candidates, ops, best, engine, time.monotonic() - started, ask, statement)


class Replanner:
    """Plans of the same stages and candidates, again and again with other money or other limits on builds.

    What is known about the cost of operation stays true, so a plan after the first takes a part of its time.
    """

    def __init__(
        self, stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3,
        margin_share: Sequence[float] = (), threads: int = 2, start_mw: Floats | None = None,
    ) -> None:  # fmt: skip
        check_problem(stages, candidates)
        self.stages, self.gap, self.start_mw = stages, gap, start_mw
        self.ask = list(margin_share) or [NO_MARGIN] * len(stages)
        self.margins = [margin_of(s, candidates) for s in stages]
        self.ops = operations(stages, candidates)
        self.search = Search(
            stages, candidates, threads=threads, progress=None, seconds=math.inf, ops=self.ops
        )

    def plan(self, candidates: Sequence[Candidate]) -> Plan:
        """Least-cost plan; of each candidate only annuity, fixed cost and limits on builds may have changed.

        Raises
        ------
        InfeasibleError
            When no plan exists.
        """
        for a, b in zip(self.search.candidates, candidates, strict=True):
            same = {f: getattr(a, f) for f in ("capex_usd_per_mw_year", "fixed_usd_per_mw_year", "at_least_mw",
                                               "at_most_mw", "earliest_year", "build_mw_per_year",
                                               "first_mw")}  # fmt: skip
            if replace(b, **same) != a:
                raise ValueError(f"{b.name} differs in more than money and limits")
        started, self.search.candidates = time.monotonic(), candidates
        found = _solve(self.search, "cuts", self.gap, self.margins, self.ask, None, math.inf, self.start_mw)
        if found is None:
            raise _refused(self.stages, candidates, self.margins, self.ask, (), None)
        self.start_mw = found.standing_mw
        return assemble(self.stages, candidates, self.ops, found, "cuts", time.monotonic() - started, self.ask, ())


def _solve(
    search: Search,
    engine: Engine,
    gap: float,
    margins: list[Margin],
    ask: list[float],
    best: Best | None,
    seconds: float,
    start_mw: Floats | None = None,
) -> Best | None:
    if engine != "whole":
        return search.run(gap=gap, margins=margins, margin_share=ask, best=best, start_mw=start_mw)
    found = solve_whole(
        search.stages, search.candidates, gap=min(gap, 1e-5), margins=margins, margin_share=ask, seconds=seconds
    )
    return None if found is None else Best(*found, ())


def held_margin(margin: Margin, standing_mw: Floats) -> float:
    """Firm capacity over peak, less one, of the set of zones that has least."""
    with np.errstate(divide="ignore"):
        have = (margin.firm_mw + margin.coefficient @ standing_mw) / margin.peak_mw - 1.0
    return float(np.min(have[np.isfinite(have)], initial=math.inf))


def _step(history: list[tuple[float, float]], target_h: float) -> float:
    """How much more margin: log LOLE falls about linearly with it."""
    if len(history) > 1:
        (m0, a), (m1, b) = history[-2:]
        if a > b > 0 and m1 > m0:
            slope = (math.log(a) - math.log(b)) / (m1 - m0)
            want = (math.log(b) - math.log(max(target_h, 1e-9))) / slope
            return min(max(want, MARGIN_STEP / 2), MARGIN_STEP_MOST)
    return MARGIN_STEP if history[-1][1] < 3 * target_h else 3 * MARGIN_STEP


def _lole(
    stage: Stage, candidates: Sequence[Candidate], standing_mw: Floats, lole: Callable[[System], Estimate]
) -> Estimate:
    each = [(f.probability, lole(with_builds(f, candidates, standing_mw))) for f in stage.futures]
    mean = sum(p * e.mean for p, e in each)
    return Estimate(mean, math.sqrt(sum((p * e.stderr) ** 2 for p, e in each)), each[0][1].unit)


def _refused(
    stages: Sequence[Stage], candidates: Sequence[Candidate], margins: list[Margin], ask: list[float],
    statement: Sequence[Estimate], target_h: float | None,
) -> InfeasibleError:  # fmt: skip
    why = clashes(stages, candidates, margins=margins, margin_share=ask)
    if statement:
        reached = "; ".join(f"{s.year}: {e}" for s, e in zip(stages, statement, strict=True))
        why.insert(0, f"LOLE target of {target_h:g} h; the last plan that could be built reaches {reached}")
    return InfeasibleError("no plan keeps these limits", why)


def detail(op: Operation, budgets: Budgets, standing_mw: Floats, o: Operated) -> Operated:
    """An operation with the output of every item, where only its cost was kept."""
    if o.item_mw is not None:
        return o
    tree = tree_of(op)
    assert tree is not None
    if budgets.limit.size:
        return mixed(op, budgets, tree, standing_mw, o.schedule, np.zeros(budgets.limit.size))[0]
    c = Clearing(op, tree).run(standing_mw, schedule=o.schedule, detail=True)
    sent = (np.maximum(c.sent_mw, 0.0), np.maximum(-c.sent_mw, 0.0))
    return Operated(o.values, o.schedule, c.price, c.cost_usd, c.missing_mw, c.item_mw, c.unserved_mw, sent, None)


def assemble(
    stages: Sequence[Stage], candidates: Sequence[Candidate], ops: list[list[Operation]], best: Best, engine: str,
    seconds: float, ask: Sequence[float], statement: Sequence[Estimate],
) -> Plan:  # fmt: skip
    """The plan as its reader gets it: output of every item, cost lines, violations."""
    operated = [
        [
            detail(op, budgets_of(op, s), best.standing_mw[y], o)
            for op, o in zip(ops[y], best.operated[y], strict=True)
        ]
        for y, s in enumerate(stages)
    ]
    costs, co2 = cost_lines(stages, candidates, ops, best.standing_mw, operated)
    worst = max(
        violation_mw(op, best.standing_mw[y], o)
        for y in range(len(stages))
        for op, o in zip(ops[y], operated[y], strict=True)
    )
    built = built_of(stages, candidates, best.standing_mw)
    return Plan(
        stages=stages, candidates=candidates, standing_mw=best.standing_mw, built_mw=built,
        cost_usd=float(costs.to_numpy().sum()), lower_bound_usd=best.lower_usd, costs=costs,
        price_usd_per_mwh=[[o.price for o in mine] for mine in operated],
        generation_mw=[[np.asarray(o.item_mw) for o in mine] for mine in operated],
        unserved_mw=[[np.asarray(o.unserved_mw) for o in mine] for mine in operated],
        co2_t=co2, violation_mw=worst, seconds=seconds, engine=engine, log=best.log,
        margin_share=tuple(ask), lole=tuple(statement),
    )  # fmt: skip
