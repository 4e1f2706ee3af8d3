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
from gridrush.mining._streams import stream
from gridrush.mining.fleet import POWER_PRICE_USD_PER_KWH, fleet_j_per_th
from gridrush.mining.network import Months, month_of, months_between, network_of
from gridrush.mining.stock import SalesLaw, fit_sales, frontier_j_per_th, stock_at, stock_paths
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
    fleet: Floats | None = None,
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
    fleet : ndarray, shape (T, 3), optional
        `fleet_j_per_th` of the case, where it is known already. [J/TH]

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
    best = (fleet_j_per_th(case) if fleet is None else fleet)[:, 1]
    trend = np.maximum(best[known] * (1.0 + FLEET_TREND_SHARE) ** years, np.minimum(FLEET_FLOOR_J_PER_TH, best[known]))
    return World(
        months=months,
        hashrate_ehs=network.hashrate_ehs[known] / level,
        hashprice_usd_per_ph_day=network.hashprice_usd_per_ph_day[known] * level,
        fleet_j_per_th=trend,
        recorded=int((row <= end).sum()),
    )


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
    sales_std: float = 0.4  # of the logarithm of sales over the law's: chips short or plenty
    sales_persistence: float = 0.9  # of that, a month
    hashrate_std: float = 0.10  # of a month's hash rate, of its logarithm: outages, luck of blocks
    fleet_std: float = 0.06  # of the fleet's J/TH, of its logarithm, a month to the root
    fleet_persistence: float = 0.95  # of that walk, a month


@dataclass(frozen=True, eq=False)
class WorldDraws:
    """Draws of the world: S samples, T months; record first, the same in all samples."""

    months: Months  # (T,)
    price_usd: Floats  # (S, T)
    hashrate_ehs: Floats  # (S, T)
    hashprice_usd_per_ph_day: Floats  # (S, T)
    fleet_j_per_th: Floats  # (S, T)
    recorded: int


BAN_SHADOW = (np.datetime64("2021-05", "M"), np.datetime64("2021-12", "M"))
"""Months in which the world's hash rate tells of the ban, not of sales: no law of sales is fitted to them."""


def most_sold_share(hashrate_ehs: Floats) -> float:
    """Fastest growth of the hash rate over any year of a record, by the month: what makers were able to deliver."""
    log = np.log(hashrate_ehs)
    return float((log[12:] - log[:-12]).max() / 12.0) if len(log) > 12 else np.inf


def law_known(case: Case, record_ends: np.datetime64) -> SalesLaw:
    """The law of sales as it could be fitted in a month: on the record from 2018 to then, the ban's months left out."""
    last = BAN_SHADOW[0] - 1 if BAN_SHADOW[0] <= record_ends <= BAN_SHADOW[1] else record_ends
    return fit_sales(case, first="2018-01", last=str(last))[0]


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
    of `stock.stock_paths` up to the marginal machine that breaks even at the world's power price.

    Parameters
    ----------
    record_ends : str, optional
        Pretend that nothing after this month is known: neither prices nor what the law of sales was fitted on.
    law : SalesLaw, optional
        Default: the fit on the whole record, or on what was known when the record is said to end.
    """
    coin = coin or CoinModel()
    network = network_of(case)
    end = network.at(record_ends) if record_ends else len(network.months) - 1
    if law is None:
        law = SalesLaw() if end == len(network.months) - 1 else law_known(case, network.months[end])
    ahead = np.arange(network.months[end] + 1, month_of(last) + 1)
    T, known = len(ahead), end + 1
    rng = stream(seed, "world:forecast")
    moves = np.diff(np.log(network.price_usd[:known]))
    sigma = float(np.std(moves))
    momentum = float(np.clip(np.corrcoef(moves[1:], moves[:-1])[0, 1], 0.0, 0.6))
    growth = rng.normal(np.log1p(coin.growth_share), coin.growth_std, samples)
    frontier = np.clip(rng.normal(coin.frontier_growth_share, coin.frontier_std, samples), -0.3, 0.0)
    # a stream each, laid out month first: a longer forecast begins as a shorter one does
    z = stream(seed, "world:price").standard_normal((T, samples)).T
    chips = coin.sales_std * stream(seed, "world:sales").standard_normal((T + 1, samples)).T
    fees = np.exp(coin.fee_std * stream(seed, "world:fees").standard_normal((T, samples)).T)
    fees = coin.fee_btc_per_day * fees * (1.0 + coin.fee_growth_share) ** (np.arange(T) / 12.0)
    for t in range(1, T + 1):
        fresh = np.sqrt(1.0 - coin.sales_persistence**2)
        chips[:, t] = coin.sales_persistence * chips[:, t - 1] + fresh * chips[:, t]
    pull = np.log(2.0) / (12.0 * coin.half_life_years)
    anchor = np.log(network.price_usd[max(0, known - 24) : known]).mean()  # two years' mean carries the line
    x, last_move = np.full(samples, np.log(network.price_usd[end])), np.full(samples, moves[-1] - moves.mean())
    price = np.empty((samples, T))
    for t in range(T):
        line = anchor + growth * (t + 1) / 12.0
        last_move = momentum * last_move + sigma * np.sqrt(1.0 - momentum**2) * z[:, t]
        x = x + growth / 12.0 - pull * (x - line) + last_move
        price[:, t] = np.exp(x)
    start = frontier_j_per_th(case, network.months[:known])
    start_e = float(start[~np.isnan(start)][-1])
    cohorts = stock_at(case, network, end)
    out = stock_paths(
        *cohorts,
        new_j_per_th=np.maximum(
            start_e * (1.0 + frontier[:, None]) ** ((np.arange(T) + 1) / 12.0), FLEET_FLOOR_J_PER_TH
        ),
        revenue_usd_per_day=price * (BLOCKS_PER_DAY * subsidy_btc(case, ahead) + fees),
        sales_factor=np.exp(chips[:, 1:]),
        most_share=most_sold_share(network.hashrate_ehs[:known]),
        law=law,
    )
    luck = np.exp(coin.hashrate_std * stream(seed, "world:luck").standard_normal((T, samples)).T)
    out[:, :, 0] *= luck
    out[:, :, 2] /= luck
    drift = coin.fleet_std * stream(seed, "world:fleet").standard_normal((T, samples)).T
    for t in range(1, T):
        drift[:, t] += coin.fleet_persistence * drift[:, t - 1]
    out[:, :, 1] *= np.exp(drift)
    best = fleet_j_per_th(case)[:known, 1]
    now = stock_paths(*cohorts, new_j_per_th=np.full((1, 1), start_e), law=law,
                      revenue_usd_per_day=network.revenue_usd_per_day[None, end : end + 1])  # fmt: skip
    out[:, :, 1] *= best[-1] / now[0, 0, 1]  # join to the published fleet

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


RELOCATED_MACHINES, DARK_MACHINES, RELOCATED_MONTHS = 87_849 + 205_000 + 87_200, 2_000_000, 5.0
"""Machines known to have reached Kazakhstan, Russia and the US by November 2021, of those taken off line in China in
June (Financial Times, November 2021): 4% a month."""

PROXIED_COUNTRIES = ("Germany", "Ireland")
"""Countries whose share the map marks as inflated by proxies; taken as China's where China's stock goes dark."""

RESURFACE_MONTHS = 2.0
"""Months in which hidden Chinese machines were back: the map reads zero in July and August 2021, 22% in September."""


WEEK, RETARGET_BLOCKS, BEFORE_DAYS, BAN_PATHS = 7, 2016, 30, 400
"""Published hash rates are 7-day means of counted blocks; difficulty follows every 2,016 blocks (Bitcoin protocol); the
height before the fall is the highest such mean of a month; counts are drawn this many times."""


@dataclass(frozen=True)
class BanResponse:
    """World hash rate after the ban of May 2021, in the model."""

    fall_share: float  # 7-day mean as counted, from its height before to its trough
    days_to_recover: float  # from the trough to that height
    true_fall_share: float  # of the hash rate itself


def after_ban(case: Case, *, law: SalesLaw | None = None, seed: int = 1) -> BanResponse:
    """How far the world's hash rate falls and when it is back, from facts known in November 2021 and the sales law.

    Everything Chinese goes dark by early July; the part the map shows again from September resurfaces over two months;
    of the rest 4% a month is racked abroad; outside China machines are bought by `SalesLaw` at the margins of the time.
    What is published is a 7-day mean of counted blocks: its height and trough are those of a noisy series, so it falls
    further than the hash rate does (`_counted`). A test, not a fit: the world's hash rate from May to December 2021
    enters nowhere but in the map's October stock of China.
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
    revenue = network.revenue_usd_per_day[row - 5 : row + 1].mean()  # half a year's mean before the ban
    e = fleet_j_per_th(case)[row, 1]
    month = 365.25 / 12.0
    outside, path = 1.0 - dark, [1.0 - dark]
    wear = 0.12 / 12.0  # a year's share of five-year-old machines leaving, by the month
    while path[-1] < 1.2 and len(path) < 3650:
        m = len(path) / month
        h = revenue / (1e3 * network.hashrate_ehs[network.at("2021-04")] * path[-1])
        value = 1e3 * h / (24.0 * e)
        pace = law.rate * max(np.log(value / (1e3 * POWER_PRICE_USD_PER_KWH)), 0.0) ** law.elasticity
        outside *= 1.0 + (pace - wear) / month
        path.append(outside + hidden * min(m / RESURFACE_MONTHS, 1.0) + crated * (1.0 - (1.0 - moved) ** m))
    seen = _counted(np.concatenate([np.ones(BEFORE_DAYS + WEEK), path]), seed)
    height = seen[:, :BEFORE_DAYS].max(axis=1)
    trough = BEFORE_DAYS + seen[:, BEFORE_DAYS:].argmin(axis=1)
    fall = 1.0 - seen[np.arange(BAN_PATHS), trough] / height
    again = (seen >= height[:, None]) & (np.arange(seen.shape[1]) > trough[:, None])
    return BanResponse(float(fall.mean()), float((again.argmax(axis=1) - trough).mean()), float(dark))


def _counted(level: Floats, seed: int) -> Floats:
    """7-day means of the hash rate as counted blocks show it, for a hash rate by day. (BAN_PATHS, D - 6)"""
    rng = stream(seed, "world:after-ban")
    difficulty, since, days = np.ones(BAN_PATHS), np.zeros(BAN_PATHS), np.zeros(BAN_PATHS)
    told = np.empty((BAN_PATHS, level.size))
    for d in range(level.size):
        blocks = rng.poisson(BLOCKS_PER_DAY * level[d] / difficulty)
        told[:, d] = blocks * difficulty / BLOCKS_PER_DAY
        since, days = since + blocks, days + 1.0
        full = since >= RETARGET_BLOCKS
        pace = np.clip(since / (days * BLOCKS_PER_DAY), 0.25, 4.0)
        difficulty = np.where(full, difficulty * pace, difficulty)
        since, days = np.where(full, 0.0, since), np.where(full, 0.0, days)
    total = np.concatenate([np.zeros((BAN_PATHS, 1)), np.cumsum(told, axis=1)], axis=1)
    return np.asarray((total[:, WEEK:] - total[:, :-WEEK]) / WEEK)
