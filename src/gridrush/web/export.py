"""Runs to take away: CSV, XLSX, JSON, netCDF, alone or as a zip with a README."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from gridrush.study.run import Run

FORMATS = {
    "csv": ("application/zip", "csv.zip"),
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    "nc": ("application/x-netcdf", "nc"),
    "zip": ("application/zip", "zip"),
}
"""Media type and ending of each format."""


def zipped(run: Run, form: str) -> bytes:
    """A run in a format of `FORMATS`."""
    if form == "xlsx":
        return _xlsx(run)
    if form == "nc":
        return _netcdf(run)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("README.txt", about(run))
        z.writestr("scenario.json", run.scenario.model_dump_json(indent=2))
        for name, table in tables(run).items():
            z.writestr(f"{name}.csv", "\ufeff" + table.to_csv())
        if form == "zip":
            z.writestr("run.nc", _netcdf(run))
    return out.getvalue()


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """Years, months and ledger, one column for each quantity and zone; the name of a column ends in its unit."""
    out = {}
    for name, data, axis in (("years", run.annual, "year"), ("months", run.monthly, "month")):
        columns = {}
        for key, values in data.data_vars.items():
            other = [d for d in values.dims if d != axis]
            if not other:
                columns[str(key)] = values.values
            else:
                columns |= {f"{label} {key}": values.sel({other[0]: label}).values for label in values[other[0]].values}
        index = [str(x)[:7] if axis == "month" else int(x) for x in data[axis].values]
        out[name] = pd.DataFrame(columns, index=pd.Index(index, name=axis))
    out["ledger_usd"] = run.ledger
    return out


def about(run: Run) -> str:
    """What the tables are, in plain words."""
    from gridrush import __version__

    return "\n".join([
        f"gridrush {__version__}: {run.case.title}", f"Scenario: {run.scenario.title} ({run.scenario.name})",
        run.scenario.story, "", f"Case {run.case.name}, hash {run.case.digest}; seed {run.seed}; {run.samples} path.",
        "", "years.csv       by year: energy [TWh, GWh], power [MW], hours short [h], CO2 [Mt], money [USD of 2021]",
        "months.csv      by month: miners' power [MW], hash rate [EH/s], hash price, share of hours cut",
        "ledger_usd.csv  who pays what, by year [USD of 2021]", "scenario.json   levers and assumptions", "",
        "One sampled path of weather, water and unit outages; hours short of one path are no expected value.",
        "Sources: " + "; ".join(sorted({s.title for s in run.case.sources.values()})), "",
    ])  # fmt: skip


def _xlsx(run: Run) -> bytes:
    out = io.BytesIO()
    with pd.ExcelWriter(out, engine="openpyxl") as book:
        pd.DataFrame({"about": about(run).splitlines()}).to_excel(book, sheet_name="about", index=False)
        for name, table in tables(run).items():
            table.to_excel(book, sheet_name=name)
    return out.getvalue()


def _netcdf(run: Run) -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.nc"
        whole = run.annual.merge(run.monthly)
        whole.attrs = {"scenario": run.scenario.model_dump_json(), "case": run.case.name, "case_hash": run.case.digest,
                       "seed": run.seed, "samples": run.samples}  # fmt: skip
        whole.to_netcdf(path)
        return path.read_bytes()
