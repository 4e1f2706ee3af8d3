"""The rush, month by month."""

from dataclasses import replace

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.mining.migration import DEFAULT, MonthDrivers, RushModel, RushParameters, china_price, price_of, replay

WORLD = {"world_hashrate_ehs": 180.0, "hashprice_usd_per_ph_day": 200.0, "fleet_j_per_th": 55.0}


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


@pytest.fixture(scope="module")
def model(case):
    return RushModel.of(case)


@pytest.fixture(scope="module")
def start(model):
    return model.start(np.array([350.0, 200.0, 50.0]), np.array([250.0, 420.0, 30.0]), fleet_j_per_th=59.0)


def drivers(i=0, **change):
    base = MonthDrivers(
        month=np.datetime64("2021-12", "M") + i,
        paid_usd_per_mwh=np.full((3, 2), 43.5),
        rationed_share=np.zeros((3, 2)),
        room_mw=np.full(3, np.inf),
        quota_mw=np.full(3, np.inf),
        **WORLD,
    )
    return replace(base, **change)


def months(model, start, n=12, **change):
    stepper, state = model.stepper(), start
    for i in range(n):
        state = stepper.step(state, drivers(i, **change))
    return state


def test_a_step_keeps_the_worlds_hash_rate_and_changes_nothing_it_was_given(model, start):
    before = start.stock_ehs.copy()
    after = model.step(start, drivers())
    assert after.stock_ehs.sum() == pytest.approx(180.0)
    assert (start.stock_ehs == before).all()
    assert (after.stock_ehs >= 0).all()


def test_a_step_is_pure(model, start):
    a, b = model.step(start, drivers()), model.step(start, drivers())
    assert (a.stock_ehs == b.stock_ehs).all()


def test_southern_farms_leave_first_when_the_south_is_rationed(model, start):
    cut = np.zeros((3, 2))
    cut[1, 0] = 0.6
    after = months(model, start, n=6, rationed_share=cut)
    kept = after.registered_mw / start.registered_mw
    assert kept[1] < 0.5 * kept[0]
    assert kept[1] < kept[2]


def test_a_ban_empties_the_registered_and_hides_some(model, start):
    after = months(model, start, n=8, ban_leave_share=0.5, ban_hide_share=0.3)
    assert after.registered_mw.sum() < 0.02 * start.registered_mw.sum()
    no_hiding = months(model, start, n=8, ban_leave_share=0.5, ban_hide_share=0.0)
    assert after.unregistered_mw.sum() > no_hiding.unregistered_mw.sum()


def test_found_miners_are_counted(model, start):
    after = model.step(start, drivers(found_share=0.1))
    assert after.found_mw == pytest.approx(0.1 * start.unregistered_mw.sum() * 55.0 / 59.0, rel=1e-6)


def test_registration_moves_miners_up_to_the_quota(model, start):
    after = model.step(start, drivers(register_share=0.5, quota_mw=np.array([400.0, 200.0, 60.0])))
    assert (after.registered_mw <= np.array([400.0, 200.0, 60.0]) + 1e-9).all()
    free = model.step(start, drivers(register_share=0.5))
    assert free.registered_mw.sum() > after.registered_mw.sum()


def test_a_quota_below_what_stands_lets_it_shrink_but_not_grow(model, start):
    stand = start.registered_mw * 55.0 / 59.0
    one, many = (months(model, start, n=n, quota_mw=np.full(3, 20.0)).registered_mw for n in (1, 24))
    assert (0.5 * stand < one).all()
    assert (one < stand).all()
    assert many[0] < 0.4 * stand[0]


def test_nobody_registers_where_the_fee_eats_more_than_legality_is_worth(model, start):
    paid = np.full((3, 2), 43.5)
    paid[:, 0] += 60.0
    dear = model.step(start, drivers(register_share=0.5, paid_usd_per_mwh=paid))
    assert dear.registered_mw.sum() < start.registered_mw.sum()
    pressed = model.step(start, drivers(register_share=0.5, paid_usd_per_mwh=paid, found_share=0.2))
    assert pressed.registered_mw.sum() > dear.registered_mw.sum()


def test_without_room_nobody_new_comes(model, start):
    full = months(model, start, n=12, room_mw=np.zeros(3))
    assert full.total_mw <= start.total_mw * 55.0 / 59.0 + 1e-6
    assert full.total_mw < months(model, start, n=12).total_mw


def test_miners_leave_where_power_costs_more_than_it_earns(model, start):
    after = months(model, start, n=12, paid_usd_per_mwh=np.full((3, 2), 400.0))
    assert after.total_mw < 0.05 * start.total_mw


def test_china_pays_less_in_the_wet_season():
    wet, dry = (china_price(DEFAULT, np.datetime64(m, "M")) for m in ("2021-07", "2021-12"))
    assert wet < dry


def test_a_country_without_a_price_pays_that_of_others(case):
    day = np.datetime64("2021-01", "M")
    assert price_of(case, "Atlantis", day) == price_of(case, "Other", day)


def test_the_rise_in_kazakhstan_comes_before_the_ban_too(case):
    history = replay(case)
    kz = history.hashrate_ehs[:, history.countries.index("Kazakhstan")]
    at = {str(m): i for i, m in enumerate(history.months)}
    assert kz[at["2021-04"]] > 2.0 * kz[at["2020-10"]]  # record: 4.7 to 12.9
    assert kz[at["2021-10"]] > 1.8 * kz[at["2021-04"]]  # record: 12.9 to 27.3


def test_without_a_ban_in_china_fewer_machines_reach_kazakhstan(case):
    free = replace(DEFAULT, first_month_leave_share=0.0, second_month_leave_share=0.0)
    banned, not_banned = replay(case), replay(case, parameters=free)
    k = banned.countries.index("Kazakhstan")
    assert not_banned.hashrate_ehs[-1, k] < 0.7 * banned.hashrate_ehs[-1, k]


def test_parameters_fill_the_kernels_vector_in_order():
    v = RushParameters(margin_weight=1.5, pull_floor_share=0.25).vector()
    assert v[0] == 1.5
    assert v[-1] == 0.25
    assert np.isfinite(v).all()
