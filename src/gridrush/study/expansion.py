"""What to build and by when: a case's projects, or a network's extendable components, as a planning problem."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from gridrush.case.estimate import Estimate
from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.schema import Project
from gridrush.case.system import System
from gridrush.errors import CaseError, Problem
from gridrush.grid._pypsa_open import Zoning
from gridrush.planning.decomposition import Progress
from gridrush.planning.least_cost import expand
from gridrush.planning.options import (
    Candidate,
    Future,
    Stage,
    stage_weights,
)
from gridrush.planning.plan import Plan
from gridrush.planning.planner import Planner
from gridrush.study.candidates import availability, candidate_of, contracts_of, interruptible_of
from gridrush.study.networks import Network, is_file_of_a_system
from gridrush.study.paths import draw_paths
from gridrush.study.simulate import grid_model, year_systems
from gridrush.study.steps import by_hour, in_steps, step_h

STAGE_YEARS = 5
DAYS_PER_YEAR = 365.25

NONE_SEEN = 3.0
"""Upper end of the 95% interval of a number of events of which none was seen (rule of three)."""

CHECK_SEED = 1_000_003
"""Added to the seed for the independent look at the finished plan."""


@dataclass(frozen=True, eq=False)
class PlanProblem:
    """A planning problem: stages, what may be built, and what of a network had to be left out."""

    name: str
    stages: list[Stage]
    candidates: list[Candidate]
    scenario: str | None = None
    dropped: tuple[str, ...] = ()
    case: Case | None = None  # that it is of, if not of a network


def plan(
    where: Case | Network | str | Path, *, first: int | None = None, last: int | None = None, every: int = STAGE_YEARS,
    scenario: str | Scenario | None = None, carbon_price_usd_per_t: float | None = None, exclude: Sequence[str] = (),
    force: Sequence[str] = (), lole_target_h: float | None = None, gap: float = 1e-3, samples: int = 1_000,
    decide: date | None = None, futures: int = 1, seed: int = 1, zones: str | int | None = None, threads: int = 2,
    seconds: float = math.inf, progress: Callable[[Progress], None] | None = None,
) -> Plan:  # fmt: skip
    """Least-cost plan of a case, or of a PyPSA network with extendable components, with a certified gap.

    Parameters
    ----------
    where : Case, Network, str or Path
        A case, its name or folder, or a PyPSA network read by `load_case` or in a file.
    first, last : int, optional
        First and last milestone year of a case; default: the year after its record ends, and its last year.
    every : int
        Years from one milestone to the next; `last` is always one.
    lole_target_h : float, optional
        Loss of load expectation that every stage must hold, by Monte Carlo over `samples` years, and as many more as
        the target needs to be told from zero. [h/yr]
    gap : float
        Share of the cost by which the plan may be dearer than its lower bound.

    The others are those of `case_problem`, `network_problem` and `gridrush.planning.least_cost`.

    Raises
    ------
    CaseError, InfeasibleError
        When the request cannot be meant; when no plan keeps it, with the limits that clash.

    Examples
    --------
    `gridrush.plan("kazakhstan", first=2030, last=2040, exclude=["nuclear"]).to_dict()["builds"]`
    """
    problem = plan_problem(
        where, first=first, last=last, every=every, scenario=scenario, carbon_price_usd_per_t=carbon_price_usd_per_t,
        exclude=exclude, force=force, decide=decide, futures=futures, seed=seed, zones=zones,
    )  # fmt: skip
    return solve(problem, lole_target_h=lole_target_h, gap=gap, samples=samples, seed=seed, threads=threads,
                 seconds=seconds, progress=progress)  # fmt: skip


def solve(
    problem: PlanProblem, *, lole_target_h: float | None = None, gap: float = 1e-3, samples: int = 1_000,
    seed: int = 1, threads: int = 2, seconds: float = math.inf, progress: Callable[[Progress], None] | None = None,
    planner: Planner | None = None,
) -> Plan:  # fmt: skip
    """The plan of a problem; see `plan`. What is learnt is kept in a `planner` of the same stages and candidates."""
    risk = None if lole_target_h is None else lole_by(resolving(samples, lole_target_h), seed)
    stages, candidates = problem.stages, problem.candidates
    width = step_h(stages) if risk is None and planner is None else 1  # outages are drawn hour by hour
    if width > 1:
        stages, candidates = in_steps(stages, candidates, width)
    found = expand(stages, candidates, gap=gap, lole=risk, lole_target_h=lole_target_h, threads=threads,
                   seconds=seconds, progress=progress, planner=planner)  # fmt: skip
    return found if width == 1 else by_hour(found, problem.stages, problem.candidates, width)


def resolving(samples: int, lole_target_h: float) -> int:
    """Sample years that can tell a LOLE from nothing: if none of N is short, short ones are rarer than 3 in N.

    References
    ----------
    J. A. Hanley and A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249 (1983) 1743-1745.
    """
    return max(samples, math.ceil(NONE_SEEN / lole_target_h))


def lole_by(samples: int, seed: int) -> Callable[[System], Estimate]:
    """Loss of load expectation of a system by Monte Carlo. [h/yr]"""
    from gridrush.adequacy.assess import assess

    return lambda system: assess(system, samples=samples, seed=seed)["LOLE_h"]


def independent_lole(plan: Plan, *, samples: int, seed: int) -> list[Estimate]:
    """LOLE of every stage of a plan from draws that the plan has not seen. [h/yr]"""
    look = lole_by(samples, seed + CHECK_SEED)
    found = []
    for y, stage in enumerate(plan.stages):
        each = [(f.probability, look(plan.system(y, i))) for i, f in enumerate(stage.futures)]
        found.append(
            Estimate(sum(p * e.mean for p, e in each), math.sqrt(sum((p * e.stderr) ** 2 for p, e in each)), "h/yr")
        )
    return found


def plan_problem(
    where: Case | Network | str | Path, *, first: int | None = None, last: int | None = None, every: int = STAGE_YEARS,
    scenario: str | Scenario | None = None, carbon_price_usd_per_t: float | None = None, exclude: Sequence[str] = (),
    force: Sequence[str] = (), decide: date | None = None, futures: int = 1, seed: int = 1,
    zones: str | int | None = None,
) -> PlanProblem:  # fmt: skip
    """The planning problem of a case or of a PyPSA network in a file."""
    gathered: Zoning = zones
    if isinstance(where, Network):
        if where.path is None:
            raise CaseError([Problem("network", where.name, "a network in a file, which says what is extendable")])
        gathered = where.zoning if zones is None else zones
        where = where.path
    if isinstance(where, Case) or not is_file_of_a_system(where):
        if zones is not None:
            raise CaseError([Problem("zones", zones, "a network to go with it: a case has zones of its own")])
        case = where if isinstance(where, Case) else load_case(where)
        return case_problem(
            case, first=first, last=last, every=every, scenario=scenario, exclude=exclude, force=force, decide=decide,
            carbon_price_usd_per_t=carbon_price_usd_per_t, futures=futures, seed=seed,
        )  # fmt: skip
    for_cases = {"from": first, "to": last, "scenario": scenario, "decide": decide}
    if wrong := [Problem(n, x, "a case to go with it") for n, x in for_cases.items() if x is not None]:
        raise CaseError(wrong)
    from gridrush.study.extendable import network_problem

    stages, candidates, dropped = network_problem(where, zones=gathered)
    if carbon_price_usd_per_t is not None:
        stages = [replace(s, carbon_price_usd_per_t=carbon_price_usd_per_t) for s in stages]
    kept = _without(candidates, exclude)
    return PlanProblem(Path(where).name, stages, _forced(kept, force, [s.year for s in stages]), None, tuple(dropped))


def case_problem(
    case: Case, *, first: int | None = None, last: int | None = None, every: int = STAGE_YEARS,
    scenario: str | Scenario | None = None, carbon_price_usd_per_t: float | None = None, exclude: Sequence[str] = (),
    force: Sequence[str] = (), decide: date | None = None, futures: int = 1, seed: int = 1,
) -> PlanProblem:  # fmt: skip
    """Milestone years of a case, and its projects and what else may be contracted as candidates.

    Projects of the scenario that are under construction go ahead; units close when the case says so. Every other
    project may be built in whole units if they are large, from its announced date plus its expected slip: named ones
    once, generic ones again and again, as fast as one after the other. Rebuilds are such projects: life extension.
    Besides, `contracts_of` the ties, and `interruptible_of` the miners that count as firm. Money: capex spent evenly
    over the years of construction, with interest, and paid back over the life at the case's cost of capital.

    Parameters
    ----------
    scenario : str or Scenario, optional
        Says what the miners and the rules do; default: the case's.
    carbon_price_usd_per_t : float, optional
        Default: the scenario's, else the case's. [USD/t]
    exclude : sequence of str
        Projects, technologies or fuels that may not be built.
    force : sequence of str
        Projects (or technologies: their earliest project) that must stand whole by the last stage, or by a year:
        `nuclear-balkhash@2040`.
    decide : date, optional
        Day of the decision. Projects decided after it are not yet committed and could start on that day; generic
        ones cannot start before it. Default: as announced.
    futures : int
        Weather paths of each stage, equally likely; the plan is the same in all.
    """
    years = milestones(case, first, last, every)
    base = resolve_scenario(case, scenario or case.default_scenario)
    price = base.carbon_price_usd_per_t if carbon_price_usd_per_t is None else carbon_price_usd_per_t
    price = case.parameters.carbon_price.value if price is None else price
    if not 0 <= price < math.inf:
        raise CaseError([Problem("carbon price", price, "a number >= 0 [USD/t]")])
    if futures < 1:
        raise CaseError([Problem("futures", futures, "a whole number >= 1")])
    ways = [Way(f"weather {k + 1}", 1.0 / futures, base, seed + k) for k in range(futures)]
    return ways_problem(case, years, ways, last_years=every if len(years) > 1 else 1, carbon_price_usd_per_t=price,
                        exclude=exclude, force=force, decide=decide)  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One way the stages of a case may turn out: a scenario in a weather."""

    name: str
    probability: float
    scenario: Scenario  # its bases filled in
    seed: int


def ways_problem(
    case: Case, years: Sequence[int], ways: Sequence[Way], *, last_years: int = STAGE_YEARS,
    carbon_price_usd_per_t: float = 0.0, exclude: Sequence[str] = (), force: Sequence[str] = (),
    decide: date | None = None,
) -> PlanProblem:  # fmt: skip
    """The problem of `case_problem` where stages may turn out in several ways; what goes ahead is the first one's."""
    base = ways[0].scenario
    going = {p.project for p in case.projects if p.status == "under-construction" and _decided(p, decide)}
    model = grid_model(case, base.model_copy(update={"carbon_price_usd_per_t": 0.0}))
    every_one = [candidate_of(p, model, slip_extra_years=base.assume.slip_extra_years, decide=decide)
                 for p in case.projects]  # fmt: skip
    known = _without([*every_one, *contracts_of(case, years)], exclude, also=("interruptible",))
    kept = {c.name for c in known}
    committed = [b for b in base.builds if b.project in going and b.project in kept]
    built = {b.project for b in committed}
    given = {"carbon_price_usd_per_t": 0.0, "build": tuple(committed), "also_build": ()}
    systems = [year_systems(case, w.scenario.model_copy(update=given), years=years, seed=w.seed) for w in ways]
    paths = {seed: draw_paths(case, years, samples=1, seed=seed) for seed in {w.seed for w in ways}}
    on_call = [] if "interruptible" in exclude else interruptible_of(case, [s[y] for s in systems for y in years])
    candidates = _forced(
        [c for c in known if c.name not in built] + on_call, [f for f in force if f not in built], years,
        {p.project: p.capacity_mw for p in case.projects},
    )  # fmt: skip
    weights = stage_weights(years, case.parameters.discount_share.value, last_years=last_years)
    stages = [
        Stage(
            year, weights[y],
            [
                Future(w.name, w.probability, systems[k][year],
                       availability(candidates, case, model, paths[w.seed], y, systems[k][year]))
                for k, w in enumerate(ways)
            ],
            carbon_price_usd_per_t,
        )
        for y, year in enumerate(years)
    ]  # fmt: skip
    return PlanProblem(case.name, stages, candidates, base.name, case=case)


def _decided(project: Project, decide: date | None) -> bool:
    return decide is None or (project.decided is not None and project.decided <= decide)


def milestones(case: Case, first: int | None, last: int | None, every: int) -> list[int]:
    """Years at which a plan decides: first, every so many years after it, and last."""
    record = min(max(d.year for d in case.demand) + 1, case.last_year)
    start = record if first is None else first
    end = (case.last_year if first is None or case.last_year >= start else start) if last is None else last
    known = f"a year of the case, {case.first_year} to {case.last_year}"
    problems = [Problem(n, y, known) for n, y in (("from", start), ("to", end)) if y not in case.years]
    if end < start:
        problems.append(Problem("to", end, f"a year from {start} on"))
    if every < 1:
        problems.append(Problem("every", every, "a whole number >= 1 [years]"))
    if problems:
        raise CaseError(problems)
    return sorted({*range(start, end + 1, every), end})


def _called(candidates: Sequence[Candidate], name: str) -> list[Candidate]:
    """Candidates of a name, else of a technology, else of a fuel."""
    for field in ("name", "technology", "fuel"):
        if found := [c for c in candidates if getattr(c, field) == name]:
            return found
    return []


def _unknown(option: str, name: str, candidates: Sequence[Candidate]) -> Problem:
    from gridrush.case._words import closest

    names = {x for c in candidates for x in (c.name, c.technology, c.fuel) if x}
    return Problem(option, name, "a project, technology or fuel of the candidates", closest(name, names))


def _without(candidates: Sequence[Candidate], exclude: Sequence[str], also: Sequence[str] = ()) -> list[Candidate]:
    """Candidates but those excluded; `also` names kinds that come later."""
    gone = {name: _called(candidates, name) for name in exclude if name not in also}
    if wrong := [_unknown("exclude", name, candidates) for name, found in gone.items() if not found]:
        raise CaseError(wrong)
    names = {c.name for found in gone.values() for c in found}
    return [c for c in candidates if c.name not in names]


def _forced(
    candidates: Sequence[Candidate], force: Sequence[str], years: Sequence[int], size: Mapping[str, float] | None = None
) -> list[Candidate]:
    """Candidates with what must stand, and by when; `size` is that of one project."""
    least: dict[str, dict[int, float]] = {}
    problems = []
    for text in force:
        name, _, when = text.partition("@")
        found = _called(candidates, name)
        by = int(when) if when.isdecimal() else years[-1]
        if (when and not when.isdecimal()) or not years[0] <= by <= years[-1]:
            problems.append(Problem("force", text, f"NAME or NAME@YEAR, a year from {years[0]} to {years[-1]}"))
        if not found:
            problems.append(_unknown("force", name, candidates))
            continue
        c = min(found, key=lambda c: c.earliest_year)
        whole = (size or {}).get(c.name, c.max_mw if math.isfinite(c.max_mw) else c.unit_mw)
        if not whole > 0:
            problems.append(Problem("force", name, "a candidate of a size, in units or in all"))
        least.setdefault(c.name, {})[min((y for y in years if y >= by), default=years[-1])] = whole
    if problems:
        raise CaseError(problems)
    return [replace(c, at_least_mw={**c.at_least_mw, **least.get(c.name, {})}) for c in candidates]
