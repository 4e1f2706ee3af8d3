"""From projects and extendable components to planning problems."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridrush.case.load import load_case
from gridrush.case.model import Case
from gridrush.case.template import new_case
from gridrush.errors import CaseError
from gridrush.planning.least_cost import expand
from gridrush.planning.options import annuity_share
from gridrush.study.candidates import candidate_of
from gridrush.study.expansion import case_problem, milestones, plan_problem, resolving, solve
from gridrush.study.extendable import network_problem
from gridrush.study.networks import Network, to_pypsa
from gridrush.study.networks import load_case as load_any
from gridrush.study.simulate import grid_model
from gridrush.study.steps import step_h

pypsa_is_loud = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return load_case(new_case(tmp_path_factory.mktemp("cases") / "example"))


@pytest.fixture
def pypsa() -> object:
    return pytest.importorskip("pypsa")


def test_a_project_costs_its_annuity_and_serves_after_its_slip() -> None:
    case = load_case("kazakhstan")
    model = grid_model(case, case.scenarios[case.default_scenario])
    found = {p.project: candidate_of(p, model) for p in case.projects}
    wind, reactor, line = found["mirny-wind"], found["nuclear-balkhash"], found["north-south-500"]
    rate, works = 0.10, 2.0  # the case's cost of capital and the years of construction of wind
    spread = 1_174_500 * math.expm1(math.log1p(rate) * works) / (math.log1p(rate) * works)
    assert wind.capex_usd_per_mw_year == pytest.approx(spread * annuity_share(rate, 30))
    assert wind.cost_usd_per_mwh == 0
    assert wind.earliest_year == 2030  # end of 2028 and half a year: in service during 2029, all of 2030
    assert (reactor.unit_mw, reactor.max_mw, reactor.earliest_year) == (1200, 2400, 2037)
    assert reactor.forced_outage_share == pytest.approx(0.03)
    assert (line.kind, line.zone, line.zone_to) == ("link", 0, 1)
    assert found["almaty-chp2-gas"].replaces == tuple(u.unit for u in case.units if u.plant == "Almaty CHP-2")
    battery = found["battery-south"]
    assert (battery.kind, battery.storage_hours) == ("storage", 2)
    assert battery.charge_efficiency * battery.discharge_efficiency == pytest.approx(0.94)


def test_milestones_end_on_the_last_year(case: Case) -> None:
    assert milestones(case, 2020, 2025, 2) == [2020, 2022, 2024, 2025]
    assert milestones(case, 2023, 2023, 5) == [2023]
    assert milestones(case, None, None, 5) == [2022, 2025]
    with pytest.raises(CaseError) as err:
        milestones(case, 2024, 2031, 0)
    assert {p.where for p in err.value.problems} == {"to", "every"}


def test_what_is_excluded_or_forced_is_said_to_the_plan(case: Case) -> None:
    problem = case_problem(case, first=2025, last=2025, exclude=["solar", "interruptible"], force=["gas-new"])
    assert [c.name for c in problem.candidates] == ["gas-new"]
    assert problem.candidates[0].at_least_mw == {2025: 200.0}
    assert problem.stages[0].futures[0].available is not None
    assert problem.stages[0].futures[0].available.shape == (1, 8760)
    built = expand(problem.stages, problem.candidates, gap=1e-3)
    assert built.standing_mw.tolist() == [[200.0]]
    assert built.costs.to_numpy().sum() == pytest.approx(built.cost_usd)
    with pytest.raises(CaseError) as err:
        case_problem(case, first=2025, last=2025, force=["gas-new@2031", "gass"])
    assert len(err.value.problems) == 2


def test_a_target_is_looked_at_with_as_many_years_as_can_tell_it_from_nothing() -> None:
    assert resolving(1_000, 2.4) == 1_000
    assert resolving(300, 0.001) == 3_000


def test_a_carbon_price_is_charged_once(case: Case) -> None:
    """The systems of the stages leave it out; the stage carries it."""
    free, dear = (case_problem(case, first=2022, last=2022, carbon_price_usd_per_t=p) for p in (0.0, 50.0))
    costs = [p.stages[0].futures[0].system.units.cost_usd_per_mwh for p in (free, dear)]
    assert costs[0].tolist() == costs[1].tolist()
    assert dear.stages[0].carbon_price_usd_per_t == 50.0
    assert [c.cost_usd_per_mwh for c in free.candidates] == [c.cost_usd_per_mwh for c in dear.candidates]


def extendable(pypsa: object, hours: int = 48) -> object:
    """Coal, wind and gas at two buses; a battery behind one-way links, as PyPSA users build it."""
    n = pypsa.Network(snapshots=pd.date_range("2030-01-01", periods=hours, freq="h"))
    wave = pd.Series(np.sin(np.arange(hours) / 24 * 2 * np.pi), n.snapshots)
    n.add("Carrier", ["coal", "gas", "wind", "AC", "store"], co2_emissions=[0.34, 0.2, 0, 0, 0])
    n.add("Bus", ["a", "b", "battery"], carrier="AC")
    n.add("Generator", "coal", bus="a", carrier="coal", p_nom=60, marginal_cost=15, efficiency=0.4)
    n.add("Generator", "wind", bus="a", carrier="wind", p_nom_extendable=True, capital_cost=600, p_nom_max=150,
          p_max_pu=0.4 + 0.4 * wave)  # fmt: skip
    n.add("Generator", "gas", bus="b", carrier="gas", p_nom_extendable=True, capital_cost=400, marginal_cost=60,
          efficiency=0.5, p_nom_mod=25.0)  # fmt: skip
    n.add("Load", "town", bus="b", p_set=100 + 20 * wave.shift(6, fill_value=0))
    n.add("Line", "ab", bus0="a", bus1="b", s_nom=50, s_nom_extendable=True, s_nom_min=50, capital_cost=100, x=0.1)
    n.add("Link", "in", bus0="b", bus1="battery", p_nom_extendable=True, capital_cost=50, efficiency=0.9)
    n.add("Link", "out", bus0="battery", bus1="b", p_nom_extendable=True, capital_cost=50, efficiency=0.9)
    n.add("Store", "cells", bus="battery", e_nom=40, e_initial=20)
    n.add("GlobalConstraint", "co2", type="primary_energy", carrier_attribute="co2_emissions", sense="<=",
          constant=1400)  # fmt: skip
    return n


@pypsa_is_loud
def test_a_network_with_extendable_parts_is_planned_at_the_cost_pypsa_finds(pypsa: object, tmp_path: Path) -> None:
    n = extendable(pypsa)
    n.export_to_netcdf(tmp_path / "n.nc")
    last = pd.Series(np.nan, n.snapshots)
    last.iloc[-1] = 20.0
    n.stores_t["e_set"]["cells"] = last  # our stores end as they began
    status = n.optimize(solver_name="highs", log_to_console=False, mip_rel_gap=1e-9)
    assert status[0] == "ok"
    truth = float(n.objective + n.objective_constant)
    problem = plan_problem(tmp_path / "n.nc")
    found = expand(problem.stages, problem.candidates, gap=1e-7, engine="whole")
    assert found.cost_usd == pytest.approx(truth, rel=1e-6)
    for name, size in (("wind", "p_nom_opt"), ("gas", "p_nom_opt")):
        at = [c.name for c in problem.candidates].index(name)
        assert found.standing_mw[0, at] == pytest.approx(n.generators.loc[name, size], abs=1e-3)
    assert any("free last level" in line for line in problem.dropped)
    ways = {c.name: c.one_way for c in problem.candidates if c.kind == "link"}
    assert ways == {"ab": False, "in": True, "out": True}


@pypsa_is_loud
def test_cyclic_stores_and_steps_of_three_hours_cost_what_pypsa_finds(pypsa: object, tmp_path: Path) -> None:
    n = extendable(pypsa)
    n.remove("Store", "cells")
    n.remove("GlobalConstraint", "co2")
    n.snapshot_weightings.loc[:, :] = 3.0
    n.add("Store", "tank", bus="battery", e_nom_extendable=True, e_cyclic=True, capital_cost=1)
    n.add("StorageUnit", "cells", bus="a", p_nom_extendable=True, max_hours=6, cyclic_state_of_charge=True,
          efficiency_store=0.95, efficiency_dispatch=0.95, capital_cost=300)  # fmt: skip
    n.generators.loc["coal", "p_nom"] = 20.0
    n.export_to_netcdf(tmp_path / "n.nc")
    assert n.optimize(solver_name="highs", log_to_console=False, mip_rel_gap=1e-9)[0] == "ok"
    assert n.stores.loc["tank", "e_nom_opt"] + n.storage_units.loc["cells", "p_nom_opt"] > 1.0
    problem = plan_problem(tmp_path / "n.nc")
    assert step_h(problem.stages) == 3
    found = solve(problem, gap=1e-7)
    assert found.cost_usd == pytest.approx(float(n.objective + n.objective_constant), rel=1e-6)
    assert found.violation_mw < 1e-6
    assert found.price_usd_per_mwh[0][0].shape == (3, 144)
    energy = found.generation().loc[2030]
    loss_free = 3 * float(n.loads_t.p_set["town"].sum())
    assert energy.sum() >= loss_free * (1 - 1e-9)


@pypsa_is_loud
def test_investment_periods_are_stages(pypsa: object) -> None:
    n = pypsa.Network(snapshots=range(6))
    n.investment_periods = [2030, 2040]
    n.investment_period_weightings["objective"] = [10.0, 4.0]
    n.add("Bus", "a")
    n.add("Generator", "old", bus="a", p_nom=100, marginal_cost=5, build_year=2000, lifetime=35)
    n.add("Generator", "new", bus="a", p_nom_extendable=True, build_year=2030, lifetime=50, capital_cost=200,
          marginal_cost=20)  # fmt: skip
    n.add("Load", "l", bus="a", p_set=pd.Series([120.0] * 6 + [130.0] * 6, n.snapshots))
    assert n.optimize(solver_name="highs", multi_investment_periods=True, log_to_console=False)[0] == "ok"
    stages, candidates, dropped = network_problem(n)
    assert [(s.year, s.weight) for s in stages] == [(2030, 10.0), (2040, 4.0)]
    found = expand(stages, candidates, gap=1e-9)
    # by hand: 20 MW in 2030, and 110 more once the old plant has gone, which PyPSA must build in 2030 already
    assert found.standing_mw.ravel().tolist() == pytest.approx([20.0, 130.0])
    by_hand = 10 * (20 * 200 + 6 * (100 * 5 + 20 * 20)) + 4 * (130 * 200 + 6 * 130 * 20)
    assert found.cost_usd == pytest.approx(by_hand)
    early = float(n.objective + n.objective_constant) - by_hand
    assert early == pytest.approx(10 * 110 * 200)
    assert any("any period after it" in line for line in dropped)


@pypsa_is_loud
def test_nothing_extendable_and_wrong_numbers_are_said(pypsa: object) -> None:
    n = extendable(pypsa)
    n.generators.loc["wind", "p_nom_min"] = 200.0
    n.links.loc["in", "bus1"] = "nowhere"
    with pytest.raises(CaseError) as err:
        network_problem(n)
    assert {p.where for p in err.value.problems} == {"generators[wind].p_nom_min", "links[in].bus"}
    for table in (n.generators, n.links):
        table["p_nom_extendable"] = False
    n.lines["s_nom_extendable"] = False
    n.links["bus1"] = ["battery", "b"]
    with pytest.raises(CaseError, match="nothing extendable"):
        network_problem(n)


@pypsa_is_loud
def test_a_year_of_a_case_goes_through_pypsa_and_back(case: Case, pypsa: object, tmp_path: Path) -> None:
    from gridrush.grid.dispatch import dispatch
    from gridrush.study.networks import system_of

    written = to_pypsa(case, tmp_path / "year.nc", year=2021)
    back = load_any(written)
    assert isinstance(back, Network)
    assert back.dropped == ()
    ours = dispatch(system_of(case, year=2021))
    assert dispatch(back).cost_usd == pytest.approx(ours.cost_usd, rel=1e-9)
    with pytest.raises(CaseError, match=r"NAME\.nc"):
        to_pypsa(case, tmp_path / "year.csv", year=2021)


def test_the_reader_of_case_folders_points_at_the_reader_of_everything(tmp_path: Path) -> None:
    (tmp_path / "n.nc").write_text("")
    with pytest.raises(CaseError, match=r"gridrush\.load_case"):
        load_case(tmp_path / "n.nc")
