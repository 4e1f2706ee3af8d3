"""Calendar, clock, load shape and synthetic weather."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.grid.hourly import annual_demand_twh, hours_of_year, load_shape, month_of, utc_offset_h, zone_shares
from gridrush.grid.weather import draw_weather, hourly_memory, weather_model


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


def test_every_year_has_8760_hours_and_no_leap_day():
    for year in (2023, 2024):
        time = hours_of_year(year)
        assert time.size == 8760
        assert np.datetime64(f"{year}-02-28T23") in time
        assert str(time[-1]) == f"{year}-12-31T23"
    assert not (hours_of_year(2024).astype("datetime64[D]") == np.datetime64("2024-02-29")).any()


def test_the_clock_goes_back_on_the_first_of_march_2024(case):
    time = hours_of_year(2024)
    offset = utc_offset_h(case.clock, time)
    assert offset[0] == 6
    assert offset[-1] == 5
    assert time[np.flatnonzero(np.diff(offset))[0] + 1] == np.datetime64("2024-03-01T00")


def test_after_the_clock_change_the_part_that_follows_it_peaks_an_hour_later_in_utc(case):
    summer = month_of(hours_of_year(2025)) == 7

    def day(year, share):
        par = case.parameters.model_copy(update={
            "load_follows_clock_share": case.parameters.load_follows_clock_share.model_copy(update={"value": share})
        })
        changed = case.model_copy(update={"parameters": par})
        return load_shape(changed, hours_of_year(year))[summer].reshape(-1, 24).mean(axis=0)

    np.testing.assert_allclose(np.roll(day(2023, 1.0), 1), day(2025, 1.0), rtol=5e-3)
    np.testing.assert_allclose(day(2023, 0.0), day(2025, 0.0), rtol=1e-9)


def test_the_load_shape_has_mean_one_and_peaks_in_a_winter_evening(case):
    time = hours_of_year(2021)
    shape = load_shape(case, time)
    assert shape.mean() == pytest.approx(1.0)
    top = time[shape.argmax()] + np.timedelta64(6, "h")
    assert int(month_of(np.array([top]))[0]) in (1, 2, 12)
    assert 17 <= top.astype(object).hour <= 21
    assert 1.2 < shape.max() < 1.35  # the fact table: national peak about 1.27 times the mean


def test_demand_without_miners_is_the_record_less_the_miners_then_grows(case):
    record = {d.year: d.consumption_twh for d in case.demand}
    twh = annual_demand_twh(case, [2019, 2020, 2021, 2022, 2023], miners_twh=np.full(5, 1.5), growth_share=0.03)
    np.testing.assert_allclose(twh[:3], [record[y] - 1.5 for y in (2019, 2020, 2021)])
    np.testing.assert_allclose(twh[4] / twh[2], 1.03**2)


def test_zone_shares_add_up_and_follow_the_provinces(case):
    share = zone_shares(case)
    assert share.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(share, [0.657, 0.217, 0.126], atol=0.002)  # 70.5, 23.3 and 13.5 of 107.3 TWh, 2020


def test_memory_of_a_process_gives_the_daily_correlation_asked_for():
    rng = np.random.default_rng(5)
    phi = hourly_memory(0.6)
    x = np.empty(24 * 6000)
    x[0] = 0
    e = rng.standard_normal(x.size) * np.sqrt(1 - phi**2)
    for t in range(1, x.size):
        x[t] = phi * x[t - 1] + e[t]
    daily = x.reshape(-1, 24).mean(axis=1)
    assert np.corrcoef(daily[1:], daily[:-1])[0, 1] == pytest.approx(0.6, abs=0.04)


def test_weather_has_the_means_of_its_tables_and_no_sun_at_night(case):
    model = weather_model(case)
    time = hours_of_year(2021)
    factors, loads = zip(
        *(draw_weather(model, time, rng=np.random.default_rng(s), sun_offset_h=6) for s in range(12)), strict=True
    )
    factor = np.array(factors)
    assert factor.min() >= 0.0
    assert factor.max() <= 1.0
    assert np.allclose([x.mean() for x in loads], 1.0)
    wanted = {}
    for r in case.renewable_shape:
        wanted.setdefault((r.zone, r.technology), []).append(r.mean_cf)
    for i, name in enumerate(model.resources):
        assert factor[:, i].mean() == pytest.approx(np.mean(wanted[name]), rel=0.06, abs=0.005), name
    local = (time + np.timedelta64(6, "h")).astype(np.int64) % 24
    sun = model.resources.index(("North", "solar"))
    assert factor[:, sun, (local < 4)].max() == 0.0
    spread = {r.zone: r.daily_std_cf for r in case.renewable_stats if r.technology == "wind"}
    wind = model.resources.index(("South", "wind"))
    daily = factor[:, wind].reshape(12, -1, 24).mean(axis=2)
    assert daily.std() == pytest.approx(spread["South"], rel=0.35)
