"""Runs on disk: one netCDF file per scenario, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import xarray as xr

import gridrush
from gridrush.case.model import Case
from gridrush.errors import EngineError
from gridrush.study.run import Run

GROUPS = ("hourly", "monthly", "annual", "risk", "ledger")
"""Groups of a run's netCDF file, in the order they are written."""


def save_run(run: Run, folder: Path) -> Path:
    """Write a run as `folder/NAME.nc`, under a temporary name first.

    Raises
    ------
    EngineError
        If the file cannot be written (no space, no permission).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.name}.nc"
    about = {
        "title": f"{run.case.title}: {run.scenario.title}", "case": run.case.name, "case_digest": run.case.digest,
        "scenario": run.name, "scenario_json": run.scenario.model_dump_json(), "seed": run.seed,
        "samples": run.samples, "gridrush_version": gridrush.__version__,
        "source": "see the case's sources.yaml; hours are one sampled path of weather and unit outages",
    }  # fmt: skip
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{run.name}.", suffix=".part")
    os.close(handle)
    try:
        xr.Dataset(attrs=about).to_netcdf(name, mode="w", engine="netcdf4")
        for group in GROUPS:
            data = ledger_dataset(run.ledger) if group == "ledger" else getattr(run, group)
            packed = {v: {"zlib": True, "complevel": 1, "shuffle": True} for v in data.data_vars if data[v].ndim}
            data.to_netcdf(name, mode="a", group=group, engine="netcdf4", encoding=packed if group == "hourly" else {})
        os.chmod(name, 0o644)  # mkstemp makes it private
        os.replace(name, path)
    except OSError as failed:
        raise EngineError(f"cannot write {path}: {failed}") from failed
    finally:
        if os.path.exists(name):
            os.unlink(name)
    return path


def load_run(path: Path, case: Case) -> Run:
    """A run read back; its hours stay on disk until they are looked at.

    Raises
    ------
    EngineError
        If the file is missing, damaged, or of another case.
    """
    from gridrush.case.scenario import Scenario

    try:
        with xr.open_dataset(path, engine="netcdf4") as top:
            about = dict(top.attrs)
        data = {g: xr.open_dataset(path, group=g, engine="netcdf4") for g in GROUPS}
    except (OSError, KeyError) as failed:
        raise EngineError(f"cannot read {path}: {failed}") from failed
    if about.get("case_digest") != case.digest:
        raise EngineError(f"{path} was made from another version of case {case.name}; run it again")
    small = {g: data[g].load() for g in GROUPS if g != "hourly"}
    return Run(
        case=case, scenario=Scenario.model_validate_json(about["scenario_json"]), seed=int(about["seed"]),
        samples=int(about["samples"]), hourly=data["hourly"], monthly=small["monthly"], annual=small["annual"],
        risk=small["risk"], ledger=small["ledger"].to_dataframe(),
    )  # fmt: skip


def with_hours_on_disk(run: Run, path: Path) -> Run:
    """The same run with its hours read from its file when they are needed."""
    return replace(run, hourly=xr.open_dataset(path, group="hourly", engine="netcdf4"))


def ledger_dataset(table: pd.DataFrame) -> xr.Dataset:
    """Ledger as a data set over years."""
    out = xr.Dataset.from_dataframe(table)
    for line in out.data_vars:
        out[line].attrs["units"] = "USD"
    return out
