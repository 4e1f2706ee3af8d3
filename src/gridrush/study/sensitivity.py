"""Which unknown matters: Sobol indices by Saltelli's design, and what knowing it would be worth.

With A and B two samples of N points and AB_i equal to A but for column i, which is B's:

    S_i = mean(f(B) (f(AB_i) - f(A))) / var     share of the variance that goes when i alone is known
    T_i = mean((f(A) - f(AB_i))^2) / (2 var)    share that stays when all but i are known

Errors are from the bootstrap over the N rows.

References
----------
Saltelli, A. et al. (2010), Variance based sensitivity analysis of model output, Comp. Phys. Comm. 181, 259-270.
Jansen, M. J. W. (1999), Analysis of variance designs for model output, Comp. Phys. Comm. 117, 35-43.
Strong, M., Oakley, J. E. and Brennan, A. (2014), Estimating multiparameter partial expected value of perfect
information from a probabilistic sensitivity analysis sample, Medical Decision Making 34, 311-326.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from gridrush.study.uncertainty import quantiles_drawn
from gridrush.units import Floats

BOOTSTRAP = 400
"""Resamples behind each standard error."""

DEGREE = 3
"""Polynomial in the rank of an unknown that stands for the expected benefit given it."""


def saltelli_design(n: int, d: int, *, seed: int = 1) -> Floats:
    """Points of the unit cube at which a model must be run: A, B, then AB_1 to AB_d. (n (d + 2), d)

    Parameters
    ----------
    n : int
        Rows of A; a power of two is best.
    d : int
        Unknowns.
    """
    both = quantiles_drawn(n, 2 * d, seed=seed)
    a, b = both[:, :d], both[:, d:]
    mixed = np.repeat(a[None], d, axis=0)
    for i in range(d):
        mixed[i, :, i] = b[:, i]
    return np.concatenate([a, b, mixed.reshape(n * d, d)])


def sobol_indices(
    values: ArrayLike, unknowns: Sequence[str], *, bootstrap: int = BOOTSTRAP, seed: int = 1
) -> pd.DataFrame:
    """First-order and total Sobol indices of a result, with standard errors.

    Parameters
    ----------
    values : array_like, shape (n (d + 2),)
        The result at the points of `saltelli_design`, in its order.
    unknowns : sequence of str
        Names of the d unknowns.

    Returns
    -------
    DataFrame
        Index `unknown`; first, first_stderr, total, total_stderr. All zero for a result that does not vary.

    Examples
    --------
    >>> x = saltelli_design(1024, 2)
    >>> sobol_indices(2 * x[:, 0] + x[:, 1], ["a", "b"])["first"].round(2).tolist()
    [0.8, 0.2]
    """
    y, d = np.asarray(values, np.float64), len(unknowns)
    if d < 1 or y.ndim != 1 or y.size % (d + 2) or not y.size:
        raise ValueError(f"{y.shape} values for {d} unknowns: need n ({d} + 2), in the order of saltelli_design")
    if not np.isfinite(y).all():
        raise ValueError(f"{int((~np.isfinite(y)).sum())} values are not finite")
    n = y.size // (d + 2)
    y = y - y[: 2 * n].mean()  # lessens the error of S
    a, b, ab = y[:n], y[n : 2 * n], y[2 * n :].reshape(d, n)
    rows = np.random.default_rng(np.random.Philox(key=[seed, n])).integers(0, n, (bootstrap, n))
    at = np.concatenate([np.arange(n)[None], rows])
    found = np.array([_indices(a[r], b[r], ab[:, r]) for r in at])  # (1 + bootstrap, 2, d)
    error = found[1:].std(axis=0, ddof=1) if bootstrap > 1 else np.zeros((2, d))
    first, total = found[0]
    return pd.DataFrame(
        {"first": first, "first_stderr": error[0], "total": total, "total_stderr": error[1]},
        index=pd.Index(list(unknowns), name="unknown"),
    )


def _indices(a: Floats, b: Floats, ab: Floats) -> Floats:
    """First-order and total indices. (2, d)"""
    variance = np.concatenate([a, b]).var()
    if variance <= 0.0:
        return np.zeros((2, len(ab)))
    first = (b * (ab - a)).mean(axis=1) / variance
    total = 0.5 * ((a - ab) ** 2).mean(axis=1) / variance
    return np.array([first, total])


def value_of_information(
    net_benefit_usd: pd.DataFrame, draws: pd.DataFrame, *, bootstrap: int = 200, seed: int = 1
) -> pd.DataFrame:
    """What it is worth to know an unknown before choosing among scenarios.

    Today the best choice is max_o E[b_o]. If unknown i were known first, each value of it would have its own best
    choice: E[max_o E[b_o | x_i]] less that is its worth (EVPPI). E[b_o | x_i] is fitted by a cubic in the rank of x_i,
    or by the mean of each option. If everything were known, E[max_o b_o]: row `everything` (EVPI).

    Parameters
    ----------
    net_benefit_usd : DataFrame
        Index draw, a column for each choice; higher is better (minus a cost).
    draws : DataFrame
        Index draw, a column for each unknown.

    Returns
    -------
    DataFrame
        Index `unknown`; worth_usd, stderr_usd.
    """
    if not net_benefit_usd.index.equals(draws.index):
        raise ValueError("net benefits and draws are of different draws")
    benefit = net_benefit_usd.to_numpy(np.float64)
    n = len(benefit)
    ways: dict[str, Floats | None] = {str(name): _basis(draws[name]) for name in draws}
    ways["everything"] = None
    rng = np.random.default_rng(np.random.Philox(key=[seed, n]))
    resamples = rng.integers(0, n, (bootstrap, n))
    rows = []
    for name, basis in ways.items():
        worth = _worth(benefit, basis)
        again = [_worth(benefit[r], None if basis is None else basis[r]) for r in resamples]
        rows.append((name, worth, float(np.std(again, ddof=1)) if bootstrap > 1 else 0.0))
    return pd.DataFrame(rows, columns=["unknown", "worth_usd", "stderr_usd"]).set_index("unknown")


def _basis(values: pd.Series[float]) -> Floats:
    """Columns that the expected benefit given an unknown is a sum of. (N, K)"""
    if not pd.api.types.is_numeric_dtype(values):
        return pd.get_dummies(values).to_numpy(np.float64)
    rank = values.rank().to_numpy(np.float64)
    x = 2.0 * (rank - 0.5) / len(rank) - 1.0
    return np.asarray(np.polynomial.legendre.legvander(x, min(DEGREE, max(len(rank) - 1, 0))), np.float64)


def _worth(benefit: Floats, basis: Floats | None) -> float:
    expected = benefit
    if basis is not None:
        expected = basis @ np.linalg.lstsq(basis, benefit, rcond=None)[0]
    return max(0.0, float(expected.max(axis=1).mean() - benefit.mean(axis=0).max()))
