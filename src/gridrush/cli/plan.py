"""`gridrush plan`: what to build and by when, at the least cost that keeps the limits."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gridrush.cli.grid import Json, ScenarioName, Seed, SystemArgument, Zones, quiet
from gridrush.cli.show import give_json, give_table, progress_bar
from gridrush.errors import CaseError, EngineError, Problem

if TYPE_CHECKING:
    from gridrush.planning.plan import Plan
    from gridrush.study.expansion import PlanProblem


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush plan kazakhstan --from 2025 --to 2040 --lole 3
  gridrush plan kazakhstan --from 2030 --to 2040 --carbon-price 40 --exclude coal --force nuclear-balkhash
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
    gap: Annotated[float, typer.Option(min=0.0, help="Certified distance from the best plan, as a share.")] = 1e-3,
    scenario: ScenarioName = None,
    samples: Annotated[int, typer.Option(min=2, help="Sample years of each look at reliability.")] = 1_000,
    futures: Annotated[int, typer.Option(min=1, help="Weather paths of each stage of a case.")] = 1,
    zones: Zones = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads; the plan does not depend on them.")] = 2,
    seconds: Annotated[float | None, typer.Option(help="Give the best plan found after this time.")] = None,
    seed: Seed = 1,
    out: Annotated[
        Path | None, typer.Option(help="Also write the plan: .xlsx (tables), or .nc (last stage as a PyPSA network).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Least-cost plan with a certified gap: builds by year, cost line by line, reliability."""
    wrong = [Problem(n, x, "a number > 0") for n, x in (("--lole", lole), ("--seconds", seconds))
             if x is not None and not x > 0]  # fmt: skip
    if carbon_price is not None and not 0 <= carbon_price < math.inf:
        wrong.append(Problem("--carbon-price", carbon_price, "a number >= 0 [USD/t]"))
    if out is not None and out.suffix not in (".xlsx", ".nc"):
        wrong.append(Problem("--out", str(out), "a name ending in .xlsx or .nc"))
    if wrong:
        raise CaseError(wrong)
    quiet()
    from gridrush.study.expansion import independent_lole, plan_problem, solve

    gathered = int(zones) if zones is not None and zones.isdecimal() else zones
    with progress_bar("reading") as tell:
        problem = plan_problem(
            system, first=first, last=last, every=every, scenario=scenario, carbon_price_usd_per_t=carbon_price,
            exclude=exclude or (), force=force or (), futures=futures, seed=seed, zones=gathered,
        )  # fmt: skip
        found = solve(
            problem, lole_target_h=lole, gap=gap, samples=samples, seed=seed, threads=threads,
            seconds=math.inf if seconds is None else seconds,
            progress=lambda p: tell(min(1.0, gap / p.gap_share) if p.gap_share > 0 else 1.0,
                                    f"{p.what}: gap {p.gap_share:.3%}"),
        )  # fmt: skip
        check = [] if lole is None else independent_lole(found, samples=samples, seed=seed)
    if out is not None:
        _write(found, out)
    name = {"network": problem.name, "dropped": list(problem.dropped)} if problem.scenario is None else {
        "case": problem.name, "scenario": problem.scenario}  # fmt: skip
    if as_json:
        lole_check = {"lole_check": [e.to_dict() for e in check]} if check else {}
        give_json({**name, "years": found.years, **found.to_dict(), **lole_check})
        return
    _print(problem, found)
    if check:
        said = "; ".join(f"{y}: {e}" for y, e in zip(found.years, check, strict=True))
        typer.echo(f"\nLOLE by an independent Monte Carlo: {said}.")


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


def _write(found: Plan, out: Path) -> None:
    try:
        if out.suffix == ".nc":
            from gridrush.study.networks import write_pypsa

            write_pypsa(found.system(len(found.stages) - 1), out)
            return
        import pandas as pd

        with pd.ExcelWriter(out) as book:
            for sheet, table in found.tables().items():
                table.to_excel(book, sheet_name=sheet, index=table.index.name is not None)
    except ImportError as missing:
        raise EngineError(f"writing {out.name} needs pip install 'gridrush[study,pypsa]': {missing}") from None
    except OSError as err:
        raise CaseError([Problem("--out", err.strerror or str(err), "a file to write")]) from err
