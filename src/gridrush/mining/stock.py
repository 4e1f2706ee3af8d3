"""The world's stock of machines by vintage: bought where margins are good, ageing, idle where they do not pay.

All arrays carry samples S in front, so that a forecast of hundreds of worlds is one pass over its months.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gridrush.case.model import Case
from gridrush.mining.fleet import POWER_PRICE_USD_PER_KWH, RULES, basket
from gridrush.mining.network import Months, Network, network_of
from gridrush.units import HOURS_PER_DAY, Floats

FRONTIER_GROWTH_SHARE = -0.12
"""Change of new machines' J/TH a year where the record names none: the best device on sale fell 14% a year from 2020
to 2024 (mining_machines.csv); slowing is assumed."""

WEAR_SHARE = 0.12
"""Part of the stock beyond its life that leaves in a month (judged)."""


@dataclass(frozen=True)
class SalesLaw:
    """How fast machines are bought, and how they go.

    Sales in a month are rate x hash rate x ln(value of a MWh / power price) ** elasticity, `lag` months later. Fitted
    on the network record January 2022 to December 2025 (`fit_sales`): error 6% of hash rate.
    """

    rate: float = 0.0632
    elasticity: float = 0.611
    lag_months: int = 3  # best of 3, 6 and 9 on 2018-01..2021-05
    life_months: float = 60.0  # CBECI v1.4: five years
    life_width: float = 6.0  # judged
    idle_scrap_share: float = 0.05  # judged: of machines that stand, a month


def running_ehs(
    ehs: Floats, j_per_th: Floats, *, revenue_usd_per_day: Floats, power_usd_per_mwh: float
) -> tuple[Floats, Floats]:
    """Part of each cohort that runs when the marginal machine breaks even, and their sum. (S, K), (S,) [EH/s]

    A machine of e J/TH pays while revenue / hash rate >= 24 e p / 1000 (USD per PH/s and day). Machines switch on from
    the best; the cohort that no longer pays at full stock runs in part.

    Parameters
    ----------
    ehs, j_per_th : ndarray, shape (S, K)
        Cohorts with J/TH rising along the last axis.
    revenue_usd_per_day : ndarray, shape (S,)
        Of all miners.
    """
    limit = revenue_usd_per_day[:, None] / (HOURS_PER_DAY * j_per_th * power_usd_per_mwh)  # 1000 PH in an EH
    total = np.cumsum(ehs, axis=1)
    on = np.minimum(total, limit).max(axis=1)
    return np.clip(on[:, None] - (total - ehs), 0.0, ehs), on


def stock_paths(
    ehs: Floats, j_per_th: Floats, age_months: Floats, *, new_j_per_th: Floats, revenue_usd_per_day: Floats,
    sales_factor: Floats | float = 1.0, most_share: float = np.inf, law: SalesLaw | None = None,
    power_usd_per_mwh: float = 1e3 * POWER_PRICE_USD_PER_KWH,
) -> Floats:  # fmt: skip
    """Hash rate [EH/s], fleet J/TH, hashprice [USD/PH/day] and sales [EH/s a month] by sample and month. (S, T, 4)

    Parameters
    ----------
    ehs, j_per_th, age_months : ndarray, shape (K,)
        The stock at the start, the same in all samples.
    new_j_per_th, revenue_usd_per_day : ndarray, shape (S, T)
        Efficiency of the machines sold, and revenue of all miners.
    sales_factor : ndarray, shape (S, T), or float
        Sales over those of the law: chips are short or plenty.
    most_share : float
        Most that can be sold in a month, of the hash rate: what the makers can deliver.
    """
    law = law or SalesLaw()
    S, T = revenue_usd_per_day.shape
    K = ehs.size
    factor = np.broadcast_to(np.asarray(sales_factor, np.float64), (S, T))
    e = np.concatenate([np.broadcast_to(j_per_th, (S, K)), new_j_per_th], axis=1)
    order = np.argsort(e, axis=1, kind="stable")  # once: cohorts not yet sold are empty
    e = np.take_along_axis(e, order, axis=1)
    born = np.concatenate([-age_months, np.arange(1.0, T + 1.0)])[order]
    q = np.concatenate([ehs, np.zeros(T)])[order]
    place = np.argsort(order, axis=1)[:, K:]  # of each month's cohort
    rows = np.arange(S)
    margin = np.empty((S, T))
    out = np.empty((S, T, 4))
    for t in range(T):
        q *= 1.0 - WEAR_SHARE / (1.0 + np.exp(np.minimum((law.life_months - (t + 1.0 - born)) / law.life_width, 60.0)))
        part, on = running_ehs(q, e, revenue_usd_per_day=revenue_usd_per_day[:, t], power_usd_per_mwh=power_usd_per_mwh)
        on = np.maximum(on, 1e-9)
        mean = (part * e).sum(axis=1) / on
        price = revenue_usd_per_day[:, t] / (1e3 * on)
        margin[:, t] = np.log(np.maximum(1e3 * price / (HOURS_PER_DAY * mean) / power_usd_per_mwh, 1.0))
        wanted = law.rate * factor[:, t] * margin[:, max(t - law.lag_months, 0)] ** law.elasticity
        sold = on * np.minimum(wanted, most_share)
        idle = (q.sum(axis=1) - on) * law.idle_scrap_share  # scrapped from the worst down
        worse = q.sum(axis=1)[:, None] - np.cumsum(q, axis=1)
        q -= np.clip(idle[:, None] - worse, 0.0, q)
        q[rows, place[:, t]] += sold
        out[:, t, 0], out[:, t, 1], out[:, t, 2], out[:, t, 3] = on, mean, price, sold
    return out


def stock_at(case: Case, network: Network, row: int) -> tuple[Floats, Floats, Floats]:
    """Cohorts of the world's stock in a month: EH/s, J/TH, age in months; from the basket of the v1.4 rule. (K,) each

    Those that pay make up the recorded hash rate; the others stand idle beside them.
    """
    counted = basket(case, network.months[row])
    e, w = counted.efficiency_j_per_th, counted.weight
    pays = e <= network.hashprice_usd_per_ph_day[row] / (HOURS_PER_DAY * POWER_PRICE_USD_PER_KWH)
    running = w[pays].sum() if pays.any() else w.sum()
    return w / running * network.hashrate_ehs[row], e, 60.0 * (1.0 - w)


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
    network = network_of(case)
    start = stock_at(case, network, network.at(first))
    paths = stock_paths(
        *start, new_j_per_th=new_j_per_th[None], revenue_usd_per_day=revenue_usd_per_day[None], law=law
    )
    return np.asarray(paths[0])


def frontier_j_per_th(case: Case, months: Months) -> Floats:
    """Mean efficiency of the devices that came on sale in the year up to each month; NaN where none did. (T,)"""
    rule = RULES["v1.4"]
    kept = [m for m in case.machines if m.maker in rule.makers]
    sale = np.array([np.datetime64(m.released, "M") for m in kept], dtype="datetime64[M]").astype(np.int64)
    e = np.array([m.efficiency_j_per_th for m in kept])
    on_sale = sale[None, :] + rule.lag_months
    at = months.astype(np.int64)[:, None]
    new = (on_sale <= at) & (on_sale > at - 12)
    count = new.sum(axis=1)
    return np.where(count > 0, new @ e / np.maximum(count, 1), np.nan)


def fit_sales(case: Case, *, first: str = "2022-01", last: str = "2025-12") -> tuple[SalesLaw, float]:
    """Rate and elasticity of sales that follow the recorded hash rate, and the error of its logarithm."""
    from scipy.optimize import least_squares

    network = network_of(case)
    a, b = network.at(first), network.at(last) + 1
    new = _filled(frontier_j_per_th(case, network.months[:b])[a:])

    def law_of(x: Floats) -> SalesLaw:
        return SalesLaw(rate=float(x[0]), elasticity=float(x[1]))

    def miss(x: Floats) -> Floats:
        got = simulate_stock(
            case, first=first, revenue_usd_per_day=network.revenue_usd_per_day[a:b], new_j_per_th=new, law=law_of(x)
        )
        return np.asarray(np.log(got[:, 0] / network.hashrate_ehs[a:b]))

    best = least_squares(miss, [0.06, 0.6])
    return law_of(np.asarray(best.x)), float(np.sqrt((best.fun**2).mean()))


def _filled(new: Floats) -> Floats:
    out = new.copy()
    for t in range(1, len(out)):
        if np.isnan(out[t]):
            out[t] = out[t - 1] * (1.0 + FRONTIER_GROWTH_SHARE) ** (1.0 / 12.0)
    return out
