"""The Bitcoin network by month as arrays, from the case's table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.units import Floats

Months = NDArray[np.datetime64]


def month_of(text: str | np.datetime64) -> np.datetime64:
    """Month of a date written as "2021-10", "2021-10-14" or numpy's datetime64."""
    return np.datetime64(str(text)[:7], "M")


def months_between(first: np.datetime64, last: np.datetime64) -> int:
    """Months from one month to another."""
    return int(last.astype("datetime64[M]").astype(np.int64) - first.astype("datetime64[M]").astype(np.int64))


@dataclass(frozen=True, eq=False)
class Network:
    """The network in T consecutive months."""

    months: Months  # (T,) datetime64[M]
    hashrate_ehs: Floats  # (T,)
    hashprice_usd_per_ph_day: Floats  # (T,)
    price_usd: Floats  # (T,)
    revenue_usd_per_day: Floats  # (T,)
    published_j_per_th: Floats  # (T, 3) low, best, high; NaN where not published

    def at(self, month: str | np.datetime64) -> int:
        """Row of a month.

        Raises
        ------
        KeyError
            If the record has no such month.
        """
        row = months_between(self.months[0], month_of(month))
        if not 0 <= row < len(self.months):
            raise KeyError(f"the network record runs {self.months[0]} to {self.months[-1]}; no {month}")
        return row


def network_of(case: Case) -> Network:
    """The network series of a case, in order of months.

    Raises
    ------
    CaseError
        If the table is empty or a month is missing or given twice.
    """
    rows = sorted(case.network, key=lambda r: r.month)
    if not rows:
        raise CaseError([Problem("mining_network.csv", "no rows", "one row a month")])
    months = np.array([r.month for r in rows], dtype="datetime64[M]")
    steps = np.diff(months).astype(np.int64)
    if (steps != 1).any():
        after = [str(months[i]) for i in np.flatnonzero(steps != 1)]
        raise CaseError([Problem("mining_network.csv", f"after {m}", "the next month, once") for m in after])
    nan = np.nan
    eff = [
        [nan if x is None else x for x in (r.fleet_low_j_per_th, r.fleet_best_j_per_th, r.fleet_high_j_per_th)]
        for r in rows
    ]
    price = np.array([r.price_usd for r in rows])
    coins = np.array([r.issuance_btc_per_day + (r.fees_btc_per_day or 0.0) for r in rows])
    return Network(
        months=months,
        hashrate_ehs=np.array([r.hashrate_ehs for r in rows]),
        hashprice_usd_per_ph_day=np.array([r.hashprice_usd_per_ph_day for r in rows]),
        price_usd=price,
        revenue_usd_per_day=price * coins,
        published_j_per_th=np.array(eff, np.float64).reshape(len(rows), 3),
    )
