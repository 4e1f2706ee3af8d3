"""Plans against PyPSA: the same random expansion problems, written independently and solved by HiGHS as one program."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from gridrush.case.system import Demand, Links, Reservoirs, Storage, System, Units
from gridrush.planning.least_cost import expand
from gridrush.planning.options import Candidate, Future, Stage

pypsa = pytest.importorskip("pypsa")
pytestmark = pytest.mark.filterwarnings("ignore")  # PyPSA's own

T, ZONES = 48, ("A", "B", "C")
WEIGHT = 8760.0 / T


def problem(seed: int, *, integer: bool, loop: bool = False) -> tuple[Stage, list[Candidate]]:
    """Three zones, six units, water, a store, lossy and lossless links; seven candidates of every kind."""
    r = np.random.default_rng(seed)
    hour = np.arange(T)
    wind = np.clip(0.4 + 0.3 * np.sin(hour / 7.0 + r.uniform(0, 6)) + r.normal(0, 0.1, T), 0, 1)
    sun = np.clip(np.sin(np.pi * (hour % 24 - 6) / 12), 0, 1)
    profiles = np.vstack([np.ones(T), np.zeros(T), wind, sun, np.full(T, 0.9), np.full(T, 0.25)])
    zone = np.array([0, 0, 1, 1, 2, 0], np.int64)
    units = Units(
        name=("coal", "coal 2", "gas", "wind B", "gas C", "hydro"), technology=("t",) * 6,
        fuel=("coal", "coal", "gas", "wind", "import", "hydro"), zone=zone, capacity_mw=r.uniform(80, 200, 6),
        cost_usd_per_mwh=np.array([12, 14, 40, 0, 60, 1]) + r.uniform(0, 5, 6),
        available=np.array([4, 4, 4, 2, 0, 0]), must_run=np.array([5, 1, 1, 1, 1, 1]),
        reservoir=np.array([-1, -1, -1, -1, -1, 0]), mttf_h=np.array([900.0, np.inf, np.inf, np.inf, np.inf, np.inf]),
        mttr_h=np.full(6, 100.0), maintenance_h=np.zeros(6), co2_t_per_mwh=np.array([1.0, 1.0, 0.5, 0, 0, 0]),
        ramp_share_per_h=np.ones(6),
    )  # fmt: skip
    load = np.column_stack([base * (1 + 0.25 * np.sin(2 * np.pi * (hour - 9 - k) / 24)) + r.uniform(0, 15, T)
                            for k, base in enumerate((240, 200, 120))])  # fmt: skip
    demand = Demand(
        ("A", "B", "C", "miners"), ("firm", "firm", "firm", "interruptible"), np.array([0, 1, 2, 1]),
        np.column_stack([load, np.full(T, 60.0)]), np.array([2000.0, 2000.0, 2000.0, 90.0]),
    )  # fmt: skip
    ends = [(0, 1), (1, 2)] + ([(0, 2)] if loop else [])
    L = len(ends)
    links = Links(
        tuple(f"l{i}" for i in range(L)), np.array([e[0] for e in ends]), np.array([e[1] for e in ends]),
        r.uniform(30, 90, L), r.uniform(30, 90, L), np.array([0.0, 0.04, 0.02][:L]), np.zeros(L, np.int64),
        np.full(L, np.inf), np.ones(L),
    )  # fmt: skip
    store = Storage(("s",), np.array([0]), np.array([40.0]), np.array([30.0]), np.array([120.0]), np.array([0.92]),
                    np.array([0.95]), np.array([0.4]))  # fmt: skip
    water = Reservoirs(("w",), np.array([[0.5 * units.capacity_mw[5] * T]]))
    time = np.datetime64("2030-01-01T00", "h") + np.arange(T)
    system = System(ZONES, time, np.zeros(T, np.int64), profiles, units, demand, links, store, water)
    size = 100.0 if integer else 0.0
    candidates = [
        Candidate("nuclear", "nuclear", 1, unit_mw=size, capex_usd_per_mw_year=r.uniform(250e3, 350e3),
                  cost_usd_per_mwh=9, max_mw=400),
        Candidate("ccgt", "gas", 2, unit_mw=size / 2, capex_usd_per_mw_year=90e3, cost_usd_per_mwh=38,
                  co2_t_per_mwh=0.37, mttf_h=900, mttr_h=100),
        Candidate("coal new", "coal", 0, capex_usd_per_mw_year=150e3, fixed_usd_per_mw_year=30e3, cost_usd_per_mwh=12,
                  co2_t_per_mwh=0.9, max_mw=300, must_run_share=0.3),
        Candidate("wind", "wind", 1, capex_usd_per_mw_year=r.uniform(90e3, 130e3), max_mw=500),
        Candidate("sun", "solar", 2, capex_usd_per_mw_year=55e3, max_mw=500),
        Candidate("battery", "battery", 2, kind="storage", storage_hours=4, capex_usd_per_mw_year=60e3,
                  charge_efficiency=0.95, discharge_efficiency=0.93),
        Candidate("line", "line", 0, zone_to=1, kind="link", capex_usd_per_mw_year=40e3, max_mw=200),
    ]  # fmt: skip
    available = np.ones((len(candidates), T))
    available[0], available[1], available[3], available[4] = 0.9, 0.95, wind, sun
    cap = np.inf if seed % 2 else 1.4e6
    stage = Stage(2030, 1.0, [Future("f", 1.0, system, available)], carbon_price_usd_per_t=10.0, carbon_cap_t=cap)
    return stage, candidates


def by_pypsa(stage: Stage, candidates: list[Candidate]) -> float:
    """Least cost of the same problem, built the way a PyPSA user would."""
    f = stage.futures[0]
    s, price = f.system, stage.carbon_price_usd_per_t
    n = pypsa.Network()
    n.set_snapshots(range(T))
    n.snapshot_weightings["objective"] = WEIGHT
    n.snapshot_weightings["generators"] = WEIGHT
    n.snapshot_weightings["stores"] = 1.0
    n.add("Bus", list(s.zones))
    for z in s.zones:
        n.add("Generator", f"spill {z}", bus=z, p_nom=1e5, p_min_pu=-1, p_max_pu=0)
    u = s.units
    expected = u.capacity_mw * (1 - u.forced_outage_share)
    for g, name in enumerate(u.name):
        n.add("Carrier", name, co2_emissions=u.co2_t_per_mwh[g])
        water = s.reservoirs.energy_mwh[0, 0] * WEIGHT if u.reservoir[g] >= 0 else np.inf
        n.add("Generator", name, bus=s.zones[u.zone[g]], carrier=name, p_nom=expected[g], e_sum_max=water,
              marginal_cost=u.cost_usd_per_mwh[g] + price * u.co2_t_per_mwh[g],
              p_max_pu=s.profiles[u.available[g]], p_min_pu=s.profiles[u.must_run[g]])  # fmt: skip
    d = s.demand
    for b, name in enumerate(d.name):
        n.add("Load", f"load {name}", bus=s.zones[d.zone[b]], p_set=d.load_mw[:, b])
        top = d.load_mw[:, b].max()
        n.add("Generator", f"cut {name}", bus=s.zones[d.zone[b]], p_nom=top, p_max_pu=d.load_mw[:, b] / top,
              marginal_cost=d.value_usd_per_mwh[b])  # fmt: skip
    k = s.links
    for i, name in enumerate(k.name):
        a, b, keep = s.zones[k.source[i]], s.zones[k.target[i]], 1 - k.loss_share[i]
        n.add("Link", f"{name} out", bus0=a, bus1=b, p_nom=k.forward_mw[i], efficiency=keep)
        n.add("Link", f"{name} back", bus0=b, bus1=a, p_nom=k.backward_mw[i], efficiency=keep)
    j = s.storage
    floor = np.zeros(T)
    floor[-1] = j.initial_share[0]
    n.add("Bus", "store")
    n.add("Store", "s", bus="store", e_nom=j.energy_mwh[0], e_initial=j.initial_share[0] * j.energy_mwh[0],
          e_min_pu=floor, e_max_pu=np.where(floor > 0, floor, 1.0))  # fmt: skip
    zone = s.zones[j.zone[0]]
    n.add("Link", "s in", bus0=zone, bus1="store", p_nom=j.charge_mw[0], efficiency=j.charge_efficiency[0])
    n.add("Link", "s out", bus0="store", bus1=zone, p_nom=j.discharge_mw[0] / j.discharge_efficiency[0],
          efficiency=j.discharge_efficiency[0])  # fmt: skip
    for i, c in enumerate(candidates):
        annual, up = c.annual_usd_per_mw, 1 - c.forced_outage_share
        if c.kind == "unit":
            n.add("Carrier", c.name, co2_emissions=c.co2_t_per_mwh)
            n.add("Generator", c.name, bus=s.zones[c.zone], carrier=c.name, p_nom_extendable=True, p_nom_max=c.max_mw,
                  p_nom_mod=c.unit_mw, capital_cost=annual, marginal_cost=c.cost_usd_per_mwh + price * c.co2_t_per_mwh,
                  p_max_pu=f.available[i] * up, p_min_pu=f.available[i] * up * c.must_run_share)  # fmt: skip
        elif c.kind == "link":
            for way, (a, b) in enumerate(((c.zone, c.zone_to), (c.zone_to, c.zone))):
                n.add("Link", f"{c.name} {way}", bus0=s.zones[a], bus1=s.zones[b], p_nom_extendable=True,
                      p_nom_max=c.max_mw, capital_cost=annual / 2)  # fmt: skip
        else:
            n.add("Bus", "battery")
            n.add("Store", "battery", bus="battery", e_nom_extendable=True, e_cyclic=True)
            n.add("Link", "battery in", bus0=s.zones[c.zone], bus1="battery", p_nom_extendable=True,
                  capital_cost=annual, efficiency=c.charge_efficiency)  # fmt: skip
            n.add("Link", "battery out", bus0="battery", bus1=s.zones[c.zone], p_nom_extendable=True,
                  efficiency=c.discharge_efficiency)  # fmt: skip
    if np.isfinite(stage.carbon_cap_t):
        n.add("GlobalConstraint", "co2", type="primary_energy", carrier_attribute="co2_emissions", sense="<=",
              constant=stage.carbon_cap_t)  # fmt: skip

    def tie(network: object, snapshots: object) -> None:
        m = n.model
        p, e = m["Link-p_nom"], m["Store-e_nom"]
        battery = candidates[5]
        m.add_constraints(p.loc["line 0"] - p.loc["line 1"] == 0, name="one line")
        m.add_constraints(p.loc["battery in"] - battery.discharge_efficiency * p.loc["battery out"] == 0, name="power")
        m.add_constraints(e.loc["battery"] - battery.storage_hours * p.loc["battery in"] == 0, name="hours")
        last = m["Store-e"].loc[T - 1, "battery"]
        m.add_constraints(last - 0.5 * e.loc["battery"] == 0, name="half full")

    logging.disable(logging.CRITICAL)
    try:
        status, _ = n.optimize(
            solver_name="highs", extra_functionality=tie, mip_rel_gap=1e-7, output_flag=False, log_to_console=False
        )
    finally:
        logging.disable(logging.NOTSET)
    assert status == "ok"
    return float(n.objective)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("integer", [False, True])
def test_one_program_and_cutting_planes_cost_what_pypsa_finds(seed: int, integer: bool) -> None:
    stage, candidates = problem(seed, integer=integer)
    truth = by_pypsa(stage, candidates)
    whole = expand([stage], candidates, engine="whole", gap=1e-7)
    assert whole.cost_usd == pytest.approx(truth, rel=2e-6)
    cuts = expand([stage], candidates, engine="cuts", gap=1e-3, threads=1)
    assert cuts.gap <= 1e-3
    assert cuts.lower_bound_usd <= truth * (1 + 1e-7)
    assert truth * (1 - 1e-7) <= cuts.cost_usd <= truth * (1 + 1.01e-3)
    assert max(whole.violation_mw, cuts.violation_mw) < 1e-3


def test_a_network_with_a_loop_costs_what_pypsa_finds() -> None:
    stage, candidates = problem(3, integer=True, loop=True)
    truth = by_pypsa(stage, candidates)
    cuts = expand([stage], candidates, engine="cuts", gap=1e-3, threads=1)
    assert cuts.lower_bound_usd <= truth * (1 + 1e-7)
    assert truth * (1 - 1e-7) <= cuts.cost_usd <= truth * (1 + 1.01e-3)
    assert cuts.violation_mw < 1e-2
