"""`gridrush assess`: hours and energy short, of a case or of plain tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gridrush.cli.options import Json, LinksTable, LoadTable, ScenarioName, StorageTable, UnitsTable
from gridrush.cli.show import check_years, give_json, give_table, progress_bar, years_of
from gridrush.errors import CaseError, Problem

if TYPE_CHECKING:
    from gridrush.adequacy.metrics import Assessment
    from gridrush.adequacy.trips import TripRisk
    from gridrush.case.system import System

MOST_SAMPLES = 1_000_000
"""Sample years drawn for a target error when nothing else is said."""
TRIP_SAMPLES = 5_000
CASE_COLUMNS = ("LOLE_h", "LOLE_days", "EUE_MWh", "NEUE", "LOLF_occ", "duration_h", "depth_MW")


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
    units: UnitsTable = None,
    load: LoadTable = None,
    links: LinksTable = None,
    storage: StorageTable = None,
    scenario: ScenarioName = None,
    years: Annotated[
        str | None, typer.Option(help="Years to assess, as in 2021 or 2021-2025; default: the last on record.")
    ] = None,
    method: Annotated[str, typer.Option(help="mc (sequential Monte Carlo) or exact (not for cases).")] = "mc",
    samples: Annotated[int | None, typer.Option(min=2, help="Sample years; with --target-error, the most.")] = None,
    seed: Annotated[int, typer.Option(help="The numbers are a function of the input and the seed.")] = 1,
    target_error: Annotated[
        float | None, typer.Option(help="Stop at this relative standard error of LOLE and EUE.")
    ] = None,
    trips: Annotated[
        bool, typer.Option("--trips", help="Also what the sudden loss of each size of unit would cut (not for cases).")
    ] = False,
    as_json: Json = False,
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
    if case is not None and not network and (method != "mc" or trips):
        problems.append(Problem("assess", "--method exact or --trips", "tables or a network: a case takes mc"))
    if problems:
        raise CaseError(problems)
    if case is None:
        assert units is not None
        assert load is not None
        from gridrush.adequacy import read_tables

        system = read_tables(units, load, links=links, storage=storage)
        _of_system(system, method, _most(samples, target_error, 10_000), seed, target_error, trips, as_json)
    elif network:
        from gridrush.cli.grid import read_system

        system = read_system(case, None, None, None, seed).system
        _of_system(system, method, _most(samples, target_error, 10_000), seed, target_error, trips, as_json)
    else:
        _of_case(case, scenario, years, _most(samples, target_error, 1_000), seed, target_error, as_json)


def _most(samples: int | None, target_error: float | None, usual: int) -> int:
    """Sample years to draw, or with a target error the most."""
    return samples or (usual if target_error is None else MOST_SAMPLES)


def _is_network(where: str) -> bool:
    """Whether a path ends like a network's; a case is told by its folder."""
    from gridrush.study.networks import is_file_of_a_system

    return is_file_of_a_system(where)


def _of_system(
    system: System, method: str, samples: int, seed: int, target_error: float | None, trips: bool, as_json: bool
) -> None:
    from gridrush.adequacy import assess as assess_system
    from gridrush.adequacy import trip_risk

    with progress_bar("drawing sample years") as tell:
        found = assess_system(
            system, method=method, samples=samples, seed=seed, target_error=target_error,
            progress=lambda drawn, error: tell(_share(drawn, error, samples, target_error), _words(drawn, error)),
        )  # fmt: skip
    rows = []
    if trips:
        with progress_bar("what the largest trips cost"):
            rows = trip_risk(system, method=method, samples=min(samples, TRIP_SAMPLES), seed=seed)
    if as_json:
        given = {"trips": [_row(t) for t in rows]} if trips else {}
        give_json({**found.to_dict(), **given})
        return
    _print(found)
    if len(system.units) and not (system.units.forced_outage_share > 0.0).any():
        typer.echo("\nNo unit can fail: the data have no outages (mttf_h and mttr_h, or FOR).", err=True)
    if rows:
        heads = ["trip MW", "zone", "units", "trips a year", "chance that load is cut", "MW cut, mean"]
        give_table(heads, [[t.size_mw, t.zone, t.units, t.trips_per_year, t.chance.mean, t.cut_mw.mean] for t in rows])


def _row(t: TripRisk) -> dict[str, object]:
    return {
        "size_mw": t.size_mw, "zone": t.zone, "units": t.units, "trips_per_year": t.trips_per_year,
        "chance": t.chance.to_dict(), "cut_MW": t.cut_mw.to_dict(),
    }  # fmt: skip


def _share(drawn: int, error: float, samples: int, target_error: float | None) -> float:
    """Share of the work done: of the samples, or of those that the target error is expected to need."""
    if target_error is None or error <= 0:
        return drawn / samples
    return min(1.0, max(drawn / samples, (target_error / error) ** 2))


def _words(drawn: int, error: float) -> str:
    return f"{drawn} sample years" + (f", error {error:.2%}" if error < 10 else "")


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


def _of_case(
    where: str, scenario: str | None, years: str | None, samples: int, seed: int, target_error: float | None,
    as_json: bool,
) -> None:  # fmt: skip
    from collections.abc import Sequence

    from gridrush.adequacy import assess as assess_system
    from gridrush.case.load import load_case, resolve_scenario
    from gridrush.study.hours import MonthHours
    from gridrush.study.risk import year_system
    from gridrush.study.simulate import simulate

    case = load_case(where)
    chosen = resolve_scenario(case, scenario or case.default_scenario)
    wanted = years_of(years) or [min(max(d.year for d in case.demand), case.last_year)]
    check_years(wanted, case.years)
    found: dict[int, Assessment] = {}

    def keep(year: int, months: Sequence[MonthHours]) -> None:
        if year in wanted:
            paths = months[0].system.time.size // months[0].hours  # of weather and water, at equal odds
            found[year] = assess_system(
                [year_system(months, path=p) for p in range(paths)], samples=samples, seed=seed + year,
                target_error=target_error, utc_offset_h=case.clock[-1].utc_offset_h,
            )  # fmt: skip

    with progress_bar(f"{chosen.name}: hour by hour") as tell:
        simulate(case, chosen, years=wanted, seed=seed, on_year=keep, progress=tell)
    about = {"case": case.name, "scenario": chosen.name, "seed": seed}
    if as_json:
        each = {year: {**a.to_dict(), **about, "year": year} for year, a in found.items()}
        give_json(each[wanted[0]] if len(wanted) == 1 else {"years": each, **about})
        return
    rows = [
        [year, zone, name, e.mean, e.stderr, e.unit]
        for year, a in found.items()
        for zone, metrics in {"all": a.metrics, **a.zones}.items()
        for name, e in metrics.items()
        if name in CASE_COLUMNS
    ]
    give_table(
        ["year", "zone", "metric", "mean", "standard error", "unit"], rows, title=f"{case.title}: {chosen.title}"
    )
