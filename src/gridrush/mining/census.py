"""How much mining there is, registered and not: a posterior by month from all the evidence at once.

Draws from the prior (map share x network x fleet x PUE x grid share, with its biases) are weighed by what officials
said and by the growth of the country's consumption, then resampled. Nothing is a point estimate, nobody is believed
in full: statements carry their own spread and one error shared by all that speak of the same quantity.

    total_t = H_t s_t J_t PUE G exp(b + v 1[t after the ban] + n_t),   registered_t = rho_t total_t

with b the bias of the map, v that of proxy traffic after May 2021, n a persistent noise and rho drifting on the logit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gridrush.case.model import Case
from gridrush.errors import CaseError, Problem
from gridrush.mining._streams import stream
from gridrush.mining.atlas import country_atlas
from gridrush.mining.fleet import fleet_j_per_th
from gridrush.mining.network import Months, month_of, months_between, network_of
from gridrush.units import HOURS_PER_DAY, Floats

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Beliefs:
    """Priors of the census. Spreads are standard deviations of logarithms unless said otherwise; all are judgement.

    The reasons stand in docs/mining.md. None was fitted to anything later than November 2021.
    """

    map_bias: float = -0.38  # mean of b: pools that Chinese owners use are over-represented in the map's sample
    map_bias_std: float = 0.55  # the map sees 32-38% of the hash rate
    proxy_bias: float = -0.10  # mean of v: after the ban hidden Chinese traffic also surfaced elsewhere
    proxy_bias_std: float = 0.12
    fleet_std: float = 0.22  # between 29.5 (all new) and 98 J/TH (all Antminer S9) around 59.4
    month_std: float = 0.15
    month_persistence: float = 0.7
    share_drift_std: float = 0.12  # per month where the map has no reading
    registered_logit: float = 0.1  # at the last month: about half; officials say 600 of 940 or 600 of 1,800
    registered_logit_std: float = 1.2
    registered_drift: float = 0.0  # logit a year
    registered_drift_std: float = 0.5
    growth: float = 0.015  # consumption growth without miners, 2021 on 2020; usual growth is 1-2% a year
    growth_std: float = 0.013
    rationed_high: float = 0.6  # of the hours from September 2021, registered miners; low 0, most likely 0.2
    rationed_mode: float = 0.2
    growth_read_std: float = 0.008  # rounding and the meaning of "growth" in a statement
    statement_std: Mapping[str, float] = field(
        default_factory=lambda: {
            "registered_mw": 0.30, "unregistered_mw": 0.80, "total_mw": 0.60, "ratio": 0.80, "fee_usd": 0.10,
        }
    )
    shared_std: Mapping[str, float] = field(
        default_factory=lambda: {
            "registered_mw": 0.30, "unregistered_mw": 0.70, "total_mw": 0.60, "ratio": 0.40, "growth_share": 0.03,
            "fee_usd": 0.15,
        }
    )


@dataclass(frozen=True)
class Evidence:
    """What one piece of evidence does: width of the 90% interval of the last month's total without it and with it."""

    name: str
    width_without_mw: float
    width_with_mw: float
    shift_mw: float  # median with it less median without it

    @property
    def narrowing_share(self) -> float:
        """Part of the width that this piece takes away."""
        return 1.0 - self.width_with_mw / self.width_without_mw


@dataclass(frozen=True, eq=False)
class Census:
    """Posterior of the miners that draw from the public grid. Status axis: registered, unregistered."""

    months: Months  # (T,)
    draws_mw: Floats  # (S, T, 2) MW when running
    growth_share: Floats  # (S,) growth of consumption without miners, 2021 on 2020
    rationed_share: Floats  # (S,) part of the hours since September 2021 in which registered miners were cut
    evidence: tuple[Evidence, ...]
    effective_draws: float  # of the prior draws that carried weight

    @cached_property
    def total_mw(self) -> Floats:
        """Registered and unregistered together. (S, T)"""
        return np.asarray(self.draws_mw.sum(axis=2))

    def quantiles_mw(self, q: tuple[float, ...] = QUANTILES) -> Floats:
        """Quantiles by month of registered, unregistered and total. (Q, T, 3) [MW]"""
        both = np.concatenate([self.draws_mw, self.total_mw[:, :, None]], axis=2)
        return np.asarray(np.quantile(both, q, axis=0))

    def at(self, quantile: float) -> Floats:
        """The history at a quantile of the total: (T, 2) MW, rising with the quantile in both columns.

        Total by month at the quantile; split by the mean registered share of the month.
        """
        if not 0 <= quantile <= 1:
            raise ValueError(f"quantile is {quantile}, need 0 to 1")
        total = np.quantile(self.total_mw, quantile, axis=0)
        return np.stack([total * self._registered_share, total * (1.0 - self._registered_share)], axis=1)

    @cached_property
    def _registered_share(self) -> Floats:
        """Mean registered share of each month. (T,)"""
        return np.asarray((self.draws_mw[:, :, 0] / self.total_mw).mean(axis=0))

    def row(self, month: str) -> int:
        """Row of a month."""
        i = months_between(self.months[0], month_of(month))
        if not 0 <= i < len(self.months):
            raise KeyError(f"the census runs {self.months[0]} to {self.months[-1]}; no {month}")
        return i

    def to_dict(self) -> dict[str, Any]:
        """By month and status: mean, 5, 50, 95% of MW; and what each piece of evidence did."""
        q = self.quantiles_mw((0.05, 0.5, 0.95))
        mean = np.concatenate([self.draws_mw, self.total_mw[:, :, None]], axis=2).mean(axis=0)
        names = ("registered_mw", "unregistered_mw", "total_mw")
        return {
            "unit": "MW drawn from the public grid when running",
            "months": [
                {
                    "month": str(m),
                    **{
                        n: {
                            "mean": round(float(mean[t, k]), 1),
                            "p05": round(float(q[0, t, k]), 1),
                            "p50": round(float(q[1, t, k]), 1),
                            "p95": round(float(q[2, t, k]), 1),
                        }
                        for k, n in enumerate(names)
                    },
                }
                for t, m in enumerate(self.months)
            ],
            "evidence": [
                {
                    "name": e.name,
                    "width_without_mw": round(e.width_without_mw, 1),
                    "width_with_mw": round(e.width_with_mw, 1),
                    "narrowing_share": round(e.narrowing_share, 4),
                    "shift_mw": round(e.shift_mw, 1),
                }
                for e in self.evidence
            ],
            "draws": len(self.draws_mw),
            "effective_draws": round(self.effective_draws, 1),
        }


@dataclass(frozen=True, eq=False)
class _Prior:
    months: Months
    both: Floats  # (N, T, 2)
    growth: Floats  # (N,)
    rationed: Floats  # (N,) share of hours cut since September 2021


def census(
    case: Case, *, draws: int = 2000, seed: int = 1, beliefs: Beliefs | None = None, first: str = "2019-01"
) -> Census:
    """Posterior of registered and unregistered miners by month, from `first` to the month the case closes in.

    Parameters
    ----------
    case : Case
        Uses network, atlas, statements, demand and the mining parameters; nothing dated after `as_of`.
    draws : int
        Draws S kept; twenty times as many are tried.
    seed : int
        The same seed gives the same draws whatever the machine.
    beliefs : Beliefs, optional
        Priors and spreads; default `Beliefs()`.
    first : str
        First month. Before the map begins its first share is held, with growing doubt.

    Raises
    ------
    CaseError
        If the case names no mining country or has no map.
    """
    if draws < 10:
        raise ValueError(f"draws is {draws}, need 10 or more")
    b = beliefs or Beliefs()
    prior = _draw_prior(case, b, max(20 * draws, 20_000), seed, month_of(first))
    pieces = _pieces(case, b, prior)
    n = len(prior.both)
    weight = _normalise(_loglik(pieces, b, n))
    last = prior.both[:, -1].sum(axis=1)
    base = _weighted_quantiles(last, weight)
    evidence = []
    for piece in pieces:
        rest = [p for p in pieces if p is not piece]
        without = _weighted_quantiles(last, _normalise(_loglik(rest, b, n)))
        evidence.append(
            Evidence(piece.name, float(without[2] - without[0]), float(base[2] - base[0]), float(base[1] - without[1]))
        )
    pick = _systematic(weight, draws, stream(seed, "census:resample"))
    return Census(
        months=prior.months,
        draws_mw=prior.both[pick],
        growth_share=prior.growth[pick],
        rationed_share=prior.rationed[pick],
        evidence=tuple(sorted(evidence, key=lambda e: -e.narrowing_share)),
        effective_draws=float(1.0 / (weight**2).sum()),
    )


def _draw_prior(case: Case, b: Beliefs, n: int, seed: int, first: np.datetime64) -> _Prior:
    if not case.mining_country:
        raise CaseError([Problem("case.yaml: mining_country", "", "a country of mining_atlas.csv")])
    rng = stream(seed, "census:prior")
    network, atlas = network_of(case), country_atlas(case)
    months = np.arange(first, np.datetime64(str(case.as_of)[:7], "M") + 1)
    rows = np.array([network.at(m) for m in months])
    known = np.array([months_between(atlas.months[0], m) for m in months])
    at = np.clip(known, 0, len(atlas.months) - 1)
    share = atlas.share[at, atlas.of(case.mining_country)]
    away = np.abs(known - at)  # months from the nearest reading of the map
    centre = np.log(network.hashrate_ehs[rows] * share * fleet_j_per_th(case)[rows, 1])
    p = case.parameters
    pue = _triangle(rng, n, p.mining_pue.low or p.mining_pue.value, p.mining_pue.value, p.mining_pue.high)
    grid = p.mining_on_grid_share
    on_grid = _triangle(rng, n, grid.value if grid.low is None else grid.low, grid.value, grid.high)
    proxy = np.minimum(rng.normal(b.proxy_bias, b.proxy_bias_std, n), 0.0)
    after_ban = months >= BAN_MONTH
    noise = np.empty((n, len(months)))
    noise[:, 0] = rng.normal(0.0, b.month_std, n)
    fresh = b.month_std * np.sqrt(1.0 - b.month_persistence**2)
    for t in range(1, len(months)):
        noise[:, t] = b.month_persistence * noise[:, t - 1] + rng.normal(0.0, fresh, n)
    drift = rng.normal(0.0, b.share_drift_std, (2, n))  # before and after the map: one walk each, by its end point
    walk = np.where(known[None, :] < 0, drift[0][:, None], drift[1][:, None]) * np.sqrt(away)[None, :]
    level = rng.normal(b.map_bias, np.hypot(b.map_bias_std, b.fleet_std), n)
    log_total = centre + level[:, None] + proxy[:, None] * after_ban + noise + walk
    total = np.exp(log_total) * (pue * on_grid)[:, None]
    logit = rng.normal(b.registered_logit, b.registered_logit_std, n)[:, None]
    slope = rng.normal(b.registered_drift, b.registered_drift_std, n)[:, None]
    rho = 1.0 / (1.0 + np.exp(-(logit + slope * (np.arange(len(months)) - len(months) + 1) / 12.0)))
    return _Prior(
        months=months,
        both=np.stack([rho * total, (1.0 - rho) * total], axis=2),
        growth=rng.normal(b.growth, b.growth_std, n),
        rationed=_triangle(rng, n, 0.0, b.rationed_mode, b.rationed_high),
    )


BAN_MONTH = np.datetime64("2021-06", "M")
"""First whole month after China's ban of 21 May 2021 (events.csv)."""

RATIONED_MONTH = np.datetime64("2021-09", "M")
"""KEGOC begins to ration miners (events.csv)."""


@dataclass(frozen=True, eq=False)
class _Piece:
    """A statement beside the prior draws: what it misses by, its own spread, and the group that shares an error."""

    name: str
    group: str
    miss: Floats  # (N,)
    std: float


def _pieces(case: Case, b: Beliefs, prior: _Prior) -> list[_Piece]:
    out = []
    for s in sorted(case.statements, key=lambda s: (s.on, s.who, s.quantity)):
        t = months_between(prior.months[0], month_of(str(s.on)))
        if s.on > case.as_of or not 0 <= t < len(prior.months):
            continue
        name = f"{s.on} {s.who}: {s.quantity} {s.value:g}"
        if s.quantity == "growth_share":
            read = _growth_to_date(case, prior, t)
            if read is not None:
                out.append(_Piece(name, s.quantity, s.value - read, b.growth_read_std))
            continue
        seen = _seen(case, prior, s.quantity, t)
        if seen is None:
            continue
        spread = b.statement_std[s.quantity]
        if s.low is not None and s.high is not None and s.low > 0:
            spread = float(np.hypot(spread, np.log(s.high / s.low) / 3.29))  # 3.29 sd = 90% interval
        out.append(_Piece(name, s.quantity, np.log(s.value) - np.log(seen), spread))
    return out


def _seen(case: Case, prior: _Prior, quantity: str, t: int) -> Floats | None:
    """What a statement of this quantity speaks of, in the prior draws. (N,)"""
    registered, hidden = prior.both[:, t, 0], prior.both[:, t, 1]
    if quantity == "fee_usd":
        return _fee_usd(case, prior, t)
    return {
        "registered_mw": registered,
        "unregistered_mw": hidden,
        "total_mw": registered + hidden,
        "ratio": hidden / registered,
    }[quantity]


def _fee_usd(case: Case, prior: _Prior, t: int) -> Floats | None:
    """Fee that registered miners owe for the quarter that ends before month t; None without a flat fee. (N,) [USD]"""
    day = prior.months[t].astype("datetime64[D]").astype(object)
    fee = [p.value for p in sorted(case.policies, key=lambda p: p.on) if p.item == "mining_fee_flat" and p.on < day]
    rate = [x.kzt_per_usd for x in sorted(case.exchange, key=lambda x: x.on) if x.on <= day]
    if not fee or not rate or t < 3:
        return None
    hours = 3.0 * HOURS_PER_DAY * 365.25 / 12.0 * case.parameters.mining_uptime_share.value
    running = prior.both[:, t - 3 : t, 0].mean(axis=1) * (1.0 - prior.rationed)
    return np.asarray(running * hours * 1e3 * fee[-1] / rate[-1])


def _loglik(pieces: list[_Piece], b: Beliefs, n: int) -> Floats:
    """Log likelihood of all pieces in each prior draw, the error shared inside a group integrated out. (N,)

    Inside a group the misses are normal with covariance diag(std^2) + shared^2, inverted in closed form.
    """
    total = np.zeros(n)
    for group in sorted({p.group for p in pieces}):
        inside = [p for p in pieces if p.group == group]
        precision = [p.std**-2 for p in inside]
        weighted = sum((p.miss * w for p, w in zip(inside, precision, strict=True)), np.zeros(n))
        squares = sum((p.miss**2 * w for p, w in zip(inside, precision, strict=True)), np.zeros(n))
        shared = b.shared_std[group] ** 2
        total -= 0.5 * (squares - weighted**2 * shared / (1.0 + shared * sum(precision)))
    return total


def _growth_to_date(case: Case, prior: _Prior, t: int) -> Floats | None:
    """Growth of consumption, January to month t on the year before: underlying and the miners' rise. (N,)"""
    month = int(prior.months[t].astype(np.int64) % 12)
    start = t - month
    if start - 12 < 0:
        return None
    year = int(str(prior.months[t])[:4])
    before = [d.consumption_twh for d in case.demand if d.year == year - 1]
    if not before:
        return None
    total = _burnt_mw(prior.months, prior.both, prior.rationed)
    rise = total[:, start : t + 1].mean(axis=1) - total[:, start - 12 : t - 11].mean(axis=1)
    load_mw = before[0] * 1e6 / (365.25 * HOURS_PER_DAY)
    held = case.parameters.mining_in_base_demand.value * case.parameters.mining_uptime_share.value
    return np.asarray(prior.growth + held * rise / load_mw)


def _burnt_mw(months: Months, both: Floats, rationed: Floats) -> Floats:
    """MW running on average: registered miners less the hours they were cut. (S, T)"""
    cut = rationed[:, None] * (months >= RATIONED_MONTH)
    return np.asarray(both[:, :, 0] * (1.0 - cut) + both[:, :, 1])


def growth_of_year(case: Case, found: Census, year: int = 2021) -> Floats:
    """Growth of national consumption in a year, by draw; months after the census keep its last month. (S,) [share]

    Underlying growth plus the miners' mean MW of the year less that of the year before, over the year before's load.
    """
    before = [d.consumption_twh for d in case.demand if d.year == year - 1]
    if not before:
        raise KeyError(f"demand.csv has no {year - 1}")
    total = _burnt_mw(found.months, found.draws_mw, found.rationed_share)

    def mean_of(y: int) -> Floats:
        at = np.arange(np.datetime64(f"{y}-01", "M"), np.datetime64(f"{y + 1}-01", "M"))
        rows = np.clip((at - found.months[0]).astype(np.int64), 0, len(found.months) - 1)
        return np.asarray(total[:, rows].mean(axis=1))

    held = case.parameters.mining_in_base_demand.value * case.parameters.mining_uptime_share.value
    load_mw = before[0] * 1e6 / (365.25 * HOURS_PER_DAY)
    return np.asarray(found.growth_share + held * (mean_of(year) - mean_of(year - 1)) / load_mw)


def zone_shares(case: Case) -> Floats:
    """Share of registered and of unregistered miners in each zone; columns sum to 1. (Z, 2)"""
    out = np.zeros((len(case.zone_names), 2))
    for r in case.mining_zones:
        out[case.zone_names.index(r.zone), 0 if r.status == "registered" else 1] += r.share
    total = out.sum(axis=0)
    return out / np.where(total > 0, total, 1.0)


def _triangle(rng: np.random.Generator, n: int, low: float, mode: float, high: float | None) -> Floats:
    top = mode if high is None else high
    if not low < top:
        return np.full(n, mode)
    return rng.triangular(low, mode, top, n)


def _normalise(loglik: Floats) -> Floats:
    weight = np.exp(loglik - loglik.max())
    return np.asarray(weight / weight.sum())


def _weighted_quantiles(x: Floats, weight: Floats, q: tuple[float, ...] = (0.05, 0.5, 0.95)) -> Floats:
    order = np.argsort(x, kind="stable")
    total = np.cumsum(weight[order])
    return np.asarray(x[order][np.minimum(np.searchsorted(total, np.asarray(q) * total[-1]), len(x) - 1)])


def _systematic(weight: Floats, n: int, rng: np.random.Generator) -> np.ndarray[Any, np.dtype[np.int64]]:
    at = (np.arange(n) + rng.random()) / n
    pick = np.searchsorted(np.cumsum(weight), at)
    return rng.permutation(np.minimum(pick, len(weight) - 1)).astype(np.int64)
