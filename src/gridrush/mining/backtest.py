"""Would the forecast have held? The rush and the world forecast from earlier months, beside what came.

From each origin only what was known then is used: the map, statements and rules up to that month, a fit on half of
those months, and (in `cover_world` and in `cover_rush(world="forecast")`) the network up to it.
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

import numpy as np

from gridrush.case.model import Case
from gridrush.mining.atlas import country_atlas
from gridrush.mining.fleet import fleet_j_per_th
from gridrush.mining.forecast import CoinModel, world_forecast
from gridrush.mining.network import month_of, network_of
from gridrush.mining.rush import Hazards, rush

CALM = replace(
    Hazards(), cut_off_chance=0.0, cut_off_again=0.0, winter_cut=(1.0, 50.0), summer_cut=(1.0, 50.0),
    fee_rise_chance=0.0, price_growth=0.0, price_std=0.1, found_median=0.005, ban_chance=0.05,
)  # fmt: skip
"""What the case's authorities might do before they first rationed miners in September 2021."""

ORIGINS = tuple(str(m) for m in np.arange("2020-07", "2021-08", dtype="datetime64[M]"))
"""Months with ten readings of the map behind them and three ahead."""


@dataclass(frozen=True)
class Coverage:
    """How often an interval held what came."""

    what: str  # "all countries", a country, or a quantity of the world
    horizon_months: int
    inside_share: float
    cases: int  # origins x countries; they overlap
    miss_std: float  # spread of (truth - median) of the logarithm
    interval_std: float  # mean of the interval's half width of the logarithm over 1.645


def as_known(case: Case, month: str) -> Case:
    """The case as it stood at the end of a month: map, statements and rules of later dates left out.

    The network stays whole: give its end to whatever forecasts it.
    """
    year, number = int(month[:4]), int(month[5:7])
    end = date(year, number, calendar.monthrange(year, number)[1])
    return case.model_copy(
        update={
            "as_of": end,
            "atlas": tuple(r for r in case.atlas if r.month <= month),
            "statements": tuple(s for s in case.statements if s.on <= end),
            "policies": tuple(p for p in case.policies if p.on <= end),
            "digest": f"{case.digest} as known in {month}",
        }
    )


def cover_rush(
    case: Case,
    *,
    origins: Sequence[str] = ORIGINS,
    horizons: Sequence[int] = (3, 6, 12),
    world: Literal["forecast", "record"] = "record",
    hazards: Hazards = CALM,
    samples: int = 200,
    seed: int = 1,
) -> list[Coverage]:
    """Share of the map's later readings inside the 90% interval of EH/s, over all countries and for the case's own.

    Parameters
    ----------
    origins : sequence of str
        Months at which the calibration ends.
    world : {"record", "forecast"}
        Hash rate of the world given, so that only shares are tested, or drawn.

    Examples
    --------
    `cover_rush(case, origins=("2020-10",), horizons=(12,))` tells of the readings of October 2021.
    """
    truth = country_atlas(case)
    hits: dict[tuple[str, int], list[tuple[bool, float, float]]] = {}
    for origin in origins:
        last = str(month_of(origin) + max(horizons))
        found = rush(as_known(case, origin), last=last, samples=samples, seed=seed, world=world, hazards=hazards)
        for h in horizons:
            then = month_of(origin) + h
            if then > truth.months[-1]:
                continue
            at = int((then - truth.months[0]).astype(np.int64))
            for c, country in enumerate(found.countries):
                true = truth.hashrate_ehs[at, truth.of(country)]
                told = _told(found.hashrate_ehs[:, at, c], float(true))
                hits.setdefault(("all countries", h), []).append(told)
                if country == case.mining_country:
                    hits.setdefault((country, h), []).append(told)
    return _table(hits)


def cover_world(
    case: Case,
    *,
    origins: Sequence[str],
    until: str,
    horizons: Sequence[int] = (1, 3, 6, 12),
    coin: CoinModel | None = None,
    samples: int = 300,
    seed: int = 1,
) -> list[Coverage]:
    """Share of the record inside the 90% interval of coin price, hash rate, hashprice and fleet, to month `until`."""
    network = network_of(case)
    truth: Mapping[str, np.ndarray] = {
        "price_usd": network.price_usd, "hashrate_ehs": network.hashrate_ehs,
        "hashprice_usd_per_ph_day": network.hashprice_usd_per_ph_day, "fleet_j_per_th": fleet_j_per_th(case)[:, 1],
    }  # fmt: skip
    hits: dict[tuple[str, int], list[tuple[bool, float, float]]] = {}
    for origin in origins:
        last = str(month_of(origin) + max(horizons))
        drawn = world_forecast(case, last=last, record_ends=origin, samples=samples, seed=seed, coin=coin)
        for h in horizons:
            if month_of(origin) + h <= month_of(until):
                at = network.at(origin) + h
                for name, record in truth.items():
                    hits.setdefault((name, h), []).append(_told(getattr(drawn, name)[:, at], float(record[at])))
    return _table(hits)


def _told(draws: np.ndarray, true: float) -> tuple[bool, float, float]:
    low, mid, high = np.quantile(draws, (0.05, 0.5, 0.95))
    width = np.log(max(high, 1e-9) / max(low, 1e-9)) / (2 * 1.645)
    return bool(low <= true <= high), float(np.log(max(true, 1e-3) / max(mid, 1e-3))), float(width)


def _table(hits: Mapping[tuple[str, int], list[tuple[bool, float, float]]]) -> list[Coverage]:
    out = []
    for (what, h), rows in sorted(hits.items()):
        inside, miss, width = (np.array(x, np.float64) for x in zip(*rows, strict=True))
        out.append(Coverage(what, h, float(inside.mean()), len(rows), float(miss.std()), float(width.mean())))
    return out
