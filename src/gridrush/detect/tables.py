"""Records from the files that operators have: wide or long, CSV or Parquet, kW or MW, hours or half-hours, any clock.

What can be put right is put right and said; what cannot is a problem, and all problems come at once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridrush.detect.records import Facts, Hours, Records, check
from gridrush.errors import CaseError, EngineError, Problem
from gridrush.units import Floats

Table = str | Path | pd.DataFrame
PER_MW = {"mw": 1.0, "kw": 1e-3, "w": 1e-6}
PER_MWH = {"mwh": 1.0, "kwh": 1e-3, "wh": 1e-6}
TIME = ("time", "timestamp", "datetime", "date_time", "date", "time_utc", "interval_start")
FEEDER = ("feeder", "feeder_id", "id", "name", "line", "substation")
LOAD = ("load", "demand", "power", "p", "energy", "consumption", "active_power")
MOST_TWICE_SHARE = 0.02
"""Of readings, that may come twice for one hour and differ; more is a mistake in the file, not of a clock."""
SHOWN = 5


class _Said:
    """What was put right and what is wrong, as a table is read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.said: list[str] = []


def read_records(
    feeders: Table,
    *,
    meters: Table | None = None,
    facts: Table | None = None,
    temperature: Table | None = None,
    holidays: Table | None = None,
    clock: str | None = None,
    unit: str | None = None,
) -> Records:
    """Records of feeders from tables (paths of CSV or Parquet files, or data frames).

    Parameters
    ----------
    feeders : table
        Wide: a column of time stamps and one of load for each feeder. Long: `feeder`, `time`, and `load_mw` (or
        `load_kw`, `energy_kwh`, ...), where wanted `reactive_mvar` or `power_factor`. Hours, or any step that divides one.
    meters : table, optional
        Load of the customers' meters behind each feeder, the same forms; several meters of a feeder (a column `meter`)
        are added up. An hour in which a meter of the feeder is missing is not used.
    facts : table, optional
        `feeder` and any of `rated_mw` (or `rated_kva`), `customers`, `tariff`, `registered_mw`, `known_flat_mw`.
    temperature : table, optional
        `time, temperature_c`.
    holidays : table, optional
        `day`: local days of rest besides Saturday and Sunday.
    clock : str, optional
        Legal time of stamps without an offset, and of the night: an IANA name (Asia/Almaty) or hours (+6). Without
        it stamps are taken as they stand, and the night is theirs.
    unit : str, optional
        MW, kW, MWh or kWh, where column names do not say.

    Returns
    -------
    Records

    Raises
    ------
    CaseError
        With every column, stamp and number that cannot be used.
    """
    s = _Said()
    zone = _clock(clock, s)
    names, time, load, more = _series(feeders, "feeders", unit, zone, s)
    if s.problems or not names:
        raise CaseError(s.problems or [Problem("feeders", "no feeder", "at least one")])
    offset = _offset(time, zone)
    reactive = more.get("reactive_mvar")
    if reactive is None and "power_factor" in more:
        factor = more["power_factor"]
        with np.errstate(invalid="ignore"):
            bad = np.isfinite(factor) & ((np.abs(factor) > 1) | (factor == 0))
            reactive = load * np.sqrt(np.clip(1 / factor**2 - 1, 0, None))
        if bad.any():
            s.problems.append(Problem("feeders.power_factor", float(factor[bad][0]), "a number in (0, 1]"))
    shown = None
    if meters is not None:
        behind, when, each, _ = _series(meters, "meters", unit, zone, s, add_up=True)
        unknown = sorted(set(behind) - set(names))
        if unknown:
            s.problems.append(Problem("meters.feeder", unknown[:SHOWN], "feeders of the first table"))
        shown = _onto(names, time, behind, when, each)
    if s.problems:
        raise CaseError(s.problems)
    known = _facts(facts, names, s)
    holiday = _holidays(holidays, s)
    warm = _temperature(temperature, time, zone, s)
    _plausible(load, known, names, s)
    if s.problems:
        raise CaseError(s.problems)
    records = Records(tuple(names), time, load, known, offset, reactive, shown, warm, holiday)
    return replace(check(records), said=tuple(s.said))


def read_labels(table: Table, feeders: tuple[str, ...]) -> pd.DataFrame:
    """Past inspections: `feeder`, `found` (0 or 1), `on` (day or NaT), `mw` (or NaN). Every problem at once."""
    s = _Said()
    frame = _frame(table, "labels", s)
    for column in ("feeder", "found"):
        if frame is not None and column not in frame:
            s.problems.append(Problem(f"labels.{column}", sorted(map(str, frame.columns)), "this column"))
    if s.problems or frame is None:
        raise CaseError(s.problems)
    words = {"1": 1, "yes": 1, "true": 1, "y": 1, "1.0": 1, "0": 0, "no": 0, "false": 0, "n": 0, "0.0": 0}
    found = frame["found"].astype(str).str.strip().str.lower().map(words)
    for row in np.flatnonzero(found.isna())[:SHOWN]:
        s.problems.append(Problem(f"labels[{row}].found", str(frame["found"].iloc[row]), "1 or 0 (yes or no)"))
    name = frame["feeder"].astype(str).str.strip()
    for row in np.flatnonzero(~name.isin(feeders))[:SHOWN]:
        s.problems.append(Problem(f"labels[{row}].feeder", name.iloc[row], "a feeder of the record"))
    on = pd.to_datetime(frame["on"], errors="coerce") if "on" in frame else pd.Series(pd.NaT, index=frame.index)
    if "on" in frame:
        for row in np.flatnonzero(on.isna() & frame["on"].notna())[:SHOWN]:
            s.problems.append(Problem(f"labels[{row}].on", str(frame["on"].iloc[row]), "a day such as 2021-11-30"))
    if s.problems:
        raise CaseError(s.problems)
    mw = pd.to_numeric(frame["mw"], errors="coerce") if "mw" in frame else np.nan
    return pd.DataFrame({"feeder": name, "found": found.astype(int), "on": on, "mw": mw})


def read_events(table: Table) -> pd.DataFrame:
    """Events: `start`, `end` in legal time, `kind`. Every problem at once."""
    s = _Said()
    frame = _frame(table, "events", s)
    for column in ("start", "end"):
        if frame is not None and column not in frame:
            s.problems.append(Problem(f"events.{column}", sorted(map(str, frame.columns)), "this column"))
    if s.problems or frame is None:
        raise CaseError(s.problems)
    start, end = (pd.to_datetime(frame[c], errors="coerce") for c in ("start", "end"))
    for row in np.flatnonzero(start.isna() | end.isna() | (end <= start))[:SHOWN]:
        found = f"{frame['start'].iloc[row]} to {frame['end'].iloc[row]}"
        s.problems.append(Problem(f"events[{row}]", found, "a start and a later end, as in 2022-01-05 17:00"))
    if s.problems:
        raise CaseError(s.problems)
    kind = frame["kind"].astype(str) if "kind" in frame else "event"
    return pd.DataFrame({"start": start, "end": end, "kind": kind})


def _frame(table: Table, where: str, s: _Said) -> pd.DataFrame | None:
    if isinstance(table, pd.DataFrame):
        return table.rename(columns=lambda c: str(c).strip())
    path = Path(table)
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            frame = pd.read_parquet(path)
        else:
            frame = pd.read_csv(path)
    except ImportError as error:
        raise EngineError("Reading Parquet needs pyarrow: pip install 'gridrush[study]'") from error
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        s.problems.append(Problem(where, str(table), "a CSV or Parquet file that can be read", str(error)))
        return None
    return frame.rename(columns=lambda c: str(c).strip().removeprefix("\ufeff"))


def _column(columns: list[str], names: tuple[str, ...]) -> str | None:
    plain = {re.sub(r"[\s\-.()\[\]]+", "_", c.strip()).strip("_").lower(): c for c in columns}
    return next((plain[n] for n in names if n in plain), None)


def _unit_of(column: str) -> str | None:
    """The unit a column's name ends in: load_kw, Energy (kWh), F12 [MW]."""
    end = re.search(r"(?:^|[\s_\-.(\[])(mwh|kwh|wh|mw|kw|w)[\])]?$", column.strip().lower())
    return end[1] if end else None


def _series(
    table: Table, where: str, unit: str | None, zone: ZoneInfo | int | None, s: _Said, *, add_up: bool = False
) -> tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]]:
    """Names, hours (UTC, without holes), load of each in MW, and other columns of a long table in the same form."""
    nothing: tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]]
    nothing = [], np.zeros(0, "datetime64[h]"), np.zeros((0, 0), np.float32), {}
    if unit is not None and unit.lower() not in PER_MW | PER_MWH:
        s.problems.append(Problem("unit", unit, "MW, kW, MWh or kWh"))
        return nothing
    frame = _frame(table, where, s)
    if frame is None:
        return nothing
    if frame.empty:
        s.problems.append(Problem(where, "no rows", "at least eight weeks of hours"))
        return nothing
    columns = list(frame.columns)
    at = _column(columns, TIME)
    if at is None:
        s.problems.append(Problem(f"{where}.time", columns[:SHOWN], f"a column of time stamps, one of {', '.join(TIME)}"))
        return nothing
    stamp = _stamps(frame[at], where, zone, s)
    feeder = _column(columns, FEEDER)
    meter = _column(columns, ("meter", "meter_id"))
    values = [c for c in columns if c not in (at, feeder, meter)]
    if stamp is None:
        return nothing
    if feeder is None:
        return _wide(frame, values, stamp, where, unit, s, nothing)
    load = next((c for c in values if _bare(c) in LOAD or _bare(c) == ""), None)
    if load is None:
        s.problems.append(Problem(f"{where}.load_mw", values[:SHOWN], "a column of load, as load_mw or energy_kwh"))
        return nothing
    given = unit or _unit_of(load)
    if given is None:
        s.problems.append(
            Problem(f"{where}.{load}", "no unit", "a name that ends in its unit (load_kw), or --unit", "kW or MW?")
        )
        return nothing
    label = frame[feeder].astype(str).str.strip()
    who = label if meter is None else label + "\x1f" + frame[meter].astype(str).str.strip()
    code, names = pd.factorize(who)
    extra = {"reactive_mvar": ("reactive_mvar", "mvar", "q_mvar"), "power_factor": ("power_factor", "pf", "cos_phi")}
    more = {}
    hours, mw = _grid(code, len(names), stamp, _numbers(frame[load], f"{where}.{load}", s), given, where, s)
    for key, spelt in extra.items():
        column = _column(values, spelt)
        if column is not None and meter is None:
            numbers = _numbers(frame[column], f"{where}.{column}", s)
            more[key] = _grid(code, len(names), stamp, numbers, "mw", where, _Said())[1]
    found = [str(n) for n in names]
    if meter is not None or add_up:
        owner = [n.split("\x1f")[0] for n in found]
        unique = sorted(set(owner))
        total = np.zeros((len(unique), hours.size), np.float32)
        for row, n in enumerate(owner):
            total[unique.index(n)] += mw[row]
        found, mw = unique, total
    return found, hours, mw, more


def _bare(column: str) -> str:
    """Name of a column without its unit."""
    plain = re.sub(r"[\s\-.()\[\]]+", "_", column.strip()).strip("_").lower()
    return re.sub(r"_?(mwh|kwh|wh|mw|kw|w)$", "", plain)


def _wide(
    frame: pd.DataFrame, values: list[str], stamp: NDArray[np.int64], where: str, unit: str | None, s: _Said,
    nothing: tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]],
) -> tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]]:  # fmt: skip
    if not values:
        s.problems.append(Problem(where, "a column of time only", "a column for each feeder, or columns feeder and load"))
        return nothing
    units = {c: unit or _unit_of(c) for c in values}
    if without := [c for c, u in units.items() if u is None]:
        s.problems.append(
            Problem(f"{where}.{without[0]}", f"no unit in {len(without)} columns", "names such as F12_mw, or --unit", "kW or MW?")
        )
        return nothing
    if len(set(units.values())) > 1:
        s.said.append(f"{where}: columns in {', '.join(sorted({str(u) for u in units.values()}))}; all taken as MW")
    names, rows = [], []
    hours: Hours = nothing[1]
    for n, c in enumerate(values):
        name = c if unit is not None and _unit_of(c) is None else re.sub(r"[\s_\-.(\[]*(mwh|kwh|wh|mw|kw|w)[\])]?$", "", c, flags=re.I)
        numbers = _numbers(frame[c], f"{where}.{c}", s)
        said = s if n == 0 else _Said()
        hours, mw = _grid(np.zeros(len(frame), np.int64), 1, stamp, numbers, str(units[c]), where, said)
        if n and said.problems:
            s.problems += said.problems
        names.append(name.strip())
        rows.append(mw[0])
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        s.problems.append(Problem(where, twice[:SHOWN], "columns whose names differ in more than their unit"))
    return names, hours, np.stack(rows), {}


def _numbers(column: pd.Series, where: str, s: _Said) -> Floats:
    """A column as numbers; what is blank is NaN, what is no number a problem."""
    x = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnan(x) & column.notna().to_numpy())
    for row in bad[:SHOWN]:
        s.problems.append(Problem(f"{where}[{row}]", str(column.iloc[row]), "a number, or nothing"))
    if bad.size > SHOWN:
        s.problems.append(Problem(where, f"{bad.size - SHOWN} more that are no numbers", "numbers"))
    endless = np.isinf(x)
    if endless.any():
        s.problems.append(Problem(f"{where}[{int(np.flatnonzero(endless)[0])}]", "infinity", "a finite number"))
    return np.asarray(x)


def _stamps(column: pd.Series, where: str, zone: ZoneInfo | int | None, s: _Said) -> NDArray[np.int64] | None:
    """Seconds since 1970, UTC. Stamps that have an offset keep it; others are of the clock given."""
    if pd.api.types.is_numeric_dtype(column):
        s.problems.append(Problem(f"{where}.time", str(column.iloc[0]), "time stamps such as 2021-11-30 13:00"))
        return None
    text = column.astype(str)
    offset = bool(text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).any())
    stamp = pd.to_datetime(column, errors="coerce", utc=offset)
    bad = np.flatnonzero(stamp.isna())
    for row in bad[:SHOWN]:
        s.problems.append(Problem(f"{where}[{row}].time", text.iloc[row], "a time stamp such as 2021-11-30 13:00"))
    if bad.size > SHOWN:
        s.problems.append(Problem(f"{where}.time", f"{bad.size - SHOWN} more that are no time", "time stamps"))
    if bad.size:
        return None
    if stamp.dt.tz is None and isinstance(zone, ZoneInfo):
        stamp = _localize(stamp, zone, where, s)
    seconds = stamp.dt.tz_convert("UTC").dt.tz_localize(None) if stamp.dt.tz is not None else stamp
    out = seconds.to_numpy().astype("datetime64[s]").astype(np.int64)
    if not offset and isinstance(zone, int):
        out = out - 3600 * zone
    return np.asarray(out)


def _localize(stamp: pd.Series, zone: ZoneInfo, where: str, s: _Said) -> pd.Series:
    """Naive stamps of a clock that changes: the hour that comes twice is summer time first, the hour that is skipped
    is moved on."""
    twice = stamp.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna()
    if not bool(twice.any()):
        return stamp.dt.tz_localize(zone, nonexistent="shift_forward")
    later = pd.Series(False, index=stamp.index)
    later[twice] = stamp[twice].groupby(stamp[twice]).cumcount() % 2 == 1
    if not bool(later.any()):
        s.said.append(f"{where}: the hour that comes twice when clocks go back is there once; taken as the first")
    order = stamp[twice].groupby(stamp[twice]).cumcount()
    size = stamp[twice].groupby(stamp[twice]).transform("size")
    later[twice] = order >= (size + 1) // 2
    s.said.append(f"{where}: clocks go back in the record; the first reading of the double hour is summer time")
    return stamp.dt.tz_localize(zone, ambiguous=(~later).to_numpy(), nonexistent="shift_forward")


def _grid(
    code: NDArray[np.int64], n: int, seconds: NDArray[np.int64], x: Floats, unit: str, where: str, s: _Said
) -> tuple[Hours, NDArray[np.float32]]:
    """Mean power of each series in each hour, MW, without holes in time. (hours, (n, T))"""
    unique = np.unique(seconds)
    step = int(np.min(np.diff(unique))) if unique.size > 1 else 3600
    if step > 3600 or 3600 % step:
        s.problems.append(Problem(f"{where}.time", f"a step of {step} s", "hours, or a step that divides one"))
        return np.zeros(0, "datetime64[h]"), np.zeros((n, 0), np.float32)
    if unit.lower() in PER_MWH:
        factor = PER_MWH[unit.lower()] * 3600.0 / step
    else:
        factor = PER_MW[unit.lower()]
    first = int(unique[0]) // 3600
    T = int(unique[-1]) // 3600 - first + 1
    if T > 40 * 8784:
        s.problems.append(Problem(f"{where}.time", f"{T / 8766:.0f} years", "a record of at most 40 years"))
        return np.zeros(0, "datetime64[h]"), np.zeros((n, 0), np.float32)
    there = np.isfinite(x)
    slots = 3600 // step
    slot = (seconds // step - first * slots)[there]
    cell = code[there] * (T * slots) + slot
    total = np.bincount(cell, x[there], n * T * slots)
    count = np.bincount(cell, minlength=n * T * slots)
    again = int((count > 1).sum())
    if again:
        order = np.argsort(cell, kind="stable")
        same = cell[order][1:] == cell[order][:-1]
        differ = int((same & (np.abs(np.diff(x[there][order])) > 1e-9)).sum())
        if differ > MOST_TWICE_SHARE * max(count.sum(), 1):
            s.problems.append(
                Problem(f"{where}.time", f"{differ} readings that come twice and differ", "one reading for each time",
                        "is a column such as meter missing from the table, or --clock?")
            )  # fmt: skip
        else:
            s.said.append(f"{where}: {again} times have more than one reading ({differ} differ); their mean is taken")
    with np.errstate(invalid="ignore"):
        fine = (total / np.where(count > 0, count, 1) * factor).reshape(n, T, slots)
    have = (count > 0).reshape(n, T, slots)
    got = have.sum(axis=2)
    mean = np.where(have, fine, 0.0).sum(axis=2) / np.maximum(got, 1)
    mw = np.where(got * 2 >= slots, mean, np.nan).astype(np.float32)
    if slots > 1:
        s.said.append(f"{where}: steps of {step // 60} min gathered into hours")
    holes = int(T - np.unique(slot // slots).size)
    if holes:
        s.said.append(f"{where}: {holes} hours of {T} are missing altogether and stay empty")
    if bool((mw < 0).any()):
        s.said.append(f"{where}: {int((mw < 0).sum())} hours of power flowing back are kept as they are")
    hours = (np.datetime64(0, "h") + np.timedelta64(first, "h")) + np.arange(T).astype("timedelta64[h]")
    return np.asarray(hours), mw


def _clock(clock: str | None, s: _Said) -> ZoneInfo | int | None:
    if clock is None or clock.upper() == "UTC":
        return None
    if re.fullmatch(r"[+-]?\d{1,2}", clock):
        return int(clock)
    try:
        return ZoneInfo(clock)
    except (ZoneInfoNotFoundError, ValueError):
        s.problems.append(Problem("clock", clock, "an IANA name such as Asia/Almaty, or hours such as +6"))
        return None


def _offset(time: Hours, zone: ZoneInfo | int | None) -> NDArray[np.int64]:
    if isinstance(zone, ZoneInfo):
        local = pd.DatetimeIndex(time).tz_localize("UTC").tz_convert(zone).tz_localize(None)
        return np.asarray(np.round((local.to_numpy() - time.astype("datetime64[ns]")) / np.timedelta64(1, "h")), np.int64)
    return np.full(time.size, zone or 0, np.int64)


def _onto(
    names: list[str], time: Hours, behind: list[str], when: Hours, mw: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Series of one table on the feeders and hours of another; NaN elsewhere."""
    out = np.full((len(names), time.size), np.nan, np.float32)
    at = {n: i for i, n in enumerate(names)}
    shift = (when - time[0]).astype(np.int64)
    inside = (shift >= 0) & (shift < time.size)
    for row, n in enumerate(behind):
        if n in at:
            out[at[n], shift[inside]] = mw[row, inside]
    return out


def _facts(table: Table | None, names: list[str], s: _Said) -> Facts:
    known = Facts.unknown(len(names))
    frame = None if table is None else _frame(table, "facts", s)
    if frame is None:
        return known
    feeder = _column(list(frame.columns), FEEDER)
    if feeder is None:
        s.problems.append(Problem("facts.feeder", list(frame.columns)[:SHOWN], "a column of feeders"))
        return known
    at = {n: i for i, n in enumerate(names)}
    label = frame[feeder].astype(str).str.strip()
    if twice := sorted(set(label[label.duplicated()])):
        s.problems.append(Problem("facts.feeder", twice[:SHOWN], "one row for each feeder"))
    rows = label.map(at)
    if bool(rows.isna().any()):
        s.said.append(f"facts: {int(rows.isna().sum())} feeders have no load record and are left out")
    have = rows.notna().to_numpy()
    to = rows[have].astype(int).to_numpy()
    columns: dict[str, Floats] = {}
    frame = frame.rename(columns=lambda c: re.sub(r"[\s\-]+", "_", str(c).strip()).lower())
    for name in ("rated_mw", "customers", "registered_mw", "known_flat_mw"):
        column = getattr(known, name).copy()
        kva = name.replace("_mw", "_kva") if name == "rated_mw" else name.replace("_mw", "_kw")
        source, factor = (name, 1.0) if name in frame else (kva, 1e-3)
        if source in frame:
            x = _numbers(frame[source], f"facts.{source}", s) * factor
            for row in np.flatnonzero(x < 0)[:SHOWN]:
                s.problems.append(Problem(f"facts[{row}].{source}", float(x[row]), "a number >= 0"))
            column[to] = x[have] if name in ("rated_mw", "customers") else np.nan_to_num(x[have])
        columns[name] = column
    tariff = ["" for _ in names]
    if "tariff" in frame:
        for i, t in zip(to, frame["tariff"].fillna("").astype(str)[have], strict=True):
            tariff[i] = t.strip()
    return Facts(columns["rated_mw"], columns["customers"], tuple(tariff), columns["registered_mw"], columns["known_flat_mw"])


def _temperature(table: Table | None, time: Hours, zone: ZoneInfo | int | None, s: _Said) -> Floats | None:
    frame = None if table is None else _frame(table, "temperature", s)
    if frame is None:
        return None
    at, value = _column(list(frame.columns), TIME), _column(list(frame.columns), ("temperature_c", "temperature", "t2m_c"))
    if at is None or value is None:
        s.problems.append(Problem("temperature", list(frame.columns)[:SHOWN], "columns time and temperature_c"))
        return None
    stamp, x = _stamps(frame[at], "temperature", zone, s), _numbers(frame[value], f"temperature.{value}", s)
    if stamp is None:
        return None
    there = np.isfinite(x)
    if there.any() and not (-90 < np.nanmin(x) and np.nanmax(x) < 60):
        s.problems.append(Problem(f"temperature.{value}", f"{np.nanmin(x):g} to {np.nanmax(x):g}", "degrees Celsius"))
    wanted = time.astype("datetime64[s]").astype(np.int64)
    order = np.argsort(stamp[there])
    known = stamp[there][order]
    if known.size == 0 or known[0] > wanted[0] + 86400 * 7 or known[-1] < wanted[-1] - 86400 * 7:
        s.problems.append(Problem("temperature.time", "other days", f"the days of the record, {time[0]} to {time[-1]}"))
        return None
    return np.asarray(np.interp(wanted, known, x[there][order]))


def _holidays(table: Table | None, s: _Said) -> tuple[np.datetime64, ...]:
    frame = None if table is None else _frame(table, "holidays", s)
    if frame is None:
        return ()
    column = _column(list(frame.columns), ("day", "date", "holiday"))
    if column is None:
        s.problems.append(Problem("holidays.day", list(frame.columns)[:SHOWN], "a column of days"))
        return ()
    days = pd.to_datetime(frame[column], errors="coerce")
    for row in np.flatnonzero(days.isna())[:SHOWN]:
        s.problems.append(Problem(f"holidays[{row}].day", str(frame[column].iloc[row]), "a day such as 2021-12-16"))
    return tuple(days.dropna().to_numpy().astype("datetime64[D]"))


def _plausible(load: NDArray[np.float32], known: Facts, names: list[str], s: _Said) -> None:
    """Load far above what the feeder can carry is in the wrong unit."""
    for i, row in enumerate(load):
        fine = row[np.isfinite(row)]
        if fine.size == 0:
            s.said.append(f"feeder {names[i]} has no reading at all")
            continue
        mean, rated = float(fine.mean(dtype=np.float64)), float(known.rated_mw[i])
        if np.isfinite(rated) and rated > 0 and mean > 3 * rated:
            s.problems.append(
                Problem(f"feeders.{names[i]}", f"a mean of {mean:.3g} MW", f"less than its rating of {rated:.3g} MW",
                        "is the load in kW, or the rating in MVA?")
            )  # fmt: skip
    if len([p for p in s.problems if p.where.startswith("feeders.")]) > 20:
        many = [p for p in s.problems if p.where.startswith("feeders.")]
        s.problems[:] = [p for p in s.problems if p not in many[20:]]
        s.problems.append(Problem("feeders", f"{len(many) - 20} more above their rating", "loads below the rating"))


