"""`gridrush run`, `compare`, `claims`: simulate scenarios of a case and say what came out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.options import CaseArgument, Json
from gridrush.cli.show import check_years, give_json, give_table, progress_bar, whole_folder, years_of

if TYPE_CHECKING:
    import pandas as pd

    from gridrush.study.run import Study

Years = Annotated[str | None, typer.Option(help="Years, as in 2021, 2019-2025 or 2021,2030; default: all of the case.")]
Samples = Annotated[
    int | None, typer.Option(min=1, help="Paths of weather, water and outages; default: what the study chooses.")
]
Seed = Annotated[int, typer.Option(help="The numbers are a function of the case, the scenarios and the seed.")]


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush run kazakhstan
  gridrush run kazakhstan --scenario nuclear --scenario import --years 2021-2040
  gridrush run kazakhstan --study fee-under-doubt
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
    study: Annotated[
        str | None, typer.Option(help="A stored study with draws, whose bands and sensitivities the report shows.")
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
        found = _study(case, scenario, years, samples, seed, new)
        if study is not None:
            found = replace(found, gallery={**found.gallery, **_drawn(study)})
        from gridrush.report.build import build

        build(found, new)
    seconds = time.perf_counter() - began
    report = folder / "report.html"
    if as_json:
        give_json({"report": str(report), "scenarios": list(found.runs), "seconds": round(seconds, 2)})
        return
    typer.echo(f"{len(found.runs)} scenarios of {facts.title} in {seconds:.1f} s.")
    typer.echo(f"The report: {report}")


def _drawn(study: str) -> dict[str, pd.DataFrame]:
    """Bands and sensitivities of a study in the default store."""
    from gridrush.study.gallery import of_study
    from gridrush.study.query import StudyResults
    from gridrush.study.store import default_store

    return of_study(StudyResults(default_store().folder, study))


def compare(
    case: CaseArgument,
    scenarios: Annotated[list[str], typer.Argument(help="Scenarios, or YAML files.")],
    years: Years = None,
    samples: Samples = None,
    seed: Seed = 1,
    as_json: Json = False,
) -> None:
    """Scenarios side by side: what differs going in and coming out, year by year, and who does best on what."""
    study = _study(case, scenarios, years, samples, seed, None)
    from gridrush.study.compare import compare as compare_runs

    found = compare_runs(list(study.runs.values()))
    if as_json:
        give_json({
            "inputs": found.inputs.to_dict("index"), "results": _by_year(found.results),
            "differences": _by_year(found.differences), "verdicts": found.verdicts.to_dict("index"),
        })  # fmt: skip
        return
    names = [str(n) for n in found.results]
    if len(found.inputs):
        rows = [[key, *row] for key, row in zip(found.inputs.index, found.inputs.values.tolist(), strict=True)]
        give_table(["lever", *names], rows, title=f"{study.case.title}: what differs")
        typer.echo("")
    quantities = list(dict.fromkeys(found.results.index.get_level_values("quantity")))
    by_year = _by_year(found.results)
    years_found = sorted(next(iter(by_year.values())))
    give_table(["year", "scenario", *quantities],
               [[y, n, *(by_year[n][y][q] for q in quantities)] for y in years_found for n in names])  # fmt: skip
    typer.echo("")
    questions = [[row["question"], row["verdict"], *(row[n] for n in names), row["unit"]]
                 for row in found.verdicts.to_dict("records")]  # fmt: skip
    give_table(["question", "verdict", *names, "unit"], questions)


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
    from gridrush.study.runner import run_all

    given: dict[str, Any] = {} if samples is None else {"samples": samples}
    with progress_bar(f"{case.title}: hour by hour") as tell:
        return run_all(case, chosen, years=wanted, seed=seed, out=out, progress=tell, **given)


def _by_year(table: pd.DataFrame) -> dict[str, dict[int, dict[str, float]]]:
    """Scenario, year, quantity to value."""
    out: dict[str, dict[int, dict[str, float]]] = {}
    for scenario, values in table.items():
        years: dict[int, dict[str, float]] = out.setdefault(str(scenario), {})
        for quantity, year, value in values.reset_index().itertuples(index=False):
            years.setdefault(int(year), {})[str(quantity)] = float(value)
    return out
