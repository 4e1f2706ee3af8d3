"""A System from a PRAS file (`.pras`, HDF5), so that systems built for PRAS can be assessed here.

Layout: SystemModel HDF5 specification of PRAS (NREL). h5py is imported only when a file is read.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridrush.adequacy.outages import FailingStorage
from gridrush.case.system import NO_STORAGE, BlockKind, Demand, Links, Storage, System, Units
from gridrush.errors import CaseError, GridrushError, Problem

_log = logging.getLogger(__name__)
_POWER_MW = {"kW": 1e-3, "MW": 1.0, "GW": 1e3, "TW": 1e6}
_ENERGY_MWH = {"kWh": 1e-3, "MWh": 1.0, "GWh": 1e3, "TWh": 1e6}
_HOURS = {"sec": 1 / 3600, "s": 1 / 3600, "min": 1 / 60, "h": 1.0, "d": 24.0}
NEVER_H = 1e12
"""Mean time of something that does not end: a repair probability of zero."""


def read_pras(path: str | Path) -> System:
    """A System from a `.pras` file: regions, generators, lines and interfaces, storage.

    Failure and repair probabilities become MTTF = 1 / p and MTTR = 1 / q, of storage too; storage starts empty, as
    PRAS has it, unless the file says otherwise. What a System cannot hold is approximated with a logged warning: hourly
    failure probabilities and storage limits (their mean), a generator-storage unit (its inflow as a unit, its reservoir
    as storage that can charge with its inflow), an interface that binds lines that fail (the lines are scaled to it);
    demand response that pays back is left out.

    Parameters
    ----------
    path : path
        File with steps of one hour.

    Returns
    -------
    System

    Raises
    ------
    CaseError
        When the file is not a PRAS system or its steps are not one hour.
    """
    try:
        import h5py
    except ImportError as error:
        raise GridrushError("reading .pras files needs h5py: pip install 'gridrush[pras]'") from error
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise CaseError([Problem("pras", str(path), "an HDF5 file that can be read", str(error))]) from error
    with file as f:
        return _system(f, str(path))


def _text(value: Any) -> str:
    return value.decode().strip("\x00 ") if isinstance(value, bytes) else str(value).strip()


def _core(group: Any, field: str) -> list[str]:
    return [_text(v) for v in group["_core"][field]]


def _system(f: Any, path: str) -> System:
    wanted = ("start_timestamp", "timestep_count", "timestep_length", "timestep_unit", "power_unit", "energy_unit")
    problems = [
        Problem(f"{path}.{a}", "missing", "a root attribute of a PRAS file") for a in wanted if a not in f.attrs
    ]
    if "regions" not in f:
        problems.append(Problem(f"{path}.regions", "missing", "the group `regions`"))
    if "lines" in f and "interfaces" not in f:
        problems.append(Problem(f"{path}.interfaces", "missing", "interfaces, as there are lines"))
    if problems:
        raise CaseError(problems)
    step = float(f.attrs["timestep_length"]) * _HOURS.get(_text(f.attrs["timestep_unit"]), np.nan)
    if step != 1.0:
        raise CaseError([Problem(f"{path}.timestep_length", step, "steps of one hour")])
    mw, mwh = _POWER_MW[_text(f.attrs["power_unit"])], _ENERGY_MWH[_text(f.attrs["energy_unit"])]
    T = int(f.attrs["timestep_count"])
    start = pd.Timestamp(_text(f.attrs["start_timestamp"]))
    start = start.tz_convert("UTC").tz_localize(None) if start.tzinfo else start
    time = np.datetime64(start, "h") + np.arange(T).astype("timedelta64[h]")
    zones = _core(f["regions"], "name")
    at = {z: i for i, z in enumerate(zones)}
    load = np.asarray(f["regions/load"][()], np.float64) * mw
    rows: list[Any] = [np.ones(T), np.zeros(T)]

    def profile(hourly: Any) -> tuple[float, int]:
        """Largest value and the profile row of an hourly series."""
        top = float(hourly.max()) if hourly.size else 0.0
        if top == 0.0 or (hourly == top).all():
            return top, 0
        rows.append(np.clip(hourly / top, 0.0, 1.0))
        return top, len(rows) - 1

    def means(group: Any, i: int, where: str) -> tuple[float, float]:
        """MTTF and MTTR of entity i."""
        p, q = group["failureprobability"][:, i], group["repairprobability"][:, i]
        if np.ptp(p) > 1e-12 or np.ptp(q) > 1e-12:
            _log.warning("%s: outage probabilities change by the hour; their mean is used", where)
        a, b = float(p.mean()), float(q.mean())
        return (1 / a if a > 0 else np.inf), (1 / b if b > 0 else (NEVER_H if a > 0 else 0.0))

    units: list[tuple[str, str, int, float, int, float, float]] = []
    if "generators" in f:
        g = f["generators"]
        capacity = np.asarray(g["capacity"][()], np.float64) * mw
        for i, (name, kind, region) in enumerate(
            zip(_core(g, "name"), _core(g, "category"), _core(g, "region"), strict=True)
        ):
            top, row = profile(capacity[:, i])
            units.append((name, kind, at[region], top, row, *means(g, i, name)))
    stores: list[tuple[Any, ...]] = []
    if "demandresponses" in f and len(f["demandresponses/_core"]):
        _log.warning("%s: demand response is left out", path)

    def level(group: Any, name: str, i: int, factor: float, where: str) -> float:
        x = np.asarray(group[name][:, i], np.float64) * factor
        if np.ptp(x) > 1e-9 * max(1.0, float(x.max())):
            _log.warning("%s: %s changes by the hour; its mean is used", where, name)
        return float(x.mean())

    for kind in ("storages", "generatorstorages"):
        if kind not in f:
            continue
        g = f[kind]
        for i, (name, category, region) in enumerate(
            zip(_core(g, "name"), _core(g, "category"), _core(g, "region"), strict=True)
        ):
            if float(np.min(g["carryoverefficiency"][:, i])) < 1.0:
                _log.warning("%s: losses of standing storage are left out", name)
            charge, discharge = (level(g, n, i, mw, name) for n in ("chargecapacity", "dischargecapacity"))
            if kind == "generatorstorages":
                _log.warning("%s: taken apart into a unit that follows its inflow and a store", name)
                inject = np.asarray(g["gridinjectioncapacity"][:, i], np.float64) * mw
                inflow = np.asarray(g["inflow"][:, i], np.float64) * mw
                top, row = profile(np.minimum(inflow, inject))
                units.append((f"{name} inflow", category, at[region], top, row, *means(g, i, name)))
                charge = min(charge, level(g, "gridwithdrawalcapacity", i, mw, name) + float(inflow.mean()))
                discharge = min(discharge, float(inject.mean()))
            energy = level(g, "energycapacity", i, mwh, name)
            full = float(np.asarray(g["initialsoc"][()]).reshape(-1)[i]) if "initialsoc" in g else 0.0
            efficiencies = (level(g, f"{way}chargeefficiency", i, 1.0, name) for way in ("", "dis"))
            stores.append((name, at[region], charge, discharge, energy, *efficiencies, full, *means(g, i, name)))
    links = _links(f, at, mw, profile, means) if "lines" in f else []
    u = list(zip(*units, strict=True)) if units else [()] * 7
    k = list(zip(*links, strict=True)) if links else [()] * 8
    s = list(zip(*stores, strict=True)) if stores else [()] * 10
    G, L, Z = len(units), len(links), len(zones)
    no, zero = np.zeros(G, np.int64), np.zeros(G)
    firm: tuple[BlockKind, ...] = tuple("firm" for _ in range(Z))
    return System(
        zones=tuple(zones),
        time=time,
        period=np.zeros(T, np.int64),
        profiles=np.asarray(rows),
        units=Units(
            tuple(u[0]),
            tuple(u[1]),
            ("",) * G,
            np.array(u[2], np.int64),
            np.array(u[3], np.float64),
            zero,
            np.array(u[4], np.int64),
            no + 1,
            no - 1,
            np.array(u[5], np.float64),
            np.array(u[6], np.float64),
            zero,
            zero,
            zero + 1.0,
        ),
        demand=Demand(tuple(f"load {z}" for z in zones), firm, np.arange(Z), load, np.full(Z, np.inf)),
        links=Links(
            tuple(k[0]),
            np.array(k[1], np.int64),
            np.array(k[2], np.int64),
            np.array(k[3], np.float64),
            np.array(k[4], np.float64),
            np.zeros(L),
            np.array(k[5], np.int64),
            np.array(k[6], np.float64),
            np.array(k[7], np.float64),
        ),
        storage=_storage(s) if stores else NO_STORAGE,
    )


def _storage(s: list[Any]) -> Storage:
    """Columns of stores as Storage, with outages when one fails."""
    zone, rest = np.array(s[1], np.int64), [np.array(x, np.float64) for x in s[2:]]
    charge, discharge, energy, into, out, full, mttf, mttr = rest
    share = np.clip(full, 0.0, 1.0)
    if np.isinf(mttf).all():
        return Storage(tuple(s[0]), zone, charge, discharge, energy, into, out, share)
    return FailingStorage(tuple(s[0]), zone, charge, discharge, energy, into, out, share, mttf, mttr)


def _links(f: Any, at: dict[str, int], mw: float, profile: Any, means: Any) -> list[tuple[Any, ...]]:
    """name, source, target, forward, backward, profile row, mttf, mttr of each link."""
    g, face = f["lines"], f["interfaces"]
    ends = [(at[a], at[b]) for a, b in zip(_core(g, "region_from"), _core(g, "region_to"), strict=True)]
    names = _core(g, "name")
    series = {d: np.asarray(g[f"{d}capacity"][()], np.float64) * mw for d in ("forward", "backward")}
    out: list[tuple[Any, ...]] = []
    for j, (a, b) in enumerate(zip(_core(face, "region_from"), _core(face, "region_to"), strict=True)):
        za, zb = at[a], at[b]
        mine = [i for i, e in enumerate(ends) if e in ((za, zb), (zb, za))]
        limit = [np.asarray(face[f"{d}capacity"][:, j], np.float64) * mw for d in ("forward", "backward")]
        flow = {
            i: [series["forward"][:, i], series["backward"][:, i]][:: 1 if ends[i] == (za, zb) else -1] for i in mine
        }
        total = [sum((flow[i][d] for i in mine), np.zeros(len(limit[0]))) for d in (0, 1)]
        binds = any((limit[d] < total[d] - 1e-9).any() for d in (0, 1))
        fails = any(np.isfinite(means(g, i, names[i])[0]) for i in mine)
        if binds and fails:
            _log.warning("interface %s-%s limits lines that fail: their limits are scaled to it", a, b)
        if binds and not fails:
            parts = [(f"{a}-{b}", [np.minimum(limit[d], total[d]) for d in (0, 1)], np.inf, 0.0)]
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                scale = [np.where(total[d] > limit[d], limit[d] / total[d], 1.0) for d in (0, 1)]
            parts = [(names[i], [flow[i][d] * scale[d] for d in (0, 1)], *means(g, i, names[i])) for i in mine]
        for name, (forward, backward), mttf, mttr in parts:
            f_top, f_row = profile(forward)
            b_top, b_row = profile(backward)
            if f_row == b_row or (b_top > 0 and f_top > 0 and np.allclose(forward / f_top, backward / b_top)):
                out.append((name, za, zb, f_top, b_top, f_row, mttf, mttr))
            else:
                out.append((f"{name} forward", za, zb, f_top, 0.0, f_row, mttf, mttr))
                out.append((f"{name} backward", za, zb, 0.0, b_top, b_row, mttf, mttr))
    return out
