"""From sums over samples to estimates: what `assess` returns."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gridrush.case.estimate import Estimate
from gridrush.units import Floats


@dataclass(frozen=True, slots=True)
class Event:
    """One shortfall event of a sample: the sample, first hour, hours in shortfall and energy."""

    sample: int
    hour: int
    hours: int
    energy_mwh: float


@dataclass(frozen=True, eq=False)
class Assessment:
    """Risk of a system over its span of hours.

    Attributes
    ----------
    metrics : dict of str to Estimate
        LOLE_h, LOLE_days (days short at the hour of peak load), LOLD (days with any short hour), EUE_MWh, NEUE,
        LOLF_occ, duration_h and depth_MW of an event, CVaR; what the method cannot give is absent.
    zones : dict of str to dict of str to Estimate
        The same for each zone.
    lole_month_hour_h, eue_month_hour_mwh : ndarray, shape (Z + 1, 12, 24) or None
        By local month and hour of day; the last row is the system. [h], [MWh]
    """

    method: str
    samples: int
    seed: int | None
    metrics: dict[str, Estimate]
    zones: dict[str, dict[str, Estimate]] = field(default_factory=dict)
    lole_month_hour_h: Floats | None = None
    eue_month_hour_mwh: Floats | None = None
    lole_month_hour_stderr_h: Floats | None = None
    eue_month_hour_stderr_mwh: Floats | None = None
    worst: tuple[Event, ...] = ()
    diagnostics: dict[str, float | str] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> Estimate:
        return self.metrics[metric]

    def by_month(self, metric: str = "EUE_MWh") -> Floats:
        """Means by zone (the last row is the system) and month. (Z + 1, 12)"""
        return np.asarray(self._table(metric).sum(axis=2))

    def by_hour(self, metric: str = "EUE_MWh") -> Floats:
        """Means by zone (the last row is the system) and local hour of day. (Z + 1, 24)"""
        return np.asarray(self._table(metric).sum(axis=1))

    def _table(self, metric: str) -> Floats:
        table = {"EUE_MWh": self.eue_month_hour_mwh, "LOLE_h": self.lole_month_hour_h}[metric]
        if table is None:
            raise KeyError(f"{metric} by month and hour: not given by method {self.method!r}")
        return table

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: each metric as mean, stderr and unit, then `zones`, `method`, `samples`, `seed`."""
        out: dict[str, Any] = {k: e.to_dict() for k, e in self.metrics.items()}
        out["zones"] = {z: {k: e.to_dict() for k, e in m.items()} for z, m in self.zones.items()}
        out |= {
            "method": self.method,
            "samples": self.samples,
            "seed": self.seed,
            "diagnostics": dict(self.diagnostics),
        }
        return out


class Sums:
    """Running sums over samples, added in batch order; their size does not depend on the number of samples."""

    def __init__(self) -> None:
        self.n = 0
        self.parts: list[Any] = []
        self.top = np.zeros((0, 4))
        self.opened = 0

    def add(self, batch: Any, count: int) -> None:
        """Add one batch from the kernel."""
        *parts, top, opened, _ = batch
        self.parts = [a + b for a, b in zip(self.parts, parts, strict=True)] if self.parts else list(parts)
        both = np.concatenate([self.top, top[top[:, 0] > 0]])
        self.top = both[np.lexsort((both[:, 1], -both[:, 0]))][: len(top)]
        self.opened += opened
        self.n += count


def mean_error(total: float, squares: float, n: int) -> tuple[float, float]:
    """Mean and standard error from a sum and a sum of squares over n samples."""
    mean = total / n
    if n < 2:
        return mean, math.inf if total else 0.0
    return mean, math.sqrt(max(0.0, squares / n - mean * mean) / (n - 1))


def ratio_error(x: float, y: float, xx: float, yy: float, xy: float, n: int) -> tuple[float, float]:
    """Ratio of two sums and its standard error (delta method)."""
    if y <= 0.0:
        return 0.0, 0.0
    r = x / y
    var = max(0.0, xx - 2 * r * xy + r * r * yy) / max(1, n - 1) * n
    return r, math.sqrt(var) / y


def tail_mean(hist: Any, n: int, share: float) -> tuple[float, float]:
    """Mean of the worst `share` of samples (CVaR) and its error, from a histogram with zeros left out. (BINS, 5)"""
    want = share * n
    got, total, level = 0.0, 0.0, 0.0
    for i in range(len(hist) - 1, -1, -1):
        w = hist[i, 0]
        if w <= 0:
            continue
        m = hist[i, 1] / w
        if got + w >= want:
            total += (want - got) * m
            got, level = want, m
            break
        total += hist[i, 1]
        got += w
    if want <= 0 or total <= 0:
        return 0.0, 0.0
    # influence of one sample: max(x - level, 0) / share
    edge = np.divide(hist[:, 1], hist[:, 0], out=np.zeros(len(hist)), where=hist[:, 0] > 0) >= level
    h = hist[edge]
    first = float((h[:, 1] - level * h[:, 0]).sum()) / n
    second = float((h[:, 4] - 2 * level * h[:, 3] + level * level * h[:, 2]).sum()) / n
    return total / want, math.sqrt(max(0.0, second - first * first) / max(1, n - 1)) / share
