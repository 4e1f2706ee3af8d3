"""Units of measure and the conversions made once, at the border.

Inside gridrush: MW, MWh, USD, UTC. Everything else is converted here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

Unit = Literal[
    "MW", "MWh", "GWh", "TWh", "share", "share/yr", "share/month", "USD/MWh", "USD/MW", "USD/MW/yr", "USD/MWh_th",
    "USD/kWh", "KZT/kWh", "KZT/USD", "USD", "bn USD", "t/MWh_th", "h", "h/yr", "weeks/yr", "years", "months",
    "J/TH", "EH/s", "TH/s", "USD/PH/day", "USD/TH/day", "USD/TH", "count", "USD/t", "s", "Hz", "1",
]

HOURS_PER_YEAR = 8760
"""Hours of a model year: 29 February is left out so that years are alike."""

HOURS_PER_DAY = 24


def mw_from_ehs(hashrate_ehs: ArrayLike, efficiency_j_per_th: ArrayLike, pue: ArrayLike = 1.0) -> Floats:
    """Power drawn by a hash rate. [MW]

    1 EH/s is 1e6 TH/s and 1 J/TH is 1 W per TH/s, so MW = EH/s * J/TH * PUE.

    Parameters
    ----------
    hashrate_ehs : array_like
        Hash rate. [EH/s]
    efficiency_j_per_th : array_like
        Electricity used by the machines per terahash. [J/TH]
    pue : array_like
        Power usage effectiveness: site power over machine power. [1]

    Examples
    --------
    >>> float(mw_from_ehs(27.31, 59.43, 1.10).round(0))
    1785.0
    """
    h, e, p = (np.asarray(x, dtype=np.float64) for x in (hashrate_ehs, efficiency_j_per_th, pue))
    return np.asarray(h * e * p)


def usd_per_mwh_from_kzt_per_kwh(price_kzt_per_kwh: ArrayLike, kzt_per_usd: ArrayLike) -> Floats:
    """Price in USD/MWh of a price in KZT/kWh.

    Examples
    --------
    >>> float(usd_per_mwh_from_kzt_per_kwh(1.0, 426.0).round(3))
    2.347
    """
    return np.asarray(1000.0 * np.asarray(price_kzt_per_kwh, np.float64) / np.asarray(kzt_per_usd, np.float64))
