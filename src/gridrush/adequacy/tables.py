"""A System from plain tables: units, load, and when wanted links and storage."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gridrush.case.system import NO_STORAGE, BlockKind, Demand, Links, Storage, System, Units
from gridrush.errors import CaseError, Problem

Table = str | Path | pd.DataFrame
FIRST_HOUR = np.datetime64("2021-01-01T00", "h")
ONE_ZONE = "1"
SPELLINGS = {
    "unit": ("name", "generator", "gen", "id", "unit_id", "gen_uid"),
    "mw": ("capacity_mw", "capacity", "power_mw", "pmax_mw", "p_max_mw", "limit_mw", "unit_size_mw", "size_mw"),
    "mttf_h": ("mttf", "mttf_hr", "mttf_hours", "mttf_hrs"),
    "mttr_h": ("mttr", "mttr_hr", "mttr_hours", "mttr_hrs"),
    "FOR": ("for", "forced_outage_rate", "forced_outage_share", "efor", "outage_rate"),
    "zone": ("area", "region"),
    "count": ("number", "number_of_units", "no_of_units", "units", "n"),
    "maintenance_h": ("maintenance", "maintenance_hours"),
    "zone_from": ("from", "from_zone", "area_from", "from_area", "region_from", "from_region", "source"),
    "zone_to": ("to", "to_zone", "area_to", "to_area", "region_to", "to_region", "target"),
    "mwh": ("energy_mwh", "energy"),
    "time": ("timestamp", "datetime", "date_time", "date"),
    "hour": ("hour_of_year", "index", "period"),
}
"""Other names that columns go by in published tables; capitals, spaces and hyphens do not matter."""
SPELT = {
    "units": ("unit", "mw", "mttf_h", "mttr_h", "FOR", "zone", "count", "maintenance_h"),
    "load": ("time", "hour"),
    "links": ("zone_from", "zone_to", "mw", "mttf_h", "mttr_h"),
    "storage": ("zone", "mw", "mwh"),
}
"""Columns of each table that `SPELLINGS` is looked up for."""
ALIKE = 0.75
"""A column that is so like one of ours is taken for a slip."""
LOAD_NAMES = ("load", "demand", "mw", "total", "system")


def read_tables(units: Table, load: Table, *, links: Table | None = None, storage: Table | None = None) -> System:
    """A System from tables (paths of CSV files, or data frames).

    Parameters
    ----------
    units : table
        `unit, mw, mttf_h, mttr_h`; also `zone`, `fuel`, `maintenance_h`, `FOR` (checked, or used with `mttr_h` where
        `mttf_h` is absent), `count` (so many units alike). [MW], [h], [1]
    load : table
        One row per hour. `load_mw` for one zone, else one column `<zone>_mw` or `zone<zone>_mw` per zone. [MW]
        A column `hour` or `time` is skipped; `time` is used when it holds stamps.
    links : table, optional
        `zone_from, zone_to, mw`; also `mw_back` (same as `mw` when absent), `mttf_h`, `mttr_h`. [MW], [h]
    storage : table, optional
        `zone, mw, mwh`; also `name`, `charge_mw`, `charge_efficiency`, `discharge_efficiency`, `initial_share`.

    Columns may go by other usual names (`SPELLINGS`): area or region for zone, capacity_mw for mw, and so on.

    Returns
    -------
    System

    Raises
    ------
    CaseError
        With every missing column, unknown zone and number that is not one.
    """
    problems: list[Problem] = []
    u = _each(_frame(units, "units", ("unit", "mw"), problems), problems)
    d = _frame(load, "load", (), problems)
    k = _frame(links, "links", ("zone_from", "zone_to", "mw"), problems) if links is not None else pd.DataFrame()
    st = _frame(storage, "storage", ("mw", "mwh"), problems) if storage is not None else pd.DataFrame()
    if problems:
        raise CaseError(problems)
    zones, mw, time = _load(d, problems)
    T, Z, G = len(time), len(zones), len(u)
    at = {z: i for i, z in enumerate(zones)}

    def zone_of(frame: pd.DataFrame, column: str, where: str) -> Any:
        if column not in frame:
            if Z > 1:
                problems.append(Problem(f"{where}.{column}", "no such column", f"a zone, one of {zones}"))
            return np.zeros(len(frame), np.int64)
        names = [_name(v) for v in frame[column]]
        for row, name in enumerate(names):
            if name not in at:
                problems.append(
                    Problem(f"{where}[{row}].{column}", name, f"one of {zones}", "zones are those of the load table")
                )
        return np.array([at.get(name, 0) for name in names], np.int64)

    def numbers(
        frame: pd.DataFrame, column: str, where: str, default: float | None, least: float = 0.0, most: float = math.inf
    ) -> Any:
        if column not in frame:
            if default is None:
                problems.append(Problem(f"{where}.{column}", "no such column", "a column of numbers"))
            return np.full(len(frame), default if default is not None else 0.0)
        x = pd.to_numeric(frame[column], errors="coerce").to_numpy(np.float64)
        for row in np.flatnonzero(np.isnan(x) | (x < least) | (x > most)):
            problems.append(
                Problem(
                    f"{where}[{row}].{column}",
                    _plain(frame[column].iloc[row]),
                    f"a number from {least:g} to {most:g}",
                )
            )
        return x

    zone = zone_of(u, "zone", "units")
    cap = numbers(u, "mw", "units", None)
    mttr = numbers(u, "mttr_h", "units", 0.0 if "FOR" not in u else None)
    if "mttf_h" in u:
        mttf = numbers(u, "mttf_h", "units", None)
    elif "FOR" in u:
        share = numbers(u, "FOR", "units", None, most=1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            mttf = np.where(share > 0, mttr * (1 - share) / share, np.inf)
    else:
        mttf = np.full(G, np.inf)
    if "FOR" in u and "mttf_h" in u:
        share = numbers(u, "FOR", "units", None, most=1.0)
        with np.errstate(invalid="ignore"):
            mine = np.where(np.isinf(mttf), 0.0, mttr / (mttf + mttr))
        for row in np.flatnonzero(np.abs(share - mine) > 0.01):
            problems.append(
                Problem(
                    f"units[{row}].FOR",
                    float(share[row]),
                    f"mttr / (mttf + mttr) = {mine[row]:.4f}",
                    "the two must agree to 0.01",
                )
            )
    names = tuple(_name(v) for v in u["unit"])
    fuel = tuple(str(v) for v in u["fuel"]) if "fuel" in u else ("",) * G
    zero, no = np.zeros(G), np.zeros(G, np.int64)
    maintenance = numbers(u, "maintenance_h", "units", 0.0)
    L = len(k)
    source, target = (zone_of(k, c, "links") if L else np.zeros(0, np.int64) for c in ("zone_from", "zone_to"))
    forward = numbers(k, "mw", "links", None) if L else np.zeros(0)
    backward = numbers(k, "mw_back", "links", 0.0) if "mw_back" in k else forward.copy()
    link_mttf = numbers(k, "mttf_h", "links", math.inf) if L else np.zeros(0)
    link_mttr = numbers(k, "mttr_h", "links", 0.0) if L else np.zeros(0)
    link_names = [f"{_name(a)}-{_name(b)}" for a, b in zip(k["zone_from"], k["zone_to"], strict=True)] if L else []
    for row in np.flatnonzero(source == target) if L else []:
        problems.append(Problem(f"links[{row}]", link_names[row], "two different zones"))
    J = len(st)
    store = NO_STORAGE
    if J:
        power = numbers(st, "mw", "storage", None)
        store = Storage(
            name=tuple(str(v) for v in st["name"]) if "name" in st else tuple(f"storage {i + 1}" for i in range(J)),
            zone=zone_of(st, "zone", "storage"),
            discharge_mw=power,
            charge_mw=numbers(st, "charge_mw", "storage", 0.0) if "charge_mw" in st else power.copy(),
            energy_mwh=numbers(st, "mwh", "storage", None),
            charge_efficiency=numbers(st, "charge_efficiency", "storage", 1.0, most=1.0),
            discharge_efficiency=numbers(st, "discharge_efficiency", "storage", 1.0, most=1.0),
            initial_share=numbers(st, "initial_share", "storage", 1.0, most=1.0),
        )
    if problems:
        raise CaseError(problems)
    link_names = [f"{n} ({i + 1})" if link_names.count(n) > 1 else n for i, n in enumerate(link_names)]
    firm: tuple[BlockKind, ...] = tuple("firm" for _ in range(Z))
    return System(
        zones=tuple(zones),
        time=time,
        period=np.zeros(T, np.int64),
        profiles=np.stack([np.ones(T), np.zeros(T)]),
        units=Units(names, fuel, fuel, zone, cap, zero, no, no + 1, no - 1, mttf, mttr, maintenance, zero, zero + 1.0),
        demand=Demand(tuple(f"load {z}" for z in zones), firm, np.arange(Z), mw, np.full(Z, np.inf)),
        links=Links(
            tuple(link_names),
            source,
            target,
            forward,
            backward,
            np.zeros(L),
            np.zeros(L, np.int64),
            link_mttf,
            link_mttr,
        ),
        storage=store,
    )


def _frame(table: Table, where: str, wanted: tuple[str, ...], problems: list[Problem]) -> pd.DataFrame:
    if isinstance(table, pd.DataFrame):
        frame = table
    else:
        try:
            frame = pd.read_csv(table)
        except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
            problems.append(Problem(where, str(table), "a CSV file that can be read", str(error)))
            return pd.DataFrame()
    frame = frame.rename(columns=_usual(list(map(str, frame.columns)), SPELT[where]))
    for column in map(str, frame.columns):
        known = [c for c in SPELT[where] if c not in frame]
        if column not in SPELT[where] and where != "load" and (near := get_close_matches(column, known, 1, ALIKE)):
            problems.append(Problem(f"{where}.{column}", column, f"{near[0]}, or a name that is not so like it"))
    for column in wanted:
        if column not in frame:
            problems.append(Problem(f"{where}.{column}", sorted(map(str, frame.columns)), "this column"))
    if not len(frame) and where != "links":
        problems.append(Problem(where, "no rows", "at least one row"))
    return frame


def _usual(columns: list[str], wanted: tuple[str, ...]) -> dict[str, str]:
    """Names of columns as this module has them."""
    out: dict[str, str] = {}
    plain = {c: re.sub(r"[\s\-./()]+", "_", c.strip()).strip("_").lower() for c in columns}
    for ours in wanted:
        if ours in columns:
            continue
        for c, text in plain.items():
            if text in (ours.lower(), *SPELLINGS[ours]) and c not in out and c not in wanted:
                out[c] = ours
                break
    return out


def _each(units: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """A row for each unit where a row stands for several alike."""
    if "count" not in units or problems:
        return units
    n = pd.to_numeric(units["count"], errors="coerce").to_numpy(np.float64)
    for row in np.flatnonzero(~(np.isfinite(n) & (n >= 0) & (n == np.floor(n)))):
        problems.append(Problem(f"units[{row}].count", _plain(units["count"].iloc[row]), "a whole number >= 0"))
    if problems:
        return units
    k = n.astype(np.int64)
    names = [f"{_name(v)} ({i + 1})" if m > 1 else _name(v) for v, m in zip(units["unit"], k, strict=True)
             for i in range(m)]  # fmt: skip
    return units.loc[units.index.repeat(k)].reset_index(drop=True).assign(unit=names)


def _plain(value: Any) -> Any:
    """A number of numpy as Python's, for messages."""
    return value.item() if isinstance(value, np.generic) else value


def _name(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _load(d: pd.DataFrame, problems: list[Problem]) -> tuple[list[str], Any, Any]:
    columns = [c for c in d.columns if str(c).lower() not in ("hour", "time")]
    zones = []
    for c in map(str, columns):
        name = c.removesuffix("_mw").removesuffix("_MW").strip()
        alone = len(columns) == 1 and name.lower().removesuffix("_load") in LOAD_NAMES
        zones.append(ONE_ZONE if alone else name.removeprefix("zone").strip("_ ") or name)
    mw = np.zeros((len(d), len(columns)))
    for i, c in enumerate(columns):
        mw[:, i] = pd.to_numeric(d[c], errors="coerce").to_numpy(np.float64)
        for row in np.flatnonzero(~np.isfinite(mw[:, i]) | (mw[:, i] < 0))[:5]:
            problems.append(Problem(f"load[{row}].{c}", _plain(d[c].iloc[row]), "a finite number >= 0 [MW]"))
    time = FIRST_HOUR + np.arange(len(d)).astype("timedelta64[h]")
    if "time" in d and not pd.api.types.is_numeric_dtype(d["time"]):
        stamps = pd.to_datetime(d["time"], utc=True, errors="coerce")
        if bool(stamps.isna().any()):
            problems.append(Problem("load.time", str(d["time"][stamps.isna()].iloc[0]), "a time stamp"))
        else:
            time = stamps.dt.tz_localize(None).to_numpy().astype("datetime64[h]")
    return zones, mw, time
