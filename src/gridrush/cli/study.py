"""`gridrush run`, `compare`, `claims`: simulate scenarios of a case and say what came out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.show import check_years, give_json, give_table, progress_bar, whole_folder, years_of

if TYPE_CHECKING:
    from gridrush.study.run import Run, Study

CaseArgument = Annotated[str, typer.Argument(help="Folder of the case, or the name of a built-in one.")]
Years = Annotated[str | None, typer.Option(help="Years, as in 2021, 2019-2025 or 2021,2030; default: all of the case.")]
Samples = Annotated[
    int | None, typer.Option(help="Paths of weather, water and outages; default: what the study chooses.")
]
Seed = Annotated[int, typer.Option(help="The numbers are a function of the case, the scenarios and the seed.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush run kazakhstan
  gridrush run kazakhstan --scenario nuclear --scenario import --years 2021-2040
  gridrush run mycase --out results --json""")(run)  # fmt: skip
    app.command(epilog="""\b
Examples:
  gridrush compare kazakhstan as-it-was ban open-door
  gridrush compare kazakhstan as-it-was no-rush --years 2021 --json""")(compare)  # fmt: skip
    app.command(epilog="\b\nExample:\n  gridrush claims kazakhstan --json")(claims)


def run(
    case: CaseArgument,
    scenario: Annotated[
        list[str] | None, typer.Option(help="A scenario, or a YAML file; may be given again; default: all.")
    ] = None,
    years: Years = None,
    samples: Samples = None,
    seed: Seed = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report; default: out/NAME. An earlier result is replaced.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The main job: simulate the scenarios hour by hour and write report.html, its tables and the runs as netCDF."""
    from gridrush import __version__
    from gridrush.case.load import load_case

    began = time.perf_counter()
    facts = load_case(case)
    folder = out if out is not None else Path("out") / facts.name
    about = {
        "version": __version__,
        "case": facts.name,
        "digest": facts.digest,
        "seed": seed,
        "years": years,
        "scenarios": scenario,
    }
    with whole_folder(folder, about) as new:
        study = _study(case, scenario, years, samples, seed, new)
        from gridrush.report.build import build

        build(study, new)
    seconds = time.perf_counter() - began
    report = folder / "report.html"
    if as_json:
        give_json({"report": str(report), "scenarios": list(study.runs), "seconds": round(seconds, 2)})
        return
    typer.echo(f"{len(study.runs)} scenarios of {facts.title} in {seconds:.1f} s.")
    typer.echo(f"The report: {report}")


def compare(
    case: CaseArgument,
    scenarios: Annotated[list[str], typer.Argument(help="Scenarios, or YAML files.")],
    years: Years = None,
    samples: Samples = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Scenarios side by side: demand, imports, hours and energy short, CO2, by year."""
    study = _study(case, scenarios, years, samples, seed, None)
    found = {name: _yearly(run) for name, run in study.runs.items()}
    if as_json:
        give_json(found)
        return
    heads = ["year", "scenario", *next(iter(next(iter(found.values())).values()))]
    years_found = sorted({year for by_year in found.values() for year in by_year})
    rows = [[year, name, *by_year[year].values()] for year in years_found for name, by_year in found.items()]
    give_table(heads, rows, title=study.case.title)


def claims(case: CaseArgument, samples: Samples = None, seed: Seed = 1, as_json: Json = False) -> None:
    """What was said in the story beside what the model and the facts say: verdict and margin."""
    table = _study(case, None, None, samples, seed, None).claims
    if as_json:
        give_json(table.to_dict("records"))
        return
    columns = ["claim", "said", "value", "low", "best", "high", "unit", "verdict", "why"]
    give_table(columns, table[columns].values.tolist())


def _study(
    where: str, scenarios: list[str] | None, years: str | None, samples: int | None, seed: int, out: Path | None
) -> Study:
    """The runs asked for, with a bar on stderr."""
    from gridrush.case.load import load_case, resolve_scenario

    case = load_case(where)
    wanted = years_of(years)
    check_years(wanted, case.years)
    chosen = None if scenarios is None else [resolve_scenario(case, name) for name in scenarios]
    from gridrush.study import run_all

    given: dict[str, Any] = {} if samples is None else {"samples": samples}
    with progress_bar(f"{case.title}: hour by hour") as tell:
        return run_all(case, chosen, years=wanted, seed=seed, out=out, progress=tell, **given)


def _yearly(run: Run) -> dict[int, dict[str, float]]:
    """The figures of a run that are compared, by year."""
    a = run.annual
    summed = {name: a[name].sum("zone") for name in ("demand_twh", "unserved_gwh", "interrupted_gwh") if name in a}
    single = {name: a[name] for name in ("net_import_twh", "peak_mw", "co2_mt") if name in a}
    return {
        year: {name: round(float(values.sel(year=year)), 4) for name, values in {**summed, **single}.items()}
        for year in run.years
    }
