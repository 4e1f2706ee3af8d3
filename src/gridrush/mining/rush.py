"""The rush with its doubts: EH/s and MW by country and month, from a calibration that ends with the map.

Sampled: the fit's parameters, each country's pull (a walk that goes on as it did), the reading of the map's last
month, the share of the case's miners that is registered (census), and what its authorities do: hours cut, power cut
for good, unregistered farms found, price of the power left. What is known by the day the case closes is used: laws
passed with their dates, rationing since September 2021, the warnings of a short winter. Nothing later is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from gridrush.case.model import Case
from gridrush.mining._kernels import _run
from gridrush.mining._streams import stream
from gridrush.mining.atlas import country_atlas
from gridrush.mining.calibrate import RushFit, fit_rush
from gridrush.mining.census import zone_shares
from gridrush.mining.economics import break_even_price
from gridrush.mining.forecast import world_forecast, world_path
from gridrush.mining.migration import CHINA, RushModel, china_price, price_of, pull_at
from gridrush.mining.network import Months
from gridrush.units import Floats


@dataclass(frozen=True)
class Hazards:
    """What the case's authorities may do after the case closes. All judged in November 2021; see docs/mining.md."""

    pull_std: float = 0.11  # of a country's pull, a month to the root: 0.4 a year; the fastest fitted growth is 0.5
    pull_persistence: float = 0.97  # of that walk, a month: forgotten over three years, so that nobody takes all
    level_std: float = 0.12  # of the map's last reading, of its logarithm: pools sampled differ
    reading_std: float = 0.15  # of a month's reading of the map, of its logarithm; the forecast is of readings
    registered_low: float = 0.30  # share of miners registered at the start: census, 5 to 95%
    registered_high: float = 0.65
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
    price_growth: float = 0.06  # of the price paid, a year: power tariffs were rising
    price_growth_years: float = 4.0  # after which it stays
    price_std: float = 0.25  # of its logarithm, reached in two years: surplus may be imported
    ban_chance: float = 0.10  # that mining on grid power is forbidden within two years


@dataclass(frozen=True, eq=False)
class RushForecast:
    """Draws of hash rate and power by country. S samples, T months, C countries (as on the map)."""

    months: Months
    countries: tuple[str, ...]
    hashrate_ehs: Floats  # (S, T, C)
    fleet_j_per_th: Floats  # (S, T)
    pue: float
    recorded: int  # first months that are map, not forecast
    fit: RushFit

    @property
    def power_mw(self) -> Floats:
        """MW when running, off-grid miners included. (S, T, C)"""
        return np.asarray(self.hashrate_ehs * self.fleet_j_per_th[:, :, None] * self.pue)

    def to_dict(self) -> dict[str, Any]:
        """By month and country: mean, 5, 50, 95% of EH/s and of MW."""
        ehs, mw = _summary(self.hashrate_ehs), _summary(self.power_mw)
        keys = ("mean", "p05", "p50", "p95")
        rows = [
            {
                "month": str(m),
                "country": c,
                "forecast": t >= self.recorded,
                "hashrate_ehs": {k: round(float(ehs[i, t, j]), 3) for i, k in enumerate(keys)},
                "power_mw": {k: round(float(mw[i, t, j]), 1) for i, k in enumerate(keys)},
            }
            for t, m in enumerate(self.months)
            for j, c in enumerate(self.countries)
        ]
        return {
            "calibrated_on": list(self.fit.fitted_months),
            "test_rmse_share": round(self.fit.test_rmse_share, 4),
            "samples": len(self.hashrate_ehs),
            "months": rows,
        }


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
    world: Literal["record", "forecast"] = "record",
    hazards: Hazards | None = None,
) -> RushForecast:
    """EH/s and MW by country, from the first month of the map to `last`.

    Parameters
    ----------
    last : str
        Last month, at most the end of the world's path.
    world : {"record", "forecast"}
        Hash rate and hashprice of the world as recorded and then on the trend, or drawn from the month the case closes.
    hazards : Hazards, optional
        What the authorities may do; default `Hazards()`.

    Examples
    --------
    `rush(case).to_dict()["months"]` has one row per month and country with mean, 5, 50 and 95%.
    """
    if samples < 10:
        raise ValueError(f"samples is {samples}, need 10 or more")
    if world not in ("record", "forecast"):
        raise ValueError(f"world is {world!r}, need 'record' or 'forecast'")
    b = hazards or Hazards()
    atlas, fit = country_atlas(case), _fit_of(_Same(case))
    model = RushModel.of(case, parameters=fit.parameters)
    first = atlas.months[-1] + 1
    path = world_path(case, first=str(atlas.months[0]), last=last)
    ahead = path.months >= first
    T, S, C, Z = int(ahead.sum()), samples, len(atlas.countries), len(case.zone_names)
    if T == 0:
        raise ValueError(f"last is {last}, need a month after {atlas.months[-1]}")
    hashrate, price, fleet = _world(case, path.months, ahead, S, seed, world, last)
    rng = stream(seed, "rush:samples")
    drawn = fit.draw(S, rng)
    own = C - 1
    columns = [atlas.of(c) for c in model.countries]
    out = np.empty((S, T, C))
    group, base, hide, register = model._places
    n = base.size
    paid = price_ahead(case, path.months[ahead])
    acts = [_authorities(b, case, path.months[ahead], Z, rng) for _ in range(S)]
    level = np.exp(b.level_std * rng.standard_normal((S, C)))
    walk = b.pull_std * rng.standard_normal((S, T, C))
    for t in range(1, T):
        walk[:, t] += b.pull_persistence * walk[:, t - 1]
    registered = rng.uniform(b.registered_low, b.registered_high, S)
    shares = zone_shares(case)
    china = model.countries.index(CHINA) if CHINA in model.countries[:-1] else -1
    ones, free = np.zeros((T, n)), np.full((T, n), np.inf)
    for s in range(S):
        p, a = drawn[s], acts[s]
        start = model.start_ehs * level[s]
        start *= model.start_ehs.sum() / start.sum()
        split = shares * np.array([registered[s], 1.0 - registered[s]])
        stock = np.concatenate([start[:own], (split * start[own]).ravel()])
        spot = np.broadcast_to(model.price_usd_per_mwh, (T, C))
        prices = np.concatenate([spot[:, :own], np.repeat(paid[:, None], 2 * Z, axis=1)], axis=1)
        prices[:, own::2] += fees_ahead(case, path.months[ahead], paid)[:, None]
        prices[:, own:] *= a.price[:, None]
        if china >= 0:
            prices[:, china] = [china_price(p, m) for m in path.months[ahead]]
        cut, found, leave = ones.copy(), ones.copy(), ones.copy()
        cut[:, own::2] = a.cut
        found[:, own + 1 :: 2] = a.found
        leave[:, own::2] = a.leave[:, None]
        value = break_even_price(
            price[s], [1.0], pue=model.pue, pool_fee_share=model.pool_fee_share
        )[:, 0] / fleet[s]  # fmt: skip
        pull = pull_at(p, model.countries, atlas.months[-1:]) + walk[s]
        near = np.array([p.near.get(c, 0.0) for c in model.countries])
        split_base = base.copy()
        split_base[own:] = np.maximum(split, 1e-3).ravel() / np.maximum(split, 1e-3).sum()
        stock_s, _ = _run(
            stock, 0.0, group, hashrate[s], value, prices, cut, found, leave, hide, 0.2, register, a.register, free,
            free, pull, near, split_base, p.vector(),
        )  # fmt: skip
        out[s, :, :own] = stock_s[:, :own]
        out[s, :, own] = stock_s[:, own:].sum(axis=1)
    back = np.empty((S, len(atlas.months), C))
    total = out.sum(axis=2, keepdims=True)
    out *= np.exp(b.reading_std * rng.standard_normal((S, T, C)))
    out *= total / out.sum(axis=2, keepdims=True)
    noise = np.exp(b.reading_std * rng.standard_normal((S, len(atlas.months), C)))
    back[:] = atlas.hashrate_ehs[None][:, :, columns] * noise
    order = [model.countries.index(c) for c in atlas.countries]
    both = np.concatenate([back, out], axis=1)[:, :, order]
    j = np.concatenate([np.broadcast_to(path.fleet_j_per_th[~ahead], (S, (~ahead).sum())), fleet], axis=1)
    return RushForecast(path.months, atlas.countries, both, j, model.pue, int((~ahead).sum()), fit)


def _world(
    case: Case, months: Months, ahead: Any, S: int, seed: int, world: str, last: str
) -> tuple[Floats, Floats, Floats]:
    """Hash rate, hashprice and J/TH by sample over the months ahead. (S, T) each"""
    if world == "record":
        path = world_path(case, first=str(months[0]), last=last)
        rows = (path.hashrate_ehs, path.hashprice_usd_per_ph_day, path.fleet_j_per_th)
        return tuple(np.tile(x[ahead], (S, 1)) for x in rows)  # type: ignore[return-value]
    drawn = world_forecast(case, last=last, record_ends=str(case.as_of)[:7], samples=S, seed=seed)
    at = np.flatnonzero(np.isin(drawn.months, months[ahead]))
    return drawn.hashrate_ehs[:, at], drawn.hashprice_usd_per_ph_day[:, at], drawn.fleet_j_per_th[:, at]


@dataclass(frozen=True, eq=False)
class _Acts:
    cut: Floats  # (T, Z) share of hours without power, registered miners
    found: Floats  # (T, Z)
    leave: Floats  # (T,) share of registered miners driven out
    register: Floats  # (T,)
    price: Floats  # (T,) factor on the price paid


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
    return _Acts(table, found, leave, np.full(T, rng.uniform(0.0, b.register_high)), np.exp(drift))


def price_ahead(case: Case, months: Months) -> Floats:
    """Price of power in the case's country, fee left out. [USD/MWh] (T,)"""
    return np.array([price_of(case, case.mining_country, m) for m in months])


def fees_ahead(case: Case, months: Months, price_usd_per_mwh: Floats) -> Floats:
    """Mining fee by law on registered miners, from the case's table of policies. [USD/MWh] (T,)

    From `mining_fee_flat` on, that; from `mining_fee_scale_floor` on, the scale clip(ceiling - price, floor, ceiling)
    in tenge. The same rule as `policy.levers.fee_kzt_per_kwh`, which scenarios use; a test holds the two together.
    """
    out = np.zeros(len(months))
    for t, m in enumerate(months):
        day = m.astype("datetime64[D]").astype(object)
        rate = _last([(x.on, x.kzt_per_usd) for x in case.exchange], day)
        flat = _fact(case, "mining_fee_flat", day)
        floor, ceiling = _fact(case, "mining_fee_scale_floor", day), _fact(case, "mining_fee_scale_ceiling", day)
        kzt = flat or 0.0
        if floor is not None and ceiling is not None and rate:
            kzt = float(np.clip(ceiling - price_usd_per_mwh[t] * rate / 1e3, floor, ceiling))
        out[t] = 1e3 * kzt / rate if rate else 0.0
    return out


def _fact(case: Case, item: str, day: date) -> float | None:
    known = [(p.on, p.value) for p in case.policies if p.item == item and p.on <= day]
    return _last(known, day) if known else None


def _last(rows: list[tuple[date, float]], day: date) -> float:
    known = [r for r in sorted(rows) if r[0] <= day] or sorted(rows)[:1]
    return known[-1][1] if known else 0.0
