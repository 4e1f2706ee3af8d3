"""Views of a network to take away: tables, hours, and the network itself as PyPSA reads it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from gridrush import __version__
from gridrush.errors import CaseError, Problem
from gridrush.study.network_results import NetworkResults, hours_of
from gridrush.study.network_room import Operated
from gridrush.study.networks import Network, write_pypsa
from gridrush.web.export import archive, as_json, flat, workbook
from gridrush.web.network_controls import plain

WEEKLY = ("week", "map")
"""Views of the hours of a week; the others take all hours where they take hours at all."""

MOST_CELLS = 6_000_000
"""Numbers of an hourly table that are written out; beyond, a week at a time."""

Span = tuple[np.datetime64 | None, np.datetime64 | None]

_ABOUT = {
    "totals": "sums over all hours: energy [TWh, GWh, MWh], hours [h], money [USD], CO2 [Mt]",
    "zones": "by zone: energy, hours short [h], mean price weighed by load [USD/MWh]",
    "technologies": "by technology: capacity [MW], energy, share of full use, running cost [USD], CO2 [Mt]",
    "links": "by link: limits [MW], mean use as a share of the limit, hours full [h], congestion rent [USD]",
    "spells": "by day or month: mean power of its hours [MW], price [USD/MWh]",
    "duration": "load, load less wind and sun, and price, from highest to lowest",
    "hours": "by hour: power [MW] by zone, technology and link, price [USD/MWh]",
}


@dataclass(frozen=True, eq=False)
class Taken:
    """A run and what it adds up to."""

    run: Operated
    results: NetworkResults


def packed(network: Network, taken: list[Taken], view: str, form: str, span: Span) -> bytes:
    """A view of one run, or of several side by side, in a format."""
    if form == "pypsa":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.nc"
            write_pypsa(taken[0].run.system, path)
            return path.read_bytes()
    hourly = view in WEEKLY or (view == "take" and form in ("csv", "zip", "nc"))
    tables: dict[str, pd.DataFrame] = {}
    for i, t in enumerate(taken):
        tail = f" {i}" if len(taken) > 1 else ""
        tables |= {f"{name}{tail}": x for name, x in _tables(t, view in WEEKLY).items()}
        if hourly:
            tables[f"hours{tail}"] = flat(_hours(t.run, span), "time")
    about = _about(network, taken, list(tables))
    if form == "xlsx":
        return workbook(tables, about)
    if form == "nc":
        return _netcdf(network, taken, span, view)
    if form == "json":
        return as_json(about, {"changes": [plain(t.run.change) for t in taken]}, tables)
    files = {f"change{i or ''}.json": json.dumps(plain(t.run.change), indent=2) for i, t in enumerate(taken)}
    return archive(about, files, tables, _netcdf(network, taken, span, view) if form == "zip" else None)


def _tables(t: Taken, weekly: bool) -> dict[str, pd.DataFrame]:
    r = t.results
    if weekly:
        return {}
    totals = pd.DataFrame({"value": r.totals}).rename_axis("total")
    return {"totals": totals, "zones": r.zones, "technologies": r.technologies, "links": r.links, "spells": r.spells,
            "duration": r.duration}  # fmt: skip


def _hours(run: Operated, span: Span) -> xr.Dataset:
    first, last = span
    s = run.system
    hours = s.time.size if first is None else 24 * 14
    cells = hours * (len(s.zones) * (10 + len(set(s.units.technology))) + 3 * len(s.links))
    if cells > MOST_CELLS:
        raise CaseError([Problem("view", f"{cells:,.0f} numbers", f"at most {MOST_CELLS:,.0f}",
                                 "take a week from the view Week, or the hours in Python")])  # fmt: skip
    return hours_of(run, first, last)


def _about(network: Network, taken: list[Taken], tables: list[str]) -> str:
    lines = [f"gridrush {__version__}: {network.name}, {network.time.size:,} hours from {network.time[0]}"]
    for i, t in enumerate(taken):
        moved = {k: v for k, v in plain(t.run.change).items() if v not in ({}, None)}
        lines.append(f"Run {i}: {json.dumps(moved)}")
    lines += ["", *(f"{name}: {_ABOUT[name.partition(' ')[0]]}" for name in tables), "",
              "Least-cost dispatch of all hours, every unit available as its profile says; flows are held by limits.",
              "Of the file the model does not know:", *(f"  {x}" for x in network.dropped), ""]  # fmt: skip
    return "\n".join(lines)


def _netcdf(network: Network, taken: list[Taken], span: Span, view: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.nc"
        for i, t in enumerate(taken):
            whole = _hours(t.run, span) if view in (*WEEKLY, "take") else xr.Dataset(
                {name: (tuple(str(x) for x in (table.index.name or "row",)), table[name])
                 for table in (t.results.spells, ) for name in table.columns},
                coords={t.results.spells.index.name: list(t.results.spells.index)})  # fmt: skip
            whole.attrs = {"network": network.name, "change": json.dumps(plain(t.run.change)), **t.results.totals}
            for table, axis in ((t.results.zones, "zone"), (t.results.technologies, "technology"),
                                (t.results.links, "link")):  # fmt: skip
                for name in table.columns:
                    if len(table):
                        values = table[name].to_numpy()
                        values = values if values.dtype.kind == "f" else values.astype(str)
                        names = [str(x) for x in table.index]
                        whole[f"{axis}_{name}"] = xr.DataArray(values, coords={f"each_{axis}": names},
                                                              dims=f"each_{axis}")  # fmt: skip
            whole.to_netcdf(path, mode="a" if i else "w", group=f"run{i}" if len(taken) > 1 else None)
        return path.read_bytes()


