"""Changes of a feeder's load: when, how many MW at which hours, and how sure.

The model of a day. Let x(d) be the K block means of day d (K = 8 blocks of three hours). Then

    x(d) = B' z(d) + sum over changes c of 1(d >= t_c) delta_c(d) + e(d),

z holds a constant, days of rest, the year's first two harmonics, heating and cooling degrees and the usual day of
feeders of the same class; e is AR(1) over days with covariance S between blocks. Along a known direction u the
likelihood ratio of a step at day t is 2 log L = A(t)^2 / B(t), A = <u 1(d >= t), x>, B its squared norm, both after
S, AR(1) and z are taken out (Frisch-Waugh). It is looked at for every day and direction at once by sums from behind.

AR(1) and S come from differences over one and two days, which a step touches only once or twice (after Chakar et al.).
Noise slower than AR(1) is seen in differences of fortnights' sums and widens the test.

References
----------
Chakar, S., Lebarbier, E., Levy-Leduc, C., Robin, S. (2017), A robust approach for estimating change-points in the mean
of an AR(1) process, Bernoulli 23(2). arXiv:1403.1958.
James, B., James, K.L., Siegmund, D. (1987), Tests for a change-point, Biometrika 74(1).
Kim, H.-J. (1996), Change-point detection for correlated observations, Statistica Sinica 6.
Siegmund, D., Yakir, B. (2007), The Statistics of Gene Mapping, Springer (the function nu of discrete looks).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from gridrush.detect import _kernels, _kernels_steps
from gridrush.detect.records import Records
from gridrush.detect.shapes import BLOCKS, library, scan_directions
from gridrush.units import Floats

MOST_CHANGES = 5
"""Changes looked for in one feeder's record."""
MARGIN_DAYS = 14
"""Days before, between and after changes."""
LEAST_SHARE = 0.01
"""Of the feeder's mean load: a smaller step is not looked for."""
THRESHOLD = 25.0
"""Likelihood ratio 2 log L a change must reach, z = 5: false in about 2 of 10,000 feeders a year of AR(1) noise."""
HEATING_BELOW_C, COOLING_ABOVE_C = 15.0, 22.0
"""Where heating and cooling begin (usual degree-day bases)."""
COHORT = 8
"""Feeders a class must have to be compared with each other."""
CHUNK = 256


@dataclass(frozen=True)
class Changes:
    """Changes of N feeders, most M of each; days count from the first of the record."""

    count: NDArray[np.int64]  # (N,)
    day: NDArray[np.int64]  # (N, M), -1 where there is none
    delta_mw: Floats  # (N, M, 3, K): on all days, more on days of rest, per standard deviation of the season's drive
    spread: Floats  # (N, 3M, 3M): the error of delta is spread x innovation
    innovation: Floats  # (N, K, K) covariance of a day's noise
    z: Floats  # (N, M) level over its standard error
    level_mw: Floats  # (N, M) mean of the week
    correlation: Floats  # (N,) of the noise, day to day
    mean_mw: Floats  # (N,)
    days_used: Floats  # (N,)
    flat_z: Floats  # (N,) largest signed root of the likelihood ratio of a flat step up
    flat_day: NDArray[np.int64]  # (N,)
    flat_mw: Floats  # (N,)
    flat_wide: Floats  # (N,) variance of slow noise over that of AR(1)
    turn: Floats  # (N,) sum over days of 1 - correlation of the statistic with that of the day after
    looks: Floats  # (N,) days looked at

    def p_flat(self) -> Floats:
        """Chance that noise alone shows so large a flat step up somewhere. (N,)"""
        looks = np.maximum(self.looks, 1.0)
        return false_alarm(self.flat_z / np.sqrt(self.flat_wide), self.turn / looks, looks)


@dataclass(frozen=True)
class DayModel:
    """What a usual day is made of, for each class of feeders C."""

    columns: Floats  # (C, D, q)
    drive: Floats  # (C, D) the season's pull on load, mean 0 and standard deviation 1
    kind: NDArray[np.int64]  # (N,) class of each feeder
    classes: tuple[str, ...]
    rest: Floats  # (D,) 1 on days of rest


def false_alarm(z: ArrayLike, turn: ArrayLike, looks: ArrayLike) -> Floats:
    """Chance that the largest of many correlated standard normal looks exceeds z, one-sided.

    With b = z and l = 1 - correlation of neighbouring looks, n of them,
    P = 1 - exp(-phi(b) (b (1 - 1/b^2) n l nu(b sqrt(2 l)) + 2 / b)), nu(x) = (2/x)(Phi(x/2) - 1/2) /
    ((x/2) Phi(x/2) + phi(x/2)).

    Examples
    --------
    >>> float(false_alarm(4.0, 0.02, 365.0).round(5))
    0.00232
    """
    b = np.maximum(np.asarray(z, np.float64), 1e-6)
    lag = np.maximum(np.asarray(turn, np.float64), 1e-12)
    x = np.maximum(b * np.sqrt(2.0 * lag), 1e-9)
    nu = (2.0 / x) * (norm.cdf(x / 2) - 0.5) / ((x / 2) * norm.cdf(x / 2) + norm.pdf(x / 2))
    rate = norm.pdf(b) * (np.maximum(b - 1.0 / b, 0.0) * np.asarray(looks, np.float64) * lag * nu + 2.0 / b)
    return np.asarray(np.where(b < 1.5, 1.0, -np.expm1(-rate)))


def day_blocks(records: Records, *, least_h: int = 2) -> NDArray[np.float32]:
    """Mean load of each block of each day. [MW] (N, D, K)

    Parameters
    ----------
    records : Records
    least_h : int
        Hours of a block that must have been read; else the block is NaN and the day is left out. [h]
    """
    day, block = records.day, records.hour // (24 // BLOCKS)
    D = int(day.max()) + 1
    out = np.empty((len(records.feeders), D, BLOCKS), np.float32)
    for at in range(0, len(out), CHUNK):
        part = np.empty((len(out[at : at + CHUNK]), D, BLOCKS))
        _kernels.day_blocks(records.load_mw[at : at + CHUNK], day, block, part, least_h)
        out[at : at + CHUNK] = part
    return out


def day_model(records: Records, blocks: NDArray[np.float32]) -> DayModel:
    """What the usual day of each class of feeders follows: calendar, season, weather, and its like.

    The usual day of a class is the median over its feeders of the day's load over the feeder's mean, so that what
    happens to fewer than half of them leaves it alone. Classes are tariffs; one of fewer than 8 is compared with all.
    """
    rest = records.rest.astype(np.float64)
    D = rest.size
    columns = [np.ones(D), rest]
    usual: list[Floats] = []
    with np.errstate(invalid="ignore"):
        daily = blocks.mean(axis=2, dtype=np.float64)
        daily = daily / _nanmean(daily)[:, None]
    tariffs = records.facts.tariff
    big = sorted({t for t in tariffs if tariffs.count(t) >= COHORT})
    classes = (*big, "*")
    kind = np.array([big.index(t) if t in big else len(big) for t in tariffs], np.int64)
    if len(tariffs) >= COHORT:
        for name in classes:
            rows = daily if name == "*" else daily[[t == name for t in tariffs]]
            usual.append(_filled(_nanmedian(rows)))
    phase = 2 * np.pi * np.arange(D) / 365.25
    if D >= 330 or not usual:
        columns += [np.cos(phase), np.sin(phase)]
    if D >= 330 and not usual:  # the class knows the season's finer shape, and each column more costs power
        columns += [np.cos(2 * phase), np.sin(2 * phase)]
    weather = None
    if records.temperature_c is not None:
        mean = np.bincount(records.day, records.temperature_c, D) / np.maximum(np.bincount(records.day, minlength=D), 1)
        heat, cool = np.maximum(HEATING_BELOW_C - mean, 0.0), np.maximum(mean - COOLING_ABOVE_C, 0.0)
        columns += [heat, cool]
        weather = heat + cool
    shared = np.stack(columns, axis=1)
    each, drives = [], []
    for at, _ in enumerate(classes):
        own = usual[at] if usual else None
        each.append(shared if own is None else np.column_stack([shared, own]))
        pull = own if own is not None else weather if weather is not None else np.cos(phase)
        smooth = np.convolve(np.pad(pull, 3, mode="edge"), np.full(7, 1 / 7), mode="valid")
        spread = smooth.std()
        drives.append((smooth - smooth.mean()) / spread if spread > 1e-6 else np.zeros(D))
    return DayModel(np.stack(each), np.stack(drives), kind, classes, rest)


def find_changes(
    blocks: NDArray[np.float32],
    model: DayModel,
    *,
    threshold: float = THRESHOLD,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Changes:
    """Changes of every feeder, one after another until none is left above the threshold, each again given the others.

    Parameters
    ----------
    blocks : ndarray, shape (N, D, K)
        Mean load of blocks of days. [MW]
    model : DayModel
    threshold : float
        Least 2 log L of a change along its best direction, over the spread of slow noise.
    threads : int, optional
        The answer is the same for any number.
    """
    N, _, K = blocks.shape
    M = MOST_CHANGES
    at = np.full((N, M), -1, np.int64)
    delta, spread = np.zeros((N, M, 3, K)), np.zeros((N, 3 * M, 3 * M))
    sizes, facts, covs = np.zeros((N, M, 2)), np.zeros((N, 9)), np.zeros((N, K, K))
    facts[:, 4] = 1.0
    found = np.zeros(N, np.int64)
    directions = scan_directions(library())

    def work(first: int) -> None:
        s = slice(first, first + CHUNK)
        _kernels_steps.find_all(
            blocks[s].astype(np.float64), model.columns, model.kind[s], model.rest, model.drive, directions, threshold,
            LEAST_SHARE, M, MARGIN_DAYS, at[s], delta[s], spread[s], sizes[s], facts[s], covs[s], found[s],
        )  # fmt: skip

    with ThreadPoolExecutor(threads or min(cpu_count() or 1, 8)) as pool:
        for done, _ in enumerate(pool.map(work, range(0, N, CHUNK)), 1):
            if progress is not None:
                progress(min(done * CHUNK / N, 1.0))
    return Changes(
        found, at, delta, spread, covs, sizes[:, :, 0], sizes[:, :, 1], facts[:, 0], facts[:, 6], facts[:, 5],
        facts[:, 1], facts[:, 2].astype(np.int64), facts[:, 3], facts[:, 4], facts[:, 7], facts[:, 8],
    )  # fmt: skip


def _nanmean(rows: Floats) -> Floats:
    count = np.isfinite(rows).sum(axis=1)
    mean = np.nansum(rows, axis=1) / np.maximum(count, 1)
    return np.asarray(np.where((count > 0) & (mean > 0), mean, np.nan))


def _nanmedian(rows: Floats) -> Floats:
    """Median of each column of what is there; NaN where nothing is."""
    out = np.full(rows.shape[1], np.nan)
    some = np.isfinite(rows).any(axis=0)
    out[some] = np.nanmedian(rows[:, some], axis=0)
    return out


def _filled(row: Floats) -> Floats:
    """A series with its holes bridged by straight lines."""
    there = np.isfinite(row)
    if not there.any():
        return np.ones(row.size)
    return np.asarray(np.interp(np.arange(row.size), np.flatnonzero(there), row[there]))
