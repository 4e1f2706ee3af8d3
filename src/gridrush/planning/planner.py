"""One planning problem, planned again and again: what is known about the cost of operation stays known."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from gridrush.case.estimate import Estimate
from gridrush.errors import InfeasibleError
from gridrush.planning.budgets import Budgets, budgets_of, mixed
from gridrush.planning.clash import clashes
from gridrush.planning.clearing import Clearing, tree_of
from gridrush.planning.decomposition import EXACT, Best, Progress, Search
from gridrush.planning.limits import margin_of
from gridrush.planning.master import Master
from gridrush.planning.model import size, solve_whole
from gridrush.planning.operation import Operation, operations
from gridrush.planning.options import Candidate, Stage, check_problem
from gridrush.planning.plan import Plan, built_of, cost_lines, violation_mw
from gridrush.planning.refresh import Bases, Operated
from gridrush.units import Floats

Engine = Literal["auto", "cuts", "whole"]

WHOLE_UP_TO = 40_000
"""Columns up to which one program is quicker than cutting planes."""

NO_MARGIN = -1.0
"""Margin at which the rows on firm capacity ask for nothing."""

MONEY_AND_LIMITS = ("capex_usd_per_mw_year", "fixed_usd_per_mw_year", "at_least_mw", "at_most_mw", "earliest_year",
                    "build_mw_per_year", "first_mw")  # fmt: skip
"""What may change in a candidate without changing the cost of operation at given capacities."""


class Planner:
    """Plans of the same stages and candidates, with other money, other limits on builds, or given builds.

    Every plane under the cost of operation stays true whatever the plan was that it was made for, so a plan after the
    first takes a part of its time.
    """

    def __init__(
        self, stages: Sequence[Stage], candidates: Sequence[Candidate], *, threads: int = 2, bases: Bases | None = None
    ) -> None:
        """`bases`: of a planner whose problem has the same shape; solvers then start from there."""
        check_problem(stages, candidates)
        self.stages, self.candidates = stages, candidates
        self.margins = [margin_of(s, candidates) for s in stages]
        self.ops = operations(stages, candidates)
        self.search = Search(stages, candidates, threads=threads, ops=self.ops, bases=bases)

    def follow(self, progress: Callable[[Progress], None] | None) -> None:
        """Tell `progress` whenever bounds move, from now on."""
        self.search.report = progress

    def engine(self, wanted: Engine) -> Engine:
        """`auto` made one of the others; see `expand`."""
        anywhere = any(c.free_start for c in self.candidates)
        if wanted == "cuts" and anywhere:
            raise ValueError("stores that begin at any level need the whole program: engine='whole'")
        if wanted != "auto":
            return wanted
        looped = any(tree_of(op) is None and budgets_of(op, s).limit.size
                     for s, mine in zip(self.stages, self.ops, strict=True) for op in mine)  # fmt: skip
        return "whole" if looped or anywhere or size(self.ops) <= WHOLE_UP_TO else "cuts"

    def best(self, engine: Engine, *, gap: float, margin_share: Sequence[float], seconds: float) -> Best | None:
        """The best plan that holds margins of firm capacity; None when the limits on builds clash."""
        if engine != "whole":
            return self.search.run(gap=gap, margins=self.margins, margin_share=margin_share)
        found = solve_whole(self.stages, self.search.candidates, gap=min(gap, 1e-5), margins=self.margins,
                            margin_share=margin_share, seconds=seconds)  # fmt: skip
        return None if found is None else Best(*found, ())

    def plan(
        self, candidates: Sequence[Candidate] | None = None, *, gap: float = 1e-3, margin_share: Sequence[float] = (),
        engine: Engine = "auto",
    ) -> Plan:  # fmt: skip
        """Least-cost plan.

        Parameters
        ----------
        candidates : sequence of Candidate, optional
            Of each only what `MONEY_AND_LIMITS` names may differ from the planner's own.
        gap : float
            Share of the cost by which the plan may be dearer than the lower bound.
        margin_share : sequence of float, optional
            Firm capacity over peak that every set of zones must hold in each stage.
        engine : {"auto", "cuts", "whole"}
            As in `expand`.

        Raises
        ------
        InfeasibleError
            When no plan exists.
        """
        mine = self.candidates if candidates is None else candidates
        for a, b in zip(self.candidates, mine, strict=True):
            if replace(b, **{f: getattr(a, f) for f in MONEY_AND_LIMITS}) != a:
                raise ValueError(f"{b.name} differs in more than money and limits")
        ask = list(margin_share) or [NO_MARGIN] * len(self.stages)
        chosen, started = self.engine(engine), self.search.begin(mine)
        found = self.best(chosen, gap=gap, margin_share=ask, seconds=math.inf)
        if found is None:
            raise InfeasibleError(
                "no plan keeps these limits", clashes(self.stages, mine, margins=self.margins, margin_share=ask)
            )
        return assemble(self.stages, mine, self.ops, found, chosen, time.monotonic() - started, ask, ())

    def operate(self, standing_mw: Floats, *, gap: float = 1e-3) -> Plan:
        """What given builds cost over all hours; the lower bound is that of operation with these builds."""
        started = self.search.begin(self.candidates)
        x = np.asarray(standing_mw, np.float64)
        learnt = self.search.learn(x, tolerance=EXACT * gap)
        invest = Master(self.stages, self.candidates, integer=False).invest_usd(x)
        lower = upper = invest
        grouped: list[list[Operated]] = [[] for _ in self.stages]
        for (y, f), (cuts, o) in zip(self.search.at, learnt, strict=True):
            weight = self.stages[y].weight * self.stages[y].futures[f].probability
            upper += weight * o.cost_usd
            lower += weight * max((k.at(x[y]) for k in cuts), default=o.cost_usd)
            grouped[y].append(o)
        best = Best(x, grouped, upper, lower, ())
        return assemble(
            self.stages, self.candidates, self.ops, best, "given", time.monotonic() - started, (), ()
        )

    def at_carbon_price(self, usd_per_t: float) -> Planner:
        """A planner of the same problem with another carbon price in every stage. [USD/t]"""
        stages = [replace(s, carbon_price_usd_per_t=usd_per_t) for s in self.stages]
        return Planner(stages, self.candidates, threads=self.search.threads, bases=dict(self.search.bases))


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
