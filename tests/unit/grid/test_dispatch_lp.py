"""What the LP and its rich twin add: warm starts, ramps, reserve, commitment."""

from dataclasses import replace

import numpy as np
import pytest

from gridrush.errors import CaseError
from gridrush.grid.commitment import _since, commit, terms
from gridrush.grid.dispatch import dispatch
from gridrush.grid.lp import LpDispatch, dispatch_lp
from gridrush.grid.synthetic import random_system


def test_a_changed_scenario_solved_warm_costs_what_it_costs_cold():
    s = random_system(2, units=20, hours=72, stores=1)
    model = LpDispatch(s)
    model.solve()
    more = replace(
        s, demand=replace(s.demand, load_mw=s.demand.load_mw * 1.03),
        units=replace(s.units, cost_usd_per_mwh=s.units.cost_usd_per_mwh + 1.0),
    )
    model.change(more)
    assert model.solve().cost_usd == pytest.approx(dispatch_lp(more).cost_usd, rel=1e-9)
    with pytest.raises(CaseError, match="another network"):
        model.change(random_system(2, units=21, hours=72, stores=1))


def test_ramps_hold_and_cost_more():
    s = random_system(4, units=20, hours=120)
    steady = {"available": np.zeros(20, int), "must_run": np.ones(20, int)}  # else their changes may outrun the ramp
    slow = replace(s, units=replace(s.units, ramp_share_per_h=np.full(20, 0.1), **steady))
    free, held = dispatch(slow), dispatch_lp(slow, ramps=True)
    assert held.cost_usd > free.cost_usd * (1 + 1e-6)
    assert (np.abs(np.diff(held.generation_mw, axis=0)) <= 0.1 * s.units.capacity_mw + 1e-6).all()


def test_a_reserve_leaves_headroom_or_pays_for_it():
    s = random_system(4, units=20, hours=48)
    kept = dispatch_lp(s, reserve_mw=np.full(48, 1e4))
    assert np.isfinite(kept.cost_usd)
    assert kept.cost_usd >= dispatch(s).cost_usd * (1 - 1e-9)


def test_commitment_without_extras_is_the_dispatch():
    s = random_system(2, zones=2, units=8, hours=200, stores=0)
    s = replace(s, units=replace(s.units, ramp_share_per_h=np.ones(8)))
    c = commit(s, terms(s), integer=False)
    assert c.cost_usd == pytest.approx(dispatch(s).cost_usd, rel=1e-7)


def test_integer_commitment_costs_at_least_the_relaxed_and_keeps_least_loads():
    s = random_system(3, zones=2, units=6, hours=24)
    least, start = np.full(6, 0.5), np.full(6, 40.0)
    bound = terms(s, least_load_share=least, start_usd_per_mw=start)
    relaxed, whole = commit(s, bound, integer=False), commit(s, bound)
    assert dispatch(s).cost_usd * (1 - 1e-9) <= relaxed.cost_usd <= whole.cost_usd * (1 + 1e-4)
    high = s.profiles[s.units.available].T * s.units.capacity_mw
    assert np.allclose(whole.on, np.round(whole.on), atol=1e-6)
    assert (whole.generation_mw >= least * high * whole.on - 1e-4).all()
    with pytest.raises(CaseError, match="2 problem"):
        terms(s, least_load_share=[0.1], start_usd_per_mw=-start)


def test_least_times_hold_across_the_end_of_a_week():
    """A unit needed in the last hour of a week only stays on for the next five, one not needed then stays off."""
    hours = 168 + 24
    s = random_system(1, zones=1, units=2, hours=hours)
    load = np.full(hours, 50.0)
    load[167] = 150.0
    demand = replace(s.demand, name=("town",), kind=("firm",), zone=np.array([0]), load_mw=load[:, None],
                     value_usd_per_mwh=np.array([3000.0]))  # fmt: skip
    flat = {"capacity_mw": np.array([100.0, 100.0]), "cost_usd_per_mwh": np.array([10.0, 50.0]),
            "available": np.zeros(2, int), "must_run": np.ones(2, int), "ramp_share_per_h": np.ones(2)}  # fmt: skip
    s = replace(s, demand=demand, units=replace(s.units, **flat))
    bound = terms(s, least_load_share=[0.0, 0.2], start_usd_per_mw=[0.0, 1.0], least_up_h=[0.0, 6.0])
    c = commit(s, bound, gap_share=1e-9)
    assert np.flatnonzero(c.on[:, 1] > 0.5).tolist()[-6:] == [167, 168, 169, 170, 171, 172]
    assert c.on[173:, 1].max() < 0.5


def test_hours_on_or_off_are_counted_on_from_what_was_before():
    on = np.array([[1, 0, 1, 0], [1, 0, 0, 1], [1, 0, 0, 1]], float)
    assert _since(on, np.array([4.0, -2.0, 5.0, -np.inf])).tolist() == [7.0, -5.0, -2.0, 2.0]
    assert _since(on, np.array([-4.0, 2.0, 0.0, 0.0])).tolist() == [3.0, -3.0, -2.0, 2.0]
