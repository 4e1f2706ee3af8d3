"""Which machines run: the Cambridge rules, the fleet's J/TH and energy, and the break-even curve.

A device is in the basket on a day when it is on sale or in its life and its efficiency is below the threshold

    theta = mean over 14 days of hashprice / (24 power price)                                   [J/TH]

Best guess: mean efficiency of the basket, weighted by the rule, times PUE 1.10. Lower bound: the best device times
1.01. Upper bound: the worst device that pays times 1.20. Where no device pays, the last basket that did is kept.

References
----------
Cambridge Centre for Alternative Finance, CBECI methodology (v1.0 July 2019) and
Neumueller A. (2023) Bitcoin electricity consumption: an improved assessment (v1.4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gridrush.case.model import Case
from gridrush.case.schema import Machine
from gridrush.mining.economics import revenue_usd_per_mwh
from gridrush.mining.network import Months, Network, month_of, network_of
from gridrush.units import HOURS_PER_DAY, Floats

PUE_LOW, PUE_BEST, PUE_HIGH = 1.01, 1.10, 1.20
"""PUE of the lower bound, best guess and upper bound (CBECI methodology, assumptions 4a-4c)."""

THRESHOLD_DAYS = 14
"""Days over which the threshold is averaged (CBECI methodology)."""

POWER_PRICE_USD_PER_KWH = 0.05
"""World power price of the index (CBECI methodology, assumption 1)."""

TWH_PER_GW_YEAR = 8.766


@dataclass(frozen=True)
class Rule:
    """A way to weigh devices: months from release to sale, weight by year of age, makers counted (empty = all)."""

    lag_months: int
    weights: tuple[float, ...]
    makers: tuple[str, ...] = ()


TRACKED_MAKERS = ("Bitmain", "MicroBT", "Canaan")
"""Makers whose devices move the published lower bound; Ebang, Innosilicon and others never do (checked by month)."""

RULES: Mapping[str, Rule] = {
    "v1.1": Rule(0, (1.0,) * 30),
    "v1.3": Rule(0, (1.0,) * 5, TRACKED_MAKERS),
    "v1.4": Rule(2, (1.0, 0.8, 0.6, 0.4, 0.2), TRACKED_MAKERS),
}
"""v1.1: every device ever released counts alike. v1.3: five years, alike. v1.4: on sale two months after release (every
step of the published lower bound comes two months after one), a fifth less weight each year, gone after five."""


@dataclass(frozen=True, eq=False)
class Fleet:
    """Efficiency of the world's fleet in T months, PUE left out; axis 1 is low, best, high."""

    months: Months  # (T,)
    efficiency_j_per_th: Floats  # (T, 3)
    hashrate_ehs: Floats  # (T,)

    @property
    def power_gw(self) -> Floats:
        """Power drawn, PUE included. (T, 3) [GW]"""
        pue = np.array([PUE_LOW, PUE_BEST, PUE_HIGH])
        return np.asarray(self.efficiency_j_per_th * self.hashrate_ehs[:, None] * pue / 1e3)

    @property
    def energy_twh_per_year(self) -> Floats:
        """Annualised energy. (T, 3) [TWh/yr]"""
        return self.power_gw * TWH_PER_GW_YEAR

    def year_twh(self, year: int) -> Floats:
        """Energy of a calendar year, mean of its months' annualised energy. (3,) [TWh]"""
        inside = self.months.astype("datetime64[Y]") == np.datetime64(str(year), "Y")
        if inside.sum() != 12:
            raise KeyError(f"{year} is not wholly inside {self.months[0]} to {self.months[-1]}")
        return np.asarray(self.energy_twh_per_year[inside].mean(axis=0))


def _daily(network: Network) -> tuple[Floats, Floats]:
    """Day of each month's middle, and hashprice by day between (straight lines). Days since the first month."""
    starts = network.months.astype("datetime64[D]").astype(np.int64)
    ends = (network.months + 1).astype("datetime64[D]").astype(np.int64)
    day = np.arange(starts[0], ends[-1])
    return day.astype(np.float64), np.interp(day, (starts + ends) / 2, network.hashprice_usd_per_ph_day)


def threshold_j_per_th(hashprice_usd_per_ph_day: Floats, power_price_usd_per_kwh: float) -> Floats:
    """Worst efficiency that pays on each day, mean of the 14 days that end with it. (D,) [J/TH]"""
    total = np.concatenate(([0.0], np.cumsum(hashprice_usd_per_ph_day)))
    at = np.arange(1, len(total))
    before = np.maximum(at - THRESHOLD_DAYS, 0)
    return np.asarray((total[at] - total[before]) / (at - before) / (HOURS_PER_DAY * power_price_usd_per_kwh))


def _weights(machines: Sequence[Machine], day: Floats, rule: Rule) -> tuple[Floats, Floats]:
    """Efficiency of each device counted (M,) and its weight by day (D, M)."""
    kept = [m for m in machines if not rule.makers or m.maker in rule.makers]
    sale = np.array([np.datetime64(m.released, "M") + rule.lag_months for m in kept], dtype="datetime64[M]")
    years = (day[:, None] - sale.astype("datetime64[D]").astype(np.int64)) / 365.25
    table = np.array([*rule.weights, 0.0])
    age = np.clip(np.floor(years), 0, len(rule.weights)).astype(np.int64)
    return np.array([m.efficiency_j_per_th for m in kept]), np.where(years >= 0, table[age], 0.0)


def world_fleet(
    case: Case, *, method: str = "v1.4", power_price_usd_per_kwh: float = POWER_PRICE_USD_PER_KWH
) -> Fleet:
    """Efficiency of the world's fleet by month under the Cambridge rules.

    Parameters
    ----------
    case : Case
        Uses `network` and `machines`.
    method : str
        "v1.1", "v1.3" or "v1.4": see `RULES`.
    power_price_usd_per_kwh : float
        Price at which a device must pay. [USD/kWh]

    Raises
    ------
    ValueError
        If the method is unknown or the price is not positive.
    """
    if method not in RULES:
        raise ValueError(f"method is {method!r}, need one of {', '.join(RULES)}")
    if not power_price_usd_per_kwh > 0:
        raise ValueError(f"power_price_usd_per_kwh is {power_price_usd_per_kwh}, need > 0")
    network = network_of(case)
    day, price = _daily(network)
    e, w = _weights(case.machines, day, RULES[method])
    pays = (w > 0) & (e[None, :] <= threshold_j_per_th(price, power_price_usd_per_kwh)[:, None])
    any_pays = pays.any(axis=1)
    if not any_pays.any():  # never: the best device on sale is all that can be meant
        pays = (w > 0) & (e[None, :] == np.where(w > 0, e, np.inf).min(axis=1)[:, None])
        any_pays = pays.any(axis=1)
    last = np.maximum.accumulate(np.where(any_pays, np.arange(len(day)), -1))
    last[last < 0] = int(np.argmax(any_pays))  # before the first basket: the first one
    pays, w = pays[last], w[last]
    low = np.where(pays, e, np.inf).min(axis=1)
    high = np.where(pays, e, -np.inf).max(axis=1)
    weight = np.where(pays, w, 0.0)
    best = weight @ e / weight.sum(axis=1)
    by_day = np.stack([low, best, high], axis=1)
    first = np.searchsorted(day, network.months.astype("datetime64[D]").astype(np.float64))
    counts = np.diff(np.append(first, len(day)))
    return Fleet(network.months, np.add.reduceat(by_day, first) / counts[:, None], network.hashrate_ehs)


def fleet_j_per_th(case: Case) -> Floats:
    """Low, best and high J/TH by month of the network record: as published, else by the v1.4 rule. (T, 3)"""
    published = network_of(case).published_j_per_th
    return np.where(np.isnan(published), world_fleet(case).efficiency_j_per_th, published)


@dataclass(frozen=True, eq=False)
class BreakEvenCurve:
    """What part of a fleet still runs at a power price, in one month."""

    price_usd_per_mwh: Floats  # (M,) break-even price of each device, rising
    running_share: Floats  # (M,) share of the fleet's MW that runs when power costs up to that much

    def share_at(self, power_price_usd_per_mwh: float | Floats) -> Floats:
        """Share of the fleet's MW with a break-even price at or above a power price."""
        at = self.price_usd_per_mwh.searchsorted(np.asarray(power_price_usd_per_mwh, np.float64), side="left")
        return np.append(self.running_share, 0.0)[at]

    def blocks(self, n: int = 6) -> tuple[Floats, Floats]:
        """The curve in n steps of equal MW: break-even price [USD/MWh] and share of MW of each step. (n,), (n,)

        The price of a step is the MW-weighted mean of its devices': dispatch can use the steps as demand blocks.
        """
        mass = -np.diff(np.append(self.running_share, 0.0))
        edges = np.linspace(0.0, 1.0, n + 1)
        done = np.concatenate(([0.0], np.cumsum(mass)))
        spend = np.concatenate(([0.0], np.cumsum(mass * self.price_usd_per_mwh)))
        value = np.diff(np.interp(edges * done[-1], done, spend)) * n / done[-1]
        return value, np.full(n, 1.0 / n)


def break_even_curve(
    case: Case,
    month: str | np.datetime64,
    *,
    hashprice_usd_per_ph_day: float | None = None,
    fleet_j_per_th: float | None = None,
    paid_usd_per_mwh: float | None = None,
    older_years: float = 0.0,
    method: str = "v1.4",
    pue: float = PUE_BEST,
    pool_fee_share: float = 0.0,
) -> BreakEvenCurve:
    """MW still running at any power price, as a share of what runs at the price paid.

    The fleet is the basket that pays at the price its owners pay, by the rule's weights: a device with weight w and
    efficiency e carries w e of the MW. Flat while hashprice is high, steep when it is low.

    Parameters
    ----------
    month : str
        Month whose fleet is meant, e.g. "2021-10"; after the last month of the record the last one's devices.
    hashprice_usd_per_ph_day : float, optional
        Default: the month's own; needed after the record. [USD/PH/day]
    fleet_j_per_th : float, optional
        Scales the devices so that their mean is this: for months after the record. [J/TH]
    paid_usd_per_mwh : float, optional
        Price that formed the fleet. Default: 50, the index's. [USD/MWh]
    older_years : float
        How much older than the world's a country's fleet is, in years: shifts the age weights.
    """
    price = hashprice_usd_per_ph_day
    if price is None:
        network = network_of(case)
        price = float(network.hashprice_usd_per_ph_day[network.at(month)])
    paid = POWER_PRICE_USD_PER_KWH * 1e3 if paid_usd_per_mwh is None else paid_usd_per_mwh
    return basket(case, month, older_years=older_years, method=method).curve(
        price, fleet_j_per_th=fleet_j_per_th, paid_usd_per_mwh=paid, pue=pue, pool_fee_share=pool_fee_share
    )


@dataclass(frozen=True, eq=False)
class Basket:
    """Devices on sale and not yet too old in a month."""

    efficiency_j_per_th: Floats  # (M,)
    weight: Floats  # (M,) by age, all above zero

    def curve(
        self, hashprice_usd_per_ph_day: float, *, paid_usd_per_mwh: float, fleet_j_per_th: float | None = None,
        pue: float = PUE_BEST, pool_fee_share: float = 0.0,
    ) -> BreakEvenCurve:  # fmt: skip
        """MW still running at any power price: see `break_even_curve`."""
        scale = 1.0 if fleet_j_per_th is None else fleet_j_per_th / self._mean_j_per_th
        one = revenue_usd_per_mwh(float(hashprice_usd_per_ph_day), scale, pue=pue, pool_fee_share=pool_fee_share)
        value = one / self._falling_j_per_th
        first = int(value.searchsorted(paid_usd_per_mwh))
        if first == value.size:  # nothing pays: all of it is meant
            first = 0
        return BreakEvenCurve(value[first:], self._from_here[first:] / self._from_here[first])

    @cached_property
    def _mean_j_per_th(self) -> float:
        return float(self.weight @ self.efficiency_j_per_th / self.weight.sum())

    @cached_property
    def _falling_j_per_th(self) -> Floats:
        """Efficiency, the worst device first. (M,)"""
        return -np.sort(-self.efficiency_j_per_th)

    @cached_property
    def _from_here(self) -> Floats:
        """Weight times J/TH of a device and all that are better, the worst first. (M,)"""
        order = np.argsort(-self.efficiency_j_per_th, kind="stable")
        return np.asarray((self.weight * self.efficiency_j_per_th)[order][::-1].cumsum()[::-1])


def basket(
    case: Case, month: str | np.datetime64, *, older_years: float = 0.0, method: str = "v1.4"
) -> Basket:
    """Devices a fleet of a month is made of, by a rule of the index; after the record those of its last month."""
    last = max(np.datetime64(r.month, "M") for r in case.network)
    middle = (min(month_of(month), last).astype("datetime64[D]") + 14).astype(np.int64)
    e, w = _weights(case.machines, np.array([middle], np.float64) - older_years * 365.25, RULES[method])
    counted = w[0] > 0
    return Basket(e[counted], w[0][counted])
