"""Sampled weather, water and load: drawn once per case and shared by its scenarios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.grid.hourly import Hours, hours_of_year, load_shape, month_of, utc_offset_h
from gridrush.grid.weather import draw_weather, weather_model
from gridrush.study.seeds import stream
from gridrush.units import Floats

EVENING_HOURS = (18, 19, 20, 21)
AUTUMN_MONTHS = (9, 10, 11)
"""The window of the autumn evening peak, legal time: KEGOC, October 2021, cuts 17:30-20:30 in Kyzylorda."""


@dataclass(frozen=True, eq=False)
class Paths:
    """S sampled paths over Y years of hours; the same for every scenario (common random numbers)."""

    years: tuple[int, ...]
    samples: int
    seed: int
    resources: tuple[tuple[str, str], ...]
    time: tuple[Hours, ...]  # by year, (8760,)
    month: tuple[NDArray[np.int64], ...]  # by year, (8760,) 1 to 12
    shape: tuple[Floats, ...]  # by year, (8760,) load over its annual mean, without weather
    capacity_factor: NDArray[np.float32]  # (Y, S, R, 8760)
    load_factor: NDArray[np.float32]  # (Y, S, 8760)
    hydrology: Floats  # (Y, S) water over the expected
    begins: tuple[tuple[int, ...], ...]  # by year, first hour of each month, and the hour after the last
    legal_hour: tuple[NDArray[np.int64], ...]  # by year, (8760,) 0 to 23
    autumn_evening: tuple[NDArray[np.bool_], ...]  # by year, (8760,) in the window of the autumn evening peak

    def hours_of_month(self, year_index: int, month: int) -> slice:
        """Hours of a month (1 to 12) within its year."""
        begins = self.begins[year_index]
        return slice(begins[month - 1], begins[month])


def draw_paths(case: Case, years: Sequence[int], *, samples: int, seed: int) -> Paths:
    """Draw the paths. The stream of a year and sample depends on nothing else, so longer studies share shorter ones."""
    model = weather_model(case)
    n, R = len(years), len(model.resources)
    factor = np.empty((n, samples, R, 8760), dtype=np.float32)
    load = np.empty((n, samples, 8760), dtype=np.float32)
    water = np.empty((n, samples))
    time = tuple(hours_of_year(y) for y in years)
    legal = tuple((t.astype(np.int64) + utc_offset_h(case.clock, t)) % 24 for t in time)
    spread = case.parameters.hydro_std_share.value
    for i, year in enumerate(years):
        for s in range(samples):
            rng = stream(seed, f"weather {year}", s)
            water[i, s] = max(0.3, 1.0 + spread * rng.standard_normal())
            factor[i, s], load[i, s] = draw_weather(
                model, time[i], rng=rng, sun_offset_h=case.clock[0].utc_offset_h
            )
    return Paths(
        years=tuple(years), samples=samples, seed=seed, resources=model.resources, time=time,
        month=tuple(month_of(t) for t in time), shape=tuple(load_shape(case, t) for t in time),
        capacity_factor=factor, load_factor=load, hydrology=water, legal_hour=legal,
        begins=tuple(tuple(np.searchsorted(month_of(t), range(1, 14)).tolist()) for t in time),
        autumn_evening=tuple(np.isin(month_of(t), AUTUMN_MONTHS) & np.isin(h, EVENING_HOURS)
                             for t, h in zip(time, legal, strict=True)),
    )  # fmt: skip
