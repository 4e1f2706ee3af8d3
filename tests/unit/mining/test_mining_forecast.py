"""The world ahead and the rush with its doubts."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.mining.census import census
from gridrush.mining.forecast import most_sold_share, subsidy_btc, world_forecast, world_path
from gridrush.mining.network import network_of
from gridrush.mining.rush import Hazards, fees_ahead, rush
from gridrush.mining.stock import running_ehs, simulate_stock, stock_at, stock_paths
from gridrush.policy.levers import policy_fact


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
    ehs, e = np.array([[50.0, 50.0, 50.0]]), np.array([[20.0, 40.0, 80.0]])
    revenue = np.array([1e3 * 80.0 * 24 * 40.0 * 50.0 / 1e3])  # 80 EH/s at which 40 J/TH just pays at 50 USD/MWh
    part, on = running_ehs(ehs, e, revenue_usd_per_day=revenue, power_usd_per_mwh=50.0)
    assert on[0] == pytest.approx(80.0)
    assert part[0] == pytest.approx([50.0, 30.0, 0.0])


def test_the_stock_at_the_start_runs_the_recorded_hash_rate(case):
    """Machines that do not pay stand idle beside it: they may come back when prices rise."""
    network = network_of(case)
    row = network.at("2020-06")
    ehs, e, age = stock_at(case, network, row)
    revenue = network.revenue_usd_per_day[row : row + 1][None]
    first = stock_paths(ehs, e, age, new_j_per_th=np.full((1, 1), 30.0), revenue_usd_per_day=revenue)[0, 0, 0]
    assert first == pytest.approx(network.hashrate_ehs[row], rel=0.08)
    assert ehs.sum() > network.hashrate_ehs[row]


def test_makers_deliver_no_more_than_they_can(case):
    network = network_of(case)
    start = stock_at(case, network, network.at("2021-11"))
    rich, new = np.full((1, 12), 1e9), np.full((1, 12), 25.0)
    paths = stock_paths(*start, new_j_per_th=new, revenue_usd_per_day=rich, most_share=0.05)
    assert (paths[0, :, 3] <= 0.05 * paths[0, :, 0] + 1e-9).all()
    assert 0.05 < most_sold_share(network.hashrate_ehs) < 0.15


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
    shorter = world_forecast(case, last="2028-12", samples=40, seed=3)
    months = len(shorter.months)
    assert drawn.hashrate_ehs[:, :months] == pytest.approx(shorter.hashrate_ehs)
    assert np.ptp(drawn.hashrate_ehs[:, drawn.recorded - 1]) == 0
    assert np.ptp(drawn.hashrate_ehs[:, -1]) > 0
    again = world_forecast(case, last="2030-12", samples=40, seed=3)
    assert (again.hashprice_usd_per_ph_day == drawn.hashprice_usd_per_ph_day).all()


def test_countries_add_up_to_the_world(case, forecast):
    ahead = slice(forecast.recorded, None)
    total = forecast.hashrate_ehs[:, ahead].sum(axis=2)
    assert total == pytest.approx(forecast.world_hashrate_ehs[:, ahead], rel=1e-6)
    assert np.ptp(total[:, -1]) > 0
    calm = Hazards(ban_abroad_per_year=0.0)  # after a great ban abroad machines stand in crates
    told = rush(case, samples=20, seed=2, world="record", last="2022-12", hazards=calm)
    path = world_path(case, first="2019-09", last="2022-12").hashrate_ehs[told.recorded :]
    ahead = told.hashrate_ehs[:, told.recorded :].sum(axis=2)
    assert ahead == pytest.approx(np.broadcast_to(path, ahead.shape), rel=1e-6)


def test_nothing_the_world_did_after_the_case_closed_is_used(case):
    """The forecast is the same when every later month of the network is spoilt."""
    spoilt = case.model_copy(
        update={
            "network": tuple(
                r.model_copy(update={"hashrate_ehs": 7.0, "price_usd": 1.0, "hashprice_usd_per_ph_day": 3.0})
                if r.month > "2021-11" else r
                for r in case.network
            ),
            "digest": "spoilt",
        }
    )  # fmt: skip
    a, b = (rush(c, samples=12, seed=2, last="2022-06") for c in (case, spoilt))
    assert (a.hashrate_ehs == b.hashrate_ehs).all()
    assert (a.power_mw == b.power_mw).all()


def test_megawatts_of_the_own_country_join_the_census(case, forecast):
    """One answer to one question: the band of October 2021 is the census's, off-grid miners added."""
    k, at = forecast.countries.index("Kazakhstan"), forecast.recorded - 1
    got = np.quantile(forecast.power_mw[:, at, k], (0.05, 0.5, 0.95))
    counted = census(case, draws=1000)
    want = np.quantile(counted.total_mw[:, counted.row("2021-10")], (0.05, 0.5, 0.95))
    assert got == pytest.approx(want / case.parameters.mining_on_grid_share.value, rel=0.25)


def test_the_default_carries_both_staying_and_leaving(forecast):
    """Among draws of the case's country at the end of 2022: some with nearly none left, some with more than before."""
    k = forecast.countries.index("Kazakhstan")
    at = list(forecast.months.astype(str)).index("2022-12")
    left = forecast.power_mw[:, at, k] / forecast.power_mw[:, forecast.recorded - 1, k]
    assert (left < 0.2).mean() > 0.1
    assert (left > 0.8).mean() > 0.1


def test_a_ban_abroad_is_a_chance_not_a_certainty(case):
    china = [
        rush(case, samples=40, seed=2, last="2022-12", hazards=Hazards(ban_abroad_per_year=p)).hashrate_ehs
        for p in (0.0, 0.5)
    ]
    assert np.quantile(china[1][:, -1, 1], 0.2) < np.quantile(china[0][:, -1, 1], 0.2)


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


def test_the_fee_ahead_is_the_flat_fee_of_the_law(case):
    months = np.array(["2021-11", "2022-06", "2023-06"], dtype="datetime64[M]")
    got = fees_ahead(case, months)
    assert got[0] == 0
    rate = [x.kzt_per_usd for x in case.exchange if x.on <= case.as_of][-1]
    assert got[1] == pytest.approx(1e3 * policy_fact(case, "mining_fee_flat", months[1].astype(object)) / rate)
    assert got[2] == got[1]  # the scale of 2023 was not known


@pytest.mark.parametrize("wrong", [{"samples": 2}, {"world": "dream"}, {"last": "2021-10"}])
def test_a_wrong_rush_is_refused(case, wrong):
    with pytest.raises(ValueError, match="need"):
        rush(case, **{"samples": 10, **wrong})
