"""What past inspections teach: a calibrated probability from the signs of a feeder.

Two opinions are joined: the generative log odds (which need no labels) and a classifier of the signs (which needs
many). Each is predicted for feeders its fit has not seen (folds by feeder), and a logistic regression on the two
out-of-fold predictions gives the probability, so that an opinion that does not help gets no weight and both are
calibrated by what was found (stacking; Platt's sigmoid, or isotonic from 1,000 labels on). With few labels only the
generative odds are shifted and scaled; with fewer still nothing is learned and that is said.

References
----------
Platt, J. (1999), Probabilistic outputs for support vector machines. Niculescu-Mizil, A., Caruana, R. (2005),
Predicting good probabilities with supervised learning, ICML. Wolpert, D. (1992), Stacked generalization, Neural
Networks 5(2). Glauner, P. et al. (2017) on biased inspection labels: what is learned holds for feeders like those
inspected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gridrush.errors import EngineError
from gridrush.units import Floats

LEAST_LABELS, LEAST_OF_A_KIND = 20, 5
"""Inspections below which nothing is learned, and how many of them must have found, and not found, a farm."""
FOR_SIGNS = 80
"""Inspections from which the signs are learned from too."""
FOR_TREES = 400
"""Inspections from which boosted trees are tried beside the logistic regression."""
FOR_ISOTONIC = 1000
FOLDS = 5


@dataclass(frozen=True)
class Learned:
    """A fitted model and how well it did on feeders it had not seen."""

    used: str  # what the probability rests on
    labels: int
    found: int
    log_loss: dict[str, float]  # of each opinion, out of fold; `base rate` is that of saying the same for all
    weights: dict[str, float]
    said: tuple[str, ...]
    _model: Any = None
    _join: Any = None
    _isotonic: Any = None

    def predict(self, features: pd.DataFrame) -> Floats:
        """Probability of a farm for each row. (N,)"""
        odds = features["log_odds"].to_numpy(np.float64)
        if self._join is None:
            return np.asarray(1 / (1 + np.exp(-odds)))
        columns = [odds]
        if self._model is not None:
            columns.append(_log_odds(self._model.predict_proba(_signs(features))[:, 1]))
        p = self._join.predict_proba(np.column_stack(columns))[:, 1]
        return np.asarray(p if self._isotonic is None else self._isotonic.predict(p))

    def to_dict(self) -> dict[str, object]:
        """As the command line prints it."""
        return {
            "used": self.used, "labels": self.labels, "found": self.found, "log_loss": self.log_loss,
            "weights": self.weights,
        }  # fmt: skip


def learn(features: pd.DataFrame, found: NDArray[np.int64], groups: Sequence[str], *, seed: int = 1) -> Learned:
    """A calibrated model from inspected feeders.

    Parameters
    ----------
    features : DataFrame, shape (n, F)
        Signs of each inspected feeder, `log_odds` among them.
    found : ndarray of int, shape (n,)
        Whether a farm was found.
    groups : sequence of str
        Feeder of each inspection: one feeder never stands in both the fit and its test.
    seed : int
        Of the folds.

    Returns
    -------
    Learned
    """
    n, positives = len(found), int(found.sum())
    few = min(positives, n - positives)
    if n < LEAST_LABELS or few < LEAST_OF_A_KIND:
        why = (
            f"{n} inspections ({positives} found something): too few to learn from (need {LEAST_LABELS}, with "
            f"{LEAST_OF_A_KIND} of each kind); probabilities are those of the model and its priors"
        )
        return Learned("priors", n, positives, {}, {}, (why,))
    if find_spec("sklearn") is None:
        raise EngineError("Learning from labels needs scikit-learn: pip install 'gridrush[detect]'")
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import StratifiedGroupKFold

    folds = StratifiedGroupKFold(min(FOLDS, few), shuffle=True, random_state=seed)
    split = list(folds.split(features, found, np.asarray(groups)))
    odds = features["log_odds"].to_numpy(np.float64)

    def scored(p: Floats) -> float:
        return float(log_loss(found, np.clip(p, 1e-4, 1 - 1e-4), labels=[0, 1]))

    def out_of_fold(columns: Floats) -> Floats:
        p = np.empty(n)
        for fit, test in split:
            p[test] = LogisticRegression(C=10.0).fit(columns[fit], found[fit]).predict_proba(columns[test])[:, 1]
        return p

    rate = np.empty(n)
    for fit, test in split:
        rate[test] = found[fit].mean()
    losses = {"base rate": scored(rate), "model": scored(1 / (1 + np.exp(-odds)))}
    alone = out_of_fold(odds[:, None])
    losses["model, scaled"] = scored(alone)
    best, used, columns, model, final = alone, "model, scaled", odds[:, None], None, None
    if n >= FOR_SIGNS and few >= 2 * LEAST_OF_A_KIND:
        x = _signs(features)
        makers = {"signs": _linear} | ({"trees": _trees} if n >= FOR_TREES else {})
        for name, make in makers.items():
            seen = np.empty(n)
            for fit, test in split:
                seen[test] = make(seed).fit(x[fit], found[fit]).predict_proba(x[test])[:, 1]
            losses[name] = scored(seen)
            both = np.column_stack([odds, _log_odds(seen)])
            joined = out_of_fold(both)
            losses[f"model and {name}"] = scored(joined)
            if losses[f"model and {name}"] < losses[used]:
                best, used, columns, model = joined, f"model and {name}", both, make
    join = LogisticRegression(C=10.0).fit(columns, found)
    if model is not None:
        final = model(seed).fit(_signs(features), found)
    isotonic = None
    if n >= FOR_ISOTONIC:
        isotonic = IsotonicRegression(y_min=1e-3, y_max=1 - 1e-3, out_of_bounds="clip").fit(best, found)
    names = ["model", "signs"][: columns.shape[1]]
    weights = {k: float(v) for k, v in zip(names, join.coef_[0], strict=True)} | {"constant": float(join.intercept_[0])}
    said = [
        f"learned from {n} inspections ({positives} found something): {used}; log loss on feeders not seen "
        f"{losses[used]:.3f}, of the base rate {losses['base rate']:.3f}",
        "what is learned holds for feeders like those inspected: where inspections were not drawn at random, "
        "probabilities of other feeders are extrapolated",
    ]
    if losses[used] >= losses["base rate"]:
        said.append("the signs tell no more than the base rate: do not rank by them")
    return Learned(used, n, positives, losses, weights, tuple(said), final, join, isotonic)


def _signs(features: pd.DataFrame) -> Floats:
    """Signs as numbers; what is not known is NaN. (n, F)"""
    return features.to_numpy(np.float64)


def _linear(seed: int) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import RobustScaler

    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    return make_pipeline(fill, RobustScaler(quantile_range=(10, 90)), LogisticRegression(C=0.3, max_iter=2000))


def _trees(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline

    trees = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=20, l2_regularization=1.0,
        random_state=seed,
    )  # fmt: skip
    # a sign may be known of no feeder, which the trees alone do not take
    unknown = SimpleImputer(strategy="constant", fill_value=-99.0, keep_empty_features=True)
    return make_pipeline(unknown, trees)


def _log_odds(p: Floats) -> Floats:
    q = np.clip(p, 1e-4, 1 - 1e-4)
    return np.asarray(np.log(q / (1 - q)))
