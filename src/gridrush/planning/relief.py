"""Time to relief: from which year each remedy lowers the shortage, by how much, and at what cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridrush.units import Floats

FELT_SHARE = 0.05
"""Part of the unserved energy a remedy must remove in a year to count as relief in that year."""

BAND = (0.1, 0.5, 0.9)
"""Quantiles of the draws shown as low, best and high."""


@dataclass(frozen=True, eq=False)
class Remedy:
    """One remedy with what it does once it is there; the shortage with and without it comes from `adequacy`."""

    name: str
    kind: str
    power_mw: float
    service_years: Floats  # (S,) draws of the year it serves from; inf = never
    unserved_with_mwh: Floats  # (Y,) expected unserved energy of each year were it there
    annual_cost_usd: Floats  # (Y,) annuity, fixed cost and extra running cost were it there
    why: str = ""


def presence(service_years: ArrayLike, years: ArrayLike) -> Floats:
    """Expected part of each calendar year in which a remedy is there. (Y,)

    Examples
    --------
    >>> presence([2022.5, 2024.0], [2022, 2023, 2024])
    array([0.25, 0.5 , 1.  ])
    """
    s = np.asarray(service_years, np.float64)[:, None]
    y = np.asarray(years, np.float64)[None, :]
    return np.asarray(np.clip(y + 1.0 - s, 0.0, 1.0).mean(axis=0))


def relief_table(
    years: Sequence[int], unserved_mwh: ArrayLike, remedies: Sequence[Remedy], *, discount_share: float = 0.0
) -> pd.DataFrame:
    """When, how much and at what cost each remedy helps, taken alone.

    Parameters
    ----------
    years : sequence of int, length Y
    unserved_mwh : array_like, shape (Y,)
        Expected unserved energy of each year without any remedy. [MWh]
    remedies : sequence of Remedy
    discount_share : float
        For costs and energy alike. [1/yr]

    Returns
    -------
    DataFrame
        remedy, kind, first_year_low / best / high (decimal; nan: no relief in any year), power_mw, eue_avoided_gwh
        (over the years, lead-time draws averaged), cost_usd_per_mwh (per MWh unserved avoided), why; soonest first.
    """
    y, base = np.asarray(years, np.float64), np.asarray(unserved_mwh, np.float64)
    money = (1.0 + discount_share) ** -(y - y[:1])
    rows = []
    for r in remedies:
        lower = base - r.unserved_with_mwh
        felt = lower >= FELT_SHARE * np.maximum(base, 1e-9)
        first = np.array([_first_felt(s, y, felt) for s in np.quantile(r.service_years, BAND, method="inverted_cdf")])
        there = presence(r.service_years, y)
        avoided = there * lower
        cost = float((money * there) @ r.annual_cost_usd)
        energy = float(money @ avoided)
        rows.append(
            (
                r.name,
                r.kind,
                *first,
                r.power_mw,
                float(avoided.sum()) / 1e3,
                cost / energy if energy > 0 else np.inf,
                r.why,
            )
        )
    names = ["remedy", "kind", "first_year_low", "first_year_best", "first_year_high", "power_mw", "eue_avoided_gwh",
             "cost_usd_per_mwh", "why"]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values(["first_year_best", "cost_usd_per_mwh"], na_position="last", ignore_index=True)


def _first_felt(service: float, years: Floats, felt: np.ndarray) -> float:
    """When relief begins: on the day of service, or with the first year it is felt in; nan if in none."""
    if service >= years[-1] + 1.0:
        return float(service)  # beyond the years looked at
    after = (years + 1.0 > service) & felt
    return float(max(years[np.argmax(after)], service)) if after.any() else np.nan


def bridge(
    years: Sequence[int],
    unserved_mwh: ArrayLike,
    remedies: Sequence[Remedy],
    *,
    until_year: float,
    budget_share: float = 1.0,
) -> pd.DataFrame:
    """What carries each year before `until_year`: the cheapest remedies that are there, until the shortage is gone.

    Remedies are taken in the order of cost per MWh avoided; each removes at most what it removes alone, and all
    together at most the shortage. Overlaps of remedies are therefore understated; `adequacy` gives the joint effect
    of a chosen set.

    Returns
    -------
    DataFrame
        year, remedy, avoided_mwh, cost_usd_per_mwh, left_mwh (shortage still there after it and all cheaper ones).
    """
    base = np.asarray(unserved_mwh, np.float64)
    rows = []
    for i, year in enumerate(years):
        if year >= until_year:
            break
        left = float(base[i])
        offers = []
        for r in remedies:
            there = float(presence(r.service_years, [year])[0])
            alone = there * float(base[i] - r.unserved_with_mwh[i])
            if alone > 0:
                offers.append((there * float(r.annual_cost_usd[i]) / alone, r.name, alone))
        for cost, name, alone in sorted(offers):
            if left <= (1.0 - budget_share) * base[i] + 1e-9:
                break
            took = min(alone, left)
            left -= took
            rows.append((year, name, took, cost, left))
    return pd.DataFrame(rows, columns=["year", "remedy", "avoided_mwh", "cost_usd_per_mwh", "left_mwh"])


def price_of_waiting(
    years: Sequence[int], *, value_usd_per_year: ArrayLike, annual_cost_usd: ArrayLike, service_year: float,
    wait_years: float, discount_share: float,
) -> float:  # fmt: skip
    """What it costs to decide later: benefit forgone less cost put off, present value. [USD]

    Parameters
    ----------
    value_usd_per_year : array_like, shape (Y,)
        Worth of the plant in each year were it there: running cost, carbon and unserved energy saved.
    annual_cost_usd : array_like, shape (Y,)
        Annuity and fixed cost in each year were it there.
    service_year, wait_years : float
        Year of service if decided now; years by which the decision waits.

    Examples
    --------
    >>> price_of_waiting([2035, 2036], value_usd_per_year=[500., 500.], annual_cost_usd=[300., 300.], service_year=2035,
    ...                  wait_years=1, discount_share=0.0)
    200.0
    """
    y = np.asarray(years, np.float64)
    lost = presence([service_year], y) - presence([service_year + wait_years], y)
    net = np.asarray(value_usd_per_year, np.float64) - np.asarray(annual_cost_usd, np.float64)
    return float(((1.0 + discount_share) ** -(y - y[0]) * lost) @ net)
