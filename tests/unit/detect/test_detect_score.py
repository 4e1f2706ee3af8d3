"""Scores against scikit-learn, hand numbers and the binomial law."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from gridrush.detect import enforcement_lever, inspection_curve, score, worth_inspecting
from gridrush.detect.score import auc, brier, precision_at, recall_at, reliability


def test_scores_are_those_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    y = rng.random(500) < 0.2
    p = np.clip(np.round(0.3 * y + 0.5 * rng.random(500), 2), 0, 1)  # with ties
    assert auc(y, p) == pytest.approx(metrics.roc_auc_score(y, p), abs=1e-12)
    assert brier(y, p) == pytest.approx(metrics.brier_score_loss(y, p), abs=1e-12)
    first = np.argsort(-p, kind="stable")[:50]
    said = np.zeros(500, bool)
    said[first] = True
    assert precision_at(y, p, 50) == pytest.approx(metrics.precision_score(y, said))
    assert recall_at(y, p, 50) == pytest.approx(metrics.recall_score(y, said))


def test_a_ranking_by_hand() -> None:
    got = score([2.0, 0.0, 1.0, 0.0], [0.9, 0.8, 0.7, 0.1], k=(1, 2, 3, 9), bootstraps=50)
    assert got.auc.mean == 0.75
    assert {k: e.mean for k, e in got.precision.items()} == {1: 1.0, 2: 0.5, 3: pytest.approx(2 / 3)}
    assert {k: e.mean for k, e in got.recall.items()} == {1: 0.5, 2: 0.5, 3: 1.0}
    assert {k: e.mean for k, e in got.found_mw.items()} == {1: 2.0, 2: 2.0, 3: 3.0}
    assert got.brier.mean == pytest.approx((0.01 + 0.64 + 0.09 + 0.01) / 4)
    assert got.brier_base == 0.25
    assert got.all_mw == 3.0


def test_errors_are_those_of_the_binomial_law() -> None:
    rng = np.random.default_rng(2)
    y = rng.random(800) < 0.3
    truth, said = y.astype(float), np.full(800, 0.3)
    got = score(truth, said, k=(400,), bootstraps=800)
    assert got.brier.stderr == pytest.approx(0.4 * np.sqrt(0.3 * 0.7 / 800), rel=0.1)
    assert got.precision[400].stderr == pytest.approx(np.sqrt(0.3 * 0.7 / 400), rel=0.15)
    assert score(truth, said, k=(400,)).to_dict() == score(truth, said, k=(400,)).to_dict()


def test_reliability_lists_what_was_said_and_true() -> None:
    table = reliability([0, 1, 1, 1], [0.05, 0.05, 0.95, 1.0])
    assert table.to_numpy().tolist() == [[0.05, 0.5, 2.0], [0.975, 1.0, 2.0]]


def test_a_ranking_without_farms_has_no_recall() -> None:
    got = score([0.0] * 5, [0.1] * 5, k=(2,), bootstraps=10)
    assert np.isnan(got.auc.mean)
    assert np.isnan(got.recall[2].mean)
    assert got.precision[2].mean == 0.0


TABLE = pd.DataFrame({"probability": [0.8, 0.5, 0.1], "mw": [2.0, 1.0, 1.0], "mw_std": [0.2, 0.0, 0.0]})


def test_what_inspections_may_find_and_are_worth() -> None:
    curve = inspection_curve(TABLE, cost_usd=3_000, value_usd_per_mw=10_000)
    assert curve["expected_mw"].tolist() == pytest.approx([1.6, 2.1, 2.2])
    assert curve["farms"].tolist() == pytest.approx([0.8, 1.3, 1.4])
    assert curve["stderr_mw"].iloc[0] == pytest.approx(np.sqrt(0.8 * 0.2 * 4 + 0.8 * 0.04))
    assert curve["net_usd"].tolist() == pytest.approx([13_000, 15_000, 13_000])
    assert worth_inspecting(TABLE, cost_usd=3_000, value_usd_per_mw=10_000) == 2 == int(curve["net_usd"].argmax()) + 1


def test_the_lever_is_the_share_of_expected_mw_and_its_cost() -> None:
    day = date(2022, 1, 1)
    lever = enforcement_lever(TABLE, inspections_per_month=2, cost_usd=2_100, start=day, fine_usd_per_mw=7.0)
    assert lever.found_share_per_month == pytest.approx(2.1 / 2.2)
    assert lever.cost_usd_per_mw == pytest.approx(2_000)
    assert lever.fine_usd_per_mw == 7.0
    nothing = enforcement_lever(TABLE.assign(mw=0.0), inspections_per_month=2, cost_usd=1, start=day)
    assert (nothing.found_share_per_month, nothing.cost_usd_per_mw) == (0.0, 0.0)
