"""Each sign against hand numbers."""

import numpy as np
import pytest

from gridrush.detect import Facts, Records, signals
from gridrush.detect._kernels import day_blocks, mask_faults
from gridrush.detect.changes import Changes

D = 120


def changes(day: list[int], level: float = 1.0, *, most: int = 3) -> Changes:
    """One feeder with changes on these days, flat and of this level."""
    n = len(day)
    at = np.full((1, most), -1, np.int64)
    at[0, :n] = day
    delta = np.zeros((1, most, 3, 8))
    delta[0, :n, 0] = level
    z = np.full((1, most), 9.0)
    one = np.ones(1)
    return Changes(
        np.array([n]), at, delta, np.zeros((1, 3 * most, 3 * most)), np.eye(8)[None], z, np.full((1, most), level), one,
        one, one, one, np.zeros(1, np.int64), one, one, one, one,
    )  # fmt: skip


def records(load: np.ndarray, metered: np.ndarray | None = None) -> Records:
    T = load.shape[1]
    time = np.datetime64("2021-01-04T00") + np.arange(T).astype("timedelta64[h]")
    return Records(("A",), time, load.astype(np.float32), Facts.unknown(1), np.zeros(T, np.int64), None, metered)


def test_the_energy_that_no_meter_shows_is_taken_at_night_before_anything_changes() -> None:
    load = np.full((1, 24 * D), 10.0)
    metered = np.full((1, 24 * D), 7.0, np.float32)
    metered[:, 24 * 60 :] = 2.0
    got = signals.missing_share(records(load, metered), changes([60]))
    assert got == pytest.approx(0.3 - signals.TECHNICAL_LOSS_SHARE)
    assert np.isnan(signals.missing_share(records(load), changes([]))).all()


def test_a_step_of_another_series_is_a_difference_of_medians_with_changes_kept_apart() -> None:
    rng = np.random.default_rng(1)
    daily = 5 + 0.1 * rng.standard_normal((1, D))
    daily[:, 50:] += 2.0
    daily[:, 80:] += 7.0
    rise, error = signals.step_of(daily, changes([50, 80]))
    assert rise[0, :2] == pytest.approx([2.0, 7.0], abs=0.15)
    assert (error[0, :2] > 0.03).all()
    assert np.isnan(rise[0, 2])


def test_tan_phi_of_what_came_is_reactive_over_active() -> None:
    rng = np.random.default_rng(2)
    p = 10 + 0.05 * rng.standard_normal((1, D))
    q = 3 + 0.02 * rng.standard_normal((1, D))
    p[:, 60:] += 2.0
    q[:, 60:] += 0.2
    ratio, error = signals.ratio_at_steps(q, p, changes([60], 2.0))
    assert ratio[0, 0] == pytest.approx(0.1, abs=4 * error[0, 0])
    assert error[0, 0] < 0.03


def test_a_fall_in_an_event_is_that_against_like_hours() -> None:
    T = 24 * D
    r = records(np.zeros((1, T)))
    load = (5 + 2 * (r.hour >= 8)).astype(np.float32)[None].repeat(2, axis=0)
    inside = (r.time >= np.datetime64("2021-03-10T06")) & (r.time < np.datetime64("2021-03-12T06"))
    load[1, inside] -= 1.5
    drop, error = signals.event_drop(
        load, r.local, r.rest[r.day], np.datetime64("2021-03-10T06"), np.datetime64("2021-03-12T06")
    )
    assert drop == pytest.approx([0.0, 1.5], abs=1e-6)
    assert (error < 1e-3).all()
    none, _ = signals.event_drop(load, r.local, r.rest[r.day], np.datetime64("2031-01-01"), np.datetime64("2031-01-02"))
    assert np.isnan(none).all()


def test_holidays_are_compared_with_working_days_about_them() -> None:
    days = np.datetime64("2021-03-01") + np.arange(28)
    daily = np.full((2, 28), 4.0)
    daily[1, 10] = 2.0  # Thursday
    holiday = (np.datetime64("2021-03-11"), np.datetime64("2021-03-13"))  # the second is a Saturday
    assert signals.holiday_ratio(daily, days, holiday).tolist() == [1.0, 0.5]
    assert np.isnan(signals.holiday_ratio(daily, days, ())).all()


def test_the_season_is_found_as_a_slope_and_flat_load_is_deaf_to_it() -> None:
    drive = np.cos(np.arange(D) / 9.0)
    drive = ((drive - drive.mean()) / drive.std())[None].repeat(2, axis=0)
    rest = (np.arange(D) % 7 >= 5).astype(float)
    rng = np.random.default_rng(3)
    daily = np.stack([10 + drive[0] - 2 * rest, 10 + 0.5 * rng.standard_normal(D)])
    response = signals.season_response(daily, drive, rest)
    assert response[0] == pytest.approx(1 / daily[0].mean())
    assert abs(response[1]) < 0.02
    deaf = signals.weather_deafness(daily, drive)
    assert deaf[0] < 0.6
    assert deaf[1] > 0.95


def test_night_over_mean_load_takes_found_changes_out() -> None:
    blocks = np.tile(np.array([2, 2, 4, 6, 6, 6, 4, 2], np.float32), (1, D, 1))
    blocks[:, 60:] += 3.0
    assert signals.base_share(blocks, changes([60], 3.0)) == pytest.approx(0.5)
    assert signals.base_share(blocks, changes([])) > 0.5


def test_hashprice_is_followed_by_rank_of_months() -> None:
    days = np.datetime64("2020-01-01") + np.arange(366)
    price = 100.0 + 10 * ((days.astype("datetime64[M]").astype(int)) % 12)
    blocks = np.stack([np.repeat(price[:, None], 8, axis=1), np.repeat(-price[:, None], 8, axis=1)]).astype(np.float32)
    both = changes([])
    two = Changes(*(np.concatenate([getattr(both, f)] * 2) for f in Changes.__dataclass_fields__))
    assert signals.hashprice_correlation(blocks, days, price, two) == pytest.approx([1.0, -1.0])
    assert np.isnan(signals.hashprice_correlation(blocks[:, :200], days[:200], price[:200], two)).all()


def test_meter_faults_are_left_out_and_flat_honest_load_is_not() -> None:
    rng = np.random.default_rng(4)
    load = (5 + rng.standard_normal((4, 24 * D))).astype(np.float32)
    load[0, 100] = 500.0
    load[1, 200:300] = load[1, 200]
    load[2, 400:420] = 0.0
    load[3] = np.round(load[3] / 100) + 5.0  # a coarse meter on a flat load repeats itself honestly
    counts = np.zeros((4, 3), np.int64)
    mask_faults(load, 4.0, 72, 6, counts)
    assert counts.tolist() == [[1, 0, 0], [0, 100, 0], [0, 0, 20], [0, 0, 0]]
    assert np.isnan(load[1, 200:300]).all()
    assert np.isfinite(load[3]).all()


def test_blocks_and_profiles_are_means_of_what_was_read() -> None:
    load = np.arange(48, dtype=np.float32)[None].copy()
    load[0, 24:26] = np.nan  # two of the three hours of the second day's first block
    hour, day = np.arange(48) % 24, np.arange(48) // 24
    out = np.empty((1, 2, 8))
    day_blocks(load, day, hour // 3, out, 2)
    assert out[0, 0].tolist() == [1.0, 4.0, 7.0, 10.0, 13.0, 16.0, 19.0, 22.0]
    assert np.isnan(out[0, 1, 0])
    profile = np.empty((1, 2, 24))
    day_blocks(load, day, hour, profile, 1)
    assert profile[0, 0].tolist() == list(range(24))
    assert np.isnan(profile[0, 1, 0])
    assert profile[0, 1, 5] == 29.0
