"""Small systems worked out by hand."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridrush import adequacy
from gridrush.adequacy import CommonMode, Derating, Hazards, Response
from gridrush.adequacy.exact import OutageTable, StateList
from gridrush.errors import CaseError


def system(units, load, links=None, storage=None):
    """units: (zone, mw, mttf, mttr) rows; load: {zone: hourly MW}."""
    u = pd.DataFrame(units, columns=["zone", "mw", "mttf_h", "mttr_h"])
    u["unit"] = [f"u{i}" for i in range(len(u))]
    d = pd.DataFrame({f"{z}_mw": mw for z, mw in load.items()})
    k = None if links is None else pd.DataFrame(links, columns=["zone_from", "zone_to", "mw", "mttf_h", "mttr_h"])
    st = None if storage is None else pd.DataFrame(storage, columns=["zone", "mw", "mwh"])
    return adequacy.read_tables(u, d, links=k, storage=st)


def states(units):
    for up in itertools.product((0, 1), repeat=len(units)):
        p = 1.0
        for on, (_, _, mttf, mttr) in zip(up, units, strict=True):
            share = mttr / (mttf + mttr)
            p *= 1 - share if on else share
        yield p, up


TRIANGLE_UNITS = [("a", 60, 90, 10), ("a", 60, 90, 10), ("b", 50, 80, 20), ("b", 40, 95, 5), ("c", 70, 90, 10)]
TRIANGLE_LOAD = {"a": 80.0, "b": 55.0, "c": 40.0}
TRIANGLE_LINKS = [("a", "b", 20, np.inf, 0), ("b", "c", 15, np.inf, 0), ("c", "a", 10, np.inf, 0)]


def triangle_by_hand():
    """LOLE and EUE per hour of the triangle: a linear program in each of 32 states."""
    from scipy.optimize import linprog

    lole = eue = 0.0
    zones = list(TRIANGLE_LOAD)
    for p, up in states(TRIANGLE_UNITS):
        cap = {
            z: sum(on * mw for on, (zone, mw, *_) in zip(up, TRIANGLE_UNITS, strict=True) if zone == z) for z in zones
        }
        # unserved u_z >= load - cap - net import; flows within limits
        rows, rhs = [], []
        for i, z in enumerate(zones):
            row = [0.0] * 6
            row[i] = -1.0
            for j, (x, y, *_) in enumerate(TRIANGLE_LINKS):
                row[3 + j] = -1.0 if y == z else 1.0 if x == z else 0.0
            rows.append(row)
            rhs.append(cap[z] - TRIANGLE_LOAD[z])
        bounds = [(0, None)] * 3 + [(-m, m) for _, _, m, *_ in TRIANGLE_LINKS]
        best = linprog([1, 1, 1, 0, 0, 0], A_ub=rows, b_ub=rhs, bounds=bounds)
        eue += p * best.fun
        lole += p * (best.fun > 1e-7)
    return lole, eue


def triangle(T=240):
    return system(TRIANGLE_UNITS, {z: np.full(T, mw) for z, mw in TRIANGLE_LOAD.items()}, TRIANGLE_LINKS)


def test_a_loop_of_three_zones_matches_a_linear_program_in_every_state():
    lole, eue = triangle_by_hand()
    exact = adequacy.assess(triangle(), method="exact")
    assert exact["LOLE_h"].mean == pytest.approx(240 * lole, rel=1e-6)
    assert exact["EUE_MWh"].mean == pytest.approx(240 * eue, rel=1e-6)
    for variance in ("plain", "importance"):
        a = adequacy.assess(triangle(), samples=20_000, variance=variance)
        assert a["LOLE_h"].agrees_with(240 * lole, n_stderr=4)
        assert a["EUE_MWh"].agrees_with(240 * eue, n_stderr=4)


def test_links_that_fail_match_enumeration():
    links = [(a, b, m, 50, 10) for a, b, m, *_ in TRIANGLE_LINKS]
    s = system(TRIANGLE_UNITS, {z: np.full(240, mw) for z, mw in TRIANGLE_LOAD.items()}, links)
    exact = adequacy.assess(s, method="exact")
    assert exact["EUE_MWh"].mean > adequacy.assess(triangle(), method="exact")["EUE_MWh"].mean
    for variance in ("plain", "importance"):
        a = adequacy.assess(s, samples=20_000, variance=variance)
        assert a["LOLE_h"].agrees_with(exact["LOLE_h"].mean, n_stderr=4)
        assert a["EUE_MWh"].agrees_with(exact["EUE_MWh"].mean, n_stderr=4)


def test_two_zones_match_enumeration():
    units, load = TRIANGLE_UNITS[:4], {z: np.full(120, TRIANGLE_LOAD[z]) for z in "ab"}
    s = system(units, load, [("a", "b", 20, np.inf, 0)])
    eue = 0.0
    for p, up in states(units):
        a = 60 * (up[0] + up[1]) - 80.0
        b = 50 * up[2] + 40 * up[3] - 55.0
        eue += (
            p * max(0.0, -a, -b, 0 if a + b >= 0 else -a - b, -a - 20, -b - 20)
            if False
            else p * max(0.0, -a - 20, -b - 20, -a - b)
        )
    assert adequacy.assess(s, method="exact")["EUE_MWh"].mean == pytest.approx(120 * eue, rel=1e-6)


def test_same_bits_with_one_and_two_threads():
    s = triangle()
    a = adequacy.assess(s, samples=2_000, seed=9, threads=1, variance="plain").to_dict()
    assert adequacy.assess(s, samples=2_000, seed=9, threads=2, variance="plain").to_dict() == a
    assert adequacy.assess(s, samples=2_000, seed=10, threads=1, variance="plain").to_dict() != a


def test_stated_intervals_cover_the_truth():
    lole, _ = triangle_by_hand()
    s = triangle(48)
    hit = 0
    for seed in range(200):
        low, high = adequacy.assess(s, samples=512, seed=seed, variance="plain")["LOLE_h"].interval()
        hit += low <= 48 * lole <= high
    assert 184 <= hit <= 196


def test_twice_the_samples_halve_the_variance():
    s = triangle()
    a, b = (adequacy.assess(s, samples=n, variance="plain")["EUE_MWh"].stderr for n in (8_192, 16_384))
    assert (a / b) ** 2 == pytest.approx(2.0, rel=0.1)


def test_interruptible_load_leaves_firm_risk_alone_bit_by_bit():
    s = triangle()
    with_miner = adequacy.add_load(s, 30.0, zone="a", interruptible=True)
    a, b = (adequacy.assess(x, samples=2_000, variance="plain") for x in (s, with_miner))
    assert a["LOLE_h"] == b["LOLE_h"]
    assert a["EUE_MWh"] == b["EUE_MWh"]
    assert 0 < b["interrupted_MWh"].mean <= 30.0 * b["interrupted_h"].mean + 1e-9


def test_a_contract_without_limits_is_interruptible_load():
    s = triangle()
    firm = adequacy.add_load(s, 30.0, zone="a")
    contract = Hazards(responses=(Response("miner", "a", 30.0),))
    a = adequacy.assess(s, samples=2_000, variance="plain")
    b = adequacy.assess(firm, samples=2_000, variance="plain", hazards=contract)
    assert b["EUE_MWh"].mean == pytest.approx(a["EUE_MWh"].mean)
    spent = adequacy.assess(
        firm, samples=2_000, variance="plain", hazards=Hazards(responses=(Response("miner", "a", 30.0, hours=0),))
    )
    assert spent["EUE_MWh"].mean == pytest.approx(
        adequacy.assess(firm, samples=2_000, variance="plain")["EUE_MWh"].mean
    )


def test_storage_carries_a_certain_deficit_until_it_is_empty():
    load = np.array([10.0, 10, 30, 30, 30, 10, 10, 10])
    s = system([("1", 20, np.inf, 0)], {"1": load}, storage=[("1", 10.0, 25.0)])
    a = adequacy.assess(s)
    assert a["EUE_MWh"].mean == pytest.approx(5.0)
    assert a["LOLE_h"].mean == 1.0
    assert a["EUE_MWh"].stderr == 0.0


def test_a_partial_outage_has_three_states():
    s = system([("1", 100, 90, 10)], {"1": np.full(200, 80.0)})
    h = Hazards(deratings=(Derating("u0", probability=0.5, lost_share=0.4, mttr_h=20.0),))
    # cycle: 90 h up, then half the time 10 h out and half 20 h at 60 MW
    out, part = 5.0 / 105, 10.0 / 105
    exact = adequacy.assess(s, method="exact", hazards=h)
    assert exact["LOLE_h"].mean == pytest.approx(200 * (out + part))
    assert exact["EUE_MWh"].mean == pytest.approx(200 * (80 * out + 20 * part))
    for variance in ("plain", "importance"):
        a = adequacy.assess(s, samples=20_000, hazards=h, variance=variance)
        assert a["EUE_MWh"].agrees_with(exact["EUE_MWh"].mean, n_stderr=4)


def test_a_common_cause_takes_its_units_together():
    s = system([("1", 50, np.inf, 0), ("1", 50, np.inf, 0), ("1", 50, 80, 20)], {"1": np.full(200, 60.0)})
    h = Hazards(common_modes=(CommonMode("bus", ("u0", "u2"), 90.0, 10.0),))
    a = adequacy.assess(s, samples=20_000, hazards=h)
    # 100 MW of u0 and u1 serve 60 unless the bus fails: then u1 alone leaves 10 MW short
    assert a["LOLE_h"].agrees_with(200 * 0.1, n_stderr=4)
    assert a["EUE_MWh"].agrees_with(200 * 0.1 * 10, n_stderr=4)


def test_stress_and_hourly_rates_raise_failures_alike():
    s = system([("1", 50, 300, 10), ("1", 50, 300, 10)], {"1": np.full(400, 60.0)})
    twice = adequacy.assess(s, samples=20_000, hazards=Hazards(stress=2.0), variance="plain")
    hourly = adequacy.assess(
        s,
        samples=20_000,
        variance="plain",
        hazards=Hazards(failure_multiplier={"u0": np.full(400, 2.0), "u1": np.full(400, 2.0)}),
    )
    once = adequacy.assess(s, samples=20_000, variance="plain")
    assert twice["LOLE_h"].mean > 1.8 * once["LOLE_h"].mean
    assert once["LOLE_h"].mean < hourly["LOLE_h"].mean < 1.02 * twice["LOLE_h"].mean


def test_weather_years_and_load_draws_average():
    s = triangle(48)
    colder = replace(s, demand=replace(s.demand, load_mw=s.demand.load_mw * 1.2))
    each = [adequacy.assess(x, method="exact")["EUE_MWh"].mean for x in (s, colder)]
    both = adequacy.assess([s, colder], method="exact", weights=np.array([3.0, 1.0]))
    assert both["EUE_MWh"].mean == pytest.approx(0.75 * each[0] + 0.25 * each[1])
    for variance in ("plain", "importance"):
        a = adequacy.assess([s, colder], samples=20_000, weights=np.array([3.0, 1.0]), variance=variance)
        assert a["EUE_MWh"].agrees_with(both["EUE_MWh"].mean, n_stderr=4)
    drawn = adequacy.assess(s, samples=20_000, hazards=Hazards(load_draws_mw=np.array([[0.0, 0, 0], [10.0, 0, 0]])))
    more = adequacy.assess(adequacy.add_load(s, 10.0, zone="a"), method="exact")["EUE_MWh"].mean
    assert drawn["EUE_MWh"].agrees_with(0.5 * (each[0] + more), n_stderr=4)


def test_load_forecast_error_raises_risk():
    s = triangle(48)
    systems, weights = adequacy.with_load_error(s, 0.05)
    assert weights.sum() == pytest.approx(1.0)
    assert adequacy.assess(systems, method="exact", weights=weights)["EUE_MWh"].mean > (
        adequacy.assess(s, method="exact")["EUE_MWh"].mean
    )


def test_maintenance_goes_where_the_load_is_low():
    load = np.full(24 * 20, 50.0)
    load[24 * 8 : 24 * 12] = 20.0
    s = system([("1", 40, np.inf, 0), ("1", 40, np.inf, 0)], {"1": load})
    s = replace(s, units=replace(s.units, maintenance_h=np.array([48.0, 48.0])))
    planned, windows = adequacy.planned_supply(s)
    assert sorted(windows.values()) == [(192, 240), (240, 288)]
    assert adequacy.assess(s)["LOLE_h"].mean == 0.0
    assert planned.units.maintenance_h.sum() == 0.0


def test_month_and_hour_tables_add_up():
    a = adequacy.assess(triangle(), samples=1_000)
    assert a.by_month().sum(axis=1)[-1] == pytest.approx(a["EUE_MWh"].mean)
    assert a.by_hour("LOLE_h").sum(axis=1)[-1] == pytest.approx(a["LOLE_h"].mean)
    assert a.worst[0].energy_mwh >= a.worst[-1].energy_mwh > 0


def test_headroom_grows_with_the_share_that_may_be_cut():
    rising = np.linspace(0.7, 1.1, 240)  # a flat load would meet its target at the same step of the capacities
    s = system(TRIANGLE_UNITS, {z: mw * rising for z, mw in TRIANGLE_LOAD.items()}, TRIANGLE_LINKS)
    points = adequacy.headroom(
        s, target_lole_h=40.0, zones=["a"], curtailable_shares=(0.0, 0.1, 1.0), samples=512, high_mw=200.0
    )
    mw = [p.load_mw.mean for p in points]
    assert mw[0] < mw[1] < mw[2] == 200.0


@pytest.mark.parametrize(
    "units, load",
    [
        ([("1", 10, np.inf, 0)], [0.0, 0.0]),
        ([("1", 10, 9, 1)], [0.0]),
        ([("1", 10, 9, 0)], [10.0, 10.0]),
    ],
)
def test_nothing_short_is_zero(units, load):
    for method in ("exact", "mc"):
        a = adequacy.assess(system(units, {"1": np.array(load)}), method=method)
        assert (a["LOLE_h"].mean, a["EUE_MWh"].mean, a["LOLE_h"].stderr) == (0.0, 0.0, 0.0)


def test_an_island_and_a_store_of_nothing_are_no_trouble():
    s = system([("a", 10, 9, 1)], {"a": np.full(50, 5.0), "b": np.full(50, 7.0)}, storage=[("b", 5.0, 0.0)])
    a = adequacy.assess(s, samples=500)
    assert a.zones["b"]["EUE_MWh"].mean == pytest.approx(350.0)
    assert adequacy.assess(s, method="exact")["LOLE_h"].mean == 50.0


def test_ten_thousand_units_are_assessed():
    s = system([("1", 1, 90, 10)] * 10_000, {"1": np.full(24, 9_050.0)})
    exact = adequacy.assess(s, method="exact")
    assert adequacy.assess(s, samples=256)["LOLE_h"].agrees_with(exact["LOLE_h"].mean, n_stderr=4)


@pytest.mark.parametrize("column, value", [("mttr_h", -1.0), ("mw", np.nan), ("mttf_h", -5.0)])
def test_a_bad_number_is_named(column, value):
    u = pd.DataFrame({"unit": ["x", "y"], "mw": [10.0, 10.0], "mttf_h": [9.0, 9.0], "mttr_h": [1.0, 1.0]})
    u.loc[1, column] = value
    with pytest.raises(CaseError, match=rf"units\[1\].{column}"):
        adequacy.read_tables(u, pd.DataFrame({"load_mw": [5.0]}))


def test_every_problem_of_the_tables_is_told_at_once():
    u = pd.DataFrame({"unit": ["x"], "mw": [10.0], "zone": ["nowhere"], "mttf_h": [9.0], "mttr_h": [-1.0]})
    with pytest.raises(CaseError) as info:
        adequacy.read_tables(u, pd.DataFrame({"a_mw": [5.0, np.nan], "b_mw": [1.0, 1.0]}))
    assert len(info.value.problems) == 3


def test_methods_that_do_not_apply_say_so():
    with pytest.raises(CaseError, match="use method='mc'"):
        adequacy.assess(system([("1", 10, 9, 1)], {"1": np.full(5, 5.0)}, storage=[("1", 1.0, 1.0)]), method="exact")
    with pytest.raises(CaseError, match="target_error"):
        adequacy.assess(triangle(), target_error=2.0)


def test_units_of_no_common_size_that_change_by_the_hour_are_exact():
    """Seven units of odd sizes, one derated by hour: every state of every hour written out."""
    rng = np.random.default_rng(5)
    units = [("a", float(mw), 90.0, 10.0) for mw in rng.uniform(20.0, 90.0, 7)]
    load, hours = rng.uniform(250.0, 420.0, 40), 40
    share = rng.uniform(0.3, 1.0, hours)
    s = system(units, {"a": load})
    rows = np.vstack([s.profiles, share])
    available = s.units.available.copy()
    available[3] = len(rows) - 1
    s = replace(s, profiles=rows, units=replace(s.units, available=available))
    lole = eue = 0.0
    for p, up in states(units):
        sizes = [mw * (share if i == 3 else 1.0) for i, (_, mw, *_) in enumerate(units)]
        given = sum(on * mw for on, mw in zip(up, sizes, strict=True))
        lole, eue = lole + p * (load > given + 1e-9).sum(), eue + p * np.maximum(load - given, 0.0).sum()
    found = adequacy.assess(s, method="exact")
    assert found["LOLE_h"].mean == pytest.approx(lole, rel=1e-9)
    assert found["EUE_MWh"].mean == pytest.approx(eue, rel=1e-6)


@pytest.mark.parametrize("partial", [False, True])
def test_states_of_units_and_the_table_of_outages_agree(partial):
    rng = np.random.default_rng(1)
    full = rng.integers(1, 60, 9)
    part = full // 2
    p_full = rng.uniform(0.02, 0.2, 9)
    p_part = rng.uniform(0.01, 0.1, 9) if partial else np.zeros(9)
    margin = np.arange(-5, full.sum() + 5)
    table, listed = OutageTable(full, part, p_full, p_part), StateList(full, part, p_full, p_part)
    assert table.exact
    for a, b in zip(table.shortfall(margin), listed.shortfall(margin), strict=True):
        assert np.allclose(a, b, rtol=1e-9, atol=1e-12)
    if not partial:
        coarse = OutageTable(full, part, p_full, p_part, most=40)
        assert not coarse.exact
        near = coarse.shortfall(margin)[1]
        assert np.abs(near - table.shortfall(margin)[1]).max() < 0.02 * full.sum()
        assert coarse.mean == pytest.approx(table.mean)  # splitting keeps it
