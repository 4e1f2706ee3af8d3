"""PyPSA networks from files, the hours their snapshots stand for, and the zones of their buses."""

from __future__ import annotations

import csv
import shutil
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gridrush.errors import CaseError, EngineError, Problem
from gridrush.units import Floats

Zoning = Mapping[str, str] | str | int | None
HDF5 = (".h5", ".hdf5")
SUFFIXES = (".nc", *HDF5)


COMMITMENT = "unit commitment and start costs"
"""Said of what a dispatch leaves out of a network and `commit` does not."""


def is_network(path: Path) -> bool:
    """Whether a path is a PyPSA network by its name: netCDF, HDF5, or a folder of CSV files."""
    if path.is_dir():
        return any((path / name).is_file() for name in ("snapshots.csv", "network.csv"))
    return path.suffix.lower() in SUFFIXES


def open_network(path: str | Path, problems: list[Problem] | None = None) -> Any:
    """PyPSA network in a netCDF or HDF5 file or a CSV folder.

    problems: where series that do not fit the snapshots are told, and the network read without them; without such a
    list they are an error.
    """
    path = Path(path)
    wanted = "a PyPSA network: a netCDF or HDF5 file or a CSV folder"
    if not path.exists():
        raise CaseError([Problem(str(path), "nothing", wanted)])
    if path.is_dir() and not (path / "buses.csv").is_file():
        raise CaseError([Problem(str(path), "a folder without buses.csv", wanted)])
    if not path.is_dir() and path.suffix.lower() not in SUFFIXES:
        raise CaseError([Problem(str(path), f"a file ending in {path.suffix!r}", wanted)])
    try:
        return _imported(path, wanted)
    except CaseError as broken:
        strays = _strays(path)
        if problems is None or not strays:
            raise CaseError(strays.values() or broken.problems) from None
    problems += strays.values()
    with tempfile.TemporaryDirectory(prefix="gridrush-") as folder:
        try:
            return _imported(_copy_without(strays, path, Path(folder)), wanted)
        except CaseError as broken:
            raise CaseError([*problems, *broken.problems]) from None


def _imported(path: Path, wanted: str) -> Any:
    try:
        with warnings.catch_warnings():  # of pandas and PyPSA about each other
            warnings.simplefilter("ignore")
            import pypsa

            n = pypsa.Network()
            if path.is_dir():
                n.import_from_csv_folder(path)
            elif path.suffix.lower() in HDF5:
                n.import_from_hdf5(path)
            else:
                n.import_from_netcdf(path)
    except ImportError as missing:
        raise EngineError(f"reading {path.name} needs pip install 'gridrush[pypsa]': {missing}") from None
    except (OSError, ValueError, KeyError, RuntimeError) as broken:  # HDF5 errors are RuntimeErrors
        raise CaseError([Problem(str(path), str(broken).splitlines()[-1], wanted)]) from None
    return n


def _strays(path: Path) -> dict[str, Problem]:
    """Series of a folder or HDF5 file, none where it cannot be read, with another number of rows than snapshots."""
    try:
        snapshots, rows = _lengths(path)
    except (OSError, ValueError, KeyError, RuntimeError):
        return {}
    wanted = f"{snapshots} rows, one for each snapshot"
    return {k: Problem(f"{path}: {k}", f"{n} rows", wanted) for k, n in sorted(rows.items()) if n != snapshots}


def _copy_without(strays: Mapping[str, Problem], path: Path, folder: Path) -> Path:
    """A copy of a network without some series."""
    sound = folder / path.name
    if path.is_dir():
        shutil.copytree(path, sound, ignore=lambda _, names: [n for n in names if n in strays])
        return sound
    import pandas as pd

    shutil.copy(path, sound)
    with pd.HDFStore(sound) as store:
        opened: Any = store  # the stubs take its methods for tables
        for name in strays:
            opened.remove(name)
    return sound


def _lengths(path: Path) -> tuple[int, dict[str, int]]:
    """Number of snapshots, and of rows of each series; in netCDF they cannot differ, so nothing is looked at."""
    if path.is_dir():
        if not (path / "snapshots.csv").is_file():
            return 0, {}
        count = {f.name: _rows(f) for f in path.glob("*.csv") if "-" in f.stem or f.stem == "snapshots"}
        return count.pop("snapshots.csv"), count
    if path.suffix.lower() not in HDF5:
        return 0, {}
    import pandas as pd

    with pd.HDFStore(path, "r") as store:
        opened: Any = store  # the stubs take its methods for tables
        count = {k: int(opened.get_storer(k).nrows) for k in opened if "_t/" in k or k == "/snapshots"}
    return count.pop("/snapshots", 0), count


def _rows(file: Path) -> int:
    """Rows of a CSV file below its header."""
    with file.open(encoding="utf-8", newline="") as text:
        return sum(1 for row in csv.reader(text) if row) - 1


def hours_of_snapshots(n: Any) -> tuple[Floats, bool]:
    """Hours each snapshot stands for in the objective, and whether it stands for just as many whole hours in all."""
    table = n.snapshot_weightings
    hours = table["objective"].to_numpy(np.float64)
    same = (table.to_numpy(np.float64) == hours[:, None]).all()
    return hours, bool(same and (hours >= 1).all() and (hours == np.round(hours)).all())


def zones_of(n: Any, buses: list[str], zones: Zoning, problems: list[Problem]) -> dict[str, str]:
    """Zone of each bus; see `from_pypsa`."""
    if zones is None:
        return {b: b for b in buses}
    if isinstance(zones, int):
        from scipy.cluster.vq import kmeans2

        place = n.buses.loc[buses, ["x", "y"]].to_numpy(np.float64)
        if zones < 1:
            problems.append(Problem("zones", zones, "a number of zones, 1 or more"))
            return {b: b for b in buses}
        apart = len(np.unique(place[np.isfinite(place).all(axis=1)], axis=0))
        if not np.isfinite(place).all() or apart < min(zones, len(buses)):
            wanted = "buses with coordinates x and y, at as many places as zones are asked for"
            problems.append(Problem("zones", f"{zones}, and {apart} places", wanted, "or name a column of buses"))
            return {b: b for b in buses}
        rng = np.random.Generator(np.random.Philox(key=0))
        label = kmeans2(place, min(zones, len(buses)), minit="++", rng=rng)[1]
        return {b: f"zone {k + 1}" for b, k in zip(buses, label.tolist(), strict=True)}
    if isinstance(zones, str):
        if zones not in n.buses:
            problems.append(Problem("zones", zones, f"a column of buses: {', '.join(n.buses.columns)}"))
            return {b: b for b in buses}
        return dict(zip(buses, n.buses.loc[buses, zones].astype(str), strict=True))
    for b in buses:
        if b not in zones:
            problems.append(Problem(f"zones[{b}]", "nothing", "a zone for every bus"))
    return {b: str(zones.get(b, b)) for b in buses}
