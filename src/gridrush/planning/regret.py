"""What a plan costs in a future it was not made for: regret, minimax regret, stranded plant and who pays for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridrush.errors import CaseError, InfeasibleError, Problem
from gridrush.planning.budgets import budgets_of
from gridrush.planning.clash import clashes
from gridrush.planning.decomposition import Best, Search
from gridrush.planning.expand import assemble, expand
from gridrush.planning.master import Master
from gridrush.planning.operation import operations
from gridrush.planning.options import Candidate, Stage, check_problem
from gridrush.planning.oracle import Oracle, learn
from gridrush.planning.plan import Plan
from gridrush.planning.refresh import Operated
from gridrush.units import Floats


def operate_plan(
    stages: Sequence[Stage],
    candidates: Sequence[Candidate],
    standing_mw: Floats,
    *,
    gap: float = 1e-3,
    threads: int = 2,
) -> Plan:
    """What given builds cost over all hours of given stages; the lower bound is that of operation with these builds."""
    check_problem(stages, candidates)
    started = time.monotonic()
    ops = operations(stages, candidates)
    oracles = [Oracle.of(op, budgets_of(op, s)) for s, m in zip(stages, ops, strict=True) for op in m]
    at = [y for y, m in enumerate(ops) for _ in m]
    weight = [s.weight * f.probability for s in stages for f in s.futures]
    x = np.asarray(standing_mw, np.float64)
    learnt = learn(oracles, [x[y] for y in at], threads=threads, bases={}, pool=None, tolerance=0.2 * gap)
    invest = Master(stages, candidates, integer=False).invest_usd(x)
    lower = invest + sum(w * max(k.at(x[y]) for k in cuts) if cuts else w * o.cost_usd
                         for w, y, (cuts, o) in zip(weight, at, learnt, strict=True))  # fmt: skip
    upper = invest + sum(w * o.cost_usd for w, (_, o) in zip(weight, learnt, strict=True))
    grouped: list[list[Operated]] = [[] for _ in stages]
    for y, (_, o) in zip(at, learnt, strict=True):
        grouped[y].append(o)
    best = Best(x, grouped, upper, lower, ())
    return assemble(stages, candidates, ops, best, "given", time.monotonic() - started, (), ())


def only(stages: Sequence[Stage], future: str) -> list[Stage]:
    """The stages as they are if one future comes for certain."""
    return [replace(s, futures=[replace(f, probability=1.0) for f in s.futures if f.name == future]) for s in stages]


def regret_table(
    plans: Mapping[str, Floats], stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3,
    threads: int = 2, best: Mapping[str, Plan] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Cost of each plan in each future, and how much dearer it is than the best plan for that future.

    Parameters
    ----------
    plans : mapping of name to ndarray, shape (Y, C)
        Standing capacity. [MW]
    stages : sequence of Stage
        With the same future names in every stage.
    best : mapping of future name to Plan, optional
        Best plans of futures alone, where they are known already.

    Returns
    -------
    DataFrame
        Rows plan and future; columns cost_usd, best_usd, regret_usd, regret_share, and idle_usd: present value of
        annuities and fixed cost of what the plan has standing beyond the best plan for that future.
    """
    rows = []
    for name in [f.name for f in stages[0].futures]:
        alone = only(stages, name)
        known = None if best is None else best.get(name)
        ideal = expand(alone, candidates, gap=gap, threads=threads) if known is None else known
        for label, standing in plans.items():
            p = operate_plan(alone, candidates, standing, gap=gap, threads=threads)
            beyond = np.maximum(np.asarray(standing) - ideal.standing_mw, 0.0)
            annual = np.array([c.annual_usd_per_mw for c in candidates])
            idle = float(sum(s.weight * (beyond[y] @ annual) for y, s in enumerate(stages)))
            regret = p.cost_usd - ideal.cost_usd
            rows.append((label, name, p.cost_usd, ideal.cost_usd, regret, regret / ideal.cost_usd, idle))
    names = ["plan", "future", "cost_usd", "best_usd", "regret_usd", "regret_share", "idle_usd"]
    return pd.DataFrame(rows, columns=names)


def minimax_regret(
    stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3, threads: int = 2
) -> tuple[Plan, pd.DataFrame]:
    """The plan whose worst regret over the futures is least, and what it costs in each.

    Parameters
    ----------
    stages : sequence of Stage
        With the same future names in every stage; probabilities are not used.

    Returns
    -------
    Plan, DataFrame
        The plan (its cost is the expected one), and `regret_table` of it. `attrs["worst_usd"]` and `attrs["bound_usd"]`
        of the table are the worst regret and what no plan can be under.
    """
    names = [f.name for f in stages[0].futures]
    problems = [
        Problem(f"stages[{s.year}].futures", [f.name for f in s.futures], f"the futures {names}, as in the first stage")
        for s in stages if [f.name for f in s.futures] != names
    ]  # fmt: skip
    if problems:
        raise CaseError(problems)
    ideal = [expand(only(stages, n), candidates, gap=gap, threads=threads).cost_usd for n in names]
    ops = operations(stages, candidates)
    search = Search(stages, candidates, threads=threads, progress=None, seconds=np.inf, ops=ops, ideal_usd=ideal)
    started = time.monotonic()
    best = search.run(gap=gap, margins=None, margin_share=())
    if best is None:
        raise InfeasibleError("no plan keeps these limits", clashes(stages, candidates))
    lower = replace(best, lower_usd=-np.inf)
    plan = assemble(stages, candidates, ops, lower, "regret", time.monotonic() - started, (), ())
    table = regret_table({"least worst regret": best.standing_mw}, stages, candidates, gap=gap, threads=threads)
    table.attrs.update(worst_usd=best.upper_usd - max(ideal), bound_usd=best.lower_usd - max(ideal))
    return plan, table


@dataclass(frozen=True)
class Bill:
    """Who pays for plant that is no longer needed, in a year."""

    miners_usd: float  # what their contracts oblige them to although they have left
    consumers_usd: float
    owners_usd: float
    consumers_usd_per_mwh: float  # rise of the price of what is still consumed


def stranded_bill(
    idle_usd_per_year: float, *, remaining_mwh: float, take_or_pay_share: float = 0.0, regulated_share: float = 1.0
) -> Bill:
    """Split the yearly cost of stranded plant among miners who left, consumers who stay, and owners.

    Parameters
    ----------
    idle_usd_per_year : float
        Annuities and fixed cost of plant standing beyond need. [USD]
    remaining_mwh : float
        Energy still consumed in the year, over which consumers pay.
    take_or_pay_share : float
        Part covered by contracts that oblige miners to pay whether they take power or not.
    regulated_share : float
        Part of the rest that tariffs pass on (a single buyer's capacity payment: all of it); owners bear what is
        left.

    Examples
    --------
    >>> stranded_bill(100e6, remaining_mwh=1e8, take_or_pay_share=0.2).consumers_usd_per_mwh
    0.8
    """
    if remaining_mwh <= 0:
        raise ValueError(f"remaining_mwh must be above 0, found {remaining_mwh}")
    for name, share in (("take_or_pay_share", take_or_pay_share), ("regulated_share", regulated_share)):
        if not 0 <= share <= 1:
            raise ValueError(f"{name} must be in [0, 1], found {share}")
    miners = take_or_pay_share * idle_usd_per_year
    consumers = regulated_share * (idle_usd_per_year - miners)
    return Bill(miners, consumers, idle_usd_per_year - miners - consumers, consumers / remaining_mwh)
