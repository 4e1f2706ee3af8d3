"""PyPSA networks in every file format, with investment periods and with snapshots of several hours."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import gridrush as gr
from gridrush.errors import CaseError
from gridrush.grid.dispatch import dispatch
from gridrush.grid.pypsa import from_pypsa
from gridrush.study.network_opened import open_with_places

pypsa = pytest.importorskip("pypsa")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def three_hourly() -> object:
    """Two buses over three days in steps of three hours, with a store."""
    n = pypsa.Network(snapshots=pd.date_range("2021-01-01", periods=24, freq="3h"))
    n.snapshot_weightings.loc[:, :] = 3.0
    n.add("Carrier", ["coal", "gas"], co2_emissions=[0.34, 0.2])
    n.add("Bus", ["a", "b"])
    n.add("Generator", "coal", bus="a", carrier="coal", p_nom=200, marginal_cost=20, efficiency=0.4)
    n.add("Generator", "gas", bus="b", carrier="gas", p_nom=200, marginal_cost=60)
    n.add("Load", "town", bus="b", p_set=150 + 80 * np.sin(np.arange(24)))
    n.add("Line", "ab", bus0="a", bus1="b", s_nom=100, x=0.1)
    n.add("StorageUnit", "water", bus="b", p_nom=30, max_hours=6, efficiency_store=0.9, efficiency_dispatch=0.9)
    return n


def two_periods() -> object:
    """A plant that closes between two investment periods and one that opens."""
    n = pypsa.Network(snapshots=range(12))
    n.investment_periods = [2030, 2040]
    n.investment_period_weightings["objective"] = [1.0, 1.0]
    n.add("Bus", ["a", "b"])
    n.add("Generator", "old", bus="a", p_nom=100, marginal_cost=30, build_year=2000, lifetime=35)
    n.add("Generator", "new", bus="a", p_nom=120, marginal_cost=10, build_year=2035, lifetime=40)
    n.add("Generator", "dear", bus="b", p_nom=400, marginal_cost=90)
    n.add("Line", "ab", bus0="a", bus1="b", s_nom=70, x=0.1, build_year=2000, lifetime=100)
    n.add("Load", "town", bus="b", p_set=pd.Series(100.0 + 10 * np.arange(24), n.snapshots))
    return n


def written(n: object, how: str, folder: Path) -> Path:
    path = folder / {"netcdf": "n.nc", "hdf5": "n.h5", "csv_folder": "n"}[how]
    if how == "hdf5":
        pytest.importorskip("tables")
    getattr(n, f"export_to_{how}")(path)
    return path


@pytest.mark.parametrize("how", ["netcdf", "hdf5", "csv_folder"])
def test_snapshots_of_three_hours_cost_what_pypsa_finds(how: str, tmp_path: Path) -> None:
    n = three_hourly()
    path = written(n, how, tmp_path)
    assert n.optimize(solver_name="highs", log_to_console=False)[0] == "ok"
    system, dropped = from_pypsa(path)
    assert system.time.size == 72
    assert not any("weightings" in line for line in dropped)
    assert dispatch(system, engine="lp").cost_usd == pytest.approx(n.objective, rel=1e-9)
    assert system.units.co2_t_per_mwh.tolist() == pytest.approx([0.34 / 0.4, 0.2])


def test_weightings_that_are_no_hours_are_said_to_be_dropped() -> None:
    n = three_hourly()
    n.snapshot_weightings["objective"] = 2.5
    system, dropped = from_pypsa(n)
    assert system.time.size == 24
    assert any("weightings" in line for line in dropped)


@pytest.mark.parametrize("how", ["netcdf", "hdf5", "csv_folder"])
def test_investment_periods_are_read_together_or_one_by_one(how: str, tmp_path: Path) -> None:
    n = two_periods()
    path = written(n, how, tmp_path)
    assert n.optimize(solver_name="highs", multi_investment_periods=True, log_to_console=False)[0] == "ok"
    both, dropped = from_pypsa(path)
    assert dispatch(both).cost_usd == pytest.approx(n.objective, rel=1e-9)
    assert any("laid end to end" in line for line in dropped)
    each = {period: from_pypsa(path, period=period)[0] for period in (2030, 2040)}
    assert {p: s.units.name for p, s in each.items()} == {2030: ("old", "dear"), 2040: ("new", "dear")}
    assert sum(dispatch(s).cost_usd for s in each.values()) == pytest.approx(n.objective, rel=1e-9)
    with pytest.raises(CaseError, match="2035"):
        from_pypsa(path, period=2035)


def test_a_period_of_a_network_without_any_is_refused() -> None:
    with pytest.raises(CaseError, match="investment period"):
        from_pypsa(three_hourly(), period=2030)


def test_a_line_and_a_transformer_may_share_a_name() -> None:
    n = three_hourly()
    n.add("Transformer", "ab", bus0="a", bus1="b", s_nom=20, x=0.1)
    n.add("Store", "water", bus="b", e_nom=10)
    system, _ = from_pypsa(n)
    assert system.links.name == ("ab", "ab (2)")
    assert system.storage.name == ("water", "water (2)")
    assert system.links.forward_mw.tolist() == [100.0, 20.0]


def test_extendable_parts_can_be_left_out() -> None:
    n = three_hourly()
    n.generators.loc["gas", "p_nom_extendable"] = True
    n.lines["s_nom_extendable"] = True
    system, dropped = from_pypsa(n, extendable=False)
    assert system.units.name == ("coal",)
    assert len(system.links) == 0
    assert not any("expansion" in line for line in dropped)


@pytest.mark.parametrize("name", ["n.nc", "n.h5", "n.xlsx", "folder"])
def test_what_is_no_network_is_refused_with_what_is_wanted(name: str, tmp_path: Path) -> None:
    if name == "n.h5":
        pytest.importorskip("tables")
    if name == "folder":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("junk")
    with pytest.raises(CaseError, match="a netCDF or HDF5 file or a CSV folder"):
        from_pypsa(tmp_path / name)


@pytest.mark.parametrize("how", ["netcdf", "hdf5", "csv_folder"])
def test_a_network_is_loaded_as_a_case_and_answers_the_same_questions(how: str, tmp_path: Path) -> None:
    n = three_hourly()
    path = written(n, how, tmp_path)
    assert n.optimize(solver_name="highs", log_to_console=False)[0] == "ok"
    case = gr.load_case(path)
    assert gr.dispatch(case, engine="lp").cost_usd == pytest.approx(n.objective, rel=1e-9)
    assert gr.dispatch(path, engine="lp").cost_usd == pytest.approx(n.objective, rel=1e-9)
    assert gr.assess(case, samples=20).metrics["LOLE_h"].mean == 0.0
    room = gr.headroom(case, target_lole_h=1.0, samples=50, zones=["a"])
    assert 170.0 <= room[0].load_mw.mean <= 200.0  # coal less what gas leaves of the town's peak
    back = case.to_pypsa()
    assert back.optimize(solver_name="highs", log_to_console=False)[0] == "ok"
    assert back.objective == pytest.approx(n.objective, rel=1e-8)
    with pytest.raises(gr.CaseError, match="neither scenarios nor years"):
        gr.dispatch(case, "as-it-was")


def test_a_network_with_something_to_build_is_planned_as_it_was_loaded(tmp_path: Path) -> None:
    n = three_hourly()
    n.add("Generator", "more", bus="b", p_nom_extendable=True, capital_cost=10.0, marginal_cost=1.0)
    case = gr.load_case(written(n, "netcdf", tmp_path))
    assert n.optimize(solver_name="highs", log_to_console=False)[0] == "ok"
    assert gr.plan(case).cost_usd == pytest.approx(n.objective, rel=2e-3)


@pytest.mark.parametrize("how", ["hdf5", "csv_folder"])
def test_series_of_other_snapshots_in_a_file_are_told_with_everything_else(how: str, tmp_path: Path) -> None:
    n = three_hourly()
    n.generators.loc["coal", "p_nom"] = -5.0
    n.generators.loc["gas", "bus"] = "nowhere"
    path = written(n, how, tmp_path)
    if how == "csv_folder":
        series = path / "loads-p_set.csv"
        series.write_text("\n".join(series.read_text().splitlines()[:11]) + "\n")
    else:
        with pd.HDFStore(path) as store:
            store.put("/loads_t/p_set", store["/loads_t/p_set"].iloc[:10], format="table")

    for read in (gr.load_case, lambda p: open_with_places(p).network):
        with pytest.raises(CaseError) as caught:
            read(path)

        told = str(caught.value)
        assert len(caught.value.problems) == 3
        for part in ("p_set", "found '10 rows', need 24 rows", "generators[coal].p_nom", "nowhere"):
            assert part in told
    assert list(path.parent.iterdir()) == [path]  # nothing left beside it


def test_a_network_in_memory_is_a_case_too() -> None:
    n = three_hourly()

    network = gr.load_case(n, zones={"a": "one", "b": "one"})

    assert network.zones == ("one",)
    assert network.path is None
    assert gr.dispatch(network).cost_usd <= gr.dispatch(gr.load_case(n)).cost_usd
