"""`gridrush headroom`: how much new flat load each zone takes at a risk target, against how often it may be cut."""

from __future__ import annotations

import math
import time
from typing import Annotated

import typer

from gridrush.cli.grid import read_system
from gridrush.cli.options import (
    Json,
    LinksTable,
    LoadTable,
    ScenarioName,
    StorageTable,
    UnitsTable,
    WeatherSeed,
    Year,
    Zones,
)
from gridrush.cli.show import give_json, give_table, progress_bar
from gridrush.errors import CaseError, Problem

ONE_DAY_IN_TEN_YEARS_H = 2.4
"""Usual target of planners in North America: 0.1 day a year, read as hours."""

USUAL_SAMPLES, MOST_SAMPLES = 2_000, 100_000
"""Sample years of each look, and the most that a target error may ask for."""


def add(app: typer.Typer) -> None:
    """Put the commands of this module under `gridrush`."""
    app.command(epilog="""\b
Examples:
  gridrush headroom kazakhstan --year 2021 --zone South --curtailable-share 0,0.01,0.05
  gridrush headroom --units units.csv --load load.csv --target-lole 24 --method exact --json""")(headroom)  # fmt: skip


def headroom(
    system: Annotated[
        str | None, typer.Argument(help="A case, or a network: PyPSA .nc, .h5, CSV folder, or .pras.")
    ] = None,
    units: UnitsTable = None,
    load: LoadTable = None,
    links: LinksTable = None,
    storage: StorageTable = None,
    zone: Annotated[
        list[str] | None, typer.Option(help="Zone of the new load; may be given again; default: each.")
    ] = None,
    target_lole: Annotated[
        float, typer.Option(help="Risk of the whole system with the load, hours a year.")
    ] = ONE_DAY_IN_TEN_YEARS_H,
    curtailable_share: Annotated[
        str, typer.Option(help="Share of the year the load lets itself be cut; several with commas.")
    ] = "0",
    basis: Annotated[str, typer.Option(help="Whether that is a share of hours or of energy.")] = "hours",
    method: Annotated[str, typer.Option(help="mc (sequential Monte Carlo) or exact (no cuts, no storage).")] = "mc",
    samples: Annotated[
        int | None, typer.Option(min=2, help="Sample years of each look; with --target-error, the most.")
    ] = None,
    target_error: Annotated[
        float | None, typer.Option(help="Take as many sample years as give this relative error of LOLE at the answer.")
    ] = None,
    year: Year = None,
    scenario: ScenarioName = None,
    zones: Zones = None,
    seed: WeatherSeed = 1,
    as_json: Json = False,
) -> None:
    """New flat load in MW that each zone takes at a risk target; below zero where the risk is above it already."""
    shares = _shares(curtailable_share)
    given_tables = [p for p in (units, load, links, storage) if p is not None]
    if (system is None) == (not given_tables) or (system is None and (units is None or load is None)):
        raise CaseError([Problem("headroom", system or "no system", "a case or network, or --units and --load")])
    if units is not None and load is not None:
        from gridrush.adequacy.tables import read_tables

        network, about = read_tables(units, load, links=links, storage=storage), {}
    else:
        assert system is not None
        found = read_system(system, year, scenario, zones, seed)
        network, about = found.system, found.to_dict()
    if unknown := [z for z in zone or () if z not in network.zones]:
        raise CaseError([Problem("--zone", z, f"one of {', '.join(network.zones)}") for z in unknown])
    from gridrush.adequacy.credit import headroom as room

    began = time.perf_counter()
    most = samples or (USUAL_SAMPLES if target_error is None else MOST_SAMPLES)
    with progress_bar("headroom") as tell:
        curve = room(
            network, target_lole_h=target_lole, zones=zone, curtailable_shares=shares, basis=basis, method=method,
            samples=most, seed=seed, target_error=target_error, progress=tell,
        )  # fmt: skip
    seconds = time.perf_counter() - began
    if as_json:
        rows = [
            {"zone": h.zone, "curtailable_share": h.curtailable_share, "load_mw": h.load_mw.to_dict()} for h in curve
        ]
        settings = {
            "target_LOLE_h": target_lole, "basis": basis, "method": method, "samples": most, "seed": seed,
            "target_error": target_error,
        }  # fmt: skip
        give_json({**about, **settings, "headroom": rows, "seconds": seconds})
        return
    heads = ["zone", f"share of {basis} cut", "new load MW", "standard error"]
    give_table(heads, [[h.zone, h.curtailable_share, h.load_mw.mean, h.load_mw.stderr] for h in curve])
    typer.echo(f"\nAt a LOLE of {target_lole:g} h/yr of the whole system.")
    if short := sorted({h.zone for h in curve if h.load_mw.mean == -math.inf}):
        typer.echo(f"No relief in {', '.join(short)} alone brings the risk down to that: other zones are short.")


def _shares(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise CaseError([Problem("--curtailable-share", text, "shares in [0, 1], as in 0,0.01,0.05")]) from None
