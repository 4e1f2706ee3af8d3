"""The world ahead: hash rate, hashprice and fleet beyond the record, on a trend or drawn at random.

Trend (`world_path`): hashprice grows by a stated share a year, the fleet gets more efficient, revenue stays.
Drawn (`world_forecast`): coin price is a mean-reverting walk, revenue follows with the halvings, machines are bought
when margins are good, age, and stand still when they do not pay: hash rate is where the marginal machine breaks even.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gridrush.case.model import Case
from gridrush.mining._kernels import vintage
from gridrush.mining._streams import stream
from gridrush.mining.fleet import POWER_PRICE_USD_PER_KWH, RULES, basket, fleet_j_per_th
from gridrush.mining.network import Months, Network, month_of, months_between, network_of
from gridrush.units import Floats

FLEET_TREND_SHARE = -0.12
"""Change of the fleet's J/TH a year after the record. The best device on sale fell 14% a year from 2020 to 2024
(29.55 to 15.09 J/TH, mining_machines.csv), the fleet faster; slowing is assumed."""

FLEET_FLOOR_J_PER_TH = 5.0
"""No fleet is assumed below this (assumed; three times better than the best device of 2024)."""

LEVEL_AFTER = {"record": 1.0, "flat": 1.0, "low": 0.66, "high": 1.6}
"""Hashprice a year after the record ends, before its trend: quartiles of its one-year moves over their median."""

HALVINGS = {"2028-04": 1.5625, "2032-04": 0.78125, "2036-04": 0.390625, "2040-04": 0.1953125}
"""Block subsidy from the month on. [BTC] Every 210,000 blocks (Bitcoin protocol), at 144 blocks a day."""

BLOCKS_PER_DAY = 144.0


@dataclass(frozen=True, eq=False)
class World:
    """The network by month, record and beyond."""

    months: Months  # (T,)
    hashrate_ehs: Floats  # (T,)
    hashprice_usd_per_ph_day: Floats  # (T,)
    fleet_j_per_th: Floats  # (T,) best guess
    recorded: int  # first months that are record, not forecast

    def at(self, month: str | np.datetime64) -> int:
        """Row of a month.

        Raises
        ------
        KeyError
            If the month lies outside.
        """
        i = months_between(self.months[0], month_of(month))
        if not 0 <= i < len(self.months):
            raise KeyError(f"the world runs {self.months[0]} to {self.months[-1]}; no {month}")
        return i


def world_path(
    case: Case,
    *,
    first: str = "2019-01",
    last: str = "2040-12",
    after: Literal["record", "flat", "low", "high"] = "record",
    growth_share: float = -0.15,
    record_ends: str | None = None,
) -> World:
    """The network by month: as recorded, then on a stated trend.

    Parameters
    ----------
    after : {"record", "flat", "low", "high"}
        Level of hashprice after the record: kept, kept without trend, or 0.66 or 1.6 of it within a year.
    growth_share : float
        Change of hashprice a year after the record; revenue is kept, so hash rate moves the other way.
    record_ends : str, optional
        Pretend that nothing after this month is known.

    Examples
    --------
    `world_path(case, growth_share=-0.15)` has in December 2035 a hashprice of 0.85**10 of December 2025's.
    """
    if after not in LEVEL_AFTER:
        raise ValueError(f"after is {after!r}, need one of {', '.join(LEVEL_AFTER)}")
    if not growth_share > -1:
        raise ValueError(f"growth_share is {growth_share}, need above -1")
    network = network_of(case)
    end = network.at(record_ends) if record_ends else len(network.months) - 1
    months = np.arange(month_of(first), month_of(last) + 1)
    row = (months - network.months[0]).astype(np.int64)
    if not len(months) or row[0] < 0:
        raise ValueError(f"first is {first} and last {last}; the record begins in {network.months[0]}")
    known = np.minimum(row, end)
    years = np.maximum(row - end, 0) / 12.0
    growth = 0.0 if after == "flat" else growth_share
    level = LEVEL_AFTER[after] ** np.minimum(years, 1.0) * (1.0 + growth) ** years
    best = fleet_j_per_th(case)[:, 1]
    fleet = np.maximum(best[known] * (1.0 + FLEET_TREND_SHARE) ** years, np.minimum(FLEET_FLOOR_J_PER_TH, best[known]))
    return World(
        months=months,
        hashrate_ehs=network.hashrate_ehs[known] / level,
        hashprice_usd_per_ph_day=network.hashprice_usd_per_ph_day[known] * level,
        fleet_j_per_th=fleet,
        recorded=int((row <= end).sum()),
    )


@dataclass(frozen=True)
class SalesLaw:
    """How fast machines are bought, and how they go.

    Sales in a month are rate x hash rate x ln(value of a MWh / power price) ** elasticity, `lag` months later. Fitted
    on the network record January 2022 to December 2025 (`fit_sales`): error 6% of hash rate.
    """

    rate: float = 0.0641
    elasticity: float = 0.656
    lag_months: int = 3  # best of 3, 6 and 9 on 2018-01..2021-05
    life_months: float = 60.0  # CBECI v1.4: five years
    life_width: float = 6.0  # judged
    idle_scrap_share: float = 0.05  # judged: of machines that stand, a month


@dataclass(frozen=True)
class CoinModel:
    """Coin price: log price reverts to a line, with the volatility of the record. All but the volatility is judged."""

    growth_share: float = 0.15  # of the line, a year: about what the halvings take away
    growth_std: float = 0.10  # of that, between draws
    half_life_years: float = 3.0
    fee_btc_per_day: float = 12.0  # record 2022-2025 median
    fee_growth_share: float = 0.10
    fee_std: float = 0.6
    frontier_growth_share: float = -0.12  # J/TH of new machines
    frontier_std: float = 0.05


@dataclass(frozen=True, eq=False)
class WorldDraws:
    """Draws of the world: S samples, T months; record first, the same in all samples."""

    months: Months  # (T,)
    price_usd: Floats  # (S, T)
    hashrate_ehs: Floats  # (S, T)
    hashprice_usd_per_ph_day: Floats  # (S, T)
    fleet_j_per_th: Floats  # (S, T)
    recorded: int


def frontier_j_per_th(case: Case, months: Months) -> Floats:
    """Mean efficiency of the devices that came on sale in the year up to each month; NaN where none did. (T,)"""
    rule = RULES["v1.4"]
    kept = [m for m in case.machines if m.maker in rule.makers]
    sale = np.array([np.datetime64(m.released, "M") for m in kept], dtype="datetime64[M]").astype(np.int64)
    e = np.array([m.efficiency_j_per_th for m in kept])
    new = (sale[None, :] + rule.lag_months <= months.astype(np.int64)[:, None]) & (
        sale[None, :] + rule.lag_months > months.astype(np.int64)[:, None] - 12
    )
    count = new.sum(axis=1)
    return np.where(count > 0, new @ e / np.maximum(count, 1), np.nan)


def _stock_at(case: Case, network: Network, row: int) -> tuple[Floats, Floats, Floats]:
    """Cohorts of the world's stock in a month: EH/s, J/TH, age in months; from the basket of the v1.4 rule."""
    e, w = basket(case, network.months[row])
    age = 60.0 * (1.0 - w)
    return w / w.sum() * network.hashrate_ehs[row], e, age


def simulate_stock(
    case: Case, *, first: str, revenue_usd_per_day: Floats, new_j_per_th: Floats, law: SalesLaw | None = None
) -> Floats:
    """Hash rate, J/TH, hashprice and sales by month from a starting month. (T, 4)

    Parameters
    ----------
    first : str
        Month of the record whose stock is the start.
    revenue_usd_per_day : ndarray, shape (T,)
        Of all miners. [USD/day]
    new_j_per_th : ndarray, shape (T,)
        Efficiency of the machines sold. [J/TH]
    """
    law = law or SalesLaw()
    network = network_of(case)
    ehs, e, age = _stock_at(case, network, network.at(first))
    power = np.full(len(revenue_usd_per_day), 1e3 * POWER_PRICE_USD_PER_KWH)
    return np.asarray(
        vintage(ehs, e, age, new_j_per_th, revenue_usd_per_day, power, law.rate, law.elasticity, law.life_months,
                law.life_width, law.idle_scrap_share, law.lag_months)
    )  # fmt: skip


def _filled(new: Floats, growth_share: float) -> Floats:
    out = new.copy()
    for t in range(1, len(out)):
        if np.isnan(out[t]):
            out[t] = out[t - 1] * (1.0 + growth_share) ** (1.0 / 12.0)
    return out


def fit_sales(case: Case, *, first: str = "2022-01", last: str = "2025-12") -> tuple[SalesLaw, float]:
    """Rate and elasticity of sales that follow the recorded hash rate, and the error of its logarithm."""
    from scipy.optimize import least_squares

    network = network_of(case)
    a, b = network.at(first), network.at(last) + 1
    new = _filled(frontier_j_per_th(case, network.months[: b])[a:], CoinModel().frontier_growth_share)

    def law_of(x: Floats) -> SalesLaw:
        return SalesLaw(rate=float(x[0]), elasticity=float(x[1]))

    def miss(x: Floats) -> Floats:
        got = simulate_stock(
            case, first=first, revenue_usd_per_day=network.revenue_usd_per_day[a:b], new_j_per_th=new, law=law_of(x)
        )
        return np.asarray(np.log(got[:, 0] / network.hashrate_ehs[a:b]))

    best = least_squares(miss, [0.06, 0.6])
    return law_of(np.asarray(best.x)), float(np.sqrt((best.fun**2).mean()))


def world_forecast(
    case: Case,
    *,
    last: str = "2040-12",
    record_ends: str | None = None,
    samples: int = 500,
    seed: int = 1,
    law: SalesLaw | None = None,
    coin: CoinModel | None = None,
) -> WorldDraws:
    """Draws of coin price, hash rate, hashprice and fleet: record, then a stochastic forecast.

    Log price x reverts to a line with growth g: x' = x + g/12 - k (x - line) + sigma z, k from the half-life, sigma the
    record's monthly spread up to where the record ends. Revenue = price x (144 subsidy + fees). Hash rate is the stock
    of `simulate_stock` up to the marginal machine that breaks even at the world's power price.
    """
    law, coin = law or SalesLaw(), coin or CoinModel()
    network = network_of(case)
    end = network.at(record_ends) if record_ends else len(network.months) - 1
    ahead = np.arange(network.months[end] + 1, month_of(last) + 1)
    T, known = len(ahead), end + 1
    rng = stream(seed, "world:forecast")
    sigma = float(np.std(np.diff(np.log(network.price_usd[:known]))))
    growth = rng.normal(np.log1p(coin.growth_share), coin.growth_std, samples)
    frontier = np.clip(rng.normal(coin.frontier_growth_share, coin.frontier_std, samples), -0.3, 0.0)
    z = rng.standard_normal((samples, T))
    fees = coin.fee_btc_per_day * np.exp(coin.fee_std * rng.standard_normal((samples, T)))
    fees = fees * (1.0 + coin.fee_growth_share) ** (np.arange(T) / 12.0)
    pull = np.log(2.0) / (12.0 * coin.half_life_years)
    anchor = np.log(network.price_usd[max(0, known - 24) : known]).mean()  # two years' mean carries the line
    x = np.full(samples, np.log(network.price_usd[end]))
    price = np.empty((samples, T))
    for t in range(T):
        line = anchor + growth * (t + 1) / 12.0
        x = x + growth / 12.0 - pull * (x - line) + sigma * z[:, t]
        price[:, t] = np.exp(x)
    revenue = price * (BLOCKS_PER_DAY * subsidy_btc(case, ahead) + fees)
    start = frontier_j_per_th(case, network.months[:known])
    start_e = float(start[~np.isnan(start)][-1])
    out = np.empty((samples, T, 3))
    ehs, e, age = _stock_at(case, network, end)
    power = np.full(T, 1e3 * POWER_PRICE_USD_PER_KWH)
    for s in range(samples):
        new = np.maximum(start_e * (1.0 + frontier[s]) ** ((np.arange(T) + 1) / 12.0), FLEET_FLOOR_J_PER_TH)
        got = vintage(ehs, e, age, new, revenue[s], power, law.rate, law.elasticity, law.life_months, law.life_width,
                      law.idle_scrap_share, law.lag_months)  # fmt: skip
        out[s] = got[:, :3]
    best = fleet_j_per_th(case)[:known, 1]
    out[:, :, 1] *= best[-1] / _mean_j(ehs, e)  # join to the published fleet

    def joined(record: Floats, drawn: Floats) -> Floats:
        return np.concatenate([np.broadcast_to(record, (samples, known)), drawn], axis=1)

    return WorldDraws(
        months=np.arange(network.months[0], month_of(last) + 1),
        price_usd=joined(network.price_usd[:known], price),
        hashrate_ehs=joined(network.hashrate_ehs[:known], out[:, :, 0]),
        hashprice_usd_per_ph_day=joined(network.hashprice_usd_per_ph_day[:known], out[:, :, 2]),
        fleet_j_per_th=joined(best, out[:, :, 1]),
        recorded=known,
    )


def subsidy_btc(case: Case, months: Months) -> Floats:
    """Block subsidy by month: the record's, then the halvings of the protocol. (T,)"""
    record = {np.datetime64(r.month, "M"): r.block_subsidy_btc for r in case.network}
    dates = [np.datetime64(m, "M") for m in HALVINGS]
    values = list(HALVINGS.values())
    last = record[max(record)]
    out = np.empty(len(months))
    for i, m in enumerate(months):
        later = [v for d, v in zip(dates, values, strict=True) if d <= m]
        out[i] = record[m] if m in record else (later[-1] if later else last)
    return out


def _mean_j(ehs: Floats, e: Floats) -> float:
    return float((ehs * e).sum() / ehs.sum())


RELOCATED_MACHINES, DARK_MACHINES, RELOCATED_MONTHS = 87_849 + 205_000 + 87_200, 2_000_000, 5.0
"""Machines known to have reached Kazakhstan, Russia and the US by November 2021, of those taken off line in China in
June (Financial Times, November 2021): 4% a month."""

PROXIED_COUNTRIES = ("Germany", "Ireland")
"""Countries whose share the map marks as inflated by proxies; taken as China's where China's stock goes dark."""

RESURFACE_MONTHS = 2.0
"""Months in which hidden Chinese machines were back: the map reads zero in July and August 2021, 22% in September."""


@dataclass(frozen=True)
class BanResponse:
    """World hash rate after the ban of May 2021, in the model."""

    fall_share: float  # at the trough
    days_to_recover: float  # from the trough to the level before


def after_ban(case: Case, *, law: SalesLaw | None = None) -> BanResponse:
    """How far the world's hash rate falls and when it is back, from facts known in November 2021 and the sales law.

    Everything Chinese goes dark by early July; the part the map shows again from September resurfaces over two months;
    of the rest 4% a month is racked abroad; outside China machines are bought by `SalesLaw` at the margins of the time.
    A test, not a fit: the world's hash rate from May to December 2021 enters nowhere but in the map's October stock of
    China.
    """
    from gridrush.mining.atlas import country_atlas

    law = law or SalesLaw()
    atlas, network = country_atlas(case), network_of(case)
    row, before = network.at("2021-05"), months_between(atlas.months[0], month_of("2021-04"))
    dark = sum(atlas.share[before, atlas.of(c)] for c in ("China", *PROXIED_COUNTRIES) if c in atlas.countries)
    back = months_between(atlas.months[0], month_of("2021-10"))
    share_back = atlas.hashrate_ehs[back, atlas.of("China")] / network.hashrate_ehs[network.at("2021-04")]
    hidden = min(share_back, dark)
    crated = dark - hidden
    moved = 1.0 - (1.0 - RELOCATED_MACHINES / DARK_MACHINES) ** (1.0 / RELOCATED_MONTHS)
    outside, day = 1.0 - dark, 0.0
    revenue = network.revenue_usd_per_day[row - 5 : row + 1].mean()  # half a year's mean before the ban
    e = fleet_j_per_th(case)[row, 1]
    month = 365.25 / 12.0
    total = outside
    wear = 0.12 / 12.0  # a year's share of five-year-old machines leaving, by the month
    while total < 1.0 and day < 3650:
        day += 1.0
        m = day / month
        h = revenue / (1e3 * network.hashrate_ehs[network.at("2021-04")] * total)
        value = 1e3 * h / (24.0 * e)
        pace = law.rate * max(np.log(value / (1e3 * POWER_PRICE_USD_PER_KWH)), 0.0) ** law.elasticity
        outside *= 1.0 + (pace - wear) / month
        shown = hidden * min(m / RESURFACE_MONTHS, 1.0)
        total = outside + shown + crated * (1.0 - (1.0 - moved) ** m)
    return BanResponse(fall_share=float(dark), days_to_recover=day)
