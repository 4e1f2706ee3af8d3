"""The rush with its doubts: EH/s and MW by country and month, from a calibration that ends with the map.

Sampled: the fit's parameters, each country's pull (a walk that goes on as it did), bans abroad, the reading of the
map's last month, the world's hash rate, hashprice and fleet, how many MW a reading means (census), the share of the
case's miners that is registered, and what its authorities do: hours cut, power cut for good, unregistered farms found,
fee and price of the power left. What is known by the day the case closes is used; nothing later is, unless the recorded
world is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.mining._kernels import _run
from gridrush.mining._streams import stream
from gridrush.mining.atlas import country_atlas
from gridrush.mining.calibrate import RushFit, fit_rush
from gridrush.mining.census import Beliefs, Census, census, zone_shares
from gridrush.mining.economics import break_even_price
from gridrush.mining.forecast import World, world_forecast, world_path
from gridrush.mining.migration import CHINA, Replay, RushModel, china_price, price_of, pull_at
from gridrush.mining.network import Months, months_between
from gridrush.units import Floats


@dataclass(frozen=True)
class Hazards:
    """What may come after the case closes. Judged in November 2021 but what the backtest sets; see docs/mining.md."""

    pull_std: float = 0.25  # of a country's pull, a month to the root; the backtest sets it
    pull_persistence: float = 0.97  # of that walk, a month: forgotten over three years, so that nobody takes all
    pull_trend_std: float = 0.8  # of a trend of that pull, a year, for a year: the US's was 0.5 in the fit
    level_std: float = 0.32  # of the map's last reading, of its logarithm: pools sampled differ
    reading_std: float = 0.22  # of a month's reading of the map, of its logarithm; the forecast is of readings
    ban_abroad_per_year: float = 0.09  # of any other country: China's and Iran's of 2021 in 26 months of ten countries
    ban_abroad_leave: tuple[float, float] = (0.15, 0.60)  # share a month: China 27 and 39% in the fit
    ban_abroad_months: int = 3
    cut_off_chance: float = 0.40  # that registered miners lose grid power outright in the first winter
    cut_off_again: float = 0.10  # in each later winter, eased as below
    cut_off_months: float = 12.0  # mean length
    winter_cut: tuple[float, float] = (1.5, 3.0)  # beta: share of hours cut in a winter month
    summer_cut: tuple[float, float] = (1.2, 8.0)
    easing_per_year: float = 0.65  # of the hours cut, as plants are repaired and built
    south_factor: float = 1.6  # of the hours cut where the case's South is
    found_median: float = 0.02  # of unregistered miners found a month: a fifth a year
    found_std: float = 1.0  # of its logarithm
    register_high: float = 0.05  # of unregistered miners that register in a month: uniform from 0
    fee_rise_chance: float = 0.5  # that the fee rises within two years; miners were said to pay too little
    fee_rise_usd_per_mwh: tuple[float, float] = (2.0, 25.0)
    price_growth: float = 0.06  # of the price paid, a year: power tariffs were rising
    price_growth_years: float = 4.0  # after which it stays
    price_std: float = 0.25  # of its logarithm, reached in two years: surplus may be imported
    room_mw: tuple[float, float] = (100.0, 3000.0)  # of grid for more miners than stand, log-uniform: the draft cap on
    # all new mines of October 2021, to what the case's plants could give if all were repaired
    ban_chance: float = 0.10  # that mining on grid power is forbidden within two years


@dataclass(frozen=True, eq=False)
class RushForecast:
    """Draws of hash rate and power by country. S samples, T months, C countries (as on the map)."""

    months: Months  # (T,)
    countries: tuple[str, ...]
    hashrate_ehs: Floats  # (S, T, C) as the map would read, hidden countries put back
    power_mw: Floats  # (S, T, C) when running, off-grid miners included
    world_hashrate_ehs: Floats  # (S, T)
    hashprice_usd_per_ph_day: Floats  # (S, T)
    fleet_j_per_th: Floats  # (S, T)
    recorded: int  # first months that are map, not forecast
    world: str  # "forecast" or "record"
    fit: RushFit

    def to_dict(self) -> dict[str, Any]:
        """By month and country: mean, 5, 50, 95% of EH/s and of MW; and the world's by month."""
        ehs, mw = _summary(self.hashrate_ehs), _summary(self.power_mw)
        rows = [
            {
                "month": str(m),
                "country": c,
                "forecast": t >= self.recorded,
                "hashrate_ehs": _named(ehs[:, t, j], 3),
                "power_mw": _named(mw[:, t, j], 1),
            }
            for t, m in enumerate(self.months)
            for j, c in enumerate(self.countries)
        ]
        names = ("world_hashrate_ehs", "hashprice_usd_per_ph_day", "fleet_j_per_th")
        world = {n: _summary(getattr(self, n)) for n in names}
        return {
            "calibrated_on": list(self.fit.fitted_months),
            "test_rmse_share": round(self.fit.test_rmse_share, 4),
            "samples": len(self.hashrate_ehs),
            "world_from": self.world,
            "months": rows,
            "world": [
                {"month": str(m), **{n.removeprefix("world_"): _named(world[n][:, t], 3) for n in names}}
                for t, m in enumerate(self.months)
            ],
        }


def _named(summary: Floats, digits: int) -> dict[str, float]:
    return {k: round(float(x), digits) for k, x in zip(("mean", "p05", "p50", "p95"), summary, strict=True)}


def _summary(x: Floats) -> Floats:
    return np.concatenate([x.mean(axis=0)[None], np.quantile(x, (0.05, 0.5, 0.95), axis=0)])


@lru_cache(maxsize=4)
def _fit_of(case: _Same) -> RushFit:
    return fit_rush(case.case)


class _Same:
    """A case as a key: two cases with one digest are the same."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.key = case.digest or str(id(case))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.key == self.key


def rush(
    case: Case,
    *,
    last: str = "2023-12",
    samples: int = 400,
    seed: int = 1,
    world: Literal["forecast", "record"] = "forecast",
    hazards: Hazards | None = None,
    counted: Census | None = None,
) -> RushForecast:
    """EH/s and MW by country, from the first month of the map to `last`.

    Parameters
    ----------
    last : str
        Last month, at most the end of the world's path.
    world : {"forecast", "record"}
        Hash rate, hashprice and fleet of the world drawn from the month the case closes, or as recorded and then on the
        trend: then the bands are of where the machines went, given how many there were.
    hazards : Hazards, optional
        What may come; default `Hazards()`.
    counted : Census, optional
        What a reading of the map means in MW in the case's country; default `census(case)`.

    Examples
    --------
    `rush(case).to_dict()["months"]` has one row per month and country with mean, 5, 50 and 95%.
    """
    if samples < 10:
        raise ValueError(f"samples is {samples}, need 10 or more")
    if not case.mining_country:
        raise CaseError([Problem("case.yaml: mining_country", "", "a country of mining_atlas.csv")])
    if world not in ("record", "forecast"):
        raise ValueError(f"world is {world!r}, need 'record' or 'forecast'")
    b = hazards or Hazards()
    atlas, fit = country_atlas(case), _fit_of(_Same(case))
    model = RushModel.of(case, parameters=fit.parameters)
    path = world_path(case, first=str(atlas.months[0]), last=last)
    R, S = len(atlas.months), samples
    months = path.months[R:]
    T, C, Z, own = len(months), len(atlas.countries), len(case.zone_names), len(atlas.countries) - 1
    if T == 0:
        raise ValueError(f"last is {last}, need a month after {atlas.months[-1]}")
    hashrate, price, fleet = _world(case, path, S, seed, world)
    columns = [atlas.of(c) for c in model.countries]
    rng = stream(seed, "rush:samples")
    drawn = fit.draw(S, rng)
    group, base, hide, register = model._places
    n = base.size
    paid, fee = price_ahead(case, months), fees_ahead(case, months)
    acts = [_authorities(b, case, months, Z, rng) for _ in range(S)]
    level = np.exp(b.level_std * rng.standard_normal((S, C)))
    walk = b.pull_std * rng.standard_normal((S, T, C))
    for t in range(1, T):
        walk[:, t] += b.pull_persistence * walk[:, t - 1]
    trend = b.pull_trend_std * rng.standard_normal((S, 1, C))
    walk += trend * np.minimum((np.arange(T) + 1) / 12.0, 1.0)[None, :, None]
    bans = _bans_abroad(b, S, T, own, rng)
    counted = counted or census(case, seed=seed)
    pick = rng.integers(len(counted.draws_mw), size=S)
    both = counted.draws_mw[pick, counted.row(str(atlas.months[-1]))]
    registered = both[:, 0] / both.sum(axis=1)
    waiting = float(Replay.of(case).run(fit.parameters).waiting_ehs[-1])
    shares = zone_shares(case)
    china = model.countries.index(CHINA) if CHINA in model.countries[:-1] else -1
    free = np.full((T, n), np.inf)
    per_ehs = both.sum(axis=1) / case.parameters.mining_on_grid_share.value / model.start_ehs[own]  # MW at the start
    room = b.room_mw[0] * (b.room_mw[1] / b.room_mw[0]) ** rng.random(S)
    out = np.empty((S, T, C))
    value = (
        break_even_price(price[:, R:].ravel(), [1.0], pue=model.pue, pool_fee_share=model.pool_fee_share)[:, 0]
    ).reshape(S, T) / fleet[:, R:]
    for s in range(S):
        p, a = drawn[s], acts[s]
        start = model.start_ehs * level[s]
        start *= model.start_ehs.sum() / start.sum()
        split = shares * np.array([registered[s], 1.0 - registered[s]])
        stock = np.concatenate([start[:own], (split * start[own]).ravel()])
        prices = np.empty((T, n))
        prices[:, :own] = model.price_usd_per_mwh[:own]
        prices[:, own:] = (paid * a.price)[:, None]
        prices[:, own::2] += (fee + a.fee)[:, None]
        if china >= 0:
            prices[:, china] = [china_price(p, m) for m in months]
        cut, found, leave = np.zeros((3, T, n))
        cut[:, own::2] = a.cut
        found[:, own + 1 :: 2] = a.found
        leave[:, own::2] = a.leave[:, None]
        leave[:, :own] = bans[s]
        most = per_ehs[s] * fleet[s, R:] / fleet[s, R - 1]  # MW of an EH/s by month
        quota = free.copy()
        quota[:, own:] = (split * (both[s].sum() + room[s])).ravel() / most[:, None]
        pull = pull_at(p, model.countries, atlas.months[-1:]) + walk[s]
        near = np.array([p.near.get(c, 0.0) for c in model.countries])
        split_base = base.copy()
        split_base[own:] = np.maximum(split, 1e-3).ravel() / np.maximum(split, 1e-3).sum()
        stock_s, _ = _run(
            stock, waiting, group, np.ascontiguousarray(hashrate[s, R:]), value[s], prices, cut, found, leave, hide,
            0.2, register, a.register, free, quota, pull, near, split_base, p.vector(),
        )  # fmt: skip
        out[s, :, :own] = stock_s[:, :own]
        out[s, :, own] = stock_s[:, own:].sum(axis=1)
    total = out.sum(axis=2, keepdims=True)
    hashrate = np.concatenate([hashrate[:, :R], total[:, :, 0]], axis=1)  # what finds no place stands still
    out *= np.exp(b.reading_std * rng.standard_normal((S, T, C)))
    out *= total / out.sum(axis=2, keepdims=True)
    back = atlas.hashrate_ehs[None][:, :, columns] * np.exp(b.reading_std * rng.standard_normal((S, R, C)))
    ehs = np.concatenate([back, out], axis=1)
    mw = ehs * fleet[:, :, None] * _pue_and_fleet(case, S, C, rng)[:, None, :]
    mw[:, R:, own] = ehs[:, R:, own] * per_ehs[:, None] * fleet[:, R:] / fleet[:, R - 1 : R]
    known = [counted.row(str(m)) for m in atlas.months]
    mw[:, :R, own] = counted.total_mw[pick][:, known] / case.parameters.mining_on_grid_share.value
    order = [model.countries.index(c) for c in atlas.countries]
    return RushForecast(
        months=path.months, countries=atlas.countries, hashrate_ehs=ehs[:, :, order], power_mw=mw[:, :, order],
        world_hashrate_ehs=hashrate, hashprice_usd_per_ph_day=price, fleet_j_per_th=fleet, recorded=R, world=world,
        fit=fit,
    )  # fmt: skip


def _pue_and_fleet(case: Case, S: int, C: int, rng: np.random.Generator) -> Floats:
    """MW of a TH/s over the world's fleet's, by sample and country: age of its machines, and site overhead. (S, C)"""
    pue = case.parameters.mining_pue
    low, high = pue.low or pue.value, pue.high or pue.value
    site = rng.triangular(low, pue.value, high, (S, C)) if low < high else np.full((S, C), pue.value)
    return np.asarray(site * np.exp(Beliefs().fleet_std * rng.standard_normal((S, C))))


def _bans_abroad(b: Hazards, S: int, T: int, countries: int, rng: np.random.Generator) -> Floats:
    """Share of another country's miners driven out, by sample and month. (S, T, C - 1)"""
    begins = rng.random((S, T, countries)) < 1.0 - (1.0 - b.ban_abroad_per_year) ** (1.0 / 12.0)
    leave = np.asarray(begins * rng.uniform(*b.ban_abroad_leave, (S, T, countries)), np.float64)
    out = leave.copy()
    for k in range(1, b.ban_abroad_months):
        out[:, k:] = np.maximum(out[:, k:], leave[:, :-k])
    return out


def _world(case: Case, path: World, S: int, seed: int, world: str) -> tuple[Floats, Floats, Floats]:
    """Hash rate, hashprice and J/TH by sample and month of `path`. (S, T) each"""
    if world == "record":
        rows = (path.hashrate_ehs, path.hashprice_usd_per_ph_day, path.fleet_j_per_th)
        return tuple(np.tile(x, (S, 1)) for x in rows)  # type: ignore[return-value]
    ends = str(case.as_of)[:7]
    drawn = world_forecast(case, last=str(path.months[-1]), record_ends=ends, samples=S, seed=seed)
    at = months_between(drawn.months[0], path.months[0]) + np.arange(len(path.months))
    return drawn.hashrate_ehs[:, at], drawn.hashprice_usd_per_ph_day[:, at], drawn.fleet_j_per_th[:, at]


@dataclass(frozen=True, eq=False)
class _Acts:
    cut: Floats  # (T, Z) share of hours without power, registered miners
    found: Floats  # (T, Z)
    leave: Floats  # (T,) share of registered miners driven out
    register: Floats  # (T,)
    price: Floats  # (T,) factor on the price paid
    fee: Floats  # (T,) on top of the fee by law [USD/MWh]


def _authorities(b: Hazards, case: Case, months: Months, zones: int, rng: np.random.Generator) -> _Acts:
    """One draw of what the authorities do."""
    T = len(months)
    calendar = months.astype(np.int64) % 12 + 1
    winter = (calendar >= 11) | (calendar <= 3)
    hard = rng.beta(*b.winter_cut), rng.beta(*b.summer_cut)
    years = np.arange(T) / 12.0
    cut = np.where(winter, hard[0], hard[1]) * b.easing_per_year**years
    south = np.array([b.south_factor if z.lower().startswith("south") else 1.0 for z in case.zone_names])
    table = np.clip(cut[:, None] * south[None, :], 0.0, 1.0)
    first = True
    for t in np.flatnonzero(calendar == 12):
        chance = b.cut_off_chance if first else b.cut_off_again * b.easing_per_year ** years[t]
        first = False
        if rng.random() < chance:
            begin = t + int(rng.integers(0, 3))
            end = begin + 1 + int(rng.exponential(b.cut_off_months))
            table[begin:end] = rng.uniform(0.8, 1.0)
    found = np.full((T, zones), min(b.found_median * np.exp(b.found_std * rng.standard_normal()), 0.5))
    leave = np.zeros(T)
    if rng.random() < b.ban_chance:
        leave[int(rng.integers(1, 25)) :] = 0.5
    drift = b.price_std * rng.standard_normal() * np.minimum(years / 2.0, 1.0)
    drift = drift + b.price_growth * np.minimum(years, b.price_growth_years)
    fee = np.zeros(T)
    if rng.random() < b.fee_rise_chance:
        fee[int(rng.integers(1, 25)) :] = rng.uniform(*b.fee_rise_usd_per_mwh)
    return _Acts(table, found, leave, np.full(T, rng.uniform(0.0, b.register_high)), np.exp(drift), fee)


def price_ahead(case: Case, months: Months) -> Floats:
    """Price of power in the case's country, fee left out. [USD/MWh] (T,)"""
    return np.array([price_of(case, case.mining_country, m) for m in months])


def fees_ahead(case: Case, months: Months) -> Floats:
    """Flat mining fee on registered miners by law, from the case's table of policies. [USD/MWh] (T,)

    The scale that came later is not known on the day the case closes: `Hazards` holds what one might fear.
    """
    out = np.zeros(len(months))
    for t, m in enumerate(months):
        day = m.astype("datetime64[D]").astype(object)
        rate = _last([(x.on, x.kzt_per_usd) for x in case.exchange if x.on <= case.as_of], day)
        flat = _fact(case, "mining_fee_flat", day)
        out[t] = 1e3 * (flat or 0.0) / rate if rate else 0.0
    return out


def _fact(case: Case, item: str, day: date) -> float | None:
    known = [(p.on, p.value) for p in case.policies if p.item == item and p.on <= day]
    return _last(known, day) if known else None


def _last(rows: list[tuple[date, float]], day: date) -> float:
    known = [r for r in sorted(rows) if r[0] <= day] or sorted(rows)[:1]
    return known[-1][1] if known else 0.0
