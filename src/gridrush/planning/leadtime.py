"""When a project really serves: announced date, slip drawn from the record, and public consent as a gate."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gridrush.units import Floats

TAIL_SHARE = 0.1
"""Chance that a slip lies below `low`, and above `high`: both are read as the first and last decile."""


def slips_from_record(announced_years: ArrayLike, actual_years: ArrayLike) -> Floats:
    """Slips of finished projects, sorted: actual less announced date. [years]

    Examples
    --------
    >>> slips_from_record([2023.9, 2025.0, 2014.0], [2024.9, 2028.0, 2018.0])
    array([1., 3., 4.])
    """
    slip = np.asarray(actual_years, np.float64) - np.asarray(announced_years, np.float64)
    if slip.ndim != 1 or slip.size == 0 or not np.isfinite(slip).all():
        raise ValueError("need one announced and one actual date for each project")
    return np.asarray(np.round(np.sort(slip), 9), np.float64)


def slip_quantile(u: ArrayLike, *, best: float, low: float | None = None, high: float | None = None) -> Floats:
    """Slip at quantile u of a split distribution with median `best` and deciles `low` and `high`. [years]

    Each half is exponential, the shape of records of delay: most near the middle, a long tail.

    Parameters
    ----------
    u : array_like
        Quantiles in (0, 1).
    best, low, high : float
        Median, first and last decile. [years]; without low and high the slip is certain.

    Examples
    --------
    >>> slip_quantile([0.1, 0.5, 0.9], best=2.0, low=0.0, high=5.0).round(6)
    array([0., 2., 5.])
    """
    q = np.asarray(u, np.float64)
    if not ((q > 0) & (q < 1)).all():
        raise ValueError("quantiles must lie in (0, 1)")
    if low is None or high is None:
        return np.full(q.shape, float(best))
    if not low <= best <= high:
        raise ValueError(f"need low <= best <= high, found {low}, {best}, {high}")
    decile = np.log(0.5 / TAIL_SHARE)
    below = -np.log(2.0 * np.minimum(q, 0.5)) / decile * (best - low)
    above = -np.log(2.0 * np.minimum(1.0 - q, 0.5)) / decile * (high - best)
    return np.asarray(np.where(q < 0.5, best - below, best + above))


def recorded_slip(u: ArrayLike, record_years: ArrayLike) -> Floats:
    """Slip at quantile u of a record of slips, interpolated between projects. [years]"""
    r = np.sort(np.asarray(record_years, np.float64))
    at = (np.arange(r.size) + 0.5) / r.size
    return np.asarray(np.interp(np.asarray(u, np.float64), at, r))


def service_years(
    planned_year: float, slip_years: ArrayLike, *, decided_year: float | None = None,
    consent_year: ArrayLike | None = None, decision_year: float | None = None,
) -> Floats:  # fmt: skip
    """Year in which a project serves, for each draw of slip and consent.

    The time from decision to service is kept when the decision comes later: service = max(decided, decision, consent)
    + (planned - decided) + slip.

    Parameters
    ----------
    planned_year : float
        First day in service as announced, as a decimal year.
    slip_years : array_like, shape (S,)
        Draws of the slip. [years]
    decided_year : float, optional
        When the announced schedule was decided. None: the date is announced whatever is decided.
    consent_year : array_like, shape (S,), optional
        When the public consents; inf = never.
    decision_year : float, optional
        When we decide, if later than `decided_year`.

    Examples
    --------
    Decided in 2021 for 2031, but consent comes in 2024.75:

    >>> service_years(2031.0, [0.0, 2.0], decided_year=2021.0, consent_year=[2024.75, 2024.75])
    array([2034.75, 2036.75])
    """
    slip = np.asarray(slip_years, np.float64)
    if decided_year is None:
        start = np.zeros(slip.shape)
        if consent_year is not None:
            start = np.maximum(np.asarray(consent_year, np.float64) - planned_year, 0.0)
        return np.asarray(planned_year + slip + start)
    if planned_year < decided_year:
        raise ValueError(f"planned {planned_year} lies before decided {decided_year}")
    start = np.full(slip.shape, max(decided_year, decision_year if decision_year is not None else decided_year))
    if consent_year is not None:
        start = np.maximum(start, np.asarray(consent_year, np.float64))
    return np.asarray(start + (planned_year - decided_year) + slip)


def consent_years(u: ArrayLike, *, asked_year: float, yes_share: float, again_after_years: float) -> Floats:
    """Year of public consent: asked, and asked again after a refusal, each time with the same chance of yes.

    Parameters
    ----------
    u : array_like, shape (S,)
        Quantiles in (0, 1).
    asked_year : float
        First time the question can be put.
    yes_share : float
        Chance of a yes each time, in (0, 1].
    again_after_years : float
        Time until it can be put again: Kazakhstan heard no in 2019 and yes (71%) in October 2024.

    Examples
    --------
    >>> consent_years([0.2, 0.9], asked_year=2019.3, yes_share=0.5, again_after_years=5.5)
    array([2019.3, 2035.8])
    """
    if not 0 < yes_share <= 1:
        raise ValueError(f"yes_share must be in (0, 1], found {yes_share}")
    q = np.asarray(u, np.float64)
    refusals = np.zeros(q.shape) if yes_share == 1 else np.floor(np.log1p(-q) / np.log1p(-yes_share))
    return np.asarray(asked_year + refusals * again_after_years)


def earliest_stage_year(service: ArrayLike, *, quantile: float = 0.5) -> int:
    """First whole year in which a project serves at a quantile of its draws: what a plan may count on.

    Examples
    --------
    >>> earliest_stage_year([2034.75, 2036.75], quantile=0.1)
    2035
    """
    at = np.quantile(np.asarray(service, np.float64), quantile, method="inverted_cdf")
    return int(np.ceil(at - 1e-9)) if np.isfinite(at) else 9999
