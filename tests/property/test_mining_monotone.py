"""Directions the miners must respond in, whatever the numbers."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gridrush.case.load import load_case
from gridrush.mining.economics import break_even_price
from gridrush.mining.migration import MonthDrivers, RushModel


@lru_cache(maxsize=1)
def _model():
    model = RushModel.of(load_case("kazakhstan"))
    return model, model.start(np.array([350.0, 200.0, 50.0]), np.array([250.0, 420.0, 30.0]), fleet_j_per_th=59.0)


world = st.fixed_dictionaries({
    "hashprice": st.floats(50.0, 400.0),
    "world": st.floats(150.0, 220.0),  # 180 at the start: the record never moved faster in a month
    "price": st.floats(25.0, 80.0),  # at 10 the case would take most of the world
    "cut": st.floats(0.0, 1.0),
    "found": st.floats(0.0, 0.3),
    "register": st.floats(0.0, 0.3),
    "room": st.sampled_from([0.0, 50.0, 500.0, np.inf]),
    "quota": st.sampled_from([50.0, 300.0, np.inf]),
    "months": st.integers(1, 8),
})


def _run(w, **change):
    model, state = _model()
    fee, cut = change.pop("fee", 0.0), change.pop("cut", w["cut"])
    paid = np.full((3, 2), w["price"])
    paid[:, 0] += fee
    rationed = np.zeros((3, 2))
    rationed[:, 0] = cut
    base = MonthDrivers(
        month=np.datetime64("2021-12", "M"), world_hashrate_ehs=w["world"], hashprice_usd_per_ph_day=w["hashprice"],
        fleet_j_per_th=50.0, paid_usd_per_mwh=paid, rationed_share=rationed, room_mw=np.full(3, w["room"]),
        quota_mw=np.full(3, w["quota"]), found_share=w["found"], register_share=w["register"],
    )  # fmt: skip
    stepper = model.stepper()
    for i in range(w["months"]):
        state = stepper.step(state, replace(base, month=base.month + i, **change))
    return state


def _not_above(a, b, w):
    """a <= b; where a quota binds in one zone, what it turns away may lift another by a trace."""
    return a <= b * (1 + (1e-9 if np.isinf(w["quota"]) else 2e-3)) + 1e-9


@settings(max_examples=60, deadline=None)
@given(world, st.floats(0.1, 60.0))
def test_a_fee_never_raises_registered_mining(w, fee):
    assert _not_above(_run(w, fee=fee).registered_mw.sum(), _run(w).registered_mw.sum(), w)


@settings(max_examples=60, deadline=None)
@given(world, st.floats(0.0, 1.0))
def test_more_rationing_never_raises_registered_mining(w, more):
    cut = w["cut"] + more * (1 - w["cut"])
    assert _not_above(_run(w, cut=cut).registered_mw.sum(), _run(w).registered_mw.sum(), w)


@settings(max_examples=60, deadline=None)
@given(world, st.floats(0.01, 0.5))
def test_more_enforcement_never_raises_unregistered_mining(w, more):
    found = min(w["found"] + more, 1.0)
    assert _not_above(_run(w, found_share=found).unregistered_mw.sum(), _run(w).unregistered_mw.sum(), w)


@settings(max_examples=60, deadline=None)
@given(world, st.floats(1.0, 4.0))
def test_a_wider_quota_never_lowers_mining(w, factor):
    tight = _run(w, quota_mw=np.full(3, 100.0))
    assert _not_above(tight.total_mw, _run(w, quota_mw=np.full(3, 100.0 * factor)).total_mw, {**w, "quota": 100.0})


@settings(max_examples=60, deadline=None)
@given(world)
def test_no_machine_is_made_or_lost(w):
    state = _run(w)
    placed = state.stock_ehs.sum()
    assert placed <= w["world"] * (1 + 1e-9)
    assert (state.stock_ehs >= -1e-12).all()
    assert state.waiting_ehs >= 0


@given(st.floats(1.0, 2000.0), st.floats(5.0, 300.0), st.floats(1.0, 1.5))
def test_a_worse_machine_never_bears_a_higher_price(h, e, factor):
    low, high = break_even_price([h], [e * factor, e])[0]
    assert low <= high * (1 + 1e-12)
