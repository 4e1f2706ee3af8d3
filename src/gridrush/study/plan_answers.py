"""What a plan of a case answers besides what to build: nuclear, waiting, and regret if the miners leave."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from gridrush.case.load import resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.errors import CaseError, Problem
from gridrush.planning.entry import CARBON_ROUNDS, Entry, Pair, break_even_capex, break_even_carbon_price
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.plan import Plan
from gridrush.planning.planner import Planner
from gridrush.planning.regret import only, regret_table, stranded_bill
from gridrush.planning.relief import price_of_waiting
from gridrush.study.expansion import STAGE_YEARS, PlanProblem, Way, milestones, ways_problem

WAIT_YEARS = 5.0
"""By how much a later decision is looked at."""

MOST_CARBON_USD_PER_T = 250.0
"""Highest carbon price looked at: that of advanced economies in 2050 in IEA, Net Zero by 2050 (May 2021), table 2.2."""

Tell = Callable[[float, str], None]
"""Told the share done and what is done next."""


def _quiet(share: float, what: str) -> None:
    """Tells nobody."""


def _follow(planner: Planner, tell: Tell, share: float, what: str) -> None:
    """Tell what a planner does, with the gap it has."""
    tell(share, what)
    planner.follow(lambda p: tell(share, f"{what}: gap {p.gap_share:.2%}"))


def nuclear_question(
    case: Case, problem: PlanProblem, plan: Plan, *, planner: Planner | None = None, gap: float = 1e-3,
    threads: int = 2, tell: Tell = _quiet, technology: str = "nuclear",
) -> dict[str, Any]:  # fmt: skip
    """At what capex and carbon price the first reactor enters, and what it costs to decide later.

    From least-cost plans without reactors and with one forced in (`break_even_capex`, `break_even_carbon_price`), with
    all else fixed: the margins that the plan's reliability asked for included. What a year's wait costs is what the
    reactor is worth above its annuity in each of the years lost.

    Parameters
    ----------
    planner : Planner, optional
        That made the plan: what it has learnt is used.
    """
    found = [c for c in problem.candidates if c.technology == technology and _fits(c, problem.stages)]
    if not found:
        return {"candidate": None, "why": f"no {technology} plant can serve by {problem.stages[-1].year}"}
    c = min(found, key=lambda x: x.earliest_year)
    project = next(p for p in case.projects if p.project == c.name)
    if planner is None:
        planner = Planner(problem.stages, problem.candidates, threads=threads)
    rivals = [x.name for x in problem.candidates if x.technology == technology and x.name != c.name]
    entry = Entry(planner, c.name, rivals, gap, plan.margin_share)
    _follow(planner, tell, 0.0, "without reactors")
    without = entry.without(plan)
    _follow(planner, tell, 0.1, "with one reactor")
    pair = Pair(without, entry.with_one())
    capex_per_annuity = project.capex_usd_per_mw / c.capex_usd_per_mw_year
    annuity = break_even_capex(entry, pair)
    share = iter(np.linspace(0.2, 1.0, CARBON_ROUNDS + 1))
    carbon = break_even_carbon_price(
        entry, pair, most=MOST_CARBON_USD_PER_T,
        tell=lambda price: tell(float(next(share)), f"with and without a reactor at {price:.0f} USD/t of CO2"),
    )  # fmt: skip
    years = list(range(c.earliest_year, c.earliest_year + round(c.life_years)))
    later = {
        end: price_of_waiting(
            years, value_usd_per_year=np.full(len(years), (worth + c.fixed_usd_per_mw_year) * entry.mw),
            annual_cost_usd=np.full(len(years), c.annual_usd_per_mw * entry.mw), service_year=c.earliest_year,
            wait_years=WAIT_YEARS, discount_share=case.parameters.discount_share.value,
        ) for end, worth in annuity.to_dict().items()
    }  # fmt: skip
    mine = [i for i, x in enumerate(plan.candidates) if x.technology == technology]
    return {
        "candidate": c.name, "unit_mw": entry.mw, "earliest_year": c.earliest_year,
        "needs_consent": project.needs_consent, "decided": str(project.decided or ""),
        "in_plan_mw": float(plan.standing_mw[-1, mine].sum()),
        "capex_usd_per_mw": {"low": project.capex_low_usd_per_mw, "best": project.capex_usd_per_mw,
                             "high": project.capex_high_usd_per_mw},
        "break_even_capex_usd_per_mw": {k: v * capex_per_annuity for k, v in annuity.to_dict().items()},
        "carbon_price_usd_per_t": problem.stages[0].carbon_price_usd_per_t,
        "break_even_carbon_price_usd_per_t": carbon.to_dict(),
        "cost_without_usd": without.cost_usd, "cost_with_one_usd": pair.with_one.cost_usd,
        "dearer_with_one_usd": pair.dearer_usd.to_dict(), "gap": max(without.gap, pair.with_one.gap),
        "wait_years": WAIT_YEARS, "price_of_waiting_usd": later["best"], "price_of_waiting": later,
        "money_of": c.earliest_year,
    }  # fmt: skip


def _fits(c: Candidate, stages: Sequence[Stage]) -> bool:
    return c.earliest_year <= stages[-1].year


def miners_question(
    case: Case, *, first: int | None = None, last: int | None = None, every: int = STAGE_YEARS, seed: int = 1,
    stay: str = "open-door", leave: str = "ban", gap: float = 1e-3, threads: int = 2, tell: Tell = _quiet,
) -> dict[str, Any]:  # fmt: skip
    """What is regretted if it is built for miners and they leave, or the other way round, and who pays.

    Three plans: for miners that stay and are served as firm load, that stay and let themselves be called, and that
    leave. In the first two, coins earn what they earn now for good. Each is operated in both futures.
    """
    if missing := [Problem("scenario", n, "a scenario of the case") for n in (stay, leave) if n not in case.scenarios]:
        raise CaseError(missing)
    years = milestones(case, first, last, every)
    ways = [Way("stay", 0.5, _for_good(resolve_scenario(case, stay)), seed),
            Way("leave", 0.5, resolve_scenario(case, leave), seed)]  # fmt: skip
    tell(0.0, "the hours if the miners stay, and if they leave")
    problem = ways_problem(case, years, ways, last_years=every if len(years) > 1 else 1)
    candidates = problem.candidates
    firm = [replace(c, at_most_mw=dict.fromkeys(years, 0.0)) if c.technology == "interruptible" else c
            for c in candidates]  # fmt: skip
    planners = {w.name: Planner(only(problem.stages, w.name), candidates, threads=threads) for w in ways}
    plans: dict[str, Plan] = {}
    for share, name, future, options in ((0.1, "stay, on call", "stay", candidates),
                                         (0.45, "stay, served firm", "stay", firm),
                                         (0.55, "leave", "leave", candidates)):  # fmt: skip
        _follow(planners[future], tell, share, f"plan for miners who {name}")
        plans[name] = planners[future].plan(options, gap=gap)
    tell(0.9, "each plan in the other future")
    order = ("stay, served firm", "stay, on call", "leave")
    table = regret_table({n: plans[n].standing_mw for n in order}, problem.stages, candidates, gap=gap,
                         planners=planners, best={"stay": plans["stay, on call"], "leave": plans["leave"]})  # fmt: skip
    idle = table[(table["plan"] == "stay, served firm") & (table["future"] == "leave")].iloc[0]["idle_usd"]
    weight = sum(s.weight for s in problem.stages)
    s = problem.stages[-1].futures[-1].system
    served_mwh = float((s.demand.load_mw[:, [k == "firm" for k in s.demand.kind]].sum(axis=1)).mean() * 8760.0)
    bills = {
        name: asdict(stranded_bill(idle / weight, remaining_mwh=served_mwh, take_or_pay_share=bound))
        for name, bound in (("no contract", 0.0), ("miners pay half, take or pay", 0.5))
    }
    return {
        "stay": stay, "leave": leave, "years": years,
        "mining_mw": {w.name: [_mining_mw(f.system) for f in (st.futures[k] for st in problem.stages)]
                      for k, w in enumerate(ways)},
        "plans": {n: {"cost_usd": plans[n].cost_usd, "lower_bound_usd": plans[n].lower_bound_usd, "gap": plans[n].gap,
                      "violation_mw": plans[n].violation_mw, "builds": plans[n].schedule().to_dict("records")}
                  for n in order},
        "regret": table.to_dict("records"), "stranded_usd_per_year": idle / weight, "bill": bills,
    }  # fmt: skip


def _for_good(scenario: Scenario) -> Scenario:
    """The scenario if coins go on earning what they earned at the end of the record."""
    steady = {"hashprice_after": "flat", "hashprice_growth_share": 0.0}
    return scenario.model_copy(update={"assume": scenario.assume.model_copy(update=steady)})


def _mining_mw(system: Any) -> float:
    """Mean load of registered miners. [MW]"""
    d = system.demand
    mine = ["registered miners" in n for n in d.name]
    return float(d.load_mw[:, mine].sum(axis=1).mean())


def waterfall(plan: Plan) -> list[dict[str, float | str]]:
    """Cost of a plan line by line, as present value, largest first; the lines add up to its cost. [USD]"""
    lines = plan.costs.sum().sort_values(ascending=False)
    if not math.isclose(float(lines.sum()), plan.cost_usd, rel_tol=1e-9):
        raise AssertionError("cost lines of a plan must add up to its cost")
    return [{"line": str(k), "usd": float(v)} for k, v in lines.items()]


def builds_with_slips(case: Case, plan: Plan) -> list[dict[str, Any]]:
    """Build schedule with the first decile, median and last decile of the year each could serve from."""
    from gridrush.study.service import service_draws

    projects = {p.project: p for p in case.projects}
    scenario = resolve_scenario(case, case.default_scenario)
    rows: list[dict[str, Any]] = []
    for r in plan.schedule().to_dict("records"):
        row: dict[str, Any] = {str(k): v for k, v in r.items()}
        if (p := projects.get(row["candidate"])) is not None:
            low, best, high = np.quantile(service_draws(p, scenario), (0.1, 0.5, 0.9))
            row |= {"service_low": float(low), "service_best": float(best), "service_high": float(high)}
        rows.append(row)
    return rows

