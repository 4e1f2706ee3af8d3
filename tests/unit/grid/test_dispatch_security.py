"""Contingencies, frequency and rationing: hand numbers and identities."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gridrush.errors import CaseError
from gridrush.grid.dispatch import dispatch
from gridrush.grid.rationing import ration
from gridrush.grid.security import (
    Frequency,
    circuit,
    contingencies,
    islanding,
    largest_together,
    pairs,
    single_units,
    swing,
    worst_hours,
)
from gridrush.grid.synthetic import random_system

AREA = Frequency(50.0, 60_000.0, 12_000.0, 0.02, 800.0, 1000.0, 6.0)


@pytest.fixture(scope="module")
def year():
    return dispatch(random_system(5, zones=3, units=30, hours=400, stores=1, reservoirs=1))


def test_a_lost_unit_sheds_no_more_than_it_gave_and_the_list_is_ranked(year):
    hours = worst_hours(year, 10)
    found = contingencies(year, single_units(year.system), hours=hours)
    assert len(found) == 10 * 30
    assert all(x.firm_mw >= -1e-6 for x in found)
    assert [x.firm_mw for x in found] == sorted((x.firm_mw for x in found), reverse=True)
    assert found[0].firm_mw > 0


def test_losing_more_at_once_never_sheds_less(year):
    hours = worst_hours(year, 10)
    sums = [
        sum(x.firm_mw for x in contingencies(year, [largest_together(year.system, n)], hours=hours)) for n in (1, 2, 3)
    ]
    assert sums[0] <= sums[1] + 1e-6 <= sums[2] + 2e-6


def test_less_time_to_respond_never_sheds_less(year):
    s = year.system
    slow = replace(year, system=replace(s, units=replace(s.units, ramp_share_per_h=np.full(len(s.units), 0.1))))
    case = [largest_together(s, 2), *pairs(s, (0, 1))]
    hours = [10, 50]
    quick = {(x.contingency.name, x.hour): x.firm_mw for x in contingencies(slow, case, hours=hours)}
    held = {(x.contingency.name, x.hour): x.firm_mw for x in contingencies(slow, case, hours=hours, response_h=0.25)}
    assert all(quick[key] <= held[key] + 1e-6 for key in quick)


def test_an_island_and_a_circuit_are_named_and_checked(year):
    s = year.system
    found = contingencies(year, [islanding(s, "zone 1"), circuit(s, "link 0", 0.5)], hours=[0])
    assert {x.contingency.name for x in found} == {"islanding of zone 1", "one circuit of link 0 (50% left)"}
    with pytest.raises(CaseError, match="one of"):
        islanding(s, "nowhere")
    with pytest.raises(CaseError, match="an hour in"):
        contingencies(year, [], hours=[400])


def test_frequency_first_falls_at_the_rate_inertia_allows():
    w = swing(1000.0, AREA, seconds=5.0)
    rate = (w.frequency_hz[1] - w.frequency_hz[0]) / 0.01
    assert rate == pytest.approx(-1000.0 * 50.0 / (2 * 60_000.0), rel=1e-3)


def test_frequency_settles_where_governors_and_load_cover_the_loss():
    w = swing(300.0, AREA, seconds=200.0)
    settled = 50.0 - 300.0 / (1000.0 + 0.02 * 12_000.0)
    assert w.frequency_hz[-1] == pytest.approx(settled, abs=1e-4)
    assert w.total_shed_mw == 0.0
    assert w.nadir_hz < settled


def test_relays_shed_by_steps_only_when_the_frequency_is_low_long_enough():
    relays = replace(AREA, ufls=((49.0, 0.2, 0.05), (48.8, 0.2, 0.05)))
    assert swing(300.0, relays).total_shed_mw == 0.0
    assert swing(1000.0, relays).total_shed_mw == pytest.approx(600.0)
    assert swing(2000.0, relays).total_shed_mw == pytest.approx(1200.0)
    assert swing(2000.0, relays).nadir_hz > swing(2000.0, AREA).nadir_hz
    with pytest.raises(CaseError, match="kinetic_energy_mws"):
        swing(1.0, replace(AREA, kinetic_energy_mws=0.0))


def by_scipy(lost: float, a: Frequency, seconds: float) -> tuple[float, float]:
    """Lowest frequency and load shed, with scipy's integrator stopped at every relay: a second implementation."""

    def slope(_, x):
        want = min(max(a.droop_mw_per_hz * (a.nominal_hz - x[0]), 0.0), a.headroom_mw)
        power = x[1] + shed - lost - a.load_damping_share_per_hz * (a.load_mw - shed) * (x[0] - a.nominal_hz)
        return [a.nominal_hz * power / (2.0 * a.kinetic_energy_mws), (want - x[1]) / a.governor_s]

    t, x, shed, nadir = 0.0, [a.nominal_hz, 0.0], 0.0, a.nominal_hz
    waiting, since = list(a.ufls), {}
    while t < seconds:
        ends = [since[r] + r[1] for r in waiting if r in since]
        until = min([seconds, *ends])
        crossings = []
        for relay in waiting:
            crossing = lambda _, x, level=relay[0]: x[0] - level  # noqa: E731
            crossing.terminal, crossing.direction = True, 1.0 if relay in since else -1.0
            crossings.append(crossing)
        leg = solve_ivp(slope, (t, until), x, events=crossings, rtol=1e-10, atol=1e-10, max_step=0.05)
        t, x, nadir = float(leg.t[-1]), leg.y[:, -1].tolist(), min(nadir, float(leg.y[0].min()))
        for relay, hit in zip(list(waiting), leg.t_events or [], strict=True):
            if hit.size:
                since = {k: v for k, v in since.items() if k != relay} if relay in since else {**since, relay: t}
        for relay in [r for r in waiting if r in since and t >= since[r] + r[1] - 1e-12]:
            shed += relay[2] * a.load_mw
            waiting.remove(relay)
    return nadir, shed


@pytest.mark.parametrize("lost", [600.0, 900.0, 1150.0, 1600.0, 2400.0])
def test_the_swing_and_its_relays_are_those_of_another_integrator(lost):
    relays = replace(AREA, ufls=((49.2, 0.15, 0.04), (49.0, 0.15, 0.04), (48.8, 0.3, 0.06), (48.4, 0.15, 0.1)))

    w = swing(lost, relays)

    nadir, shed = by_scipy(lost, relays, 60.0)
    assert w.total_shed_mw == pytest.approx(shed, rel=1e-9)
    assert w.nadir_hz == pytest.approx(nadir, abs=0.02)  # relays act at the step of 10 ms after their delay
    free = swing(lost, AREA)
    assert free.nadir_hz == pytest.approx(by_scipy(lost, AREA, 60.0)[0], abs=1e-4)


def test_rationing_moves_cuts_within_a_zone_by_rank_and_evenly():
    s = random_system(7, zones=1, units=20, hours=300)
    d = s.demand
    load = np.stack([d.load_mw[:, 0] * share for share in (0.2, 0.5, 0.3)], axis=1) * 1.3
    s = replace(s, demand=replace(
        d, name=("mines", "homes east", "homes west"), kind=("interruptible", "firm", "firm"), load_mw=load,
        value_usd_per_mwh=np.array([100.0, 3000.0, 3000.0]), zone=np.zeros(3, int),
    ))
    short = dispatch(s)
    plan = ration(short, [["mines"], ["homes east", "homes west"]], tariff_usd_per_mwh=[60.0, 40.0, 40.0])
    missing = (load - short.served_mw).sum(axis=1)
    assert np.allclose(plan.cut_mw.sum(axis=1), missing)
    assert (plan.cut_mw <= load + 1e-9).all()
    homes_cut = plan.cut_mw[:, 1:].sum(axis=1) > 1e-6
    assert homes_cut.any()
    assert np.allclose(plan.cut_mw[homes_cut, 0], load[homes_cut, 0])  # mines are gone before homes are touched
    assert plan.cut_share[1] == pytest.approx(plan.cut_share[2], rel=1e-6)
    assert plan.revenue_lost_usd == pytest.approx(plan.cut_mw.sum(axis=0) * [60.0, 40.0, 40.0])
    assert sum(sum(o.cut_mw) for o in plan.orders(least_mw=0.0)) == pytest.approx(missing.sum())


def test_rationing_names_every_wrong_block():
    short = dispatch(random_system(1, hours=24))
    with pytest.raises(CaseError, match="2 problem"):
        ration(short, [["firm 0", "nobody"], ["firm 0"]])
