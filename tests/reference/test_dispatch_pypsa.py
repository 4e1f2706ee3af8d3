"""PyPSA as a witness: what it builds loads, what we write it solves to our cost."""

import logging

import numpy as np
import pandas as pd
import pytest

from gridrush.errors import CaseError
from gridrush.grid.commitment import commit, commitment_terms
from gridrush.grid.dispatch import dispatch
from gridrush.grid.pypsa import from_pypsa, to_pypsa
from gridrush.grid.synthetic import random_system

pypsa = pytest.importorskip("pypsa")
pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning"), pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def solve(n):
    status = n.optimize(solver_name="highs", log_to_console=False)
    assert status == ("ok", "optimal")
    return float(n.objective)


def network(hours=24):
    """Three buses in a row, as PyPSA users write them."""
    n = pypsa.Network(snapshots=pd.date_range("2021-01-01", periods=hours, freq="h"))
    n.add("Bus", ["a", "b", "c"], x=[0.0, 0.1, 5.0], y=[0.0, 0.0, 0.0])
    wave = pd.Series(np.sin(np.arange(hours) / 24 * 2 * np.pi), n.snapshots)
    n.add("Generator", "coal", bus="a", p_nom=300, marginal_cost=20, ramp_limit_up=0.5)
    n.add("Generator", "wind", bus="b", p_nom=200, p_max_pu=0.5 + 0.4 * wave)
    n.add("Generator", "gas", bus="c", p_nom=300, marginal_cost=60)
    n.add("Load", "town", bus="b", p_set=150 + 50 * wave)
    n.add("Load", "city", bus="c", p_set=200 - 40 * wave)
    n.add("Line", "ab", bus0="a", bus1="b", s_nom=120, x=0.1)
    n.add("Link", "bc", bus0="b", bus1="c", p_nom=130, p_min_pu=-1)
    n.generators["ramp_limit_up"] = np.nan
    return n


@pytest.mark.parametrize("seed", range(4))
def test_pypsa_solves_what_we_write_to_our_cost_and_reads_back_the_same(seed, tmp_path):
    s = random_system(seed, zones=4, units=14, hours=48, meshed=bool(seed % 2), lossy=seed > 1, stores=seed // 2,
                      reservoirs=seed % 3)
    ours = dispatch(s, engine="lp").cost_usd
    n = to_pypsa(s)
    assert solve(n) == pytest.approx(ours, rel=1e-8)
    n.export_to_netcdf(str(tmp_path / "n.nc"))
    back, dropped = from_pypsa(tmp_path / "n.nc")
    assert dropped == []
    assert dispatch(back, engine="lp").cost_usd == pytest.approx(ours, rel=1e-9)
    assert back.demand.kind == s.demand.kind
    assert set(back.units.name) == set(s.units.name)


def test_a_radial_network_of_pypsa_costs_the_same_here(tmp_path):
    n = network()
    theirs = solve(n)
    n.export_to_csv_folder(str(tmp_path / "folder"))
    for source in (n, tmp_path / "folder"):
        s, dropped = from_pypsa(source)
        d = dispatch(s)
        assert d.cost_usd == pytest.approx(theirs, rel=1e-9)
        assert d.unserved_mwh == pytest.approx(0.0, abs=1e-6)
        assert any("Kirchhoff" in x for x in dropped)


def test_buses_gather_into_zones_by_name_column_or_distance():
    n = network()
    n.buses["region"] = ["west", "west", "east"]
    for zones in ({"a": "west", "b": "west", "c": "east"}, "region", 2):
        s, _ = from_pypsa(n, zones=zones)
        assert len(s.zones) == 2
        assert s.links.name == ("bc",)


def test_a_broken_network_gives_every_problem_at_once():
    n = network()
    n.generators.loc["coal", "bus"] = "nowhere"
    n.lines.loc["ab", "s_nom"] = -5.0
    n.loads_t.p_set.loc[n.snapshots[3], "town"] = np.nan
    n.generators_t.p_max_pu = n.generators_t.p_max_pu.iloc[:10]
    n.add("StorageUnit", "battery", bus=n.buses.index[0], p_nom=10, max_hours=2, efficiency_store=1.5)
    with pytest.raises(CaseError) as caught:
        from_pypsa(n)
    text = str(caught.value)
    for part in ("nowhere", "lines[ab].s_nom", "town", "wind", "storage_units[battery].efficiency_store"):
        assert part in text
    assert len(caught.value.problems) == 5


def test_a_missing_file_is_said_to_be_missing(tmp_path):
    with pytest.raises(CaseError, match="nothing"):
        from_pypsa(tmp_path / "none.nc")


def committable(hours: int = 48) -> object:
    """Two buses; coal loads at least half and is dear to start, gas a third, peaks are free to come and go."""
    n = pypsa.Network(snapshots=pd.date_range("2021-01-01", periods=hours, freq="h"))
    n.add("Bus", ["a", "b"])
    wave = pd.Series(220.0 + 130.0 * np.sin(np.arange(hours) / 24 * 2 * np.pi), n.snapshots)
    n.add("Load", ["town", "village"], bus=["a", "b"], p_set=0.0)
    n.loads_t.p_set = pd.DataFrame({"town": 0.7 * wave, "village": 0.3 * wave})
    n.add("Generator", "coal", bus="a", p_nom=200, marginal_cost=20, committable=True, p_min_pu=0.5, start_up_cost=9000)
    n.add("Generator", "gas", bus="b", p_nom=120, marginal_cost=45, committable=True, p_min_pu=0.33, start_up_cost=1500)
    n.add("Generator", "peak", bus="a", p_nom=200, marginal_cost=140)
    n.add("Generator", ["spill a", "spill b"], bus=["a", "b"], p_nom=500, p_max_pu=0.0, p_min_pu=-1.0)
    n.add("Link", "ab", bus0="a", bus1="b", p_nom=60, p_min_pu=-1)
    return n


TIMES = (
    {"min_up_time": 16},
    {"min_down_time": 14},
    {"min_up_time": 15, "min_down_time": 12, "shut_down_cost": 4000.0},
    {"min_up_time": 17, "up_time_before": 3},
    {"min_down_time": 9, "up_time_before": 0, "down_time_before": 4, "shut_down_cost": 500.0},
    {"min_up_time": 5, "min_down_time": 30, "up_time_before": 0},
)


@pytest.mark.parametrize("times", TIMES)
def test_least_times_on_and_off_cost_what_pypsa_finds(times):
    def made():
        n = committable()
        n.add("Generator", ["lack a", "lack b"], bus=["a", "b"], p_nom=500, marginal_cost=3000)
        for name, value in times.items():
            n.generators.loc[["coal", "gas"], name] = value
        return n

    n, fresh = made(), made()
    theirs, free = solve(n), solve(committable())
    s, _ = from_pypsa(fresh)
    ours = commit(s, commitment_terms(fresh, s), gap_share=1e-9)
    assert ours.cost_usd == pytest.approx(theirs, rel=1e-7)
    assert ours.cost_usd > free * (1 + 1e-6)  # else the times bound nothing
    for g, name in enumerate(("coal", "gas")):
        on, least = ours.on[:, g] > 0.5, int(n.generators.loc[name, "min_up_time"])
        starts = np.flatnonzero(~on[:-1] & on[1:]) + 1
        assert all(on[t : t + least].all() for t in starts)


def test_units_that_are_on_or_off_cost_what_pypsa_finds(tmp_path):
    n = committable()
    n.optimize(solver_name="highs", log_to_console=False)
    theirs = float(n.objective)
    fresh = committable()
    s, _ = from_pypsa(fresh)
    bound = commitment_terms(fresh, s)

    whole = commit(s, bound, gap_share=1e-9)

    least = dict(zip(s.units.name, bound.least_load_share, strict=True))
    assert least == pytest.approx({"coal": 0.5, "gas": 0.33, "peak": 0.0})
    assert whole.cost_usd == pytest.approx(theirs, rel=1e-7)
    assert whole.start_cost_usd > 0
    assert whole.cost_usd > 1.001 * dispatch(s).cost_usd  # else nothing was tried
    np.testing.assert_allclose(
        whole.on[:, :2], n.generators_t.status[["coal", "gas"]].to_numpy(), atol=1e-6
    )
    told: list[float] = []
    relaxed = commit(s, bound, integer=False, progress=lambda share, _: told.append(share))
    assert relaxed.cost_usd <= whole.cost_usd
    assert told == [1.0]
