"""`gridrush assess`: hours and energy short, of a case or of plain tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridrush.cli.show import check_years, give_json, give_table, progress_bar, years_of
from gridrush.errors import CaseError, Problem

if TYPE_CHECKING:
    from gridrush.adequacy.metrics import Assessment
    from gridrush.case.system import System

Metrics = dict[str, dict[str, Any]]


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush assess kazakhstan --scenario open-door --years 2021 --samples 2000
  gridrush assess --units units.csv --load load.csv --links links.csv --method exact
  gridrush assess rts.pras --samples 10000
  gridrush assess --units units.csv --load load.csv --target-error 0.01 --seed 7 --json""")(assess)  # fmt: skip


def assess(
    case: Annotated[
        str | None, typer.Argument(help="A case (folder or built-in name), or a network: PyPSA or .pras.")
    ] = None,
    units: Annotated[Path | None, typer.Option(help="Table of units: unit, mw, mttf_h, mttr_h [, zone, FOR].")] = None,
    load: Annotated[
        Path | None, typer.Option(help="Table of hourly load: hour, load_mw, or one column a zone.")
    ] = None,
    links: Annotated[Path | None, typer.Option(help="Table of links: zone_from, zone_to, mw.")] = None,
    storage: Annotated[Path | None, typer.Option(help="Table of stores: zone, mw, mwh.")] = None,
    scenario: Annotated[
        str | None, typer.Option(help="Scenario of the case, or a YAML file; default: the case's.")
    ] = None,
    years: Annotated[
        str | None, typer.Option(help="Years to assess, as in 2021 or 2021-2025; default: the last on record.")
    ] = None,
    method: Annotated[str, typer.Option(help="mc (sequential Monte Carlo) or exact (not for cases).")] = "mc",
    samples: Annotated[int | None, typer.Option(help="Sample years; with --target-error, the most.")] = None,
    seed: Annotated[int, typer.Option(help="The numbers are a function of the input and the seed.")] = 1,
    target_error: Annotated[
        float | None, typer.Option(help="Stop at this relative standard error (not for cases).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Risk of falling short: expected hours (LOLE) and energy (EUE), each with its standard error."""
    tables = {"--units": units, "--load": load, "--links": links, "--storage": storage}
    given = [name for name, path in tables.items() if path is not None]
    problems = []
    if case is None and (units is None or load is None):
        problems.append(Problem("assess", ", ".join(given) or "nothing to assess", "a case, or --units and --load"))
    if case is not None and given:
        problems.append(Problem("assess", f"a case and {', '.join(given)}", "a case or tables, not both"))
    network = case is not None and _is_network(case)
    for_cases = {"--scenario": scenario, "--years": years}
    problems += [
        Problem(o, v, "a case to go with it")
        for o, v in for_cases.items()
        if v is not None and (case is None or network)
    ]
    if case is not None and not network and (method != "mc" or target_error is not None):
        problems.append(
            Problem("assess", "--method exact or --target-error", "tables or a network: a case takes mc and --samples")
        )
    if problems:
        raise CaseError(problems)
    if case is None:
        assert units is not None
        assert load is not None
        from gridrush.adequacy import read_tables

        system = read_tables(units, load, links=links, storage=storage)
        _of_system(system, method, samples or 10_000, seed, target_error, as_json)
    elif network:
        from gridrush.cli.grid import read_system

        system = read_system(case, None, None, None, seed).system
        _of_system(system, method, samples or 10_000, seed, target_error, as_json)
    else:
        _of_case(case, scenario, years, samples or 1_000, seed, as_json)


def _is_network(where: str) -> bool:
    """Whether a path ends like a network's; a case is told by its folder."""
    from gridrush.study.networks import is_file_of_a_system

    return is_file_of_a_system(where)


def _of_system(
    system: System, method: str, samples: int, seed: int, target_error: float | None, as_json: bool
) -> None:
    from gridrush.adequacy import assess as assess_system

    with progress_bar("drawing sample years") as tell:
        found = assess_system(
            system, method=method, samples=samples, seed=seed, target_error=target_error,
            progress=lambda drawn, error: tell(drawn / samples, f"{drawn} sample years, error {error:.2%}"),
        )  # fmt: skip
    if as_json:
        give_json(found.to_dict())
    else:
        _print(found)


def _print(found: Assessment) -> None:
    rows = [[name, e.mean, e.stderr, e.unit] for name, e in found.metrics.items()]
    rows += [
        [f"{name} in {z}", e.mean, e.stderr, e.unit]
        for z, metrics in found.zones.items()
        for name, e in metrics.items()
        if len(found.zones) > 1
    ]
    give_table(["metric", "mean", "standard error", "unit"], rows)
    drawn = "no error" if found.method == "exact" else f"{found.samples} sample years, seed {found.seed}"
    typer.echo(f"\nMethod {found.method}: {drawn}.")


def _of_case(where: str, scenario: str | None, years: str | None, samples: int, seed: int, as_json: bool) -> None:
    from gridrush.case.load import load_case, resolve_scenario
    from gridrush.study.simulate import simulate

    case = load_case(where)
    chosen = resolve_scenario(case, scenario or case.default_scenario)
    wanted = years_of(years) or [min(max(d.year for d in case.demand), case.last_year)]
    check_years(wanted, case.years)
    with progress_bar(f"{chosen.name}: hour by hour") as tell:
        run = simulate(case, chosen, years=wanted, seed=seed, risk_years=wanted, risk_samples=samples, progress=tell)
    found = {year: _metrics(run.risk.sel(year=year)) for year in wanted}
    about = {"case": case.name, "scenario": chosen.name, "method": "mc", "samples": samples, "seed": seed}
    if as_json:
        only = found[wanted[0]] if len(wanted) == 1 else {"years": found}
        give_json({**only, **about, **({"year": wanted[0]} if len(wanted) == 1 else {})})
        return
    rows = [
        [year, zone, name, e["mean"], e["stderr"], e["unit"]]
        for year, metrics in found.items()
        for zone, named in {"all": {k: v for k, v in metrics.items() if k != "zones"}, **metrics["zones"]}.items()
        for name, e in named.items()
    ]
    give_table(
        ["year", "zone", "metric", "mean", "standard error", "unit"], rows, title=f"{case.title}: {chosen.title}"
    )


def _metrics(risk: Any) -> dict[str, Any]:
    """LOLE and EUE of the system, and by zone under `zones`."""
    zones: dict[str, Metrics] = {
        str(zone): {
            key: {"mean": float(at[name]), "stderr": float(at[f"{name}_stderr"]), "unit": at[name].attrs["units"]}
            for key, name in (("LOLE_h", "LOLE_h"), ("EUE_MWh", "EUE_mwh"))
        }
        for zone in risk["zone"].values
        for at in [risk.sel(zone=zone)]
    }
    return {**zones.pop("system"), "zones": zones}
