"""Time stamps of any clock and step as consecutive hours of UTC."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridrush.detect.records import Hours
from gridrush.errors import Problem
from gridrush.units import Floats

PER_MW = {"mw": 1.0, "kw": 1e-3, "w": 1e-6}
PER_MWH = {"mwh": 1.0, "kwh": 1e-3, "wh": 1e-6}
MOST_TWICE_SHARE = 0.02
"""Of readings, that may come twice for one time and differ; more is a mistake in the file, not of a clock."""
MOST_YEARS = 40
SHOWN = 5
"""Problems of one kind that are listed one by one."""


class Said:
    """What is wrong, and what was put right, as a table is read."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.said: list[str] = []


class Grid:
    """Where each row of a table goes on a grid of hours without holes."""

    def __init__(self, seconds: NDArray[np.int64], where: str, s: Said) -> None:
        self.where, self.again, self.differ, self.back = where, 0, 0, 0
        unique = np.unique(seconds)
        steps = np.diff(unique)
        self.step = int(np.min(steps)) if steps.size else 3600
        self.slots, self.hours = max(3600 // max(self.step, 1), 1), 0
        self.time: Hours = np.zeros(0, "datetime64[h]")
        if self.step > 3600 or 3600 % self.step:
            s.problems.append(Problem(f"{where}.time", f"a step of {self.step} s", "hours, or a step that divides one"))
            return
        first = int(unique[0]) // 3600
        self.hours = int(unique[-1]) // 3600 - first + 1
        if self.hours > MOST_YEARS * 8784:
            years = f"{self.hours / 8766:.0f} years"
            s.problems.append(Problem(f"{where}.time", years, f"a record of at most {MOST_YEARS} years"))
            self.hours = 0
            return
        self.slot = seconds // self.step - first * self.slots
        self.time = np.datetime64(first, "h") + np.arange(self.hours).astype("timedelta64[h]")
        self.holes = int(self.hours - np.unique(self.slot // self.slots).size)

    def place(self, code: NDArray[np.int64], n: int, x: Floats, unit: str, s: Said) -> NDArray[np.float32]:
        """Mean power in each hour of n series; the row i of the table belongs to series code[i]. [MW] (n, hours)"""
        unit = unit.lower()
        factor = PER_MWH[unit] * self.slots if unit in PER_MWH else PER_MW[unit]
        there = np.isfinite(x)
        size = self.hours * self.slots
        cell = code[there] * size + self.slot[there]
        count = np.bincount(cell, minlength=n * size)
        total = np.bincount(cell, x[there], n * size)
        again = int((count > 1).sum())
        if again:
            order = np.argsort(cell, kind="stable")
            same = np.diff(cell[order]) == 0
            differ = int((same & (np.abs(np.diff(x[there][order])) > 1e-9)).sum())
            self.again += again
            self.differ += differ
            if differ > MOST_TWICE_SHARE * cell.size:
                s.problems.append(
                    Problem(f"{self.where}.time", f"{differ} readings that come twice and differ",
                            "one reading for each time", "is a column such as meter missing, or --clock?")
                )  # fmt: skip
        have = (count > 0).reshape(n, self.hours, self.slots)
        fine = (total / np.maximum(count, 1) * factor).reshape(n, self.hours, self.slots)
        got = have.sum(axis=2)
        mean = fine.sum(axis=2) / np.maximum(got, 1)
        mw = np.where(got * 2 >= self.slots, mean, np.nan).astype(np.float32)
        with np.errstate(invalid="ignore"):
            self.back += int((mw < 0).sum())
        return np.asarray(mw)

    def tell(self, s: Said) -> None:
        """Say what was put right."""
        if self.again:
            many = f"{self.again} times have more than one reading ({self.differ} differ)"
            s.said.append(f"{self.where}: {many}; their mean is taken")
        if self.slots > 1:
            s.said.append(f"{self.where}: steps of {self.step // 60} min gathered into hours")
        if self.holes:
            s.said.append(f"{self.where}: {self.holes} of {self.hours} hours are missing altogether and stay empty")
        if self.back:
            s.said.append(f"{self.where}: {self.back} hours of power flowing back are kept as they are")


def stamps(column: pd.Series, where: str, zone: ZoneInfo | int | None, s: Said) -> NDArray[np.int64] | None:
    """Seconds since 1970, UTC. Stamps that have an offset keep it; others are of the clock given."""
    if pd.api.types.is_numeric_dtype(column):
        s.problems.append(Problem(f"{where}.time", str(column.iloc[0]), "time stamps such as 2021-11-30 13:00"))
        return None
    if pd.api.types.is_datetime64_any_dtype(column):
        stamp, offset = column, column.dt.tz is not None
    else:
        text = column.astype(str)
        offset = bool(text.str.contains(r"\d{2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})$", regex=True).any())
        stamp = pd.to_datetime(column, errors="coerce", utc=offset)
    bad = np.flatnonzero(stamp.isna())
    for row in bad[:SHOWN]:
        s.problems.append(Problem(f"{where}[{row}].time", str(column.iloc[row]), "a time such as 2021-11-30 13:00"))
    if bad.size > SHOWN:
        s.problems.append(Problem(f"{where}.time", f"{bad.size - SHOWN} more that are no time", "time stamps"))
    if bad.size:
        return None
    if stamp.dt.tz is None and isinstance(zone, ZoneInfo):
        stamp = _localize(stamp, zone, where, s)
    if stamp.dt.tz is not None:
        stamp = stamp.dt.tz_convert("UTC").dt.tz_localize(None)
    out = stamp.to_numpy().astype("datetime64[s]").astype(np.int64)
    return np.asarray(out - 3600 * zone if not offset and isinstance(zone, int) else out)


def _localize(stamp: Any, zone: ZoneInfo, where: str, s: Said) -> Any:
    """Naive stamps of a clock that changes. The hour that comes twice is summer time at its first half of readings,
    the hour that is skipped is moved on; both are said."""
    plain = stamp.drop_duplicates()
    double = plain[plain.dt.tz_localize(zone, ambiguous="NaT", nonexistent="shift_forward").isna()]
    if double.empty:
        return stamp.dt.tz_localize(zone, nonexistent="shift_forward")
    at = stamp.isin(double)
    order = stamp[at].groupby(stamp[at]).cumcount()
    size = stamp[at].groupby(stamp[at]).transform("size")
    first = pd.Series(True, index=stamp.index)
    first[at] = order < (size + 1) // 2
    s.said.append(f"{where}: clocks go back in the record; of a double hour the first reading is the earlier")
    return stamp.dt.tz_localize(zone, ambiguous=first.to_numpy(), nonexistent="shift_forward")


def clock_of(clock: str | None, s: Said) -> ZoneInfo | int | None:
    """The clock named; None where stamps are taken as they stand."""
    if clock is None or clock.upper() == "UTC":
        return None
    if re.fullmatch(r"[+-]?\d{1,2}", clock):
        return int(clock)
    try:
        return ZoneInfo(clock)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        s.problems.append(Problem("clock", clock, "an IANA name such as Asia/Almaty, or hours such as +6"))
        return None


def offset_h(time: Hours, zone: ZoneInfo | int | None) -> NDArray[np.int64]:
    """Legal time less UTC in each hour, to the hour. [h]"""
    if isinstance(zone, ZoneInfo):
        local = pd.DatetimeIndex(time).tz_localize("UTC").tz_convert(zone).tz_localize(None).to_numpy()
        ahead: Any = local - time.astype(local.dtype)
        return np.asarray(np.round(ahead / np.timedelta64(1, "h")), np.int64)
    return np.full(time.size, zone or 0, np.int64)
