"""What a grid operator holds, as arrays: load of each feeder by hour, and what is known of each feeder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

Hours = NDArray[np.datetime64]
Loads = NDArray[np.float32]
Ints = NDArray[np.int64]

LEAST_DAYS = 56
"""Days of record below which nothing is said: four weeks before a change and four after."""


@dataclass(frozen=True)
class Facts:
    """What is known of each feeder, N of them; NaN or "" where it is not."""

    rated_mw: Floats  # of the transformer or cable
    customers: Floats
    tariff: tuple[str, ...]  # class of most of its customers; feeders of one class are compared
    registered_mw: Floats  # mining registered behind it
    known_flat_mw: Floats  # other flat load the operator knows of: telecom, cold stores, data centres, plants

    @classmethod
    def unknown(cls, n: int) -> Facts:
        """Nothing known of n feeders."""
        nothing, none = np.full(n, np.nan), np.zeros(n)
        return cls(nothing, nothing.copy(), ("",) * n, none, none.copy())

    def take(self, rows: Sequence[int] | Ints) -> Facts:
        """The facts of some feeders."""
        r = np.asarray(rows, np.int64)
        return Facts(
            self.rated_mw[r], self.customers[r], tuple(self.tariff[i] for i in r), self.registered_mw[r],
            self.known_flat_mw[r],
        )  # fmt: skip


@dataclass(frozen=True)
class Records:
    """Hourly load of N feeders over T hours, UTC, without holes in time; NaN where nothing was read."""

    feeders: tuple[str, ...]
    time: Hours  # (T,) UTC
    load_mw: Loads  # (N, T)
    facts: Facts
    utc_offset_h: Ints  # (T,) legal time less UTC
    reactive_mvar: Loads | None = None  # (N, T)
    metered_mw: Loads | None = None  # (N, T) sum of the customers' meters behind each feeder
    temperature_c: Floats | None = None  # (T,)
    holidays: tuple[np.datetime64, ...] = ()  # local days of rest besides the weekend
    said: tuple[str, ...] = field(default=(), compare=False)  # what was put right in reading

    @property
    def local(self) -> Hours:
        """Legal time of each hour. (T,)"""
        return np.asarray(self.time + self.utc_offset_h.astype("timedelta64[h]"))

    @property
    def days(self) -> NDArray[np.datetime64]:
        """Local days of the record. (D,)"""
        local = self.local.astype("datetime64[D]")
        return np.arange(local.min(), local.max() + 1)

    @property
    def day(self) -> Ints:
        """Day of the record each hour lies in. (T,)"""
        local = self.local.astype("datetime64[D]")
        return np.asarray((local - local.min()).astype(np.int64))

    @property
    def hour(self) -> Ints:
        """Local hour of the day, 0 to 23. (T,)"""
        return np.asarray(self.local.astype(np.int64) % 24)

    @property
    def rest(self) -> NDArray[np.bool_]:
        """Saturdays, Sundays and holidays among the days of the record. (D,)"""
        weekday = (self.days.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
        return np.asarray((weekday >= 5) | np.isin(self.days, np.array(self.holidays, "datetime64[D]")))

    def take(self, rows: Sequence[int] | Ints) -> Records:
        """The record of some feeders."""
        r = np.asarray(rows, np.int64)
        return replace(
            self,
            feeders=tuple(self.feeders[i] for i in r),
            load_mw=self.load_mw[r],
            facts=self.facts.take(r),
            reactive_mvar=None if self.reactive_mvar is None else self.reactive_mvar[r],
            metered_mw=None if self.metered_mw is None else self.metered_mw[r],
        )

    def until(self, rows: Sequence[int] | Ints, days: NDArray[np.datetime64]) -> Records:
        """The record of some feeders as it stood on the morning of a day, one for each (NaT: all of it)."""
        part = self.take(rows)
        load = part.load_mw.copy()
        local = self.local
        for i, day in enumerate(days):
            if not np.isnat(day):
                load[i, local >= day.astype("datetime64[h]")] = np.nan
        return replace(part, load_mw=load)


def check(records: Records) -> Records:
    """The same, or every problem at once: shapes, hours that are not consecutive, a record too short."""
    N, T = len(records.feeders), records.time.size
    problems = []
    for name in ("load_mw", "reactive_mvar", "metered_mw"):
        table = getattr(records, name)
        if table is not None and table.shape != (N, T):
            problems.append(Problem(name, table.shape, f"an array of shape {(N, T)}: feeders by hours"))
    if len(set(records.feeders)) != N:
        twice = sorted({f for f in records.feeders if records.feeders.count(f) > 1})
        problems.append(Problem("feeders", twice[:5], "names that differ"))
    if N == 0:
        problems.append(Problem("feeders", "none", "at least one feeder"))
    if T and bool((np.diff(records.time) != np.timedelta64(1, "h")).any()):
        problems.append(Problem("time", "gaps or steps back", "consecutive hours", "write NaN where nothing was read"))
    if T < 24 * LEAST_DAYS:
        problems.append(Problem("time", f"{T / 24:.0f} days", f"at least {LEAST_DAYS} days of hourly record"))
    for name in ("utc_offset_h", "temperature_c"):
        row = getattr(records, name)
        if row is not None and row.shape != (T,):
            problems.append(Problem(name, row.shape, f"one value an hour, shape {(T,)}"))
    for name in ("rated_mw", "customers", "registered_mw", "known_flat_mw"):
        column = getattr(records.facts, name)
        if column.shape != (N,):
            problems.append(Problem(f"facts.{name}", column.shape, f"one value a feeder, shape {(N,)}"))
        elif bool((column < 0).any()):
            where = int(np.flatnonzero(column < 0)[0])
            problems.append(Problem(f"facts[{records.feeders[where]}].{name}", float(column[where]), "a number >= 0"))
    if problems:
        raise CaseError(problems)
    return records
