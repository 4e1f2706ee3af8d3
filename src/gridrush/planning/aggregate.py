"""Typical days: a quick look at a plan, judged by what its builds cost over all hours, never by its objective."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gridrush.case.system import System
from gridrush.errors import EngineError
from gridrush.planning.options import Future, Stage
from gridrush.units import HOURS_PER_DAY, Floats


def typical_days(stages: Sequence[Stage], *, days: int = 24) -> list[Stage]:
    """The stages with every future reduced to real days that stand for groups of days alike in load and weather.

    Days are grouped by hierarchical clustering (tsam) of zonal load and of every availability that changes by hour;
    each group is played by its medoid and counts as many times as it has days. Stores pass from day to day in the
    order of the calendar at their true content, so weekly and seasonal storage is not seen.

    Parameters
    ----------
    days : int
        Typical days of each future.

    References
    ----------
    M. Hoffmann, L. Kotzur, D. Stolten and M. Robinius, "A review on time series aggregation methods for energy system
    models", Energies 13 (2020) 641.
    """
    return [replace(s, futures=[_reduced(f, days) for f in s.futures]) for s in stages]


def _reduced(future: Future, days: int) -> Future:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pandas as pd
            import tsam
            from tsam.config import ClusterConfig
    except ImportError as missing:
        raise EngineError("typical days need the package tsam: pip install 'gridrush[planning]'") from missing

    s = future.system
    whole = s.time.size // HOURS_PER_DAY
    if days >= whole:
        return future
    T = whole * HOURS_PER_DAY
    columns: dict[str, Floats] = {s.zones[z]: s.load_mw[:T, z] for z in range(len(s.zones))}
    series = [*s.profiles] + ([*future.available] if future.available is not None else [])
    for k, row in enumerate(series):
        if np.ptp(row) > 0:
            columns[f"series {k}"] = row[:T]
    frame = pd.DataFrame(columns, index=pd.date_range("2001-01-01", periods=T, freq="h"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = tsam.aggregate(
            frame, n_clusters=days, period_duration=HOURS_PER_DAY, preserve_column_means=False,
            cluster=ClusterConfig(method="hierarchical", representation="medoid"),
        )  # fmt: skip
    medoid = np.asarray(found.clustering.cluster_centers, np.int64)
    count = np.array([found.cluster_counts[i] for i in range(medoid.size)], np.float64)
    order = np.argsort(medoid)
    medoid, count = medoid[order], count[order]
    hours = (medoid[:, None] * HOURS_PER_DAY + np.arange(HOURS_PER_DAY)).ravel()
    share = np.repeat(count / count.sum(), HOURS_PER_DAY) / HOURS_PER_DAY
    return Future(
        future.name, future.probability, hours_of_system(s, hours, np.repeat(np.arange(medoid.size), HOURS_PER_DAY)),
        None if future.available is None else np.ascontiguousarray(future.available[:, hours]),
        share * float(future.weight.sum()),
    )  # fmt: skip


def hours_of_system(system: System, hours: np.ndarray, period: np.ndarray) -> System:
    """A system in some of its hours; water of each new period is what its hours have in the old ones."""
    r = system.reservoirs
    if len(r):
        rate = r.energy_mwh / np.maximum(np.bincount(system.period, minlength=r.energy_mwh.shape[1]), 1)
        water = np.zeros((len(r), int(period.max()) + 1))
        for h in range(len(r)):
            np.add.at(water[h], period, rate[h, system.period[hours]])
        r = replace(r, energy_mwh=water)
    return replace(
        system, time=system.time[hours], period=period.astype(np.int64) if len(r) else system.period[hours],
        profiles=np.ascontiguousarray(system.profiles[:, hours]),
        demand=replace(system.demand, load_mw=np.ascontiguousarray(system.demand.load_mw[hours])), reservoirs=r,
    )  # fmt: skip
