"""What a plan answers, how it is stored and written, and the scenario made of it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Scenario
from gridrush.case.template import new_case
from gridrush.errors import CaseError
from gridrush.planning.aggregate import hours_of_system
from gridrush.planning.options import Candidate
from gridrush.study.candidates import candidate_of, contracts_of
from gridrush.study.expansion import PlanProblem, case_problem, solve
from gridrush.study.plan_answers import miners_question, nuclear_question, waterfall
from gridrush.study.plan_files import answer_tables, command, scenario_of, told, whole_plan, write_plan, write_scenario
from gridrush.study.plan_store import save_plan, stored_plan
from gridrush.study.simulate import grid_model

KAZAKHSTAN = load_case("kazakhstan")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(new_case(tmp_path_factory.mktemp("plans") / "example"))


@pytest.fixture(scope="module")
def problem(case: Case) -> PlanProblem:
    """Six weeks that stand for a year in which more is wanted than stands."""
    found = case_problem(case, first=2025, last=2025)
    stage = found.stages[0]
    future = stage.futures[0]
    few = np.arange(6 * 168) + 11 * 168
    system = hours_of_system(future.system, few, few // 168 - 11)
    more = replace(system.demand, load_mw=1.25 * system.demand.load_mw)
    assert future.available is not None
    future = replace(future, system=replace(system, demand=more), available=future.available[:, few])
    return replace(found, stages=[replace(stage, futures=[future])])


@pytest.fixture(scope="module")
def plan(problem: PlanProblem):  # type: ignore[no-untyped-def]
    return solve(problem, gap=1e-3, threads=1)


def test_a_plan_is_found_again_by_its_case_and_no_other(case: Case, problem, plan, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    whole = whole_plan(problem, plan)
    assert stored_plan(case, tmp_path / "none") is None
    path = save_plan(case, {"from": 2025}, whole, tmp_path)
    found = stored_plan(case, tmp_path)
    assert found is not None
    assert found["cost_usd"] == plan.cost_usd
    assert found["asked"] == {"from": 2025}
    assert stored_plan(KAZAKHSTAN, tmp_path) is None
    path.write_text("{")
    assert stored_plan(case, tmp_path) is None


def test_the_lines_of_the_waterfall_are_the_cost(problem, plan) -> None:  # type: ignore[no-untyped-def]
    assert sum(float(x["usd"]) for x in waterfall(plan)) == pytest.approx(plan.cost_usd, rel=1e-12)
    whole = json.loads(json.dumps(whole_plan(problem, plan)))
    assert {"case", "scenario", "cost_usd", "lower_bound_usd", "gap", "seconds", "violation_mw", "builds", "costs_usd",
            "cost_waterfall", "energy_mwh", "price_usd_per_mwh", "bounds"} <= whole.keys()  # fmt: skip
    assert whole["bounds"] == [] or whole["bounds"][-1]["gap"] <= 1e-3


def test_a_plan_becomes_a_scenario_that_builds_it(case: Case, plan, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    difference = scenario_of(case, plan, base="as-it-is", made="gridrush plan x")
    path = tmp_path / "least-cost.yaml"
    write_scenario(difference, path, comment="two\nlines")
    assert path.read_text().startswith("# two\n# lines\nname: least-cost\n")
    read = resolve_scenario(case, path)
    built = {c.name: mw for c, mw in zip(plan.candidates, plan.built_mw[0], strict=True) if mw > 0.5}
    sizes = {p.project: p.capacity_mw for p in case.projects}
    projects = {n: mw for n, mw in built.items() if n in sizes}
    assert projects
    assert {b.project: b.capacity_mw or sizes[b.project] for b in read.builds} == pytest.approx(projects, abs=0.5)
    assert {b.online for b in read.builds} == {date(2025, 1, 1)}
    standing = grid_model(case, read)
    assert sum(p.capacity_mw for p in standing.plants if p.name.startswith(tuple(projects))) == pytest.approx(
        sum(projects.values()), abs=0.5)  # fmt: skip


def test_tables_and_network_of_a_plan_are_written(plan, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("openpyxl")
    write_plan(plan, tmp_path / "plan.xlsx")
    assert (tmp_path / "plan.xlsx").stat().st_size > 1000


def test_a_reactor_enters_at_its_break_even_capex_and_not_above(case: Case, problem: PlanProblem) -> None:
    """Found from two plans; plans made anew on both sides of it agree."""
    gas = next(c for c in problem.candidates if c.name == "gas-new")
    block = replace(gas, unit_mw=200.0, max_mw=200.0, build_mw_per_year=np.inf, technology="nuclear",
                    earliest_year=2025)  # fmt: skip
    changed = replace(problem, candidates=[block if c is gas else c for c in problem.candidates])
    plan = solve(changed, gap=1e-4, threads=1)
    found = nuclear_question(case, changed, plan, gap=1e-4, threads=1)
    assert found["candidate"] == "gas-new"
    worth = found["break_even_capex_usd_per_mw"]
    assert worth["low"] <= worth["best"] <= worth["high"]
    annuity = block.capex_usd_per_mw_year / found["capex_usd_per_mw"]["best"]

    def standing(capex: float) -> float:
        other = [replace(c, capex_usd_per_mw_year=capex * annuity) if c.name == "gas-new" else c
                 for c in changed.candidates]  # fmt: skip
        return float(solve(replace(changed, candidates=other), gap=1e-4, threads=1).standing_mw[0].max(
            where=[c.name == "gas-new" for c in other], initial=0.0))  # fmt: skip

    assert standing(0.97 * worth["low"]) == 200.0
    assert standing(1.03 * worth["high"]) == 0.0
    said = told({"nuclear": found})
    assert len(said) == 3
    sheet = answer_tables({"nuclear": found})["nuclear"].set_index("what")
    assert sheet.loc["break-even capex [USD/MW]", "best"] == worth["best"]
    assert said[0].startswith("A first reactor of 200 MW, from 2025 on, is in the least-cost plan if it costs")


def test_nothing_nuclear_in_time_is_said(case: Case, problem: PlanProblem, plan) -> None:  # type: ignore[no-untyped-def]
    found = nuclear_question(case, problem, plan)
    assert found["candidate"] is None
    assert told({"nuclear": found}) == ["Nuclear: no nuclear plant can serve by 2025."]


def test_contracts_are_what_ties_can_carry_beyond_what_the_case_counts_on() -> None:
    found = {c.name: c for c in contracts_of(KAZAKHSTAN, [2022, 2030])}
    early, late = found["Russia commercial contract 2021"], found["Russia commercial contract 2024"]
    assert (early.max_mw, early.cost_usd_per_mwh, early.at_most_mw) == (250.0, 45.0, {2030: 0.0})
    assert (late.cost_usd_per_mwh, late.at_most_mw, late.earliest_year) == (77.0, {2022: 0.0}, 2030)
    assert not any("emergency" in n for n in found)


def test_a_day_of_decision_moves_what_it_decides_and_never_consent() -> None:
    model = grid_model(KAZAKHSTAN, resolve_scenario(KAZAKHSTAN, KAZAKHSTAN.default_scenario))

    def earliest(name: str, day: date | None) -> Candidate:
        return candidate_of(next(p for p in KAZAKHSTAN.projects if p.project == name), model, decide=day)

    today, then = date(2026, 11, 22), date(2021, 11, 30)
    assert [earliest("battery-south", d).earliest_year for d in (then, None, today)] == [2024, 2024, 2029]
    assert [earliest("turkestan-ccgt", d).earliest_year for d in (then, None, today)] == [2026, 2028, 2028]
    assert {earliest("nuclear-balkhash", d).earliest_year for d in (then, None, today)} == {2037}


def test_a_turbine_on_bought_gas_need_not_run() -> None:
    model = grid_model(KAZAKHSTAN, resolve_scenario(KAZAKHSTAN, KAZAKHSTAN.default_scenario))
    found = candidate_of(next(p for p in KAZAKHSTAN.projects if p.project == "ocgt-south"), model)
    assert found.must_run_share == 0.0


def test_the_command_of_a_plan_says_what_was_asked() -> None:
    asked = {"from": 2022, "to": 2040, "every": 3, "lole": 3.0, "carbon_price": None, "decide": None,
             "exclude": ["coal"], "force": [],
             "gap": 0.002, "scenario": "open-door", "samples": 1000, "futures": 1, "seed": 1}  # fmt: skip
    assert command("kazakhstan", asked) == (
        "gridrush plan kazakhstan --from 2022 --to 2040 --every 3 --lole 3.0 --gap 0.002 --scenario open-door "
        "--samples 1000 --futures 1 --seed 1 --exclude coal"
    )


def test_a_scenario_may_build_a_part_of_a_project() -> None:
    row = {"name": "x", "title": "x", "story": "x", "also_build": [{"project": "wind-south", "capacity_mw": 250}]}
    plants = grid_model(KAZAKHSTAN, Scenario.model_validate({**row, "base": None})).plants
    mine = [p.capacity_mw for p in plants if p.name.startswith("wind-south")]
    assert (len(mine), sum(mine)) == (5, pytest.approx(250.0))


def test_regret_is_nothing_for_the_plan_of_the_future_that_comes(case: Case) -> None:
    found = miners_question(case, first=2025, last=2025, stay="as-it-is", leave="cut-and-build", gap=5e-3, threads=1)
    regret = {(r["plan"], r["future"]): r for r in found["regret"]}
    assert len(regret) == 6
    for row in regret.values():
        assert 0.0 <= row["regret_low_usd"] <= row["regret_usd"] <= row["regret_high_usd"]
    for own in (("stay, on call", "stay"), ("leave", "leave")):
        assert regret[own]["regret_usd"] <= 5e-3 * regret[own]["best_usd"]
        assert regret[own]["idle_usd"] == 0.0
    for bill in found["bill"].values():
        paid = bill["miners_usd"] + bill["consumers_usd"] + bill["owners_usd"]
        assert paid == pytest.approx(found["stranded_usd_per_year"])
    said = told({"miners": found})
    assert [line.split(":")[0] for line in said[:3]] == [
        "Regret of the plan for miners who stay and are served whatever happens",
        "Regret of the plan for miners who stay and switch off when called", "Regret of the plan for miners who leave",
    ]  # fmt: skip
    assert len(said) == 5
    sheets = answer_tables({"miners": found})
    assert len(sheets["regret"]) == 6
    assert len(sheets["stranded"]) == 2
    with pytest.raises(CaseError):
        miners_question(case, first=2025, last=2025, stay="nobody")
