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
from gridrush.planning.expand import Replanner, expand
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.plan import Plan
from gridrush.planning.regret import only, regret_table, stranded_bill
from gridrush.planning.relief import price_of_waiting
from gridrush.study.expansion import STAGE_YEARS, PlanProblem, Way, milestones, ways_problem

WAIT_YEARS = 5.0
"""By how much a later decision is looked at."""

CARBON_ROUNDS, CARBON_TOLERANCE_USD_PER_T = 6, 0.5

Tell = Callable[[str], None]


def nuclear_question(
    case: Case, problem: PlanProblem, plan: Plan, *, gap: float = 1e-3, threads: int = 2, tell: Tell = print,
    technology: str = "nuclear",
) -> dict[str, Any]:  # fmt: skip
    """At what capex and carbon price the first reactor enters, and what it costs to decide later.

    With one unit forced in without capex, cost rises with capex in proportion: the break-even capex is the cost saved
    over what the annuity is charged on. Its interval comes from the bounds of both plans. The break-even carbon price
    is found by Newton's method: by the envelope theorem the difference of costs falls with the price by the difference
    of emissions. Both hold all else fixed, the margins that the plan's reliability asked for included.
    """
    found = [c for c in problem.candidates if c.technology == technology and _fits(c, problem.stages)]
    if not found:
        return {"candidate": None, "why": f"no {technology} plant can serve by {problem.stages[-1].year}"}
    c = min(found, key=lambda x: x.earliest_year)
    project = next(p for p in case.projects if p.project == c.name)
    unit_mw, last = c.unit_mw or c.max_mw, problem.stages[-1].year
    none_mw, one_mw = (dict.fromkeys((s.year for s in problem.stages), mw) for mw in (0.0, unit_mw))
    gone = [replace(x, at_least_mw={}, at_most_mw=none_mw) if x.technology == technology else x
            for x in problem.candidates]  # fmt: skip
    one = [replace(x, at_least_mw={last: unit_mw}, at_most_mw=one_mw) if x.name == c.name else x for x in gone]
    bare = [replace(x, capex_usd_per_mw_year=0.0) if x.name == c.name else x for x in one]
    tell("without reactors")
    again = Replanner(problem.stages, problem.candidates, gap=gap, margin_share=plan.margin_share, threads=threads,
                      start_mw=plan.standing_mw)  # fmt: skip
    without = again.plan(gone)
    tell("one reactor, capex aside")
    free = again.plan(bare)
    at = [x.name for x in bare].index(c.name)
    weight = np.array([s.weight for s in problem.stages])
    mw_years = float(weight @ free.standing_mw[:, at])
    capex_per_annuity = project.capex_usd_per_mw / c.capex_usd_per_mw_year
    least_usd = min(without.lower_bound_usd, without.cost_usd), min(free.lower_bound_usd, free.cost_usd)
    worth = {
        "low": (least_usd[0] - free.cost_usd) / mw_years * capex_per_annuity,
        "best": (without.cost_usd - free.cost_usd) / mw_years * capex_per_annuity,
        "high": (without.cost_usd - least_usd[1]) / mw_years * capex_per_annuity,
    }
    price, carbon = problem.stages[0].carbon_price_usd_per_t, None
    for turn in range(CARBON_ROUNDS):
        tell(f"carbon price {price:.0f} USD/t")
        if turn:
            stages = [replace(s, carbon_price_usd_per_t=price) for s in problem.stages]
            again = Replanner(stages, problem.candidates, gap=gap, margin_share=plan.margin_share, threads=threads,
                              start_mw=without.standing_mw)  # fmt: skip
            without_now = again.plan(gone)
        else:
            without_now = without
        with_one = again.plan(one)
        dearer = with_one.cost_usd - without_now.cost_usd
        saved_t = float(weight @ (without_now.co2_t - with_one.co2_t))
        if saved_t <= 0:
            break
        step = dearer / saved_t
        if abs(step) < CARBON_TOLERANCE_USD_PER_T or (price == 0.0 and step < 0.0):
            ends = (with_one.lower_bound_usd - without_now.cost_usd, with_one.cost_usd - without_now.lower_bound_usd)
            found_at = [max(0.0, price + d / saved_t) for d in (ends[0], dearer, ends[1])]
            carbon = dict(zip(("low", "best", "high"), found_at, strict=True))
            break
        price = max(0.0, price + step)
    years = list(range(c.earliest_year, c.earliest_year + round(c.life_years)))
    value = (without.cost_usd - free.cost_usd) / mw_years + c.fixed_usd_per_mw_year
    later = price_of_waiting(
        years, value_usd_per_year=np.full(len(years), value * unit_mw),
        annual_cost_usd=np.full(len(years), c.annual_usd_per_mw * unit_mw), service_year=c.earliest_year,
        wait_years=WAIT_YEARS, discount_share=case.parameters.discount_share.value,
    )  # fmt: skip
    mine = [i for i, x in enumerate(plan.candidates) if x.technology == technology]
    return {
        "candidate": c.name, "unit_mw": unit_mw, "earliest_year": c.earliest_year, "needs_consent":
        project.needs_consent, "decided": str(project.decided or ""),
        "in_plan_mw": float(plan.standing_mw[-1, mine].sum()),
        "capex_usd_per_mw": {"low": project.capex_low_usd_per_mw, "best": project.capex_usd_per_mw,
                             "high": project.capex_high_usd_per_mw},
        "break_even_capex_usd_per_mw": worth, "break_even_carbon_price_usd_per_t": carbon,
        "cost_without_usd": without.cost_usd, "cost_with_one_free_usd": free.cost_usd,
        "wait_years": WAIT_YEARS, "price_of_waiting_usd": later, "money_of": c.earliest_year,
    }  # fmt: skip


def _fits(c: Candidate, stages: Sequence[Stage]) -> bool:
    return c.earliest_year <= stages[-1].year


def miners_question(
    case: Case, *, first: int | None = None, last: int | None = None, every: int = STAGE_YEARS, seed: int = 1,
    stay: str = "open-door", leave: str = "ban", gap: float = 1e-3, threads: int = 2, tell: Tell = print,
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
    tell("futures")
    problem = ways_problem(case, years, ways, last_years=every if len(years) > 1 else 1)
    candidates = problem.candidates
    firm = [replace(c, at_most_mw=dict.fromkeys(years, 0.0)) if c.technology == "interruptible" else c
            for c in candidates]  # fmt: skip
    stays, leaves = only(problem.stages, "stay"), only(problem.stages, "leave")
    plans: dict[str, Plan] = {}
    for name, stages, options in (("stay, served firm", stays, firm), ("stay, on call", stays, candidates),
                                  ("leave", leaves, candidates)):  # fmt: skip
        tell(name)
        plans[name] = expand(stages, options, gap=gap, threads=threads)
    tell("each plan in the other future")
    table = regret_table({n: p.standing_mw for n, p in plans.items()}, problem.stages, candidates, gap=gap,
                         threads=threads, best={"stay": plans["stay, on call"], "leave": plans["leave"]})  # fmt: skip
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
        "plans": {n: {"cost_usd": p.cost_usd, "lower_bound_usd": p.lower_bound_usd, "gap": p.gap,
                      "violation_mw": p.violation_mw, "builds": p.schedule().to_dict("records")}
                  for n, p in plans.items()},
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
    from gridrush.study.relief import service_draws

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

