"""Which machines run under the Cambridge rules."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.mining.fleet import (
    PUE_BEST,
    PUE_HIGH,
    PUE_LOW,
    break_even_curve,
    fleet_j_per_th,
    threshold_j_per_th,
    world_fleet,
)
from gridrush.mining.network import network_of


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


def test_threshold_is_the_mean_of_the_last_fourteen_days():
    price = np.arange(1.0, 31.0)
    got = threshold_j_per_th(price, 0.05)
    assert got[0] == pytest.approx(1.0 / 1.2)
    assert got[29] == pytest.approx(np.mean(price[16:30]) / 1.2)


def test_bounds_are_the_best_and_the_worst_device_times_their_pue(case):
    fleet = world_fleet(case)
    t = network_of(case).at("2022-11")
    low, best, high = fleet.efficiency_j_per_th[t]
    listed = {m.efficiency_j_per_th for m in case.machines}
    assert low in listed
    assert low <= best <= high
    power = fleet.power_gw[t]
    assert power[0] == low * fleet.hashrate_ehs[t] * PUE_LOW / 1e3
    assert power[2] == high * fleet.hashrate_ehs[t] * PUE_HIGH / 1e3
    assert (PUE_LOW, PUE_BEST, PUE_HIGH) == (1.01, 1.10, 1.20)


def test_the_last_basket_is_kept_when_nothing_pays(case):
    dear = world_fleet(case, power_price_usd_per_kwh=1.5).efficiency_j_per_th
    assert np.isfinite(dear).all()


def test_dearer_power_never_makes_the_fleet_worse(case):
    price = [0.02, 0.05, 0.10, 0.15]
    best = np.array([world_fleet(case, power_price_usd_per_kwh=p).efficiency_j_per_th[40:60, 1] for p in price])
    assert (np.diff(best, axis=0) <= 1e-9).all()


def test_published_efficiency_is_used_where_there_is_one(case):
    network = network_of(case)
    got = fleet_j_per_th(case)
    assert got[network.at("2021-10"), 1] == pytest.approx(59.43)
    assert np.isfinite(got).all()


@pytest.mark.parametrize(("method", "price"), [("v9", 0.05), ("v1.4", 0.0), ("v1.4", float("nan"))])
def test_an_unknown_method_or_price_is_refused(case, method, price):
    with pytest.raises(ValueError, match="need"):
        world_fleet(case, method=method, power_price_usd_per_kwh=price)


def test_the_break_even_curve_falls_from_one_to_nothing(case):
    curve = break_even_curve(case, "2021-10")
    at = curve.share_at(np.linspace(0.0, 600.0, 100))
    assert at[0] == pytest.approx(1.0)
    assert (np.diff(at) <= 1e-12).all()
    assert at[-1] == 0.0


def test_blocks_of_the_curve_keep_the_value_of_all_machines(case):
    curve = break_even_curve(case, "2022-11")
    value, share = curve.blocks(5)
    mass = -np.diff(np.append(curve.running_share, 0.0))
    assert share.sum() == pytest.approx(1.0)
    assert value @ share == pytest.approx(mass @ curve.price_usd_per_mwh)
    assert (np.diff(value) > 0).all()


def test_the_curve_is_flat_when_hashprice_is_high_and_steep_when_it_is_low(case):
    good, bad = (break_even_curve(case, m).share_at(80.0) for m in ("2021-10", "2022-11"))
    assert good > 0.85
    assert bad < 0.4


def test_after_the_record_the_curve_needs_a_hashprice(case):
    with pytest.raises(KeyError, match="network record"):
        break_even_curve(case, "2035-01")
    late = break_even_curve(case, "2035-01", hashprice_usd_per_ph_day=20.0, fleet_j_per_th=8.0)
    assert 0 < late.share_at(60.0) <= 1
