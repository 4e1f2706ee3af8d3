"""The world ahead and the rush with its doubts."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.mining._kernels import running_ehs
from gridrush.mining.forecast import simulate_stock, subsidy_btc, world_forecast, world_path
from gridrush.mining.network import network_of
from gridrush.mining.rush import fees_ahead, price_ahead, rush
from gridrush.policy.levers import fee_kzt_per_kwh, in_force, policy_fact


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


@pytest.fixture(scope="module")
def forecast(case):
    return rush(case, samples=60, seed=2)


def test_the_path_is_the_record_then_a_trend(case):
    path, network = world_path(case, growth_share=-0.10), network_of(case)
    end = path.at(str(network.months[-1]))
    assert path.recorded == end + 1
    assert path.hashprice_usd_per_ph_day[end] == network.hashprice_usd_per_ph_day[-1]
    later = path.at("2030-12")
    assert path.hashprice_usd_per_ph_day[later] == pytest.approx(network.hashprice_usd_per_ph_day[-1] * 0.9**5)
    revenue = path.hashprice_usd_per_ph_day * path.hashrate_ehs
    assert revenue[later] == pytest.approx(revenue[end])


def test_levels_after_the_record_are_in_order(case):
    low, mid, high = (
        world_path(case, after=a).hashprice_usd_per_ph_day[-1] for a in ("low", "record", "high")
    )
    assert low < mid < high


def test_a_record_that_is_said_to_end_earlier_is_not_looked_at_later(case):
    path = world_path(case, record_ends="2021-11", growth_share=0.0)
    assert path.hashrate_ehs[-1] == pytest.approx(network_of(case).hashrate_ehs[network_of(case).at("2021-11")])


@pytest.mark.parametrize("wrong", [{"after": "up"}, {"growth_share": -1.0}, {"first": "1999-01"}])
def test_a_wrong_path_is_refused(case, wrong):
    with pytest.raises(ValueError, match=r"need|begins"):
        world_path(case, **wrong)


def test_the_marginal_machine_breaks_even():
    ehs, e = np.array([50.0, 50.0, 50.0]), np.array([20.0, 40.0, 80.0])
    revenue = 1e3 * 80.0 * 24 * 40.0 * 50.0 / 1e3  # 80 EH/s at which 40 J/TH just pays at 50 USD/MWh
    on, mean = running_ehs(ehs, e, revenue, 50.0)
    assert on == pytest.approx(80.0)
    assert mean == pytest.approx((50 * 20 + 30 * 40) / 80)


def test_more_revenue_means_more_hash_rate(case):
    new = np.full(36, 20.0)
    poor, rich = (
        simulate_stock(case, first="2022-01", revenue_usd_per_day=np.full(36, r), new_j_per_th=new)[-1, 0]
        for r in (2e7, 6e7)
    )
    assert rich > 1.3 * poor


def test_the_subsidy_halves_on_time(case):
    months = np.array(["2024-03", "2024-05", "2028-03", "2028-04", "2036-05"], dtype="datetime64[M]")
    assert subsidy_btc(case, months) == pytest.approx([6.25, 3.125, 3.125, 1.5625, 0.390625])


def test_draws_of_the_world_share_the_record_and_then_part(case):
    drawn = world_forecast(case, last="2030-12", samples=40, seed=3)
    assert np.ptp(drawn.hashrate_ehs[:, drawn.recorded - 1]) == 0
    assert np.ptp(drawn.hashrate_ehs[:, -1]) > 0
    again = world_forecast(case, last="2030-12", samples=40, seed=3)
    assert (again.hashprice_usd_per_ph_day == drawn.hashprice_usd_per_ph_day).all()


def test_countries_add_up_to_the_world(case, forecast):
    path = world_path(case, first="2019-09", last="2023-12")
    ahead = forecast.hashrate_ehs[:, forecast.recorded :].sum(axis=2)
    assert ahead == pytest.approx(np.broadcast_to(path.hashrate_ehs[forecast.recorded :], ahead.shape), rel=1e-6)


def test_the_json_form_reaches_december_2023_for_every_country(forecast):
    d = forecast.to_dict()
    last = [r for r in d["months"] if r["month"] == "2023-12"]
    assert {r["country"] for r in last} == set(forecast.countries)
    assert all(r["forecast"] for r in last)
    assert set(last[0]["hashrate_ehs"]) == {"mean", "p05", "p50", "p95"}
    assert d["calibrated_on"][-1] == "2021-09"


def test_doubt_grows_with_time(forecast):
    k = forecast.countries.index("Kazakhstan")
    width = np.diff(np.quantile(np.log(forecast.hashrate_ehs[:, :, k] + 0.01), (0.05, 0.95), axis=0), axis=0)[0]
    assert width[-1] > 2 * width[forecast.recorded]


def test_the_world_may_be_drawn_too(case):
    drawn = rush(case, samples=20, seed=2, world="forecast", last="2022-12")
    assert np.ptp(drawn.hashrate_ehs[:, -1].sum(axis=1)) > 0


def test_the_fee_ahead_is_the_fee_of_the_policy_room(case):
    scenario = case.scenarios.get("register-and-fee")
    months = np.array(["2021-11", "2022-06", "2023-06", "2025-06"], dtype="datetime64[M]")
    price = price_ahead(case, months)
    got = fees_ahead(case, months, price)
    assert got[0] == 0
    rate = [x.kzt_per_usd for x in case.exchange if str(x.on) <= "2022-06-01"][-1]
    assert got[1] == pytest.approx(1e3 * policy_fact(case, "mining_fee_flat", months[1].astype(object)) / rate)
    if scenario is None:
        return
    for t in (2, 3):
        day = months[t].astype("datetime64[D]").astype(object)
        fee = in_force(scenario.fee, day)
        if fee is None or fee.kind != "by-power-price":
            continue
        rate = [x.kzt_per_usd for x in case.exchange if x.on <= day][-1]
        by_policy = fee_kzt_per_kwh(fee, case, day, power_price_kzt_per_kwh=price[t] * rate / 1e3)
        assert got[t] == pytest.approx(1e3 * by_policy / rate)


@pytest.mark.parametrize("wrong", [{"samples": 2}, {"world": "dream"}, {"last": "2021-10"}])
def test_a_wrong_rush_is_refused(case, wrong):
    with pytest.raises(ValueError, match="need"):
        rush(case, **{"samples": 10, **wrong})
