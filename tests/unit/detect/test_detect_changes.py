"""Changes of a feeder against exhaustive search, exact dynamic programming, and simulation of pure noise."""

import numpy as np
import pytest

from gridrush.detect import _kernels_steps as kernels
from gridrush.detect.changes import MARGIN_DAYS, DayModel, false_alarm, find_changes
from gridrush.detect.shapes import BLOCKS as K


def ar1(rng: np.random.Generator, n: int, days: int, rho: float) -> np.ndarray:
    """Noise of unit innovations, alike in no two blocks. (n, D, K)"""
    e = rng.standard_normal((n, days, K))
    x = e.copy()
    x[:, 0] /= np.sqrt(1 - rho**2)
    for d in range(1, days):
        x[:, d] += rho * x[:, d - 1]
    return x


def model(days: int, *, season: bool = True) -> DayModel:
    rest = ((np.arange(days) + 3) % 7 >= 5).astype(float)
    phase = 2 * np.pi * np.arange(days) / 365.25
    columns = [np.ones(days), rest]
    if season:
        columns += [np.cos(phase), np.sin(phase)]
    return DayModel(np.stack(columns, 1)[None], np.cos(phase)[None], np.zeros(1000, np.int64), ("*",), rest)


def many(m: DayModel, n: int) -> DayModel:
    return DayModel(m.columns, m.drive, np.zeros(n, np.int64), m.classes, m.rest)


def steps_of(blocks: np.ndarray, *, season: bool = True, **options: float):
    x = np.asarray(blocks, np.float32)
    return find_changes(x, many(model(x.shape[1], season=season), len(x)), **options)


def test_the_likelihood_ratio_is_that_of_a_full_regression_at_every_day() -> None:
    """GLS with the covariance of all days and blocks written out, days missing, against the sums from behind."""
    rng = np.random.default_rng(1)
    days = np.delete(np.arange(46), [5, 6, 20, 33])
    m, rho = days.size, 0.45
    root = 0.3 * rng.standard_normal((K, K)) + np.eye(K)
    cov = root @ root.T
    z = np.column_stack([np.ones(m), days % 7 >= 5, np.cos(days / 20)])
    toward = rng.uniform(0.5, 1.5, (m, K))
    y = rng.standard_normal((m, K)) + 5
    y[25:] += toward[25:]
    keep, weight = kernels.gaps(days, rho)
    lower = np.linalg.cholesky(cov)
    basis = kernels.orthonormal(kernels.innovations(z, keep, weight))
    left = kernels.residual(kernels.lower_solve(lower, kernels.innovations(y, keep, weight)), basis)
    got, size, turn = np.zeros(m), np.zeros(m), np.zeros(m)
    kernels.scan(left, basis, kernels.lower_solve(lower, toward), keep, weight, got, size, turn)

    time = rho ** np.abs(days[:, None] - days) / (1 - rho**2)
    inverse = np.linalg.inv(np.kron(time, cov))
    Z = np.kron(z, np.eye(K))
    P = inverse - inverse @ Z @ np.linalg.solve(Z.T @ inverse @ Z, Z.T @ inverse)
    steps = np.stack([(toward * (np.arange(m)[:, None] >= t)).ravel() for t in range(1, m)])
    A, G = steps @ P @ y.ravel(), steps @ P @ steps.T
    B = np.diag(G)
    np.testing.assert_allclose(got[1:], A / np.sqrt(B), rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(size[1:], A / B, rtol=1e-7, atol=1e-8)
    between = np.diag(G, 1) / np.sqrt(B[:-1] * B[1:])
    np.testing.assert_allclose(turn[1:-1], 1 - between, atol=1e-7)


def test_changes_are_those_of_exact_dynamic_programming() -> None:
    """White noise and no season: the best segmentation into n + 1 constant pieces, by the textbook recursion."""
    rng = np.random.default_rng(2)
    D, at = 160, (40, 95, 128)
    x = 10 + 0.3 * rng.standard_normal((D, K))
    for t, mw in zip(at, (0.5, 0.8, -0.6), strict=True):
        x[t:] += mw
    total = np.vstack([np.zeros(K), np.cumsum(x, axis=0)])
    square = np.concatenate([[0.0], np.cumsum((x**2).sum(axis=1))])

    def cost(a: int, b: int) -> float:
        return float(square[b] - square[a] - ((total[b] - total[a]) ** 2).sum() / (b - a))

    best = {(0, t): (cost(0, t), ()) for t in range(MARGIN_DAYS, D + 1)}
    for n in range(1, len(at) + 1):
        for t in range((n + 1) * MARGIN_DAYS, D + 1):
            best[n, t] = min(
                (best[n - 1, u][0] + cost(u, t), (*best[n - 1, u][1], u))
                for u in range(n * MARGIN_DAYS, t - MARGIN_DAYS + 1)
                if (n - 1, u) in best
            )
    found = steps_of(x[None], season=False)
    assert found.count[0] == len(at)
    assert tuple(found.day[0, : len(at)]) == best[len(at), D][1] == at


def test_two_changes_close_together_are_the_best_pair_of_all() -> None:
    """Every pair of days is tried with a regression; the first look alone would be wrong about both."""
    rng = np.random.default_rng(5)
    D = 120
    m = model(D)
    x = 8 + 0.15 * rng.standard_normal((D, K)) + 0.5 * m.columns[0, :, 2:3]
    x[50:] += 0.9
    x[70:] -= 0.5
    found = steps_of(x[None])
    assert found.count[0] == 2
    rest = m.rest

    def left_over(days: tuple[int, int]) -> float:
        steps = [(np.arange(D) >= t) * w for t in days for w in (np.ones(D), rest)]
        X = np.column_stack([m.columns[0], *steps])
        return float(((x - X @ np.linalg.lstsq(X, x, rcond=None)[0]) ** 2).sum())

    pairs = [(a, b) for a in range(14, D - 28) for b in range(a + 14, D - 14)]
    assert tuple(found.day[0, :2]) == min(pairs, key=left_over)


def test_the_level_of_a_flat_step_is_found_with_its_error() -> None:
    rng = np.random.default_rng(3)
    x = 10 + 0.3 * ar1(rng, 300, 365, 0.4)
    x[:, 180:] += 0.8
    found = steps_of(x)
    assert (found.count >= 1).all()
    assert np.abs(found.day[:, 0] - 180).max() <= 1
    error = 0.8 / found.z[:, 0] * found.level_mw[:, 0] / 0.8
    off = (found.level_mw[:, 0] - 0.8) / error
    assert abs(off.mean()) < 4 / np.sqrt(300)
    assert 0.8 < off.std() < 1.2


def test_autocorrelation_is_seen_through_steps() -> None:
    rng = np.random.default_rng(4)
    x = 10 + 0.3 * ar1(rng, 200, 365, 0.6)
    quiet = steps_of(x).correlation
    x[:, 100:] += 3.0
    x[:, 250:] -= 2.0
    loud = steps_of(x).correlation
    mean = x.mean(axis=2) - x.mean(axis=(1, 2))[:, None]
    plain = (mean[:, 1:] * mean[:, :-1]).sum(axis=1) / (mean**2).sum(axis=1)
    assert quiet.mean() == pytest.approx(0.6, abs=0.03)
    assert plain.mean() > 0.95  # what is usually estimated takes the steps for memory
    assert (loud - quiet).mean() == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("z", [3.0, 3.5, 4.0])
def test_the_chance_of_a_false_alarm_is_that_of_simulated_noise(z: float) -> None:
    """The statistic of a step in independent noise about an unknown mean, simulated straight from its definition."""
    rng = np.random.default_rng(6)
    n, paths, margin = 240, 40_000, 14
    t = np.arange(margin, n - margin)
    high = 0
    for _ in range(20):
        e = rng.standard_normal((paths // 20, n))
        behind = np.cumsum(e[:, ::-1], axis=1)[:, ::-1][:, t] - (n - t) / n * e.sum(axis=1)[:, None]
        high += int(((behind / np.sqrt(t * (n - t) / n)).max(axis=1) > z).sum())
    a, b = t[:-1], t[1:]
    turn = 1 - np.sqrt(a * (n - b) / (b * (n - a)))
    error = 4 * high**0.5 / paths
    assert float(false_alarm(z, turn.mean(), t.size)) == pytest.approx(high / paths, rel=0.1, abs=error)


def test_noise_alone_alarms_no_oftener_than_it_says() -> None:
    """AR(1) days of a year with everything about the noise estimated: nominal levels are held, and are not idle."""
    n = 1500
    p = steps_of(10 + 0.3 * ar1(np.random.default_rng(7), n, 365, 0.5)).p_flat()
    for level in (0.01, 0.05, 0.10):
        share = float((p < level).mean())
        assert share <= level + 4 * np.sqrt(level / n)
    assert (p < 0.10).mean() > 0.01


def test_slow_noise_widens_the_test() -> None:
    """Noise that lasts for days on top of AR(1): most of the false alarms go, not all (docs/detect.md, limits)."""
    rng = np.random.default_rng(8)
    x = ar1(rng, 400, 365, 0.3)
    slow = ar1(rng, 400, 365, 0.8)[:, :, :1] * 0.6
    found = steps_of(10 + 0.3 * x + 0.2 * slow)
    plain = (false_alarm(found.flat_z, found.turn / found.looks, found.looks) < 0.05).mean()
    wide = (found.p_flat() < 0.05).mean()
    assert plain > 0.4
    assert wide < 0.2
    assert (found.count > 0).mean() < 0.05


def test_holes_in_the_record_move_nothing() -> None:
    rng = np.random.default_rng(9)
    x = 10 + 0.2 * ar1(rng, 40, 365, 0.4)
    x[:, 200:] += 1.0
    whole = steps_of(x)
    x[:, 50:70] = np.nan
    x[:, 260:263, 2] = np.nan
    holed = steps_of(x)
    assert (holed.days_used == 342).all()
    assert (holed.day[:, 0] == 200).mean() > 0.9
    assert np.abs(holed.level_mw[:, 0] - whole.level_mw[:, 0]).max() < 0.15


def test_too_short_a_record_is_left_alone() -> None:
    found = steps_of(np.full((2, 30, K), 5.0))
    assert found.count.tolist() == [0, 0]
    assert found.p_flat().tolist() == [1.0, 1.0]


def test_threads_never_change_the_answer() -> None:
    rng = np.random.default_rng(10)
    x = 10 + 0.3 * ar1(rng, 600, 120, 0.5)
    x[::3, 60:] += 1
    one, two = steps_of(x, threads=1), steps_of(x, threads=3)
    for name in ("day", "delta_mw", "z", "flat_z", "spread"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
