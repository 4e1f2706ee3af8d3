"""Synthetic weather years: wind, sun, river flow and the load that follows the weather.

No metered hourly series is public, so years are drawn from what is: month-by-hour means and spreads, persistence from
day to day and correlation between resources. Each resource is a Gaussian process with exponential memory, mapped hour
by hour to a Beta distribution with the table's mean and spread (a Gaussian copula).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from gridrush.case.model import Case
from gridrush.grid._kernels_weather import capacity_factor, memory_walk
from gridrush.grid.hourly import Hours, month_of
from gridrush.units import Floats

_NODES = 33  # points of z in the tables of quantiles: error below 0.002 of capacity
_Z = np.linspace(-3.2, 3.2, _NODES)


@dataclass(frozen=True, eq=False)
class WeatherModel:
    """Tables from which weather years are drawn; R resources named (zone, technology)."""

    resources: tuple[tuple[str, str], ...]
    quantile: Floats  # (R, 12, 24, nodes) capacity factor at the z of each node, by sun month and hour
    memory: Floats  # (R,) hour-to-hour correlation of the latent process
    mixing: Floats  # (R, R) Cholesky factor of the correlation of innovations
    load_memory: float
    load_std_share: float


def hourly_memory(daily_autocorrelation: float) -> float:
    """Hour-to-hour correlation of a process whose daily means have the given lag-1 correlation.

    For an Ornstein-Uhlenbeck process with rate a per day the correlation of successive daily means is
    (1 - e^-a)^2 / (2 (a - 1 + e^-a)); the root a gives exp(-a / 24).

    Examples
    --------
    >>> round(hourly_memory(0.5), 4)
    0.9532
    """

    def excess(a: float) -> float:
        return float((1 - np.exp(-a)) ** 2 / (2 * (a - 1 + np.exp(-a))) - daily_autocorrelation)

    if daily_autocorrelation <= 0.01:
        return 0.0
    return float(np.exp(-optimize.brentq(excess, 1e-4, 60.0) / 24.0))


def weather_model(case: Case) -> WeatherModel:
    """Quantile tables, memory and correlation of the case's resources."""
    resources = tuple(sorted({(r.zone, r.technology) for r in case.renewable_shape}))
    index = {name: i for i, name in enumerate(resources)}
    mean, std = np.zeros((len(resources), 12, 24)), np.zeros((len(resources), 12, 24))
    for row in case.renewable_shape:
        mean[index[row.zone, row.technology], row.month - 1, row.hour] = row.mean_cf
        std[index[row.zone, row.technology], row.month - 1, row.hour] = row.std_cf
    memory = np.full(len(resources), hourly_memory(0.5))
    for s in case.renewable_stats:
        if (s.zone, s.technology) in index:
            memory[index[s.zone, s.technology]] = hourly_memory(min(s.daily_autocorrelation, 0.97))
    correlation = np.eye(len(resources))
    keys = {f"{zone}:{technology}": i for (zone, technology), i in index.items()}
    for c in case.renewable_correlation:
        if c.first in keys and c.second in keys:
            i, j = keys[c.first], keys[c.second]
            correlation[i, j] = correlation[j, i] = c.correlation if i != j else 1.0
    daily = case.parameters.load_weather_autocorrelation.value
    return WeatherModel(
        resources=resources,
        quantile=_beta_quantiles(mean, std),
        memory=memory,
        mixing=_cholesky(correlation),
        load_memory=hourly_memory(daily),
        load_std_share=case.parameters.load_weather_std_share.value,
    )


def draw_weather(
    model: WeatherModel, time: Hours, *, rng: np.random.Generator, sun_offset_h: int
) -> tuple[Floats, Floats]:
    """One weather path: capacity factors and the load's response.

    Parameters
    ----------
    time : ndarray of datetime64[h], shape (T,)
        UTC hours.
    rng : Generator
        Stream of the sample.
    sun_offset_h : int
        Offset from UTC of the clock that the tables are given in. [h]

    Returns
    -------
    capacity_factor : ndarray, shape (R, T)
    load_factor : ndarray, shape (T,)
        Multiplies the load shape; its mean over the hours is 1.
    """
    noise = rng.standard_normal((time.size, len(model.resources) + 1), dtype=np.float64)
    local = time + np.timedelta64(sun_offset_h, "h")
    cell = (month_of(local) - 1) * 24 + local.astype(np.int64) % 24
    factor = capacity_factor(noise, cell, model.quantile.reshape(len(model.resources), 288, _NODES), model.memory,
                              model.mixing)  # fmt: skip
    load = 1.0 + model.load_std_share * memory_walk(noise[:, -1].copy(), model.load_memory)
    return factor, np.asarray(load / load.mean())


def _beta_quantiles(mean: Floats, std: Floats) -> Floats:
    """Capacity factor at each node of z for every cell. (R, 12, 24, nodes)"""
    m = np.clip(mean, 0.0, 1.0)
    variance = np.minimum(std**2, 0.9 * m * (1 - m))
    live = (variance > 1e-8) & (m > 1e-4)
    safe = np.where(live, variance, 1.0)
    size = np.where(live, m * (1 - m) / safe - 1.0, 1.0)
    a, b = np.where(live, m * size, 1.0)[..., None], np.where(live, (1 - m) * size, 1.0)[..., None]
    table = special.betaincinv(a, b, special.ndtr(_Z))
    return np.asarray(np.where(live[..., None], table, m[..., None]))


def _cholesky(correlation: Floats) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(correlation)
    fixed = (vectors * np.maximum(values, 1e-6)) @ vectors.T
    scale = 1.0 / np.sqrt(np.diag(fixed))
    return np.linalg.cholesky(fixed * scale[:, None] * scale[None, :])
