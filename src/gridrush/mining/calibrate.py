"""The documented fit of the rush: which months it may see, what it minimises, and how sure the numbers are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gridrush.case.model import Case
from gridrush.mining.atlas import country_atlas
from gridrush.mining.migration import CHINA, Replay, RushParameters
from gridrush.units import Floats

SCALARS = (
    "margin_weight", "attachment", "churn_share", "exit_share", "exit_gap", "return_share", "china_wet_usd_per_mwh",
    "china_dry_usd_per_mwh", "first_month_leave_share", "second_month_leave_share",
)  # fmt: skip
"""Fitted numbers that all countries share."""

PRIOR = {
    "margin_weight": (4.0, 3.0, 0.0, 20.0), "attachment": (0.9, 0.2, 0.3, 1.3), "churn_share": (0.06, 0.04, 0.0, 0.3),
    "exit_share": (0.2, 0.2, 0.0, 0.8), "exit_gap": (0.3, 0.15, 0.05, 1.0), "return_share": (0.3, 0.15, 0.05, 0.9),
    "china_wet_usd_per_mwh": (25.0, 6.0, 10.0, 39.0), "china_dry_usd_per_mwh": (40.0, 6.0, 30.0, 50.0),
    "first_month_leave_share": (0.35, 0.2, 0.0, 0.8), "second_month_leave_share": (0.25, 0.2, 0.0, 0.8),
}  # fmt: skip
"""Mean, spread, lowest and highest of each before the map is seen; prices from mining_power_prices.csv."""

PULL_PRIOR = (0.0, 1.0, -5.0, 5.0)
GROWTH_PRIOR = (0.0, 0.4, -3.0, 3.0)
NEAR_PRIOR = (0.0, 1.0, -3.0, 4.0)

READ_STD = 0.25
"""Spread of a map reading around the truth, of its logarithm: a third of the hash rate is sampled."""

FLOOR_EHS = 0.3
"""Added before the logarithm, so that readings near zero do not rule."""

WEIGHTS = {CHINA: 1.0, "United States": 0.7, "Ireland": 0.05, "Germany": 0.1, "Iran": 0.15}
OTHER_WEIGHT, OWN_WEIGHT, OWN_STD_EHS = 0.25, 2.0, 2.0
"""The case's own country counts most; proxied (Germany, Ireland) and seasonal (Iran) ones least."""


@dataclass(frozen=True, eq=False)
class RushFit:
    """A fit: parameters, their joint spread, and how they do on the months left out."""

    parameters: RushParameters
    names: tuple[str, ...]
    mean: Floats  # (K,)
    covariance: Floats  # (K, K)
    fitted_months: tuple[str, ...]
    fit_rmse_share: float  # RMSE of the case's country over its mean, months fitted
    test_rmse_share: float  # the same on the months left out
    test_log_rmse: float  # root mean square of the logarithm of the ratio, months left out

    def interval(self, level: float = 0.90) -> dict[str, tuple[float, float, float]]:
        """Low, best and high of each number."""
        from statistics import NormalDist

        half = NormalDist().inv_cdf(0.5 + level / 2) * np.sqrt(np.diag(self.covariance))
        return {
            n: (float(m - h), float(m), float(m + h)) for n, m, h in zip(self.names, self.mean, half, strict=True)
        }

    def draw(self, n: int, rng: np.random.Generator) -> list[RushParameters]:
        """Parameters drawn from the fit's joint spread, cut off at the bounds of the prior."""
        low, high = _bounds(self.names)
        root = np.linalg.cholesky(self.covariance + 1e-12 * np.eye(len(self.mean)))
        theta = np.clip(self.mean + rng.standard_normal((n, len(self.mean))) @ root.T, low, high)
        return [unpack(self.names, t, self.parameters) for t in theta]


def _bounds(names: tuple[str, ...]) -> tuple[Floats, Floats]:
    rows = np.array([_prior(n) for n in names])
    return rows[:, 2] + 1e-9, rows[:, 3] - 1e-9


def _prior(name: str) -> tuple[float, float, float, float]:
    kind, _, _ = name.partition(":")
    table = {"pull": PULL_PRIOR, "pull_growth": GROWTH_PRIOR, "near": NEAR_PRIOR}
    return PRIOR[name] if name in PRIOR else table[kind]


def unpack(names: tuple[str, ...], theta: Floats, base: RushParameters) -> RushParameters:
    """Parameters from a vector."""
    kinds: dict[str, dict[str, float]] = {"pull": {}, "pull_growth": {}, "near": {}}
    scalars = {}
    for name, value in zip(names, theta, strict=True):
        kind, _, country = name.partition(":")
        if country:
            kinds[kind][country] = float(value)
        else:
            scalars[name] = float(value)
    return replace(base, **scalars, **kinds)  # type: ignore[arg-type]


def fit_rush(case: Case, *, months: str = "even") -> RushFit:
    """Fit the rush to half the months of the map and test it on the other half.

    Least squares of log(EH/s + 0.3) over countries and the months fitted, the case's own country also in EH/s, plus
    the priors. Free run from the first month: no reading after it enters but through the numbers fitted. The spread is
    that of the linearised posterior.

    Parameters
    ----------
    months : str
        "even" (the first, third, ... month of the map), "odd", "first-half" or "all".
    """
    from scipy.optimize import least_squares

    atlas, play = country_atlas(case), Replay.of(case)
    T = len(atlas.months)
    use = _months_used(months, T)
    own = case.mining_country
    names = (
        *SCALARS,
        *(f"pull:{c}" for c in atlas.countries if c != CHINA),
        *(f"pull_growth:{c}" for c in (CHINA, "United States") if c in atlas.countries),
        f"near:{own}",
    )
    prior = np.array([_prior(n) for n in names])
    weight = np.array([WEIGHTS.get(c, OTHER_WEIGHT) if c != own else OWN_WEIGHT for c in atlas.countries])
    k, seen = atlas.of(own), use & (np.arange(T) > 0)
    base = RushParameters()

    def residuals(theta: Floats) -> Floats:
        got = play.run(unpack(names, theta, base)).hashrate_ehs[seen]
        true = atlas.hashrate_ehs[seen]
        logs = (np.log(got + FLOOR_EHS) - np.log(true + FLOOR_EHS)) * weight / READ_STD
        return np.concatenate([
            logs.ravel(), (got[:, k] - true[:, k]) / OWN_STD_EHS, (theta - prior[:, 0]) / prior[:, 1]
        ])  # fmt: skip

    low, high = _bounds(names)
    best = least_squares(residuals, prior[:, 0], bounds=(low, high), xtol=1e-10, ftol=1e-10)
    jac = np.asarray(best.jac, np.float64)
    p = unpack(names, np.asarray(best.x), base)
    history = play.run(p).map_ehs[:, k]
    raw = atlas.map_share[:, k] * play.world_ehs
    test = ~use & (np.arange(T) > 0)
    return RushFit(
        parameters=p,
        names=names,
        mean=np.asarray(best.x),
        covariance=np.asarray(np.linalg.inv(jac.T @ jac), np.float64),
        fitted_months=tuple(str(m) for m in atlas.months[use]),
        fit_rmse_share=rmse_share(history[seen], raw[seen]),
        test_rmse_share=rmse_share(history[test], raw[test]) if test.any() else float("nan"),
        test_log_rmse=float(np.sqrt((np.log(history[test] / raw[test]) ** 2).mean())) if test.any() else float("nan"),
    )


def rmse_share(got: Floats, true: Floats) -> float:
    """Root mean square error over the mean of the truth."""
    return float(np.sqrt(((got - true) ** 2).mean()) / true.mean())


def _months_used(months: str, n: int) -> NDArray[np.bool_]:
    at = np.arange(n)
    even = at % 2 == 0
    kinds: dict[str, NDArray[np.bool_]] = {"even": even, "odd": ~even, "first-half": at < (n + 1) // 2, "all": at >= 0}
    if months not in kinds:
        raise ValueError(f"months is {months!r}, need one of {', '.join(kinds)}")
    return kinds[months]
