"""Hand numbers and identities of the fast dispatch."""

from dataclasses import replace

import numpy as np
import pytest

from gridrush.case.system import Demand, Links, Reservoirs, Storage, System, Units
from gridrush.errors import CaseError, InfeasibleError
from gridrush.grid.dispatch import dispatch, merit_order
from gridrush.grid.synthetic import random_system


def small(
    load, *, cost=(10.0, 50.0), capacity=(100.0, 100.0), unit_zone=(0, 1), limit=30.0, loss=0.0, must=None, **extra,
):
    """Two zones with a unit each; load (T, 2) at 1000 USD/MWh; one link from the first zone to the second."""
    load = np.asarray(load, np.float64)
    T, G = load.shape[0], len(cost)
    profiles = [np.ones(T), np.zeros(T)] + ([] if must is None else [np.full(T, must)])
    fleet = Units(
        tuple(f"g{i}" for i in range(G)), ("t",) * G, ("f",) * G, np.array(unit_zone), np.array(capacity),
        np.array(cost),
        np.zeros(G, int), np.array([1 if must is None else 2] + [1] * (G - 1)), np.full(G, -1), np.full(G, np.inf),
        np.zeros(G), np.zeros(G), np.zeros(G), np.ones(G),
    )
    demand = Demand(("a", "b"), ("firm", "firm"), np.array([0, 1]), load, np.array([1000.0, 1000.0]))
    links = Links(
        ("tie",), np.array([0]), np.array([1]), np.array([limit]), np.array([limit]), np.array([loss]), np.array([0]),
        np.array([np.inf]), np.array([0.0]),
    )
    time = np.datetime64("2021-01-01T00") + np.arange(T) * np.timedelta64(1, "h")
    return System(("north", "south"), time, np.zeros(T, int), np.array(profiles), fleet, demand, links, **extra)


def test_a_link_below_its_limit_makes_one_price():
    d = dispatch(small([[40.0, 20.0]]))
    assert d.price_usd_per_mwh.tolist() == [[10.0, 10.0]]
    assert d.flow_mw.tolist() == [[20.0]]
    assert d.cost_usd == pytest.approx(600.0)


def test_a_full_link_parts_the_prices_and_earns_the_difference():
    d = dispatch(small([[40.0, 60.0]]))
    assert d.price_usd_per_mwh.tolist() == [[10.0, 50.0]]
    assert d.generation_mw.tolist() == [[70.0, 30.0]]
    assert d.congestion_rent_usd.tolist() == [[30.0 * 40.0]]


def test_a_loss_makes_the_far_price_higher_by_what_is_lost():
    d = dispatch(small([[0.0, 9.0]], loss=0.1))
    assert d.flow_mw[0, 0] == pytest.approx(10.0)
    assert d.price_usd_per_mwh[0] == pytest.approx([10.0, 10.0 / 0.9])


def test_load_beyond_all_capacity_is_not_served_and_sets_the_price():
    d = dispatch(small([[40.0, 160.0]]))
    assert d.unserved_mw().tolist() == [[0.0, 30.0]]
    assert d.price_usd_per_mwh.tolist() == [[10.0, 1000.0]]
    assert d.cost_usd == pytest.approx(70 * 10 + 100 * 50 + 30 * 1000)


def test_must_run_that_nobody_can_use_is_spilled_at_no_price():
    d = dispatch(small([[10.0, 5.0]], must=0.8))
    assert d.spilled_mw.sum() == pytest.approx(80.0 - 15.0)
    assert d.price_usd_per_mwh.tolist() == [[0.0, 0.0]]


def test_outages_of_units_and_links_count_in_the_hour_they_happen():
    s = small([[40.0, 20.0]] * 3)
    up = np.array([[True, True], [False, True], [True, True]])
    d = dispatch(s, up=up, links_up=np.array([[1.0], [1.0], [0.0]]))
    assert d.generation_mw.tolist() == [[60.0, 0.0], [0.0, 50.0], [40.0, 20.0]]
    assert d.unserved_mw()[:, 0].tolist() == [0.0, 10.0, 0.0]


def test_water_goes_to_the_dearest_hours_and_its_value_is_what_it_saves():
    s = small([[50.0, 0.0], [150.0, 0.0]], cost=(10.0, 50.0, 0.0), capacity=(60.0, 100.0, 80.0), unit_zone=(0, 0, 0),
              reservoirs=Reservoirs(("lake",), np.array([[70.0]])))
    s = replace(s, units=replace(s.units, reservoir=np.array([-1, -1, 0])))
    d = dispatch(s)
    assert d.generation_mw[:, 2].sum() == pytest.approx(70.0)
    assert d.cost_usd == pytest.approx(50 * 10 + 60 * 10 + 20 * 50)
    assert d.water_value_usd_per_mwh[0, 0] == pytest.approx(50.0, rel=1e-6)


def test_must_run_beyond_the_water_there_is_cannot_be_planned():
    s = small([[50.0, 0.0]] * 2, must=0.5, reservoirs=Reservoirs(("lake",), np.array([[60.0]])))
    s = replace(s, units=replace(s.units, reservoir=np.array([0, -1])))
    with pytest.raises(InfeasibleError, match="lake"):
        dispatch(s)


def test_must_run_in_the_hours_a_guess_looks_at_leaves_a_plan():
    s = small([[50.0, 0.0]] * 730, must=0.0, reservoirs=Reservoirs(("lake",), np.array([[7500.0]])))
    profiles = s.profiles.copy()
    profiles[2, ::5] = 0.5  # 7,300 MWh, all of it in one hour of five
    s = replace(s, profiles=profiles, units=replace(s.units, reservoir=np.array([0, -1])))
    fast, lp = dispatch(s), dispatch(s, engine="lp")
    assert fast.cost_usd == pytest.approx(lp.cost_usd, rel=1e-5)
    assert fast.generation_mw[:, 0].sum() == pytest.approx(7500.0)


def test_a_store_buys_cheap_sells_dear_and_ends_where_it_began():
    store = Storage(("b",), np.array([0]), np.array([50.0]), np.array([50.0]), np.array([40.0]), np.array([0.8]),
                    np.array([1.0]), np.array([0.5]))
    s = small([[80.0, 0.0], [130.0, 0.0], [80.0, 0.0]], unit_zone=(0, 0), storage=store)
    d = dispatch(s)
    assert d.discharge_mw[1, 0] == pytest.approx(30.0)  # all that is dear; 20 MWh were there, 10 were bought
    assert d.stored_mwh[-1, 0] == pytest.approx(20.0)
    assert d.cost_usd == pytest.approx(10 * (80 + 100 + 80 + 30 / 0.8))
    assert np.abs(d.balance_mw).max() < 1e-9


def test_the_merit_order_can_be_made_once_for_many_loads():
    s = random_system(3, hours=48)
    again = replace(s, demand=replace(s.demand, load_mw=s.demand.load_mw * 1.1))
    assert dispatch(again, merit=merit_order(s)).cost_usd == dispatch(again).cost_usd


def test_wrong_shapes_and_endless_values_are_told_at_once():
    s = small([[1.0, 1.0]])
    with pytest.raises(CaseError, match="2 problem"):
        dispatch(s, up=np.ones((3, 3)), links_up=np.ones((1, 9)))
    with pytest.raises(CaseError, match="value of lost load"):
        dispatch(replace(s, demand=replace(s.demand, value_usd_per_mwh=np.array([np.inf, 1.0]))))
