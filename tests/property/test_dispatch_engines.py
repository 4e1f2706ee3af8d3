"""Two engines, one model: costs agree, prices certify, and more load never helps."""

from dataclasses import fields, replace

import numpy as np
import pytest

from gridrush.case.system import NO_RESERVOIRS
from gridrush.grid.dispatch import dispatch, merit_order
from gridrush.grid.lp import unit_limits_mw
from gridrush.grid.synthetic import random_system

HOURS = (24, 72, 168)


def case(seed, **kind):
    rng = np.random.default_rng(seed)
    s = random_system(seed, zones=int(rng.integers(2, 11)), units=int(rng.integers(10, 60)), hours=HOURS[seed % 3],
                      lossy=bool(seed % 2), ties=bool(seed // 2 % 2), **kind)
    up = rng.random((s.time.size, len(s.units))) > 0.1 if seed % 3 == 0 else None
    links_up = rng.random((s.time.size, len(s.links))) > 0.1 if seed % 4 == 0 else None
    return s, up, links_up


@pytest.mark.parametrize("meshed", [False, True])
@pytest.mark.parametrize("seed", range(20))
def test_fast_costs_what_the_lp_costs_and_its_prices_prove_it(seed, meshed):
    s, up, links_up = case(seed, meshed=meshed)
    fast, lp = dispatch(s, up=up, links_up=links_up), dispatch(s, up=up, links_up=links_up, engine="lp")
    assert fast.cost_usd == pytest.approx(lp.cost_usd, rel=1e-9)
    assert fast.bound_usd == pytest.approx(fast.cost_usd, rel=1e-8)  # so both are optimal
    assert np.abs(fast.balance_mw).max() < 1e-6
    assert fast.unserved_mwh == pytest.approx(lp.unserved_mwh, rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_water_is_worth_the_same_to_both_engines(seed):
    s, up, links_up = case(seed, reservoirs=1 + seed % 3, meshed=seed % 4 == 3)
    fast, lp = dispatch(s, up=up, links_up=links_up), dispatch(s, up=up, links_up=links_up, engine="lp")
    assert lp.cost_usd * (1 - 1e-9) <= fast.cost_usd <= lp.cost_usd * (1 + 1e-5)
    assert fast.bound_usd <= lp.cost_usd * (1 + 1e-9)
    for h in range(len(s.reservoirs)):
        used = fast.generation_mw[:, s.units.reservoir == h].sum()
        assert used <= s.reservoirs.energy_mwh[h, 0] * (1 + 1e-9)
    assert np.abs(fast.balance_mw).max() < 1e-6


@pytest.mark.parametrize("seed", range(8))
def test_stores_cost_at_most_half_a_percent_more_than_the_optimum_and_never_less(seed):
    s, up, links_up = case(seed, stores=1 + seed % 3)
    fast, lp = dispatch(s, up=up, links_up=links_up), dispatch(s, up=up, links_up=links_up, engine="lp")
    assert lp.cost_usd * (1 - 1e-9) <= fast.cost_usd <= lp.cost_usd * 1.005
    assert fast.unserved_mwh <= lp.unserved_mwh * 1.01 + 1.0
    assert fast.bound_usd <= lp.cost_usd * (1 + 1e-9)
    level = s.storage.energy_mwh * s.storage.initial_share
    moved = fast.charge_mw * s.storage.charge_efficiency - fast.discharge_mw / s.storage.discharge_efficiency
    assert np.allclose(np.cumsum(moved, axis=0) + level, fast.stored_mwh, atol=1e-5)
    assert (fast.stored_mwh >= -1e-6).all()
    assert (fast.stored_mwh <= s.storage.energy_mwh + 1e-6).all()
    assert np.allclose(fast.stored_mwh[-1], level, atol=1e-5)


def test_the_better_of_two_stores_gets_power_that_is_short():
    """Two stores of one zone in a week of shortage: turns from a common start rest 0.7% above the optimum."""
    s = random_system(164, zones=3, units=77, hours=168, lossy=False, stores=2)
    s = replace(s, storage=replace(s.storage, zone=np.array([1, 1]), charge_efficiency=np.array([0.86, 0.94]),
                                   discharge_efficiency=np.array([0.87, 0.91])),
                demand=replace(s.demand, load_mw=s.demand.load_mw * 1.35))  # fmt: skip
    fast, lp = dispatch(s), dispatch(s, engine="lp")
    assert lp.unserved_mwh > 1000.0
    assert lp.cost_usd * (1 - 1e-9) <= fast.cost_usd <= lp.cost_usd * 1.005
    assert fast.unserved_mwh <= lp.unserved_mwh * 1.01


@pytest.mark.parametrize("lossy", [False, True])
def test_a_long_row_of_zones_costs_what_the_lp_finds(lossy):
    s = random_system(5, zones=8, units=40, hours=48, lossy=lossy)
    s = replace(s, links=replace(s.links, source=np.arange(7), target=np.arange(1, 8)))
    fast = dispatch(s)
    assert fast.cost_usd == pytest.approx(dispatch(s, engine="lp").cost_usd, rel=1e-9)
    assert fast.gap_share < 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_more_load_never_lowers_cost_or_unserved_energy(seed):
    s, up, _ = case(seed)
    more = replace(s, demand=replace(s.demand, load_mw=s.demand.load_mw * 1.05))
    less, much = dispatch(s, up=up), dispatch(more, up=up)
    assert much.unserved_mwh >= less.unserved_mwh - 1e-6
    assert much.cost_usd >= less.cost_usd - 1e-6


@pytest.mark.parametrize(
    ("seed", "hours"),
    [(123, 168), (110, 168), (137, 2190)],  # 123: a shortage where water and a store meet; was 1.8% too dear
)
def test_water_and_stores_that_answer_each_other_find_the_optimum(seed, hours):
    rng = np.random.default_rng(seed)
    rng.random()
    s = random_system(seed, zones=int(rng.integers(2, 11)), units=int(rng.integers(10, 201)), hours=hours,
                      lossy=bool(seed % 2), ties=bool(seed // 2 % 2), stores=2, reservoirs=2)  # fmt: skip
    up = rng.random((s.time.size, len(s.units))) > 0.08 if seed % 3 == 0 else None
    fast, lp = dispatch(s, up=up), dispatch(s, up=up, engine="lp")
    assert lp.cost_usd * (1 - 1e-9) <= fast.cost_usd <= lp.cost_usd * 1.005
    assert fast.unserved_mwh <= lp.unserved_mwh * 1.01 + 1.0
    assert fast.bound_usd <= lp.cost_usd * (1 + 1e-9)
    for h in range(2):
        for p in range(s.reservoirs.energy_mwh.shape[1]):
            used = fast.generation_mw[s.period == p][:, s.units.reservoir == h].sum()
            assert used <= s.reservoirs.energy_mwh[h, p] * (1 + 1e-9)
    level = s.storage.energy_mwh * s.storage.initial_share
    moved = fast.charge_mw * s.storage.charge_efficiency - fast.discharge_mw / s.storage.discharge_efficiency
    assert np.allclose(np.cumsum(moved, axis=0) + level, fast.stored_mwh, atol=1e-5)
    assert np.allclose(fast.stored_mwh[-1], level, atol=1e-5)
    assert np.abs(fast.balance_mw).max() < 1e-6


def in_parts(system, parts):
    """The same system with every unit cut into so many alike; unit g becomes g, g + G, and so on."""
    u = system.units
    cut = {f.name: np.tile(getattr(u, f.name), parts) for f in fields(u) if isinstance(getattr(u, f.name), np.ndarray)}
    names = {f.name: getattr(u, f.name) * parts for f in fields(u) if isinstance(getattr(u, f.name), tuple)}
    names["name"] = tuple(f"{name} {i}" for i in range(parts) for name in u.name)
    return replace(system, units=replace(u, **names, **{**cut, "capacity_mw": cut["capacity_mw"] / parts}))


KINDS = {}, {"meshed": True}, {"reservoirs": 2}, {"stores": 1}, {"reservoirs": 1, "stores": 1}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_units_in_parts_do_together_what_they_did_whole(seed, kind):
    s, _, links_up = case(seed, **kind)
    p = in_parts(s, 3)
    whole, parts = dispatch(s, links_up=links_up), dispatch(p, links_up=links_up)
    each = np.ones((s.time.size, len(p.units)), np.bool_)  # then none is taken for another
    apart = dispatch(p, links_up=links_up, up=each)
    for d in (parts, apart):
        assert d.cost_usd == pytest.approx(whole.cost_usd, rel=1e-5 if kind else 1e-12)
        assert np.abs(d.balance_mw).max() < 1e-6
        low, high = unit_limits_mw(p, None)
        assert (d.generation_mw >= low - 1e-6).all()
        assert (d.generation_mw <= high + 1e-6).all()
        cut = p.demand.load_mw - d.served_mw
        spent = d.generation_mw @ p.units.cost_usd_per_mwh + cut @ p.demand.value_usd_per_mwh
        assert np.allclose(spent, d.cost_usd_per_h)
    if not kind:
        assert np.allclose(parts.price_usd_per_mwh, whole.price_usd_per_mwh)
        together = parts.generation_mw.reshape(-1, 3, len(s.units)).sum(axis=1)
        cost, before = s.units.cost_usd_per_mwh, whole.generation_mw
        for c in np.unique(cost):  # which of those of equal cost run is free
            assert np.allclose(together[:, cost == c].sum(axis=1), before[:, cost == c].sum(axis=1))


def test_an_order_made_for_units_without_their_reservoirs_serves_them_too():
    s, _, _ = case(1, reservoirs=1)
    free = merit_order(replace(s, units=s.units.planned))
    assert dispatch(s, merit=free).cost_usd == dispatch(s).cost_usd
    planned = replace(s, units=s.units.planned, reservoirs=NO_RESERVOIRS)
    assert dispatch(planned, merit=merit_order(s)).cost_usd == dispatch(planned).cost_usd


def test_a_store_that_cannot_charge_does_nothing():
    """Seed 123 as above, with a third store beside another: once it got a share of the schedule of the two as one."""
    rng = np.random.default_rng(123)
    rng.random()
    s = random_system(123, zones=int(rng.integers(2, 11)), units=int(rng.integers(10, 201)), hours=168,
                      ties=True, stores=2, reservoirs=2)  # fmt: skip
    st = s.storage
    more = {f: np.append(getattr(st, f), getattr(st, f)[0]) for f in (
        "zone", "charge_mw", "discharge_mw", "energy_mwh", "discharge_efficiency", "initial_share")}  # fmt: skip
    third = replace(st, name=(*st.name, "broken"), charge_efficiency=np.append(st.charge_efficiency, 0.0), **more)
    up = rng.random((s.time.size, len(s.units))) > 0.08
    fast, lp = (dispatch(replace(s, storage=third), up=up, engine=e) for e in ("fast", "lp"))
    assert lp.cost_usd * (1 - 1e-9) <= fast.cost_usd <= lp.cost_usd * 1.005
    assert not fast.discharge_mw[:, 2].any()
    assert np.allclose(fast.stored_mwh[:, 2], st.energy_mwh[0] * st.initial_share[0])
