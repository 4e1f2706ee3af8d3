"""Sobol indices beside functions whose indices are known, and the worth of knowing."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gridrush.study.sensitivity import saltelli_design, sobol_indices, value_of_information
from gridrush.study.uncertainty import quantiles_drawn

NAMES = ["x1", "x2", "x3"]
A, B = 7.0, 0.1


def ishigami(u):
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + A * np.sin(x[:, 1]) ** 2 + B * x[:, 2] ** 4 * np.sin(x[:, 0])


def known():
    """First-order and total indices of the Ishigami function by hand (Ishigami and Homma 1990)."""
    v1 = 0.5 * (1 + B * np.pi**4 / 5) ** 2
    v2 = A**2 / 8
    v13 = 8 * B**2 * np.pi**8 / 225
    return np.array([v1, v2, 0.0]) / (v1 + v2 + v13), np.array([v1 + v13, v2, v13]) / (v1 + v2 + v13)


@pytest.mark.parametrize("seed", range(1, 9))
def test_indices_of_ishigami_lie_within_their_stated_error(seed):
    found = sobol_indices(ishigami(saltelli_design(2048, 3, seed=seed)), NAMES)
    first, total = known()
    assert (np.abs(found["first"] - first) <= 4 * found["first_stderr"] + 1e-12).all()
    assert (np.abs(found["total"] - total) <= 4 * found["total_stderr"] + 1e-12).all()
    assert found["first_stderr"].max() < 0.05
    assert found["total_stderr"].max() < 0.05


def test_the_stated_error_is_no_smaller_than_the_spread_over_seeds():
    runs = [sobol_indices(ishigami(saltelli_design(256, 3, seed=s)), NAMES, bootstrap=100) for s in range(1, 31)]
    for index in ("first", "total"):
        spread = np.array([r[index] for r in runs]).std(axis=0, ddof=1)
        stated = np.array([r[f"{index}_stderr"] for r in runs]).mean(axis=0)
        assert (spread < 1.4 * stated + 1e-12).all()


def test_agrees_with_salib():
    from SALib.analyze import sobol

    n = 1024
    x = saltelli_design(n, 3)
    y = ishigami(x)
    ours = sobol_indices(y, NAMES)
    rows = np.concatenate([[y[k], *(y[2 * n + i * n + k] for i in range(3)), y[n + k]] for k in range(n)])
    problem = {"num_vars": 3, "names": NAMES, "bounds": [[0, 1]] * 3}
    theirs = sobol.analyze(problem, rows, calc_second_order=False, num_resamples=100, seed=1)
    np.testing.assert_allclose(ours["first"], theirs["S1"], atol=3e-3)
    np.testing.assert_allclose(ours["total"], theirs["ST"], atol=3e-3)
    np.testing.assert_allclose(1.96 * ours["total_stderr"], theirs["ST_conf"], rtol=0.35)


def test_a_result_that_does_not_vary_has_no_indices():
    found = sobol_indices(np.full(40, 3.0), NAMES)
    assert (found == 0).all().all()


def test_values_that_do_not_fit_the_design_are_refused():
    with pytest.raises(ValueError, match="order of saltelli_design"):
        sobol_indices(np.zeros(11), NAMES)
    with pytest.raises(ValueError, match="not finite"):
        sobol_indices(np.full(10, np.nan), NAMES)


def test_worth_of_knowing_agrees_with_the_integral():
    """Act (benefit x, normal) or do not (0): knowing x is worth E[max(x, 0)] - max(E[x], 0)."""
    u = quantiles_drawn(4096, 2)
    x, noise = stats.norm.ppf(u[:, 0]) + 0.3, stats.norm.ppf(u[:, 1])
    draws = pd.DataFrame({"x": x, "noise": noise})
    benefit = pd.DataFrame({"act": x + 2.0 * noise, "wait": 0.0}, index=draws.index)
    found = value_of_information(benefit, draws, bootstrap=50)

    def worth(mean, std):
        return std * stats.norm.pdf(mean / std) + mean * stats.norm.cdf(mean / std) - max(mean, 0)

    assert found.loc["x", "worth_usd"] == pytest.approx(worth(0.3, 1.0), abs=0.02)
    assert found.loc["noise", "worth_usd"] == pytest.approx(worth(0.3, 2.0), abs=0.03)
    assert found.loc["everything", "worth_usd"] == pytest.approx(worth(0.3, 5**0.5), abs=0.02)
    assert (found["stderr_usd"] > 0).all()


def test_knowing_what_changes_no_choice_is_worth_nothing():
    u = quantiles_drawn(512, 2)
    draws = pd.DataFrame({"x": u[:, 0], "kind": np.where(u[:, 1] < 0.5, "low", "high")})
    benefit = pd.DataFrame({"good": 2.0 + u[:, 0], "bad": u[:, 0]})
    assert (value_of_information(benefit, draws, bootstrap=2)["worth_usd"] < 1e-12).all()
