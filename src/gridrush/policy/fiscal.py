"""Who pays what to whom: the ledger.

A ledger is a table of transfers: each line has one payer and one payee, so whatever one party pays another receives.
Real resources used up (fuel, machines, energy not served) are paid to `resources`, which nobody gets back: what
`resources` receives, less what the world pays in, is the cost to the country.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from gridrush.case.model import Case
from gridrush.policy.levers import exchange_kzt_per_usd
from gridrush.units import HOURS_PER_YEAR

PARTIES = ("consumers", "utility", "treasury", "registered", "unregistered", "abroad", "resources")


@dataclass(frozen=True)
class Line:
    """One kind of payment."""

    payer: str
    payee: str
    title: str


LINES: dict[str, Line] = {
    "fuel": Line("utility", "resources", "Fuel and variable cost of plants"),
    "fixed": Line("utility", "resources", "Fixed cost of plants"),
    "new_plant": Line("utility", "resources", "Annual cost of new plants and lines"),
    "imports": Line("utility", "abroad", "Power bought abroad"),
    "exports": Line("abroad", "utility", "Power sold abroad"),
    "carbon": Line("utility", "treasury", "Carbon price"),
    "consumer_power": Line("consumers", "utility", "Consumers' power bill"),
    "registered_power": Line("registered", "utility", "Registered miners' power bill"),
    "unregistered_power": Line("unregistered", "utility", "Unregistered miners' power bill"),
    "fee": Line("registered", "treasury", "Digital mining fee"),
    "profit_tax": Line("registered", "treasury", "Tax on registered miners' profit"),
    "fines": Line("unregistered", "treasury", "Fines of farms that are found"),
    "own_power": Line("registered", "resources", "Power that registered miners make themselves"),
    "interruption": Line("utility", "registered", "Paid to miners for being cut"),
    "enforcement": Line("treasury", "resources", "Finding unregistered farms"),
    "registered_coins": Line("abroad", "registered", "Coins earned by registered miners"),
    "unregistered_coins": Line("abroad", "unregistered", "Coins earned by unregistered miners"),
    "unserved": Line("consumers", "resources", "Energy not served, at its value"),
}
"""Every line a ledger may have."""


def ledger(amounts_usd: dict[str, dict[int, float]]) -> pd.DataFrame:
    """Table of transfers by year. [USD]

    Parameters
    ----------
    amounts_usd : dict of line name to dict of year to amount
        Lines not named are zero.

    Returns
    -------
    DataFrame
        Index `year`, one column per line of `LINES`.

    Raises
    ------
    KeyError
        For a line that `LINES` does not know.
    """
    if unknown := set(amounts_usd) - set(LINES):
        raise KeyError(f"unknown ledger lines {sorted(unknown)}; known: {sorted(LINES)}")
    table = pd.DataFrame({line: pd.Series(amounts_usd.get(line, {}), dtype=float) for line in LINES})
    table.index.name = "year"
    return table.fillna(0.0).sort_index()


def balances(table: pd.DataFrame) -> pd.DataFrame:
    """What each party receives less what it pays, by year; rows add up to zero. [USD]"""
    out = {party: np.zeros(len(table)) for party in PARTIES}
    for name, line in LINES.items():
        usd = table[name].to_numpy(np.float64)
        out[line.payer] -= usd
        out[line.payee] += usd
    return pd.DataFrame(out, index=table.index)


def system_cost_usd(table: pd.DataFrame) -> pd.Series[float]:
    """Cost of the power system to the country: resources used and the trade deficit in power. [USD]"""
    parts = table["fuel"] + table["fixed"] + table["new_plant"] + table["imports"] - table["exports"]
    return parts + table["enforcement"] + table["unserved"]


def fiscal_usd(table: pd.DataFrame) -> pd.Series[float]:
    """What the treasury takes in from miners, less what finding them costs: fee + tax + fines - enforcement. [USD]"""
    return table["fee"] + table["profit_tax"] + table["fines"] - table["enforcement"]


def fee_revenue_usd(power_mw: float, fee_kzt_per_kwh: float, *, kzt_per_usd: float, years: float = 1.0) -> float:
    """Fee paid by a load that runs all hours and does not answer to the fee, P x 8,760 h x fee x years. [USD]

    Parameters
    ----------
    power_mw : float
        Registered load. [MW]
    fee_kzt_per_kwh, kzt_per_usd : float
        Fee and exchange rate. [KZT/kWh, KZT/USD]

    Examples
    --------
    The fee of 2022 on 600 MW, at the rate of January 2022, in five years, in million USD; and for 1.5 billion:

    >>> round(fee_revenue_usd(600, 1.0, kzt_per_usd=435, years=5) / 1e6, 1)
    60.4
    >>> round(flat_fee_kzt_per_kwh(1.5e9, 600, kzt_per_usd=435, years=5), 1)
    24.8
    """
    return power_mw * HOURS_PER_YEAR * years * 1000.0 * fee_kzt_per_kwh / kzt_per_usd


def flat_fee_kzt_per_kwh(target_usd: float, power_mw: float, *, kzt_per_usd: float, years: float = 1.0) -> float:
    """Fee that would bring in a target from a load that does not answer to it; the inverse of `fee_revenue_usd`."""
    return target_usd / fee_revenue_usd(power_mw, 1.0, kzt_per_usd=kzt_per_usd, years=years)


def in_tenge(table: pd.DataFrame, case: Case) -> pd.DataFrame:
    """A ledger at each year's exchange rate (mid-year, the last known after the record). [KZT]"""
    rate = [exchange_kzt_per_usd(case, date(int(y), 7, 1)) for y in table.index]
    return table.mul(rate, axis=0)


def present_value_usd(amounts: pd.Series[float], *, base_year: int, discount_share: float) -> float:
    """Amounts by year discounted to the middle of the base year. [USD]"""
    years = amounts.index.to_numpy(dtype=float)
    return float((amounts.to_numpy(dtype=float) / (1.0 + discount_share) ** (years - base_year)).sum())
