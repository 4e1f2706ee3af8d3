"""When a project of a scenario serves: its announced date and the slips its kind has had."""

from __future__ import annotations

from datetime import date

import numpy as np

from gridrush.case.scenario import Scenario
from gridrush.case.schema import Project
from gridrush.planning.leadtime import slip_quantile
from gridrush.units import Floats

DAYS_PER_YEAR = 365.25

DRAWS = 200
"""Quantiles of a slip that stand for its distribution."""


def service_draws(project: Project, scenario: Scenario, *, online: date | None = None) -> Floats:
    """Year in which a project serves, at evenly spaced quantiles of its slip. (`DRAWS`,)"""
    if online is not None:
        return np.full(DRAWS, year_of(online))
    u = (np.arange(DRAWS) + 0.5) / DRAWS
    slip = slip_quantile(u, best=project.slip_years, low=project.low, high=project.high)
    return np.asarray(year_of(project.planned) + scenario.assume.slip_extra_years + slip)


def service_range(project: Project, online: date | None, scenario: Scenario) -> tuple[float, float, float]:
    """Year a project serves: first decile, median, last decile."""
    low, best, high = np.quantile(service_draws(project, scenario, online=online), (0.1, 0.5, 0.9))
    return float(low), float(best), float(high)


def year_of(day: date) -> float:
    """A day as a year and its part."""
    return day.year + (day.timetuple().tm_yday - 1) / DAYS_PER_YEAR
