"""Views to take away: CSV, XLSX, JSON, netCDF, alone or as a zip with a README."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import xarray as xr

from gridrush.study.instant import in_service, party_balances

if TYPE_CHECKING:
    from gridrush.study.run import Run

HOURLY = ("week", "map")
"""Views of the hours of a week."""

_VIEWS = {
    "years": ("years", "months"), "plants": ("projects",), "money": ("ledger_usd", "balances_usd"),
    "compare": ("years", "months", "ledger_usd"), "week": ("hours",), "map": ("hours",),
}  # fmt: skip
_ABOUT = {
    "years": "by year: energy [TWh, GWh], power [MW], hours short [h], CO2 [Mt], money [USD of 2021]",
    "months": "by month: miners' power [MW], hash rate [EH/s], hash price, share of hours cut",
    "hours": "by hour, UTC: power [MW] by zone, fuel and link, price [USD/MWh]",
    "projects": "what is built: MW, and the year each serves: earliest, best guess, latest",
    "ledger_usd": "who pays what, by year [USD of 2021]",
    "balances_usd": "what each party receives less what it pays, by year [USD of 2021]",
}


@dataclass(frozen=True, eq=False)
class Taken:
    """A run, and hours of it where the view has some."""

    run: Run
    hours: xr.Dataset | None = None


def packed(taken: list[Taken], view: str, form: str) -> bytes:
    """A view of one run, or of several side by side, in a format of `FORMATS`."""
    tables = {name: table for t in taken for name, table in _named(t, view, len(taken) > 1)}
    about = _about(taken, list(tables))
    if form == "xlsx":
        return workbook(tables, about)
    if form == "nc":
        return _netcdf(taken, view)
    if form == "json":
        return as_json(about, {"scenarios": [t.run.scenario.model_dump(mode="json") for t in taken]}, tables)
    files = {f"scenario{i or ''}.json": t.run.scenario.model_dump_json(indent=2) for i, t in enumerate(taken)}
    return archive(about, files, tables, _netcdf(taken, view) if form == "zip" else None)


def as_json(about: str, given: dict[str, Any], tables: dict[str, pd.DataFrame]) -> bytes:
    """Tables as JSON, with what they are and what was given."""
    written = {name: json.loads(t.to_json(orient="split", date_format="iso")) for name, t in tables.items()}
    return json.dumps({"about": about.splitlines(), **given, "tables": written}).encode()


def archive(about: str, files: dict[str, str], tables: dict[str, pd.DataFrame], netcdf: bytes | None) -> bytes:
    """Tables as CSV in a zip with a README, other files, and the run as netCDF."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("README.txt", about)
        for name, text in files.items():
            z.writestr(name, text)
        for name, table in tables.items():
            z.writestr(f"{name}.csv", "\ufeff" + table.to_csv())
        if netcdf is not None:
            z.writestr("run.nc", netcdf)
    return out.getvalue()


def _named(taken: Taken, view: str, several: bool) -> list[tuple[str, pd.DataFrame]]:
    run = taken.run
    tail = f" {run.scenario.name}" if several else ""
    return [(name + tail, _table(taken, name)) for name in _VIEWS.get(view, ("years", "months", "ledger_usd"))]


def _table(taken: Taken, name: str) -> pd.DataFrame:
    run = taken.run
    if name == "years":
        return flat(run.annual, "year")
    if name == "months":
        return flat(run.monthly, "month")
    if name == "hours":
        assert taken.hours is not None
        return flat(taken.hours, "time")
    if name == "projects":
        rows = pd.DataFrame(in_service(run))
        return rows.set_index("project") if len(rows) else rows
    return (run.ledger if name == "ledger_usd" else party_balances(run)).add_suffix("_usd")


def flat(data: xr.Dataset, axis: str) -> pd.DataFrame:
    """One column for each quantity and zone, fuel or link; the name of a column ends in its unit."""
    columns: dict[str, object] = {}
    for key, values in data.data_vars.items():
        other = [str(d) for d in values.dims if d != axis]
        table = values.transpose(axis, *other).values.reshape(data.sizes[axis], -1)
        labels = [""]
        for d in other:
            labels = [f"{a}{x} " for a in labels for x in data[d].values]
        columns |= {f"{label}{key}": table[:, i] for i, label in enumerate(labels)}
    at = data[axis].values
    index = [str(x)[:7] for x in at] if axis == "month" else [int(x) for x in at] if axis == "year" else at
    return pd.DataFrame(columns, index=pd.Index(index, name=axis))


def _about(taken: list[Taken], tables: list[str]) -> str:
    """What the tables are, in plain words."""
    from gridrush import __version__

    run = taken[0].run
    lines = [f"gridrush {__version__}: {run.case.title}"]
    for t in taken:
        lines += [f"Scenario: {t.run.scenario.title} ({t.run.scenario.name})", t.run.scenario.story]
    lines += ["", f"Case {run.case.name}, hash {run.case.digest}; seed {run.seed}; {run.samples} path.", ""]
    lines += [f"{name}: {_ABOUT[name.partition(' ')[0]]}" for name in tables]
    return "\n".join([
        *lines, "scenario.json: levers and assumptions", "",
        "One sampled path of weather, water and unit outages; hours short of one path are no expected value.",
        "Sources: " + "; ".join(sorted({s.title for s in run.case.sources.values()})), "",
    ])  # fmt: skip


def workbook(tables: dict[str, pd.DataFrame], about: str) -> bytes:
    """Tables as sheets of an Excel file, what they are on the first."""
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as book:
        pd.DataFrame({"about": about.splitlines()}).to_excel(book, sheet_name="about", index=False)
        for name, table in tables.items():
            table.to_excel(book, sheet_name=name[:31])
    return out.getvalue()


def _netcdf(taken: list[Taken], view: str) -> bytes:
    """Scenarios as groups where there are several; tables without a data set of their own as variables by column."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.nc"
        for i, t in enumerate(taken):
            run = t.run
            if t.hours is not None:
                whole = t.hours
            else:
                names = _VIEWS.get(view, ("years", "months", "ledger_usd"))
                whole = xr.merge([run.annual, run.monthly] if {"years", "months"} & set(names) else [])
                for name in names:
                    if name not in ("years", "months"):
                        whole = whole.merge(xr.Dataset.from_dataframe(_table(t, name)))
            whole = whole.assign_attrs(
                scenario=run.scenario.model_dump_json(), case=run.case.name, case_hash=run.case.digest,
                seed=run.seed, samples=run.samples,
            )  # fmt: skip
            group = f"scenario{i}" if len(taken) > 1 else None
            whole.to_netcdf(path, mode="a" if i else "w", group=group)
        return path.read_bytes()
