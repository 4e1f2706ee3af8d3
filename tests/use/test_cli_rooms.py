"""`dispatch`, `contingency`, `headroom`, `census`, `rush` and `plan`: what they print, write and leave with."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gridrush.case.template import new_case
from gridrush.cli.main import run
from gridrush.cli.show import whole_folder
from gridrush.grid.pypsa import to_pypsa
from gridrush.grid.synthetic import random_system

Captured = pytest.CaptureFixture[str]
pypsa_is_loud = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(new_case(tmp_path_factory.mktemp("cases") / "example"))


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PyPSA network of two buses: 48 hours, coal where nobody lives, gas that can be built where they do."""
    pypsa = pytest.importorskip("pypsa")
    n = pypsa.Network(snapshots=pd.date_range("2030-01-01", periods=48, freq="h"))
    n.add("Bus", ["mine", "town"])
    n.add("Generator", "coal", bus="mine", p_nom=80, marginal_cost=10, carrier="coal")
    n.add("Generator", "gas", bus="town", p_nom_extendable=True, marginal_cost=50, capital_cost=100, carrier="gas")
    n.add("Load", "people", bus="town", p_set=[100.0, 60.0] * 24)
    n.add("Link", "line", bus0="mine", bus1="town", p_nom=70, p_min_pu=-1)
    path = tmp_path_factory.mktemp("networks") / "two.nc"
    n.export_to_netcdf(path)
    return str(path)


def answer(capsys: Captured, *arguments: str) -> dict:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_both_engines_dispatch_a_week_of_a_case_at_one_cost(case: str, capsys: Captured) -> None:
    week = ["dispatch", case, "--year", "2021", "--week", "3", "--engine"]
    fast, lp = (answer(capsys, *week, engine) for engine in ("fast", "lp"))
    assert (fast["engine"], lp["engine"]) == ("fast", "lp")
    assert fast["cost_usd"] == pytest.approx(lp["cost_usd"], rel=1e-4)
    assert fast["hours"] == 168
    assert fast["seconds"] > 0
    assert fast["compile_seconds"] >= 0
    cut = fast["unserved_mwh"] + fast["cut_mwh"]["interruptible"]
    served = sum(z["load_mwh"] for z in fast["zones"].values()) - cut
    assert sum(fast["generation_mwh"].values()) >= served * (1 - 1e-9)


@pypsa_is_loud
def test_a_unit_is_started_by_hand_arithmetic(tmp_path: Path, capsys: Captured) -> None:
    pypsa = pytest.importorskip("pypsa")
    n = pypsa.Network(snapshots=pd.date_range("2030-01-01", periods=4, freq="h"))
    n.add("Bus", "town")
    n.add("Generator", "steam", bus="town", p_nom=100, marginal_cost=10, committable=True, p_min_pu=0.5,
          start_up_cost=2000)  # fmt: skip
    n.add("Generator", "motor", bus="town", p_nom=100, marginal_cost=50)
    n.add("Load", "people", bus="town", p_set=[80.0, 20.0, 20.0, 80.0])
    n.export_to_netcdf(tmp_path / "one.nc")

    found = answer(capsys, "commit", str(tmp_path / "one.nc"))

    # on all along it would run 30 MW too much in two hours, which spills: cheaper than 20 MW of motor and a start
    assert found["cost_usd"] == pytest.approx(10 * (80 + 50 + 50 + 80))
    assert found["units"]["steam"] == {"hours_on": 4.0, "starts": 0.0, "generation_mwh": pytest.approx(260.0)}
    assert run(["commit", str(tmp_path / "one.nc"), "--relaxed"]) == 0
    assert "hours on" in capsys.readouterr().out


def test_only_a_network_says_what_a_start_costs(case: str, capsys: Captured) -> None:
    assert run(["commit", case]) == 2
    assert "a PyPSA network" in capsys.readouterr().err


@pypsa_is_loud
def test_a_network_is_dispatched_by_hand_arithmetic(network: str, capsys: Captured) -> None:
    found = answer(capsys, "dispatch", network)
    assert found["cost_usd"] == pytest.approx(24 * (70 * 10 + 30 * 10_000) + 24 * 60 * 10)
    assert found["unserved_mwh"] == pytest.approx(24 * 30)
    assert any("gas" in line for line in found["dropped"])


@pypsa_is_loud
def test_a_system_of_ours_costs_the_same_through_a_file(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("pypsa")
    from gridrush.grid.dispatch import dispatch

    system = random_system(5, zones=3, units=12, hours=72)
    to_pypsa(system).export_to_netcdf(tmp_path / "n.nc")
    assert answer(capsys, "dispatch", str(tmp_path / "n.nc"))["cost_usd"] == pytest.approx(dispatch(system).cost_usd)


@pypsa_is_loud
def test_the_rationing_schedule_holds_all_that_was_cut(network: str, tmp_path: Path, capsys: Captured) -> None:
    to = tmp_path / "orders.csv"
    found = answer(capsys, "dispatch", network, "--without", "coal", "--rationing", str(to))
    rows = list(csv.DictReader(to.open()))
    assert sum(float(r["cut_mwh"]) for r in rows) == pytest.approx(found["unserved_mwh"], rel=1e-6)
    assert found["unserved_mwh"] == pytest.approx(48 * 80)
    assert [(r["block"], r["hours"], r["start_utc"]) for r in rows] == [("people", "48", "2030-01-01T00:00")]


def test_the_ten_worst_losses_come_worst_first(case: str, capsys: Captured) -> None:
    found = answer(capsys, "contingency", case, "--year", "2021")
    worst = found["worst"]
    assert 5 <= len(worst) <= 10
    firm = [w["shed_mw"]["firm"] for w in worst]
    assert firm == sorted(firm, reverse=True)
    assert len({w["contingency"] for w in worst}) == len(worst)
    nadirs = [w["nadir_hz"] for w in worst if w["nadir_hz"] is not None]
    assert nadirs
    assert all(30 < hz < 50 for hz in nadirs)
    at = answer(capsys, "contingency", case, "--year", "2021", "--at", "2021-07-01T12")
    assert {w["time"] for w in at["worst"]} == {"2021-07-01T12"}


@pypsa_is_loud
def test_losing_the_only_line_sheds_what_it_carried(network: str, capsys: Captured) -> None:
    worst = answer(capsys, "contingency", network)["worst"][0]
    assert worst["shed_mw"]["firm"] == pytest.approx(70.0)
    assert worst["firm_by_zone_mw"] == {"mine": 0.0, "town": pytest.approx(70.0)}


def test_headroom_is_the_load_that_meets_the_target(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "units.csv").write_text("unit,mw,mttf_h,mttr_h\nA,10,90,10\nB,10,90,10\nC,10,90,10\n")
    hours = range(24 * 364)
    (tmp_path / "load.csv").write_text("hour,load_mw\n" + "".join(f"{t},{10 + 2 * np.sin(t):.6f}\n" for t in hours))
    tables = ["--units", str(tmp_path / "units.csv"), "--load", str(tmp_path / "load.csv"), "--method", "exact"]
    found = answer(capsys, "headroom", *tables, "--target-lole", "1000")["headroom"]
    assert [h["zone"] for h in found] == ["1"]
    more = found[0]["load_mw"]["mean"]
    load = (tmp_path / "load.csv").read_text().splitlines()
    (tmp_path / "load.csv").write_text(
        "\n".join([load[0], *(f"{t},{float(x) + more}" for t, x in (r.split(",") for r in load[1:]))]) + "\n"
    )
    again = answer(capsys, "assess", *tables)["LOLE_h"]["mean"]
    assert again == pytest.approx(1000, rel=0.02)


def test_census_and_rush_give_bands_by_month(case: str, capsys: Captured) -> None:
    months = answer(capsys, "census", case)["months"]
    for m in months:
        for status in ("registered_mw", "unregistered_mw"):
            band = m[status]
            assert 0 <= band["p05"] <= band["p50"] <= band["p95"]
    rush = answer(capsys, "rush", case, "--to", "2023-03", "--samples", "20")["months"]
    assert rush[-1]["month"] == "2023-03"
    assert all(r["power_mw"]["p05"] <= r["power_mw"]["p95"] for r in rush)


@pypsa_is_loud
def test_the_risk_of_a_network_is_that_of_its_units(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("pypsa")
    system = random_system(2, zones=1, units=6, hours=8736, reservoirs=0, stores=0)
    to_pypsa(system).export_to_netcdf(tmp_path / "n.nc")
    from gridrush.adequacy.assess import assess

    found = answer(capsys, "assess", str(tmp_path / "n.nc"), "--method", "exact")
    assert found["LOLE_h"]["mean"] == pytest.approx(assess(system, method="exact")["LOLE_h"].mean, rel=1e-6)
    assert found["LOLE_h"]["mean"] > 0
    assert run(["assess", str(tmp_path / "n.nc"), "--years", "2021", "--json"]) == 2


@pypsa_is_loud
def test_a_network_is_planned_by_hand_arithmetic(network: str, tmp_path: Path, capsys: Captured) -> None:
    found = answer(capsys, "plan", network, "--out", str(tmp_path / "plan.nc"))
    assert [(b["candidate"], b["built_mw"]) for b in found["builds"]] == [("gas", pytest.approx(30.0))]
    assert found["cost_usd"] == pytest.approx(30 * 100 + 24 * (70 * 10 + 30 * 50) + 24 * 60 * 10)
    assert found["lower_bound_usd"] <= found["cost_usd"] * (1 + 1e-9)
    assert found["gap"] <= 1e-3
    assert answer(capsys, "dispatch", str(tmp_path / "plan.nc"))["unserved_mwh"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("arguments", [
    ["dispatch", "CASE", "--year", "2050"],
    ["dispatch", "CASE", "--week", "60"],
    ["dispatch", "CASE", "--engine", "quick"],
    ["dispatch", "CASE", "--without", "nothing"],
    ["dispatch", "CASE", "--zones", "3"],
    ["dispatch", "nowhere.nc"],
    ["contingency", "CASE", "--at", "noon"],
    ["headroom"],
    ["headroom", "CASE", "--zone", "Nowhere"],
    ["headroom", "CASE", "--curtailable-share", "some"],
    ["rush", "CASE", "--to", "2019-01"],
    ["plan", "CASE", "--from", "2024", "--to", "2022"],
    ["plan", "CASE", "--exclude", "nothing"],
    ["plan", "CASE", "--out", "plan.doc"],
    ["plan", "CASE", "--lole", "-1"],
])  # fmt: skip
def test_what_cannot_be_meant_leaves_with_2_and_a_problem(arguments: list[str], case: str, capsys: Captured) -> None:
    assert run([case if a == "CASE" else a for a in arguments] + ["--json"]) == 2
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert problems
    assert all(p["where"] and p["wanted"] for p in problems)


@pypsa_is_loud
def test_a_file_that_is_no_network_leaves_with_2(tmp_path: Path, capsys: Captured) -> None:
    pytest.importorskip("pypsa")
    (tmp_path / "n.nc").write_text("junk")
    assert run(["dispatch", str(tmp_path / "n.nc"), "--json"]) == 2
    assert "PyPSA network" in json.loads(capsys.readouterr().out)["problems"][0]["wanted"]


def test_a_plan_that_cannot_be_leaves_with_3(case: str, capsys: Captured) -> None:
    assert run(["plan", case, "--from", "2022", "--to", "2022", "--force", "gas-new"]) == 3
    assert "gas-new" in capsys.readouterr().err


def test_the_page_says_what_to_install_when_its_extra_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    for name in [m for m in sys.modules if m.startswith("gridrush.web")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "orjson", None)
    assert run(["web", "--no-browser"]) == 4
    assert "pip install 'gridrush[web]'" in capsys.readouterr().err


def test_a_dated_event_takes_no_hours_of_others(case: str, capsys: Captured) -> None:
    assert run(["contingency", case, "--event", "x", "--year", "2021", "--together", "2", "--hours", "20"]) == 2
    said = capsys.readouterr().err
    assert "--year" in said
    assert "--together" in said
    assert "--hours" not in said


def test_zones_are_gathered_only_where_buses_have_places(network: str, capsys: Captured) -> None:
    for zones, found in (("2", "1 places"), ("0", "1 or more"), ("-3", "1 or more")):
        assert run(["dispatch", network, f"--zones={zones}"]) == 2
        assert found in capsys.readouterr().err


def test_commit_tells_the_reserve_that_is_lacking_and_cuts_no_load_for_it(network: str, capsys: Captured) -> None:
    plain = answer(capsys, "commit", network)
    short = answer(capsys, "commit", network, "--reserve", "1e6")
    assert short["unserved_mwh"] == plain["unserved_mwh"]
    assert plain["reserve_lacking_mwh"] == 0
    assert 47 * 1e6 < short["reserve_lacking_mwh"] < 48 * 1e6
    assert short["cost_usd"] - short["reserve_lacking_cost_usd"] == pytest.approx(plain["cost_usd"], rel=1e-3)
    assert not any("unit commitment" in line for line in plain["dropped"])


def test_relief_that_no_zone_alone_can_give_is_said_to_be_out_of_reach(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "units.csv").write_text("unit,mw,mttf_h,mttr_h,zone\nu,100,90,10,a\nv,100,90,10,b\n")
    (tmp_path / "load.csv").write_text("hour,a_mw,b_mw\n" + "".join(f"{h},10,100\n" for h in range(48)))
    given = ["--units", str(tmp_path / "units.csv"), "--load", str(tmp_path / "load.csv"), "--method", "exact"]
    assert run(["headroom", *given, "--target-lole", "0.1"]) == 0
    said = capsys.readouterr().out
    assert "-inf" in said
    assert "No relief in a" in said
    assert run(["headroom", *given, "--method", "guess"]) == 2
    short = answer(capsys, "headroom", *given[:4], "--target-lole", "0.1", "--target-error", "0.5", "--samples", "200")
    assert short["headroom"][0]["load_mw"]["mean"] is None


@pytest.mark.parametrize(
    ("columns", "said"), [("mtff_h,mttr_h", "mttf_h, or a name"), ("other,more", "No unit can fail")]
)
def test_units_that_cannot_fail_are_told(columns: str, said: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "units.csv").write_text(f"unit,mw,{columns}\nu,100,90,10\n")
    (tmp_path / "load.csv").write_text("load_mw\n" + "50\n" * 24)
    code = run(["assess", "--units", str(tmp_path / "units.csv"), "--load", str(tmp_path / "load.csv")])
    assert code == (2 if "mtff" in columns else 0)
    assert said in capsys.readouterr().err


def test_a_folder_that_is_replaced_keeps_what_others_put_there(tmp_path: Path) -> None:
    for text in ("one", "two"):
        with whole_folder(tmp_path / "out", {}) as new:
            (new / "ours.txt").write_text(text)
            if text == "one":
                (new / "gone.txt").write_text(text)
        (tmp_path / "out" / "notes").mkdir(exist_ok=True)
        (tmp_path / "out" / "notes" / "mine.txt").write_text("mine")
    with whole_folder(tmp_path / "out", {}) as new:
        (new / "ours.txt").write_text("three")
    assert (tmp_path / "out" / "notes" / "mine.txt").read_text() == "mine"
    assert (tmp_path / "out" / "ours.txt").read_text() == "three"
    assert not (tmp_path / "out" / "gone.txt").exists()
