"""Chain quantities and what a machine earns: revenue, hashprice, break-even price, payback.

Units: hash rate in EH/s, efficiency in J/TH (1 J/TH is 1 W per TH/s), hashprice in USD per PH/s per day.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from gridrush.units import HOURS_PER_DAY, Floats

HASHES_PER_DIFFICULTY = 2.0**32
"""Hashes expected per block at difficulty 1 (Nakamoto 2008; Bitcoin protocol)."""

BLOCK_SECONDS = 600.0
"""Target spacing of blocks (Bitcoin protocol)."""

REVENUE_SHARE_DIGICONOMIST = 0.60
"""Share of revenue that Digiconomist's index lets miners spend on power (de Vries 2018, Joule 2, 801-805)."""

DAYS_PER_MONTH = 365.25 / 12.0


def revenue_usd_per_day(price_usd: ArrayLike, issuance_btc_per_day: ArrayLike, fees_btc_per_day: ArrayLike) -> Floats:
    """Revenue of all miners in a day, price x (issuance + fees). [USD/day]

    Examples
    --------
    >>> float(revenue_usd_per_day(50_000.0, 900.0, 100.0))
    50000000.0
    """
    price, new, fees = (np.asarray(x, np.float64) for x in (price_usd, issuance_btc_per_day, fees_btc_per_day))
    return np.asarray(price * (new + fees))


def hashprice(
    price_usd: ArrayLike, issuance_btc_per_day: ArrayLike, *, fees_btc_per_day: ArrayLike = 0.0, hashrate_ehs: ArrayLike
) -> Floats:
    """Revenue of one PH/s in a day, price x (issuance + fees) / (1000 hash rate). [USD/PH/day]

    Examples
    --------
    >>> float(hashprice(57915.47, 943.95, fees_btc_per_day=15.545, hashrate_ehs=147.262).round(1))
    377.4
    """
    per_day = revenue_usd_per_day(price_usd, issuance_btc_per_day, fees_btc_per_day)
    return np.asarray(per_day / (1e3 * np.asarray(hashrate_ehs, np.float64)))


def hashrate_ehs_from_difficulty(difficulty: ArrayLike, *, blocks_per_day: ArrayLike = 144.0) -> Floats:
    """Hash rate that finds blocks at the pace seen, D 2^32 blocks / 86,400 s. [EH/s]

    Examples
    --------
    >>> float(hashrate_ehs_from_difficulty(20e12).round(1))
    143.2
    """
    per_block = np.asarray(difficulty, np.float64) * HASHES_PER_DIFFICULTY
    return np.asarray(per_block * np.asarray(blocks_per_day, np.float64) / 86_400.0 / 1e18)


def break_even_price(
    hashprice_usd_per_ph_day: ArrayLike,
    efficiency_j_per_th: ArrayLike,
    *,
    pue: float = 1.0,
    pool_fee_share: float = 0.0,
) -> Floats:
    """Highest power price at which a machine still earns its running cost.

    One PH/s at e J/TH draws e kW at the plug of the machine and e PUE kW at the site: p = 1000 h (1 - f) / (24 e PUE).

    Parameters
    ----------
    hashprice_usd_per_ph_day : array_like, shape (T,)
        Revenue of one PH/s in a day. [USD/PH/day]
    efficiency_j_per_th : array_like, shape (M,)
        Electricity used per terahash by the machine. [J/TH]
    pue : float
        Site power over machine power. [1]
    pool_fee_share : float
        Part of revenue kept by the pool.

    Returns
    -------
    ndarray, shape (T, M)
        Break-even power price. [USD/MWh]

    Examples
    --------
    >>> break_even_price([104.977], [98.0]).round(1)     # Antminer S9, June 2022
    array([[44.6]])
    """
    h = np.asarray(hashprice_usd_per_ph_day, np.float64).reshape(-1, 1)
    e = np.asarray(efficiency_j_per_th, np.float64).reshape(1, -1)
    return np.asarray(revenue_usd_per_mwh(h, e, pue=pue, pool_fee_share=pool_fee_share))


N = TypeVar("N", float, Floats)


def revenue_usd_per_mwh(hashprice_usd_per_ph_day: N, efficiency_j_per_th: N, *, pue: float, pool_fee_share: float) -> N:
    """What a MWh at the site earns: `break_even_price` without checks, for numbers or arrays of one shape. [USD/MWh]"""
    paid = 1e3 * hashprice_usd_per_ph_day * (1.0 - pool_fee_share)
    return paid / (HOURS_PER_DAY * efficiency_j_per_th * pue)


def payback_months(
    machine_price_usd_per_th: ArrayLike,
    hashprice_usd_per_ph_day: ArrayLike,
    efficiency_j_per_th: ArrayLike,
    *,
    power_price_usd_per_mwh: ArrayLike,
    uptime_share: ArrayLike = 1.0,
    pue: float = 1.0,
) -> Floats:
    """Months in which running margin repays a machine; infinite where the margin is not positive.

    n = c / (365.25/12 u (h - 24 e PUE p / 1000) / 1000), c in USD/TH, h in USD/PH/day, p in USD/MWh.

    Examples
    --------
    >>> float(payback_months(100.0, 350.0, 30.0, power_price_usd_per_mwh=45.0).round(1))
    10.3
    """
    c, h, e, p, u = np.broadcast_arrays(
        *(
            np.asarray(x, np.float64)
            for x in (
                machine_price_usd_per_th,
                hashprice_usd_per_ph_day,
                efficiency_j_per_th,
                power_price_usd_per_mwh,
                uptime_share,
            )
        )
    )
    margin = u * (h - HOURS_PER_DAY * e * pue * p / 1e3) / 1e3 * DAYS_PER_MONTH
    return np.asarray(np.divide(c, margin, out=np.full(c.shape, np.inf), where=margin > 0))


def digiconomist_twh_per_year(
    revenue_usd_per_day: ArrayLike,
    *,
    power_price_usd_per_kwh: float = 0.05,
    revenue_share: float = REVENUE_SHARE_DIGICONOMIST,
) -> Floats:
    """Energy if miners spent a fixed share of revenue on power, E = s R 365.25 / p. [TWh/yr]

    Slow to follow and without machines: kept as the usual comparison, not used elsewhere.

    References
    ----------
    de Vries A. (2018) Bitcoin's growing energy problem. Joule 2(5), 801-805.

    Examples
    --------
    >>> float(digiconomist_twh_per_year(55e6).round(0))
    241.0
    """
    per_year = np.asarray(revenue_usd_per_day, np.float64) * 365.25
    return np.asarray(revenue_share * per_year / power_price_usd_per_kwh / 1e9)
