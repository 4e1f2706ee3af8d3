"""What a plan costs in a future it was not made for: regret, minimax regret, stranded plant and who pays for it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from gridrush.errors import CaseError, InfeasibleError, Problem
from gridrush.planning.clash import clashes
from gridrush.planning.decomposition import Search
from gridrush.planning.least_cost import expand
from gridrush.planning.operation import operations
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.plan import Plan
from gridrush.planning.planner import Planner, assemble
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
    return Planner(stages, candidates, threads=threads).operate(standing_mw, gap=gap)


def only(stages: Sequence[Stage], future: str) -> list[Stage]:
    """The stages as they are if one future comes for certain."""
    return [replace(s, futures=[replace(f, probability=1.0) for f in s.futures if f.name == future]) for s in stages]


def regret_table(
    plans: Mapping[str, Floats], stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-3,
    threads: int = 2, planners: Mapping[str, Planner] | None = None, best: Mapping[str, Plan] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Cost of each plan in each future, and how much dearer it is than the best plan for that future.

    Parameters
    ----------
    plans : mapping of name to ndarray, shape (Y, C)
        Standing capacity. [MW]
    stages : sequence of Stage
        With the same future names in every stage.
    planners : mapping of future name to Planner, optional
        Of futures alone (`only`), where there are some already.
    best : mapping of future name to Plan, optional
        Best plans of futures alone, where they are known already.

    Returns
    -------
    DataFrame
        Rows plan and future; columns cost_usd, best_usd (the cheapest plan known for that future), regret_usd,
        regret_share, regret_low_usd and regret_high_usd (what the gaps of both plans leave open), and idle_usd: present
        value of annuities and fixed cost of what the plan has standing beyond the best plan for that future.
    """
    rows = []
    annual = np.array([c.annual_usd_per_mw for c in candidates])
    for name in [f.name for f in stages[0].futures]:
        mine = (planners or {}).get(name) or Planner(only(stages, name), candidates, threads=threads)
        ideal = (best or {}).get(name) or mine.plan(gap=gap)
        operated = {label: ideal if np.array_equal(standing, ideal.standing_mw) else mine.operate(standing, gap=gap)
                    for label, standing in plans.items()}  # fmt: skip
        best_usd = min(ideal.cost_usd, *(p.cost_usd for p in operated.values()))
        for label, p in operated.items():
            beyond = np.maximum(p.standing_mw - ideal.standing_mw, 0.0)
            idle = float(sum(s.weight * (beyond[y] @ annual) for y, s in enumerate(stages)))
            regret = p.cost_usd - best_usd
            low = max(0.0, min(p.lower_bound_usd, p.cost_usd) - best_usd)
            high = p.cost_usd - min(ideal.lower_bound_usd, best_usd)
            rows.append((label, name, p.cost_usd, best_usd, regret, regret / best_usd, low, high, idle))
    names = ["plan", "future", "cost_usd", "best_usd", "regret_usd", "regret_share", "regret_low_usd",
             "regret_high_usd", "idle_usd"]  # fmt: skip
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
    search = Search(stages, candidates, threads=threads, ops=ops, ideal_usd=ideal)
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
