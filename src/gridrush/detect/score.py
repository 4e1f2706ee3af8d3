"""How good a ranking is: precision, recall, calibration, MW found, what an inspection is worth; each with its error.

Errors are standard deviations over bootstraps of feeders (a feeder is drawn whole). A ranking is by the score given;
ties keep the order in which feeders come.

References
----------
Brier, G.W. (1950), Verification of forecasts expressed in terms of probability, Monthly Weather Review 78(1).
Efron, B., Tibshirani, R. (1993), An Introduction to the Bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from gridrush.case.estimate import Estimate
from gridrush.case.scenario import Enforcement
from gridrush.units import Floats

BOOTSTRAPS = 400


@dataclass(frozen=True)
class Score:
    """A ranking against the truth. Keys of `at` are numbers of inspections k."""

    auc: Estimate
    brier: Estimate
    brier_base: float  # of saying the share of farms for every feeder
    precision: dict[int, Estimate]
    recall: dict[int, Estimate]
    found_mw: dict[int, Estimate]
    all_mw: float
    reliability: pd.DataFrame  # said, true, feeders: means of each tenth of probability

    def to_dict(self) -> dict[str, object]:
        """As the command line prints it."""
        many = {"precision": self.precision, "recall": self.recall, "found_mw": self.found_mw}
        return {
            "auc": self.auc.to_dict(), "brier": self.brier.to_dict(), "brier_base": self.brier_base,
            **{name: {str(k): e.to_dict() for k, e in row.items()} for name, row in many.items()},
            "all_mw": self.all_mw, "reliability": self.reliability.to_dict("records"),
        }  # fmt: skip


def precision_at(found: ArrayLike, score: ArrayLike, k: int) -> float:
    """Share of the k feeders ranked first that have a farm.

    Examples
    --------
    >>> precision_at([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 2)
    0.5
    """
    return float(_ranked(found, score)[:k].mean())


def recall_at(found: ArrayLike, score: ArrayLike, k: int) -> float:
    """Share of the farms that are among the k feeders ranked first.

    Examples
    --------
    >>> recall_at([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], 2)
    0.5
    """
    y = _ranked(found, score)
    return float(y[:k].sum() / y.sum()) if y.sum() else float("nan")


def auc(found: ArrayLike, score: ArrayLike) -> float:
    """Chance that a feeder with a farm is ranked before one without (ties count half). Area under the ROC curve.

    Examples
    --------
    >>> auc([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1])
    0.75
    """
    from scipy.stats import rankdata

    y = np.asarray(found, bool)
    n1, n0 = int(y.sum()), int((~y).sum())
    if not n1 or not n0:
        return float("nan")
    return float((rankdata(np.asarray(score, np.float64))[y].sum() - n1 * (n1 + 1) / 2) / (n1 * n0))


def brier(found: ArrayLike, probability: ArrayLike) -> float:
    """Mean squared difference of probability and truth.

    Examples
    --------
    >>> round(brier([1, 0], [0.8, 0.4]), 3)
    0.1
    """
    return float(((np.asarray(probability, np.float64) - np.asarray(found, np.float64)) ** 2).mean())


def reliability(found: ArrayLike, probability: ArrayLike, *, bins: int = 10) -> pd.DataFrame:
    """What was said against what was true, in bins of equal width that hold any feeder: `said, true, feeders`."""
    p, y = np.asarray(probability, np.float64), np.asarray(found, np.float64)
    which = np.minimum((p * bins).astype(np.int64), bins - 1)
    rows = [(p[which == b].mean(), y[which == b].mean(), int((which == b).sum())) for b in np.unique(which)]
    return pd.DataFrame(rows, columns=["said", "true", "feeders"])


def score(
    found_mw: ArrayLike,
    probability: ArrayLike,
    *,
    rank_by: ArrayLike | None = None,
    k: Sequence[int] = (10, 20, 50, 100),
    bootstraps: int = BOOTSTRAPS,
    seed: int = 1,
) -> Score:
    """Everything at once, of feeders whose truth is known.

    Parameters
    ----------
    found_mw : array_like, shape (N,)
        Unregistered MW that really stand behind each feeder; 0 where there is no farm.
    probability : array_like, shape (N,)
        Said of each.
    rank_by : array_like, shape (N,), optional
        Order of inspection, largest first (say expected MW); default: probability.
    k : sequence of int
        Numbers of inspections; those above N are left out.
    bootstraps, seed : int
        Of the errors.

    Returns
    -------
    Score
    """
    mw, p = np.asarray(found_mw, np.float64), np.asarray(probability, np.float64)
    order = p if rank_by is None else np.asarray(rank_by, np.float64)
    y = mw > 0
    N = len(mw)
    rng = np.random.default_rng(seed)
    draws = rng.integers(N, size=(bootstraps, N))
    ks = [n for n in k if n <= N]

    def with_error(what: Callable[[NDArray[np.int64]], float], unit: str) -> Estimate:
        every = np.array([what(d) for d in draws])
        every = every[np.isfinite(every)]
        return Estimate(what(np.arange(N)), float(every.std(ddof=1)) if every.size > 1 else 0.0, unit)

    def first(d: NDArray[np.int64], n: int) -> NDArray[np.int64]:
        return np.asarray(d[np.argsort(-order[d], kind="stable")[:n]])

    def recall(d: NDArray[np.int64], n: int) -> float:
        return float(y[first(d, n)].sum() / y[d].sum()) if y[d].any() else float("nan")

    return Score(
        with_error(lambda d: auc(y[d], order[d]), "1"),
        with_error(lambda d: brier(y[d], p[d]), "1"),
        float(y.mean() * (1 - y.mean())),
        {n: with_error(lambda d, n=n: float(y[first(d, n)].mean()), "1") for n in ks},  # type: ignore[misc]
        {n: with_error(lambda d, n=n: recall(d, n), "1") for n in ks},  # type: ignore[misc]
        {n: with_error(lambda d, n=n: float(mw[first(d, n)].sum()), "MW") for n in ks},  # type: ignore[misc]
        float(mw.sum()),
        reliability(y, p),
    )


def inspection_curve(table: pd.DataFrame, *, cost_usd: float, value_usd_per_mw: float) -> pd.DataFrame:
    """What the first k inspections may expect: farms, MW, cost, and value less cost. One row for each k.

    Expected MW of k inspections is the sum of p x MW over the k feeders ranked first; its error takes feeders as
    independent, p as it is said: sum of p (1 - p) MW^2 + p sd^2. An inspection pays while p x MW x value > cost.

    Parameters
    ----------
    table : DataFrame
        Of a `Detection`: `probability`, `mw`, `mw_std`, in order of inspection.
    cost_usd : float
        Of one inspection.
    value_usd_per_mw : float
        Of finding one MW: fine, back payment, and what its load costs others.

    Returns
    -------
    DataFrame
        `k, farms, expected_mw, stderr_mw, cost_usd, net_usd, mw_next`
    """
    p, mw, sd = (table[c].to_numpy(np.float64) for c in ("probability", "mw", "mw_std"))
    total = np.cumsum(p * mw)
    spent = cost_usd * np.arange(1, len(p) + 1)
    return pd.DataFrame(
        {
            "k": np.arange(1, len(p) + 1),
            "farms": np.cumsum(p),
            "expected_mw": total,
            "stderr_mw": np.sqrt(np.cumsum(p * (1 - p) * mw**2 + p * sd**2)),
            "cost_usd": spent,
            "net_usd": total * value_usd_per_mw - spent,
            "mw_next": p * mw,
        }
    )


def worth_inspecting(table: pd.DataFrame, *, cost_usd: float, value_usd_per_mw: float) -> int:
    """How many inspections pay: those whose expected MW are worth more than their cost.

    Examples
    --------
    >>> t = pd.DataFrame({"probability": [0.9, 0.1], "mw": [1.0, 1.0], "mw_std": [0.1, 0.1]})
    >>> worth_inspecting(t, cost_usd=5_000, value_usd_per_mw=20_000)
    1
    """
    each = table["probability"].to_numpy() * table["mw"].to_numpy() * value_usd_per_mw
    return int((each > cost_usd).sum())


def enforcement_lever(
    table: pd.DataFrame, *, inspections_per_month: int, cost_usd: float, start: date, fine_usd_per_mw: float = 0.0
) -> Enforcement:
    """The lever `enforcement` of a scenario that a month of so many inspections amounts to.

    found_share = expected MW of the first n feeders over expected MW of all; cost per MW = n cost / expected MW found.
    Holds for the first month: the best feeders go first, so the share falls after it.

    Parameters
    ----------
    table : DataFrame
        Of a `Detection`, in order of inspection.
    inspections_per_month : int
    cost_usd : float
        Of one inspection.
    start : date
        First day of the lever.
    fine_usd_per_mw : float

    Returns
    -------
    Enforcement

    Examples
    --------
    >>> t = pd.DataFrame({"probability": [0.8, 0.2], "mw": [2.0, 2.0]})
    >>> lever = enforcement_lever(t, inspections_per_month=1, cost_usd=8_000, start=date(2022, 1, 1))
    >>> lever.found_share_per_month, lever.cost_usd_per_mw
    (0.8, 5000.0)
    """
    expected = table["probability"].to_numpy() * table["mw"].to_numpy()
    n = min(inspections_per_month, len(expected))
    found, total = float(expected[:n].sum()), float(expected.sum())
    return Enforcement(
        start=start,
        found_share_per_month=min(found / total, 1.0) if total > 0 else 0.0,
        cost_usd_per_mw=n * cost_usd / found if found > 0 else 0.0,
        fine_usd_per_mw=fine_usd_per_mw,
    )


def _ranked(found: ArrayLike, score: ArrayLike) -> Floats:
    order = np.argsort(-np.asarray(score, np.float64), kind="stable")
    return np.asarray(np.asarray(found, np.float64)[order])
