"""`gridrush plan`: what to build and by when, at the least cost that keeps the limits."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import gridrush
from gridrush.cli.grid import quiet
from gridrush.cli.options import Json, ScenarioName, SystemArgument, WeatherSeed, Zones, zoning
from gridrush.cli.show import give_json, give_table, progress_bar
from gridrush.errors import CaseError, EngineError, Problem

if TYPE_CHECKING:
    from gridrush.planning.plan import Plan
    from gridrush.planning.planner import Planner
    from gridrush.study.expansion import PlanProblem


FORMS = ("", ".xlsx", ".nc", ".yaml", ".json")
"""How the name of what `--out` writes may end; nothing: a folder."""


PLAN_SHARE = 0.25
"""Part of the bar that the plan takes when it is to answer more."""

ANSWERS_GAP = 2e-3
"""Gap of the many plans behind the answers, at least: their intervals say what it leaves open."""


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush plan kazakhstan --from 2025 --to 2040 --lole 3
  gridrush plan kazakhstan --from 2030 --to 2040 --carbon-price 40 --exclude coal --force nuclear-balkhash
  gridrush plan kazakhstan --from 2022 --decide 2021-11-30 --scenario open-door
  gridrush plan kazakhstan --answers --out plan
  gridrush plan network.nc --gap 0.001 --out plan.nc --json""")(plan)  # fmt: skip


def plan(
    system: SystemArgument,
    first: Annotated[
        int | None, typer.Option("--from", help="First milestone year of a case; default: after its record.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--to", help="Last milestone year of a case; default: its last year.")
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Years between milestones.")] = 5,
    lole: Annotated[
        float | None, typer.Option(help="Most hours a year of shortage in any stage, held by Monte Carlo.")
    ] = None,
    carbon_price: Annotated[
        float | None, typer.Option(help="USD per tonne of CO2; default: the scenario's, else the case's.")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(help="Project, technology or fuel not to build; may be given again.")
    ] = None,
    force: Annotated[
        list[str] | None, typer.Option(help="NAME or NAME@YEAR that must stand by then; may be given again.")
    ] = None,
    decide: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the decision for a case: what was decided later is open."),
    ] = None,
    gap: Annotated[float, typer.Option(min=0.0, help="Certified distance from the best plan, as a share.")] = 1e-3,
    scenario: ScenarioName = None,
    samples: Annotated[int, typer.Option(min=2, help="Sample years of each look at reliability, at least.")] = 1_000,
    futures: Annotated[int, typer.Option(min=1, help="Weather paths of each stage of a case.")] = 1,
    zones: Zones = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads; the plan does not depend on them.")] = 2,
    seconds: Annotated[float | None, typer.Option(help="Give the best plan found after this time.")] = None,
    seed: WeatherSeed = 1,
    answers: Annotated[
        bool,
        typer.Option(help="For a case also: break-even of nuclear, price of waiting, regret if the miners leave."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Also write the plan: .xlsx (tables), .nc (last stage as a PyPSA network), .yaml (a "
                          "scenario), .json, or a folder that gets all of them."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Least-cost plan with a certified gap: builds by year, cost line by line, reliability."""
    wrong = [Problem(n, x, "a number > 0") for n, x in (("--lole", lole), ("--seconds", seconds))
             if x is not None and not x > 0]  # fmt: skip
    if carbon_price is not None and not 0 <= carbon_price < math.inf:
        wrong.append(Problem("--carbon-price", carbon_price, "a number >= 0 [USD/t]"))
    if out is not None and out.suffix not in FORMS:
        wrong.append(Problem("--out", str(out), f"a folder, or a name ending in {', '.join(FORMS[1:])}"))
    if wrong:
        raise CaseError(wrong)
    quiet()
    from gridrush.planning.planner import Planner
    from gridrush.study.expansion import independent_lole, plan_problem, resolving, solve
    from gridrush.study.plan_files import told, whole_plan
    from gridrush.study.plan_store import PLANS, save_plan

    with progress_bar("reading") as tell:
        problem = plan_problem(
            system, first=first, last=last, every=every, scenario=scenario, carbon_price_usd_per_t=carbon_price,
            exclude=exclude or (), force=force or (), decide=None if decide is None else decide.date(),
            futures=futures, seed=seed, zones=zoning(zones),
        )  # fmt: skip
        if problem.case is None and (answers or (out is not None and out.suffix == ".yaml")):
            raise CaseError([Problem("--answers" if answers else "--out", system, "a case: a network has no miners")])
        whole_bar = PLAN_SHARE if answers else 1.0
        planner = Planner(problem.stages, problem.candidates, threads=threads) if answers else None
        found = solve(
            problem, lole_target_h=lole, gap=gap, samples=samples, seed=seed, threads=threads,
            seconds=math.inf if seconds is None else seconds, planner=planner,
            progress=lambda p: tell(whole_bar * (min(1.0, gap / p.gap_share) if p.gap_share > 0 else 1.0),
                                    f"{p.what}: gap {p.gap_share:.3%}"),
        )  # fmt: skip
        check = [] if lole is None else independent_lole(found, samples=resolving(samples, lole), seed=seed)
        more = {} if planner is None else _answers(problem, found, planner, max(gap, ANSWERS_GAP), every, seed, tell)
    asked = {"from": found.years[0], "to": found.years[-1], "every": every, "lole": lole, "carbon_price": carbon_price,
             "exclude": exclude or [], "force": force or [], "decide": decide and str(decide.date()), "gap": gap,
             "scenario": problem.scenario, "samples": samples, "futures": futures, "seed": seed}  # fmt: skip
    whole = whole_plan(problem, found, check, more)
    if problem.case is not None:
        from gridrush.study.store import default_store

        save_plan(problem.case, asked, whole, default_store().folder / PLANS)
    if out is not None:
        _write(problem, found, whole, asked, out)
    if as_json:
        give_json(whole)
        return
    _print(problem, found)
    if check:
        said = "; ".join(f"{y}: {e}" for y, e in zip(found.years, check, strict=True))
        typer.echo(f"\nLOLE by an independent Monte Carlo: {said}.")
    for line in told(more):
        typer.echo(f"\n{line}")


def _answers(
    problem: PlanProblem, found: Plan, planner: Planner, gap: float, every: int, seed: int,
    tell: Callable[[float, str], None],
) -> dict[str, Any]:  # fmt: skip
    from gridrush.study.plan_answers import miners_question, nuclear_question

    assert problem.case is not None
    left = (1.0 - PLAN_SHARE) / 2

    def nuclear_tell(share: float, what: str) -> None:
        tell(PLAN_SHARE + left * share, f"nuclear: {what}")

    def miners_tell(share: float, what: str) -> None:
        tell(PLAN_SHARE + left * (1.0 + share), f"miners: {what}")

    nuclear = nuclear_question(problem.case, problem, found, planner=planner, gap=gap, tell=nuclear_tell)
    miners = miners_question(problem.case, first=found.years[0], last=found.years[-1], every=every, seed=seed, gap=gap,
                             threads=planner.search.threads, tell=miners_tell)  # fmt: skip
    return {"nuclear": nuclear, "miners": miners}


def _print(problem: PlanProblem, found: Plan) -> None:
    for line in problem.dropped:
        typer.echo(f"not in the model: {line}", err=True)
    builds = found.schedule()
    if len(builds):
        give_table([str(c) for c in builds.columns], builds.to_numpy().tolist(), title=problem.name)
    else:
        typer.echo(f"{problem.name}: nothing needs to be built.")
    costs = found.costs / 1e6
    typer.echo("")
    give_table(["MUSD, present value", *costs.columns], [[int(y), *row] for y, row in zip(
        found.years, costs.to_numpy().tolist(), strict=True)])  # fmt: skip
    typer.echo(
        f"\nCost {found.cost_usd:,.0f} USD, at least {found.lower_bound_usd:,.0f} (gap {found.gap:.4%}), "
        f"{found.seconds:.1f} s; largest broken limit {found.violation_mw:.2g} MW."
    )


def _write(problem: PlanProblem, found: Plan, whole: dict[str, Any], asked: dict[str, Any], out: Path) -> None:
    from gridrush.study.plan_files import FILE, command, scenario_of, write_plan, write_scenario
    from gridrush.study.plan_store import plain

    files = [out] if out.suffix else [out / FILE, out / "plan.xlsx", out / "plan.nc"]
    if not out.suffix and problem.case is not None:
        files.append(out / "least-cost.yaml")
    try:
        if not out.suffix:
            out.mkdir(parents=True, exist_ok=True)
        for file in files:
            if file.suffix == ".json":
                text = json.dumps(plain({"asked": asked, **whole}), ensure_ascii=False, indent=1, allow_nan=False)
                file.write_text(text, encoding="utf-8")
            elif file.suffix == ".yaml":
                assert problem.case is not None
                made = command(problem.name, asked)
                write_scenario(
                    scenario_of(problem.case, found, name=file.stem, base=problem.scenario or "", made=made), file,
                    comment=f"Made by `{made}` with gridrush {gridrush.__version__} on {date.today()}: cost "
                            f"{found.cost_usd:,.0f} USD, gap {found.gap:.3%}.",
                )  # fmt: skip
            else:
                write_plan(found, file, whole)
    except ImportError as missing:
        raise EngineError(f"writing {out.name} needs pip install 'gridrush[study,pypsa]': {missing}") from None
    except OSError as err:
        raise CaseError([Problem("--out", err.strerror or str(err), "a file or folder to write")]) from err
