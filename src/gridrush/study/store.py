"""Runs on disk: one netCDF file per scenario, written whole or not at all, found again by what made it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pandas as pd
import xarray as xr

import gridrush
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.errors import EngineError
from gridrush.study.run import Run

_log = logging.getLogger(__name__)

GROUPS = ("hourly", "monthly", "annual", "risk", "ledger")
"""Groups of a run's netCDF file, in the order they are written."""


SECONDS_PER_DAY = 86400.0

SIMULATING = ("units.py", "case", "mining", "grid", "adequacy", "policy", "study")
"""Modules and rooms whose code a run depends on."""


def save_run(run: Run, folder: Path, *, name: str = "") -> Path:
    """Write a run as `folder/NAME.nc`, under a temporary name first; NAME is the scenario's unless given.

    Raises
    ------
    EngineError
        If the file cannot be written (no space, no permission).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name or run.name}.nc"
    about = {
        "title": f"{run.case.title}: {run.scenario.title}", "case": run.case.name, "case_digest": run.case.digest,
        "scenario": run.name, "scenario_json": run.scenario.model_dump_json(), "seed": run.seed,
        "samples": run.samples, "seconds": run.seconds, "gridrush_version": gridrush.__version__,
        "source": "see the case's sources.yaml; hours are one sampled path of weather and unit outages",
    }  # fmt: skip
    handle, part = tempfile.mkstemp(dir=folder, prefix=f".{run.name}.", suffix=".part")
    os.close(handle)
    try:
        xr.Dataset(attrs=about).to_netcdf(part, mode="w", engine="netcdf4")
        for group in GROUPS:
            data = ledger_dataset(run.ledger) if group == "ledger" else getattr(run, group)
            packed = {v: {"zlib": True, "complevel": 1, "shuffle": True} for v in data.data_vars if data[v].ndim}
            data.to_netcdf(part, mode="a", group=group, engine="netcdf4", encoding=packed if group == "hourly" else {})
        os.chmod(part, 0o644)  # mkstemp makes it private
        os.replace(part, path)
    except OSError as failed:
        raise EngineError(f"cannot write {path}: {failed}") from failed
    finally:
        if os.path.exists(part):
            os.unlink(part)
    return path


def load_run(path: Path, case: Case) -> Run:
    """A run read back; its hours stay on disk until they are looked at.

    Raises
    ------
    EngineError
        If the file is missing, damaged, or of another case.
    """
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
        risk=small["risk"], ledger=small["ledger"].to_dataframe(), seconds=float(about["seconds"]),
    )  # fmt: skip


class RunStore:
    """Runs under the hash of what made them. A file that does not match its checksum is made again, never served.

    Parameters
    ----------
    folder : Path
        Made when the first run is put in.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, case: Case, scenario: Scenario, settings: Mapping[str, object]) -> str:
        """Hash of case, scenario, settings and the code that simulates."""
        what = {"case": case.digest, "scenario": scenario.model_dump(mode="json"), "code": code_digest(), **settings}
        return hashlib.sha256(json.dumps(what, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def find(self, key: str) -> Path | None:
        """The run's file if it is there and whole."""
        path, seal = self.folder / f"{key}.nc", self.folder / f"{key}.sha256"
        try:
            whole = seal.read_text() == _sha256(path)
        except OSError:
            return None
        if not whole:
            _log.warning("%s is damaged and is made again", path)
            return None
        return path

    def put(self, run: Run, key: str) -> Path:
        """Store a run; the seal comes last, so a killed write is never found."""
        path = save_run(run, self.folder, name=key)
        part = self.folder / f".{key}.{os.getpid()}.part"
        try:
            part.write_text(_sha256(path))
            os.replace(part, self.folder / f"{key}.sha256")
        except OSError as failed:
            raise EngineError(f"cannot write {part}: {failed}") from failed
        return path

    def size(self) -> tuple[int, int]:
        """Runs kept, and bytes of all files."""
        files = [p for p in self.folder.glob("*") if p.suffix in (".nc", ".sha256")] if self.folder.is_dir() else []
        return sum(p.suffix == ".nc" for p in files), sum(p.stat().st_size for p in files)

    def clean(self, *, older_than_days: float, dry: bool = False) -> tuple[int, int]:
        """Remove runs made longer ago, and what killed writers left; gives files and bytes freed.

        A run is found again only by the same case, scenario, settings and code: old ones are mostly of older code.

        Raises
        ------
        EngineError
            If a file cannot be removed.
        """
        before = time.time() - SECONDS_PER_DAY * older_than_days
        number = freed = 0
        runs = list(self.folder.glob("*.nc"))
        seals = [p for p in self.folder.glob("*.sha256") if p.with_suffix(".nc") not in runs]
        for path in [*runs, *seals, *self.folder.glob(".*.part"), *self.folder.glob("results/*/*.json")]:
            files = [path.with_suffix(".sha256"), path] if path.suffix == ".nc" else [path]  # the seal goes first
            try:
                if path.stat().st_mtime >= before:
                    continue
                for file in files:
                    if file.exists():
                        number, freed = number + 1, freed + file.stat().st_size
                        if not dry:
                            file.unlink()
            except OSError as failed:
                raise EngineError(f"cannot clean {self.folder}: {failed}") from failed
        return number, freed


def default_store() -> RunStore:
    """The user's own: `$GRIDRUSH_STORE`, else `gridrush` in `$XDG_CACHE_HOME` or `~/.cache`."""
    if given := os.environ.get("GRIDRUSH_STORE"):
        return RunStore(Path(given))
    return RunStore(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gridrush" / "runs")


@cache
def code_digest() -> str:
    """Hash of the package's modules that a simulation runs through."""
    root = Path(gridrush.__file__).parent
    found = hashlib.sha256()
    for room in SIMULATING:
        for path in sorted((root / room).rglob("*.py")) if (root / room).is_dir() else [root / room]:
            found.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def copy_to(path: Path, target: Path) -> None:
    """The file under another name: a link where the file system allows, else a copy.

    Raises
    ------
    EngineError
        If it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        try:
            os.link(path, target)
        except OSError:
            shutil.copyfile(path, target)
    except OSError as failed:
        raise EngineError(f"cannot write {target}: {failed}") from failed


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ledger_dataset(table: pd.DataFrame) -> xr.Dataset:
    """Ledger as a data set over years."""
    out = xr.Dataset.from_dataframe(table)
    for line in out.data_vars:
        out[line].attrs["units"] = "USD"
    return out


def run_bytes(run: Run) -> bytes:
    """What `save_run` writes, as bytes."""
    with tempfile.TemporaryDirectory(prefix="gridrush-") as folder:
        return save_run(run, Path(folder)).read_bytes()
