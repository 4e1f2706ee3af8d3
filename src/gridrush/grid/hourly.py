"""Hours of a year and the load in them: calendar, legal clock, month-by-hour shape."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.case.schema import Clock, DemandShape
from gridrush.units import HOURS_PER_YEAR, Floats

Hours = NDArray[np.datetime64]
Ints = NDArray[np.int64]


def hours_of_year(year: int) -> Hours:
    """The 8,760 hours of a year in UTC, 29 February left out. (T,)"""
    hours = np.arange(f"{year}-01-01T00", f"{year + 1}-01-01T00", dtype="datetime64[h]")
    if hours.size == HOURS_PER_YEAR:
        return hours
    days = hours.astype("datetime64[D]")
    return np.asarray(hours[days != np.datetime64(f"{year}-02-29")])


def month_of(time: Hours) -> Ints:
    """Month of each hour, 1 to 12. (T,)"""
    return np.asarray(time.astype("datetime64[M]").astype(np.int64) % 12 + 1, dtype=np.int64)


def utc_offset_h(clock: Sequence[Clock], time: Hours) -> Ints:
    """Legal time minus UTC in each hour. [h] (T,)"""
    offset = np.full(time.shape, clock[0].utc_offset_h, dtype=np.int64)
    for c in clock[1:]:
        offset[time >= np.datetime64(c.start, "h")] = c.utc_offset_h
    return offset


def month_hour_table(rows: Sequence[DemandShape]) -> Floats:
    """Load by month and local hour, per unit of the annual mean. (12, 24)"""
    table = np.full((12, 24), np.nan)
    for r in rows:
        table[r.month - 1, r.hour] = r.mean_pu
    return table


def load_shape(case: Case, time: Hours) -> Floats:
    """Load of each hour over the mean of its year, weather left out. (T,)

    A share a of the load follows legal time and the rest the sun, so with the table s(month, local hour),
    the UTC offset o of the hour and the offset o0 that was in force when the table was measured,

        shape = a s(month, utc + o) + (1 - a) s(month, utc + o0),   divided by its mean over the hours given.

    Parameters
    ----------
    case : Case
        Uses `demand_shape`, `clock` and `parameters.load_follows_clock_share`.
    time : ndarray of datetime64[h], shape (T,)
        Whole years, UTC.
    """
    table = month_hour_table(case.demand_shape)
    utc = time.astype(np.int64) % 24
    month = month_of(time) - 1
    follows = case.parameters.load_follows_clock_share.value
    legal = table[month, (utc + utc_offset_h(case.clock, time)) % 24]
    sun = table[month, (utc + case.clock[0].utc_offset_h) % 24]
    shape = follows * legal + (1.0 - follows) * sun
    return np.asarray(shape / shape.mean())


def annual_demand_twh(case: Case, years: Sequence[int], *, miners_twh: Floats, growth_share: float) -> Floats:
    """Consumption of each year without miners. [TWh] (Y,)

    In years of the record the miners that the record contains are taken out; after it, demand grows by
    `growth_share` a year from its last cleaned value. A record year's growth is never fitted to the miners.

    Parameters
    ----------
    years : sequence of int, length Y
        Consecutive years.
    miners_twh : ndarray, shape (Y,)
        Grid-drawn miners' energy contained in the record. [TWh]
    """
    record = {d.year: d.consumption_twh for d in case.demand}
    out = np.empty(len(years))
    first = years[0]
    for i, year in enumerate(years):
        if year in record:
            out[i] = record[year] - miners_twh[i]
        elif i:
            out[i] = out[i - 1] * (1.0 + growth_share)
        else:
            before = max((y for y in record if y < year), default=min(record))
            out[i] = record[before] * (1.0 + growth_share) ** (first - before)
    return out


def zone_shares(case: Case) -> Floats:
    """Share of each zone in national consumption, from the provinces' record. (Z,)"""
    total = np.zeros(len(case.zones))
    for area in case.demand_areas:
        total[case.zone_names.index(area.zone)] += area.consumption_twh
    return np.asarray(total / total.sum())
