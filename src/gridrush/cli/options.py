"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CaseArgument = Annotated[str, typer.Argument(help="Folder of the case, or the name of a built-in one.")]
SystemArgument = Annotated[
    str, typer.Argument(help="A case (folder or built-in name), or a network: PyPSA .nc, .h5, CSV folder, or .pras.")
]
Year = Annotated[
    int | None, typer.Option(help="Year of the case (default: last on record), or investment period of the network.")
]
ScenarioName = Annotated[str | None, typer.Option(help="Scenario of the case, or a YAML file; default: the case's.")]
Zones = Annotated[
    str | None, typer.Option(help="Network: gather buses into this many zones, or by this column of its buses.")
]
WeatherSeed = Annotated[int, typer.Option(help="Of the year's weather and water.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]

UnitsTable = Annotated[Path | None, typer.Option(help="Table of units: unit, mw, mttf_h, mttr_h [, zone, FOR].")]
LoadTable = Annotated[Path | None, typer.Option(help="Table of hourly load: hour, load_mw, or one column a zone.")]
LinksTable = Annotated[Path | None, typer.Option(help="Table of links: zone_from, zone_to, mw.")]
StorageTable = Annotated[Path | None, typer.Option(help="Table of stores: zone, mw, mwh.")]


def zoning(zones: str | None) -> str | int | None:
    """What `--zones` means: a number of zones, or a column of the buses."""
    return int(zones) if zones is not None and zones.removeprefix("-").isdecimal() else zones
