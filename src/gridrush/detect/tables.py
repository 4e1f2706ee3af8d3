"""Records from the files that operators have: wide or long, CSV or Parquet, kW or MW, hours or half-hours, any clock.

What can be put right is put right and said; what cannot is a problem, and all problems come at once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridrush.detect.records import Facts, Hours, Records, check
from gridrush.detect.timegrid import PER_MW, PER_MWH, SHOWN, Grid, Said, clock_of, offset_h, stamps
from gridrush.errors import CaseError, EngineError, Problem
from gridrush.units import Floats

Table = str | Path | pd.DataFrame
TIME = ("time", "timestamp", "datetime", "date_time", "date", "time_utc", "interval_start")
FEEDER = ("feeder", "feeder_id", "id", "name", "line", "substation")
COLUMNS = ("rated_mw", "customers", "registered_mw", "known_flat_mw")
LOAD = ("load", "demand", "power", "p", "energy", "consumption", "active_power")


def read_records(
    feeders: Table,
    *,
    meters: Table | None = None,
    facts: Table | None = None,
    reactive: Table | None = None,
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
        `load_kw`, `energy_kwh`, ...), where wanted `reactive_mvar` or `power_factor`. Hours, or a part of one.
    meters : table, optional
        Load of the customers' meters behind each feeder, the same forms; several meters of a feeder (a column `meter`)
        are added up. An hour in which a meter of the feeder is missing is not used.
    facts : table, optional
        `feeder` and any of `rated_mw` (or `rated_kva`), `customers`, `tariff`, `registered_mw`, `known_flat_mw`.
    reactive : table, optional
        Reactive power of the feeders, the same forms, columns that end in `_mvar`.
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
    s = Said()
    zone = clock_of(clock, s)
    names, time, load, more = _series(feeders, "feeders", unit, zone, s)
    if not names and not s.problems:
        s.problems.append(Problem("feeders", "no feeder", "at least one"))
    offset = offset_h(time, zone)
    imaginary = more.get("reactive_mvar")
    if reactive is not None:
        behind, when, each, _ = _series(_as_mw(reactive, s), "reactive", None, zone, s)
        imaginary = _onto(names, time, behind, when, each)
    elif imaginary is None and "power_factor" in more:
        factor = more["power_factor"]
        with np.errstate(invalid="ignore"):
            bad = np.isfinite(factor) & ((np.abs(factor) > 1) | (factor == 0))
            imaginary = load * np.sqrt(np.clip(1 / factor**2 - 1, 0, None))
        if bad.any():
            s.problems.append(Problem("feeders.power_factor", float(factor[bad][0]), "a number in (0, 1]"))
    shown = None
    if meters is not None:
        behind, when, each, _ = _series(meters, "meters", unit, zone, s, add_up=True)
        unknown = sorted(set(behind) - set(names))
        if unknown and names:
            s.problems.append(Problem("meters.feeder", unknown[:SHOWN], "feeders of the first table"))
        shown = _onto(names, time, behind, when, each)
    known = _facts(facts, names, s)
    holiday = _holidays(holidays, s)
    warm = _temperature(temperature, time, zone, s)
    _plausible(load, known, names, s)
    if s.problems:
        raise CaseError(s.problems)
    records = Records(tuple(names), time, load, known, offset, imaginary, shown, warm, holiday)
    return replace(check(records), said=tuple(s.said))


def read_labels(table: Table, feeders: tuple[str, ...] | None) -> pd.DataFrame:
    """Past inspections: `feeder`, `found` (0 or 1), `on` (day or NaT), `mw` (or NaN). Every problem at once."""
    s = Said()
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
    for row in np.flatnonzero(~name.isin(feeders))[:SHOWN] if feeders is not None else ():
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
    s = Said()
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


def _frame(table: Table, where: str, s: Said) -> pd.DataFrame | None:
    if isinstance(table, pd.DataFrame):
        return table.rename(columns=lambda c: str(c).strip())
    path = Path(table)
    try:
        frame = pd.read_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else pd.read_csv(path)
    except ImportError as error:
        raise EngineError("Reading Parquet needs pyarrow: pip install 'gridrush[study]'") from error
    except (OSError, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError, ValueError) as error:
        s.problems.append(Problem(where, str(table), "a CSV or Parquet file that can be read", str(error)))
        return None
    return frame.rename(columns=lambda c: str(c).strip().removeprefix("\ufeff"))


def _as_mw(table: Table, s: Said) -> pd.DataFrame:
    """A table of Mvar as if it were MW, which is read the same way."""
    frame = _frame(table, "reactive", s)
    frame = pd.DataFrame() if frame is None else frame
    return frame.rename(columns=lambda c: re.sub(r"mvar$", "mw", str(c), flags=re.IGNORECASE))


def _column(columns: list[str], names: tuple[str, ...]) -> str | None:
    plain = {re.sub(r"[\s\-.()\[\]]+", "_", c.strip()).strip("_").lower(): c for c in columns}
    return next((plain[n] for n in names if n in plain), None)


def _unit_of(column: str) -> str | None:
    """The unit a column's name ends in: load_kw, Energy (kWh), F12 [MW]."""
    end = re.search(r"(?:^|[\s_\-.(\[])(mwh|kwh|wh|mw|kw|w)[\])]?$", column.strip().lower())
    return end[1] if end else None


def _series(
    table: Table, where: str, unit: str | None, zone: ZoneInfo | int | None, s: Said, *, add_up: bool = False
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
        s.problems.append(Problem(f"{where}.time", columns[:SHOWN], f"a column of times, one of {', '.join(TIME)}"))
        return nothing
    stamp = stamps(frame[at], where, zone, s)
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
    grid = Grid(stamp, where, s)
    if not grid.hours:
        return nothing
    mw = grid.place(code, len(names), _numbers(frame[load], f"{where}.{load}", s), given, s)
    grid.tell(s)
    for key, spelt in extra.items():
        column = _column(values, spelt)
        if column is not None and meter is None:
            numbers = _numbers(frame[column], f"{where}.{column}", s)
            more[key] = grid.place(code, len(names), numbers, "mw", Said())
    found = [str(n) for n in names]
    if meter is not None or add_up:
        owner = [n.split("\x1f")[0] for n in found]
        unique = sorted(set(owner))
        total = np.zeros((len(unique), grid.hours), np.float32)
        for row, n in enumerate(owner):
            total[unique.index(n)] += mw[row]
        found, mw = unique, total
    return found, grid.time, mw, more


def _bare(column: str) -> str:
    """Name of a column without its unit."""
    plain = re.sub(r"[\s\-.()\[\]]+", "_", column.strip()).strip("_").lower()
    return re.sub(r"_?(mwh|kwh|wh|mw|kw|w)$", "", plain)


def _without_unit(column: str) -> str:
    return re.sub(r"[\s_\-.(\[]*(mwh|kwh|wh|mw|kw|w)[\])]?$", "", column, flags=re.IGNORECASE).strip()


def _wide(
    frame: pd.DataFrame, values: list[str], stamp: NDArray[np.int64], where: str, unit: str | None, s: Said,
    nothing: tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]],
) -> tuple[list[str], Hours, NDArray[np.float32], dict[str, NDArray[np.float32]]]:  # fmt: skip
    if not values:
        s.problems.append(Problem(where, "a column of time only", "a column a feeder, or columns feeder and load_mw"))
        return nothing
    units = {c: unit or _unit_of(c) for c in values}
    if without := [c for c, u in units.items() if u is None]:
        s.problems.append(
            Problem(
                f"{where}.{without[0]}", f"no unit in {len(without)} columns", "names as F12_mw, or --unit", "kW or MW?"
            )
        )
        return nothing
    if len({str(u).lower() for u in units.values()}) > 1:
        s.said.append(f"{where}: columns in {', '.join(sorted({str(u) for u in units.values()}))}; all taken as MW")
    names = [c if unit is not None and _unit_of(c) is None else _without_unit(c) for c in values]
    grid = Grid(stamp, where, s)
    if not grid.hours:
        return nothing
    rows = np.empty((len(values), grid.hours), np.float32)
    for n, c in enumerate(values):
        one = np.zeros(len(frame), np.int64)
        rows[n] = grid.place(one, 1, _numbers(frame[c], f"{where}.{c}", s), str(units[c]), s)[0]
    grid.tell(s)
    if len(set(names)) < len(names):
        twice = sorted({n for n in names if names.count(n) > 1})
        s.problems.append(Problem(where, twice[:SHOWN], "columns whose names differ in more than their unit"))
    return names, grid.time, rows, {}


def _numbers(column: pd.Series, where: str, s: Said) -> Floats:
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


def _onto(
    names: list[str], time: Hours, behind: list[str], when: Hours, mw: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Series of one table on the feeders and hours of another; NaN elsewhere."""
    out = np.full((len(names), time.size), np.nan, np.float32)
    if not time.size or not when.size:
        return out
    at = {n: i for i, n in enumerate(names)}
    shift = (when - time[0]).astype(np.int64)
    inside = (shift >= 0) & (shift < time.size)
    for row, n in enumerate(behind):
        if n in at:
            out[at[n], shift[inside]] = mw[row, inside]
    return out


def _facts(table: Table | None, names: list[str], s: Said) -> Facts:
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
    for name in COLUMNS:
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
    rated, customers, registered, flat = (columns[c] for c in COLUMNS)
    return Facts(rated, customers, tuple(tariff), registered, flat)


def _temperature(table: Table | None, time: Hours, zone: ZoneInfo | int | None, s: Said) -> Floats | None:
    frame = None if table is None else _frame(table, "temperature", s)
    if frame is None:
        return None
    columns = list(frame.columns)
    at, value = _column(columns, TIME), _column(columns, ("temperature_c", "temperature", "t2m_c"))
    if at is None or value is None:
        s.problems.append(Problem("temperature", list(frame.columns)[:SHOWN], "columns time and temperature_c"))
        return None
    stamp, x = stamps(frame[at], "temperature", zone, s), _numbers(frame[value], f"temperature.{value}", s)
    if stamp is None or not time.size:
        return None
    there = np.isfinite(x)
    if there.any() and (np.nanmin(x) < -90 or np.nanmax(x) > 60):
        s.problems.append(Problem(f"temperature.{value}", f"{np.nanmin(x):g} to {np.nanmax(x):g}", "degrees Celsius"))
    wanted = time.astype("datetime64[s]").astype(np.int64)
    order = np.argsort(stamp[there])
    known = stamp[there][order]
    if known.size == 0 or known[0] > wanted[0] + 86400 * 7 or known[-1] < wanted[-1] - 86400 * 7:
        s.problems.append(Problem("temperature.time", "other days", f"the days of the record, {time[0]} to {time[-1]}"))
        return None
    return np.asarray(np.interp(wanted, known, x[there][order]))


def _holidays(table: Table | None, s: Said) -> tuple[np.datetime64, ...]:
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


def _plausible(load: NDArray[np.float32], known: Facts, names: list[str], s: Said) -> None:
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
