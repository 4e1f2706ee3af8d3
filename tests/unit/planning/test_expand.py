"""Plans: hand numbers, limits on builds, cost lines, reliability, clashes, regret."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from planning_small import gas, nuclear, one_zone, stage

from gridrush.case.estimate import Estimate
from gridrush.case.system import Storage, System
from gridrush.errors import CaseError, InfeasibleError
from gridrush.planning.aggregate import typical_days
from gridrush.planning.decomposition import Progress
from gridrush.planning.least_cost import expand
from gridrush.planning.options import Candidate, Future, Stage, with_builds
from gridrush.planning.plan import LINES
from gridrush.planning.planner import Planner
from gridrush.planning.regret import minimax_regret, operate_plan, regret_table

FLAT = np.full(24, 260.0)
PEAKY = 200.0 + 60.0 * (np.arange(24) == 18)
HOURS = 8760.0


def test_a_flat_shortage_is_met_by_the_cheapest_plant_to_the_last_dollar() -> None:
    plan = expand([stage(FLAT)], [gas(), nuclear(unit_mw=0.0)], engine="cuts", gap=1e-9)
    # nuclear costs 300,000 / 8760 + 10 = 44.2 USD/MWh, the turbine 65.7; coal that stands runs at 20
    assert plan.standing_mw == pytest.approx(np.array([[0.0, 60.0]]), abs=1e-3)
    assert plan.cost_usd == pytest.approx(200 * 20 * HOURS + 60 * (300e3 + 10 * HOURS))
    assert plan.cost_usd == pytest.approx(plan.lower_bound_usd, rel=1e-8)


def test_a_short_peak_is_met_by_a_turbine_only_if_it_is_cheaper_than_going_without() -> None:
    # 60 MW short in one hour of 24: going without costs 1000 * 365 = 365,000 USD per MW and year
    bought = expand([stage(PEAKY)], [gas()], engine="cuts", gap=1e-7)
    assert bought.standing_mw[0, 0] == pytest.approx(60.0, abs=0.01)
    dear = expand([stage(PEAKY)], [gas(capex_usd_per_mw_year=350e3)], engine="cuts", gap=1e-7)
    assert dear.standing_mw[0, 0] == pytest.approx(0.0, abs=0.01)
    assert dear.costs.loc[2030, "unserved"] == pytest.approx(60.0 * 1000.0 * 365.0, rel=1e-4)


def test_cost_lines_add_up_to_what_is_minimised() -> None:
    s = [stage(FLAT, 2030, weight=4.0, carbon_price_usd_per_t=20.0), stage(FLAT + 40, 2035, weight=3.0)]
    c = [gas(fixed_usd_per_mw_year=5e3), nuclear(earliest_year=2035), gas_import()]
    for engine in ("whole", "cuts"):
        plan = expand(s, c, engine=engine, gap=1e-4)
        assert list(plan.costs.columns) == list(LINES)
        assert plan.cost_usd == pytest.approx(plan.costs.to_numpy().sum())
        by_hand = sum(
            st.weight * sum(x.annual_usd_per_mw * mw for x, mw in zip(c, plan.standing_mw[y], strict=True))
            for y, st in enumerate(s)
        )
        assert plan.costs[["capex", "fixed"]].to_numpy().sum() == pytest.approx(by_hand)
        assert plan.costs["carbon"].loc[2030] == pytest.approx(4.0 * 20.0 * plan.co2_t[0])
        assert plan.lower_bound_usd <= plan.cost_usd * (1 + 1e-9)
        assert plan.gap <= 1e-4
        assert plan.violation_mw < 1e-6


def test_tables_of_a_plan_balance() -> None:
    plan = expand([stage(FLAT), stage(FLAT + 30, 2035)], [gas(fuel="gas")])
    tables = plan.tables()
    assert set(tables) == {"builds", "costs_usd", "energy_mwh", "price_usd_per_mwh"}
    energy = tables["energy_mwh"]
    assert energy[["coal", "gas", "unserved"]].sum(axis=1).to_numpy() == pytest.approx([260 * HOURS, 290 * HOURS])
    assert tables["price_usd_per_mwh"].loc[2030, "A"] >= 20.0
    assert plan.to_dict()["gap"] == plan.gap


def gas_import() -> Candidate:
    return Candidate("contract", "import", 0, fuel="import", cost_usd_per_mwh=45, fixed_usd_per_mw_year=1e4, max_mw=30)


def test_lead_times_build_speed_life_and_whole_units_are_obeyed() -> None:
    s = [stage(FLAT, 2025), stage(FLAT + 100, 2030), stage(FLAT + 300, 2035), stage(FLAT + 300, 2040)]
    c = [
        gas(build_mw_per_year=10.0, earliest_year=2024, life_years=10, capex_usd_per_mw_year=20e3),
        nuclear(earliest_year=2035, max_mw=300.0, capex_usd_per_mw_year=100e3),
    ]
    for engine in ("whole", "cuts"):
        plan = expand(s, c, engine=engine)
        standing, built = plan.standing_mw, plan.built_mw
        assert (standing[:2, 1] < 1e-6).all()
        assert standing[2:, 1] == pytest.approx(100.0 * np.round(standing[2:, 1] / 100.0), abs=1e-6)
        assert standing[2, 1] == 300.0
        assert built[0, 0] <= 20.0 + 1e-6  # 2024 and 2025
        assert (built[1:, 0] <= 50.0 + 1e-6).all()
        assert standing[2, 0] == pytest.approx(built[1, 0] + built[2, 0], abs=1e-6)  # that of 2025 is gone by 2035
        assert plan.units[2, 1] == 3


def test_replacing_a_plant_takes_it_away() -> None:
    c = [gas(max_mw=50.0, replaces=("coal 1",), at_least_mw={2030: 25.0})]
    plan = expand([stage(np.full(24, 190.0))], c, engine="cuts")
    assert plan.standing_mw[0, 0] == pytest.approx(25.0, abs=0.1)
    s = plan.system(0)
    assert s.units.capacity_mw.sum() == pytest.approx(200.0, abs=0.1)
    assert s.units.capacity_mw[0] == pytest.approx(25.0, abs=0.1)


def test_bounds_are_told_as_they_move_and_never_cross() -> None:
    seen: list[Progress] = []
    rng = np.random.default_rng(1)
    load = 230 + 60 * rng.random(400)
    store = Storage(("s",), np.array([0]), np.array([20.0]), np.array([20.0]), np.array([80.0]), np.full(1, 0.95),
                    np.full(1, 0.95), np.full(1, 0.5))  # fmt: skip
    s = Stage(2030, 1.0, [Future("f", 1.0, one_zone(load, store=store))])
    battery = Candidate("battery", "battery", 0, kind="storage", storage_hours=4, capex_usd_per_mw_year=30e3)
    plan = expand([s], [gas(), nuclear(), battery], engine="cuts", progress=seen.append)
    assert seen
    assert plan.log[-1].gap_share <= 1e-3
    assert all(p.lower_usd <= p.upper_usd * (1 + 1e-9) for p in seen)
    assert plan.violation_mw < 1e-3
    whole = expand([s], [gas(), nuclear(), battery], engine="whole")
    assert plan.lower_bound_usd * (1 - 1e-7) <= whole.cost_usd <= plan.cost_usd * (1 + 1e-7)


def test_builds_become_units_with_their_failure_rates() -> None:
    f = stage(FLAT).futures[0]
    s = with_builds(f, [nuclear(mttf_h=900.0, mttr_h=100.0), gas()], np.array([200.0, 33.0]))
    assert s.units.name[-3:] == ("nuclear 1", "nuclear 2", "gas")
    assert s.units.capacity_mw[-3:].tolist() == [100.0, 100.0, 33.0]
    assert s.units.forced_outage_share[-3:] == pytest.approx([0.1, 0.1, 0.0])


def monte_carlo(seed: int, samples: int = 4000):
    """Loss of load expectation of a one-zone system by drawing every unit of every hour."""

    def lole(s: System) -> Estimate:
        rng = np.random.default_rng(seed)
        load = s.demand.load_mw[:, 0]
        up = rng.random((samples, load.size, len(s.units))) >= s.units.forced_outage_share
        short = ((up * s.units.capacity_mw).sum(axis=2) < load - 1e-6).sum(axis=1) * HOURS / load.size
        return Estimate(float(short.mean()), float(short.std(ddof=1) / samples**0.5), "h/yr")

    return lole


def test_the_margin_rises_until_an_independent_simulation_agrees() -> None:
    load = 150 + 40 * np.sin(np.arange(24) / 24 * 2 * np.pi)
    s = Stage(2030, 1.0, [Future("f", 1.0, one_zone(load, outage=True))])
    c = [gas(unit_mw=20.0, mttf_h=950.0, mttr_h=50.0)]
    loose = expand([s], c)
    assert monte_carlo(1)(loose.system(0)).mean > 40.0
    plan = expand([s], c, lole=monte_carlo(1), lole_target_h=40.0)
    other = monte_carlo(2)(plan.system(0))
    assert plan.lole[0].mean + plan.lole[0].stderr <= 40.0
    assert other.mean - 3 * other.stderr <= 40.0
    assert other.agrees_with(plan.lole[0].mean, n_stderr=5)
    assert plan.cost_usd > loose.cost_usd
    fewer = with_builds(s.futures[0], c, plan.standing_mw[0] - 40.0)  # two units less would not do
    assert monte_carlo(2)(fewer).mean > 40.0


def test_a_reactor_before_its_lead_time_is_refused_with_the_reason() -> None:
    c = [gas(), nuclear(earliest_year=2035, at_least_mw={2030: 100.0})]
    with pytest.raises(InfeasibleError) as e:
        expand([stage(FLAT, 2030)], c)
    said = "\n".join(e.value.clashes)
    assert "at least 100 MW of nuclear by 2030: short by 100 MW" in said
    assert "service of nuclear before 2035 (lead time)" in said


def test_a_target_nothing_can_reach_in_time_names_the_limits_that_bind() -> None:
    s = Stage(2023, 1.0, [Future("f", 1.0, one_zone(np.full(24, 199.0), outage=True))])
    c = [gas(build_mw_per_year=5.0, earliest_year=2023, mttf_h=950.0, mttr_h=50.0), nuclear(earliest_year=2035)]
    with pytest.raises(InfeasibleError) as e:
        expand([s], c, lole=monte_carlo(1, 500), lole_target_h=0.001)
    said = "\n".join(e.value.clashes)
    assert "LOLE target of 0.001 h" in said
    assert "more than 5 MW of gas a year" in said
    assert "firm capacity for A in 2023: short by" in said


def test_wrong_input_is_told_all_at_once() -> None:
    with pytest.raises(CaseError) as e:
        expand([stage(FLAT), stage(FLAT)], [gas(unit_mw=-1.0), Candidate("b", "battery", 0, kind="storage")])
    assert len(e.value.problems) >= 3


def test_a_plan_from_typical_days_is_judged_over_all_hours() -> None:
    rng = np.random.default_rng(4)
    day = np.repeat(rng.normal(0, 30, 20), 24)
    load = 220 + day + 20 * np.sin(np.arange(480) / 24 * 2 * np.pi)
    wind = np.clip(0.4 + 0.3 * np.repeat(rng.normal(0, 1, 20), 24), 0, 1)
    c = [gas(), Candidate("wind", "wind", 0, capex_usd_per_mw_year=100e3, max_mw=300)]
    s = [Stage(2030, 1.0, [Future("f", 1.0, one_zone(load), np.vstack([np.ones(480), wind]))])]
    few = typical_days(s, days=3)
    assert few[0].futures[0].system.time.size == 72
    assert few[0].futures[0].weight.sum() == pytest.approx(HOURS)
    quick, full = expand(few, c, gap=1e-5), expand(s, c, gap=1e-5)
    real = operate_plan(s, c, quick.standing_mw)
    assert real.cost_usd >= full.cost_usd * (1 - 1e-5)
    assert real.cost_usd > quick.cost_usd * 1.005  # its own objective promises more than it keeps
    assert typical_days(s, days=50)[0].futures[0] is s[0].futures[0]


def two_futures() -> list[Stage]:
    stay, leave = one_zone(FLAT + 150), one_zone(FLAT - 60)
    return [Stage(2030, 1.0, [Future("stay", 0.5, stay), Future("leave", 0.5, leave)])]


def test_least_worst_regret_is_what_a_search_over_all_sizes_finds() -> None:
    s, c = two_futures(), [gas(capex_usd_per_mw_year=400e3)]
    plan, table = minimax_regret(s, c, gap=1e-6)
    sizes = np.linspace(0, 260, 521)
    worst = [
        max(regret_table({"x": np.array([[mw]])}, s, c, gap=1e-6)["regret_usd"]) for mw in sizes[::40]
    ]  # fmt: skip
    assert table.attrs["worst_usd"] <= min(worst) * (1 + 1e-4)
    assert table["regret_usd"].max() == pytest.approx(table.attrs["worst_usd"], rel=1e-3)
    assert table.attrs["bound_usd"] <= table.attrs["worst_usd"] * (1 + 1e-6)
    assert 1.0 < plan.standing_mw[0, 0] < 209.0


def test_a_plan_for_one_future_is_idle_in_the_other() -> None:
    s, c = two_futures(), [nuclear(unit_mw=0.0)]
    stay = expand([replace(s[0], futures=[replace(s[0].futures[0], probability=1.0)])], c)
    table = regret_table({"stay": stay.standing_mw}, s, c, gap=1e-5).set_index("future")
    assert table.loc["stay", "regret_share"] == pytest.approx(0.0, abs=2e-3)
    assert table.loc["leave", "regret_usd"] > 0
    assert table.loc["leave", "idle_usd"] >= table.loc["leave", "regret_usd"] * (1 - 1e-3)


def test_a_carbon_cap_is_kept_exactly_and_priced_like_the_whole_program() -> None:
    s = stage(FLAT, carbon_cap_t=0.5 * 200 * HOURS)
    c = [gas(), nuclear(unit_mw=0.0, capex_usd_per_mw_year=500e3)]
    whole, cuts = expand([s], c, engine="whole"), expand([s], c, engine="cuts", gap=1e-5)
    assert cuts.co2_t[0] <= 0.5 * 200 * HOURS * (1 + 1e-9)
    assert cuts.lower_bound_usd * (1 - 1e-7) <= whole.cost_usd <= cuts.cost_usd * (1 + 1e-7)


def test_a_cap_below_what_must_run_emits_is_refused() -> None:
    s = one_zone(FLAT)
    s = replace(s, units=replace(s.units, must_run=np.zeros(4, np.int64)))
    with pytest.raises(InfeasibleError, match="limits of the year"):
        expand([Stage(2030, 1.0, [Future("f", 1.0, s)], carbon_cap_t=10.0)], [gas()], engine="cuts")


def test_a_plan_that_must_be_more_reliable_starts_again_within_the_risen_margin() -> None:
    """By cutting planes: the cheaper plan of the round before is no bound on the dearer one."""
    T = 24 * 7 * 8
    load = 150 + 60 * np.sin(np.arange(T) * 2 * np.pi / 24)
    s = Stage(2030, 1.0, [Future("f", 1.0, one_zone(load, outage=True))])

    def lole(system: System) -> Estimate:
        spare = system.units.capacity_mw.sum() / system.load_mw.max() - 1.0
        return Estimate(float(np.exp(-12 * (spare - 0.1))), 0.0, "h/yr")

    plan = expand([s], [gas()], engine="cuts", lole=lole, lole_target_h=0.05, threads=1)
    assert plan.lole[0].mean <= 0.05
    assert plan.lower_bound_usd <= plan.cost_usd <= plan.lower_bound_usd * (1 + 1.1e-3)


def test_plans_made_again_with_other_money_and_limits_are_those_made_anew() -> None:
    T = 24 * 14
    load = 220 + 60 * np.sin(np.arange(T) * 2 * np.pi / 24)
    stages = [stage(load, 2030, weight=3.0), stage(1.3 * load, 2035, weight=2.0)]
    options = [gas(), nuclear(max_mw=200.0)]
    again = Planner(stages, options, threads=1)
    others = [
        options,
        [gas(), nuclear(max_mw=200.0, at_most_mw={2030: 0.0, 2035: 0.0})],
        [gas(), nuclear(max_mw=200.0, at_least_mw={2035: 100.0}, capex_usd_per_mw_year=0.0)],
        [gas(capex_usd_per_mw_year=500e3), nuclear(max_mw=200.0, at_least_mw={2030: 100.0}, earliest_year=2030)],
    ]
    for other in others:
        anew = expand(stages, other, engine="whole")
        found = again.plan(other, gap=1e-4, engine="cuts")
        assert found.cost_usd == pytest.approx(anew.cost_usd, rel=2e-4)
        assert found.lower_bound_usd <= anew.cost_usd * (1 + 1e-6)
        for y, s in enumerate(stages):
            for i, c in enumerate(other):
                least = max((mw for year, mw in c.at_least_mw.items() if year <= s.year), default=0.0)
                assert least - 1e-6 <= found.standing_mw[y, i] <= c.at_most_mw.get(s.year, np.inf) + 1e-6
    with pytest.raises(ValueError, match="more than money"):
        again.plan([gas(cost_usd_per_mwh=1.0), nuclear(max_mw=200.0)])
    with pytest.raises(InfeasibleError):
        again.plan([gas(), nuclear(max_mw=200.0, at_least_mw={2030: 300.0})])


def test_a_line_that_carries_one_way_brings_nothing_back() -> None:
    load = np.full(48, 100.0)
    two = replace(one_zone(load), zones=("A", "B"))
    cheap_in_a = replace(two, demand=replace(two.demand, zone=np.array([1])))
    s = Stage(2030, 1.0, [Future("f", 1.0, cheap_in_a)])
    there = Candidate("line", "line", 0, kind="link", zone_to=1, one_way=True, capex_usd_per_mw_year=1.0)
    back = replace(there, zone=1, zone_to=0)
    assert expand([s], [there]).standing_mw[0, 0] == pytest.approx(100.0)
    assert expand([s], [back]).standing_mw[0, 0] == pytest.approx(0.0)


def test_of_many_things_that_would_help_those_that_ask_for_least_are_said() -> None:
    late = [nuclear(earliest_year=2045 - i, max_mw=100.0) for i in range(14)]
    options = [replace(c, name=f"nuclear {i}") for i, c in enumerate(late)]
    options.append(gas(max_mw=10.0, at_least_mw={2030: 50.0}, earliest_year=2030))
    margin = 0.5
    with pytest.raises(InfeasibleError) as e:
        expand([stage(FLAT)], options, margin_share=margin)
    said = e.value.clashes
    helps = [line for line in said if line.startswith("would help")]
    assert len(helps) == 12
    assert [line.split(" before ")[0].split(": ")[1] for line in helps[:3]] == [
        "more than 10 MW of gas", "service of nuclear 13", "service of nuclear 12"]  # fmt: skip
    assert said[-1].startswith("and 3 more")
