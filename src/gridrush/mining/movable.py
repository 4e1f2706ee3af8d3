"""Other load that can move: kinds of data centre with their own ramp, uptime, value and flexibility.

A miner stops above its break-even price and starts again at will. An AI data centre earns far more from a MWh, must be
up nearly always, and can give way only with part of its load, for a bounded number of hours, at a limited pace.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gridrush.units import Floats


@dataclass(frozen=True)
class MovableKind:
    """A kind of movable load. Shares are of its capacity."""

    name: str
    load_share: float  # mean load over capacity when nothing is cut
    flexible_share: float  # part that can be shifted or dropped
    ramp_share_per_h: float  # fastest change of load
    uptime_share: float  # least share of the year's energy that must be served
    value_usd_per_mwh: float  # of the part that cannot be dropped: price above which even that is better off dark
    flexible_value_usd_per_mwh: float  # price above which the flexible part stops
    build_months: float  # from decision to load
    note: str = ""


KINDS: Mapping[str, MovableKind] = {
    "bitcoin-mine": MovableKind(
        "bitcoin-mine", 0.97, 1.0, 1.0, 0.0, 200.0, 200.0, 4.0,
        "value: put the month's break-even price; stops in minutes (ERCOT large flexible load practice)",
    ),
    "ai-data-centre": MovableKind(
        "ai-data-centre", 0.80, 0.25, 0.25, 0.99, 2000.0, 300.0, 24.0,
        "training can pause and shift, serving cannot; 25% of load for up to 1% of the year after Norris et al. (2025)",
    ),
    "ai-training": MovableKind(
        "ai-training", 0.85, 0.60, 0.50, 0.95, 1200.0, 250.0, 24.0, "jobs checkpoint and wait; judged",
    ),
    "cloud-data-centre": MovableKind(
        "cloud-data-centre", 0.65, 0.05, 0.10, 0.999, 8000.0, 1000.0, 24.0, "service contracts; judged",
    ),
}  # fmt: skip
"""Presets. Every number is an assumption of the authors but the bound on hours of `ai-data-centre`: Norris T. H. et al.
(2025), Rethinking load growth, Duke University (headroom at 0.25, 0.5 and 1% curtailment). A GPU server of 10 kW rented
at 20 USD/h is worth 2,000 USD/MWh."""


def demand_blocks(kind: MovableKind, capacity_mw: float) -> tuple[Floats, Floats]:
    """Load as steps for dispatch: MW and the price above which each stops. (2,), (2,) [MW], [USD/MWh]

    Examples
    --------
    >>> demand_blocks(KINDS["ai-data-centre"], 100.0)
    (array([60., 20.]), array([2000.,  300.]))
    """
    if not capacity_mw >= 0:
        raise ValueError(f"capacity_mw is {capacity_mw}, need 0 or more")
    load = kind.load_share * capacity_mw
    soft = kind.flexible_share * load
    return np.array([load - soft, soft]), np.array([kind.value_usd_per_mwh, kind.flexible_value_usd_per_mwh])


def respond(kind: MovableKind, capacity_mw: float, *, price_usd_per_mwh: ArrayLike) -> Floats:
    """Hourly load of a movable load that sees prices. (T,) [MW]

    The flexible part stops in the dearest hours above its value, as long as the energy served stays above the uptime
    bound; then the pace is limited both ways: load is the largest path below the wish that ramps no faster.

    Parameters
    ----------
    price_usd_per_mwh : array_like, shape (T,)
        Hourly price, T hours taken as the span of the uptime bound. [USD/MWh]

    Examples
    --------
    >>> respond(KINDS["bitcoin-mine"], 100.0, price_usd_per_mwh=[50.0, 500.0, 50.0])
    array([97.,  0., 97.])
    """
    price = np.asarray(price_usd_per_mwh, np.float64)
    if price.ndim != 1 or not np.isfinite(price).all():
        raise ValueError("price_usd_per_mwh needs one finite price an hour")
    load = kind.load_share * capacity_mw
    soft = kind.flexible_share * load
    budget_mwh = (1.0 - kind.uptime_share) * load * price.size
    want = np.full(price.size, load)
    order = np.argsort(-price, kind="stable")
    dear = order[price[order] > kind.flexible_value_usd_per_mwh]
    step = kind.ramp_share_per_h * capacity_mw
    hours = int(min(dear.size, np.floor(budget_mwh / soft + 1e-9))) if soft > 0 else 0
    while True:
        want[:] = load
        want[dear[:hours]] = load - soft
        path = want.copy()
        for t in range(1, path.size):  # cannot rise faster
            path[t] = min(path[t], path[t - 1] + step)
        for t in range(path.size - 2, -1, -1):  # must come down in time
            path[t] = min(path[t], path[t + 1] + step)
        if hours == 0 or (load - path).sum() <= budget_mwh + 1e-9:
            return path
        hours = int(hours * 0.9)
