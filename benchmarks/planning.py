"""Expansion planning: seconds, certified gap and memory, beside PyPSA with HiGHS on the same problem.

    python benchmarks/planning.py                    # every size of gridrush, each in a process of its own
    python benchmarks/planning.py year --pypsa 500   # one year of hours in both; PyPSA stopped after 500 s

The system is made up, of the size and shape of Kazakhstan: three zones in a line, 44 units of different cost, wind,
sun, water by month and two stores; ten candidates of every kind.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np

from gridrush.case.system import Demand, Links, Reservoirs, Storage, System, Units
from gridrush.planning.least_cost import expand
from gridrush.planning.options import Candidate, Future, Stage, stage_weights

SIZES = {
    # hours, milestone years, whole units, futures, seconds and GiB that were asked for
    "year": (8760, [2030], False, 1, 25, None),
    "stages": (8760, [2025, 2030, 2035, 2040], True, 1, 60, 2),
    "fortnights": (336, [2030], False, 20, 10, None),
    "scenarios": (8760, [2030], False, 20, 240, 6),
}
GAP = 1e-3


def weather(T: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wind and sun by zone (3, T), and the load's daily noise (T,)."""
    r = np.random.default_rng(seed)
    hour, day = np.arange(T) % 24, np.arange(T) // 24
    anomaly, e = np.zeros((3, T)), r.normal(0, 1, (T, 3))
    for t in range(1, T):
        anomaly[:, t] = 0.97 * anomaly[:, t - 1] + 0.243 * e[t]
    wind = np.clip(0.35 + 0.22 * anomaly, 0, 1)
    height = np.clip(np.sin(np.pi * (hour - 6) / 12), 0, None) * (0.6 + 0.3 * np.cos(2 * np.pi * (day - 172) / 365))
    return (
        wind,
        np.clip(height * np.clip(1 + 0.2 * anomaly, 0.2, 1.2), 0, 1),
        np.repeat(r.normal(0, 0.02, T // 24 + 1), 24)[:T],
    )


def system(T: int, *, seed: int, growth: float) -> tuple[System, np.ndarray]:
    """The system of a weather year, and the availability of the candidates."""
    r = np.random.default_rng(0)
    wind, sun, noise = weather(T, seed)
    hour, day = np.arange(T) % 24, np.arange(T) // 24
    shape = 1 + 0.18 * np.cos(2 * np.pi * (day - 15) / 365) + 0.09 * np.sin(2 * np.pi * (hour - 13) / 24) + noise
    load = np.array([7440.0, 3360.0, 1520.0]) * growth * shape[:, None]
    profiles = np.vstack([np.ones(T), np.zeros(T), wind, sun, np.full(T, 0.85), np.full(T, 0.3)])
    rows: list[tuple[str, int, float, float, int, int, int]] = []
    for g in range(36):
        zone = (0, 0, 0, 0, 0, 1, 1, 1, 2, 2)[g % 10]
        coal = g % 10 in (0, 1, 2, 4, 7)
        cost = r.uniform(9, 22) if coal else r.uniform(24, 60)
        rows.append(("coal" if coal else "gas", zone, r.uniform(150, 520), cost, 8, 9 if g % 4 == 0 else 1, -1))
    scale = 10_800 / sum(x[2] for x in rows)
    rows = [(*x[:2], x[2] * scale, *x[3:]) for x in rows]
    for z in range(3):
        rows += [("wind", z, 600.0, 0.5, 2 + z, 1, -1), ("solar", z, 500.0, 0.2, 5 + z, 1, -1)]
    rows += [("hydro", 0, 1800.0, 1.0, 0, 1, 0), ("hydro", 1, 1000.0, 1.0, 0, 1, 1)]
    technology, zone, mw, cost, available, must, water = (list(x) for x in zip(*rows, strict=True))
    G = len(rows)
    co2 = np.array([{"coal": 1.0, "gas": 0.45}.get(str(t), 0.0) for t in technology])
    units = Units(
        tuple(f"unit {i}" for i in range(G)), tuple(technology), tuple(technology), np.array(zone), np.array(mw),
        np.array(cost), np.array(available), np.array(must), np.array(water), np.full(G, np.inf), np.ones(G),
        np.zeros(G),
        co2, np.ones(G),
    )  # fmt: skip
    demand = Demand(("north", "south", "west", "miners"), ("firm", "firm", "firm", "interruptible"), np.array([0, 1,
                    2, 0]),
                    np.column_stack([load, np.full(T, 600.0)]), np.array([3000.0, 3000.0, 3000.0, 150.0]))  # fmt: skip
    links = Links(("transit", "west"), np.zeros(2, np.int64), np.array([1, 2]), np.array([2100.0, 300.0]),
                  np.array([2100.0, 300.0]), np.zeros(2), np.zeros(2, np.int64), np.full(2, np.inf),
                  np.ones(2))  # fmt: skip
    stores = Storage(("south", "north"), np.array([1, 0]), np.array([300.0, 200.0]), np.array([300.0, 200.0]),
                     np.array([1200.0, 800.0]), np.full(2, 0.94), np.full(2, 0.94), np.full(2, 0.5))  # fmt: skip
    P = 12 if T >= 8760 else max(1, T // 168)
    period = np.minimum(np.arange(T) * P // T, P - 1)
    hours = np.bincount(period, minlength=P)
    start = np.datetime64("2030-01-01T00", "h") + np.arange(T)
    found = System(("North", "South", "West"), start, period, profiles, units, demand, links, stores,
                   Reservoirs(("north", "south"), np.vstack([756.0 * hours, 400.0 * hours])))  # fmt: skip
    share = np.ones((10, T))
    share[0], share[1], share[2], share[3:8] = wind[1], wind[0], sun[1], 0.9
    return found, share


def candidates(*, whole: bool) -> list[Candidate]:
    """Ten things to build."""
    return [
        Candidate("wind South", "wind", 1, capex_usd_per_mw_year=118e3, max_mw=6000),
        Candidate("wind North", "wind", 0, capex_usd_per_mw_year=115e3, max_mw=6000),
        Candidate("sun South", "solar", 1, capex_usd_per_mw_year=60e3, max_mw=6000),
        Candidate("ccgt South", "gas", 1, capex_usd_per_mw_year=95e3, cost_usd_per_mwh=42, co2_t_per_mwh=0.37),
        Candidate("ocgt West", "gas", 2, capex_usd_per_mw_year=55e3, cost_usd_per_mwh=65, co2_t_per_mwh=0.5),
        Candidate("ocgt North", "gas", 0, capex_usd_per_mw_year=60e3, cost_usd_per_mwh=75, co2_t_per_mwh=0.5),
        Candidate("coal North", "coal", 0, unit_mw=550 * whole, capex_usd_per_mw_year=230e3, cost_usd_per_mwh=14,
                  co2_t_per_mwh=0.9, max_mw=5500),
        Candidate("nuclear South", "nuclear", 1, unit_mw=1200 * whole, capex_usd_per_mw_year=330e3, cost_usd_per_mwh=9,
                  max_mw=4800, earliest_year=2035 if whole else 0),
        Candidate("battery South", "battery", 1, kind="storage", capex_usd_per_mw_year=75e3, storage_hours=4,
                  charge_efficiency=0.94, discharge_efficiency=0.94, max_mw=4000),
        Candidate("transit", "line", 0, zone_to=1, kind="link", capex_usd_per_mw_year=45e3, max_mw=3000),
    ]  # fmt: skip


def problem(size: str) -> tuple[list[Stage], list[Candidate]]:
    """Stages and candidates of a size; a rising carbon price brings reactors in late."""
    T, years, whole, futures, _, _ = SIZES[size]
    weights = stage_weights(years, 0.08) if len(years) > 1 else [1.0]
    stages = []
    for y, (year, weight) in enumerate(zip(years, weights, strict=True)):
        mine = []
        for k in range(futures):
            s, share = system(T, seed=k, growth=(1 + 0.12 * y) * (1 + 0.02 * (k % 5 - 2)))
            mine.append(Future(f"weather {k}", 1 / futures, s, share))
        stages.append(Stage(year, weight, mine, carbon_price_usd_per_t=15.0 * y))
    return stages, candidates(whole=whole)


def by_gridrush(size: str, threads: int) -> dict[str, object]:
    """One run of `expand`."""
    stages, options = problem(size)
    began, cpu = time.monotonic(), time.process_time()
    plan = expand(stages, options, gap=GAP, engine="cuts", threads=threads,
                  progress=lambda p: print(f"  {p.seconds:6.1f} s  {p.lower_usd:.6g} .. {p.upper_usd:.6g}  "
                                           f"{100 * p.gap_share:.3f}%  {p.what}", file=sys.stderr))  # fmt: skip
    seconds, busy = time.monotonic() - began, time.process_time() - cpu
    return {
        "tool": "gridrush", "size": size, "seconds": seconds, "cpu_seconds": busy, "gap": plan.gap,
        "cost_usd": plan.cost_usd,
        "lower_bound_usd": plan.lower_bound_usd, "violation_mw": plan.violation_mw,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "standing_mw": plan.standing_mw.round().tolist(),
    }  # fmt: skip


def by_pypsa(size: str, limit: float) -> dict[str, object]:
    """The same first stage and future in PyPSA, stopped after `limit` seconds of solving."""
    import logging
    import warnings

    import pypsa

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    (stage, *_), options = problem(size)
    f = stage.futures[0]
    s, T = f.system, f.system.time.size
    began = time.monotonic()
    n = pypsa.Network()
    n.set_snapshots(range(T))
    n.snapshot_weightings["objective"] = 8760.0 / T
    n.add("Bus", list(s.zones))
    for z in s.zones:
        n.add("Generator", f"spill {z}", bus=z, p_nom=1e5, p_min_pu=-1, p_max_pu=0)
    u, d = s.units, s.demand
    for g, name in enumerate(u.name):
        n.add("Generator", name, bus=s.zones[u.zone[g]], p_nom=u.capacity_mw[g], marginal_cost=u.cost_usd_per_mwh[g],
              p_max_pu=s.profiles[u.available[g]], p_min_pu=s.profiles[u.must_run[g]])  # fmt: skip
    for b, name in enumerate(d.name):
        top = d.load_mw[:, b].max()
        n.add("Load", f"load {name}", bus=s.zones[d.zone[b]], p_set=d.load_mw[:, b])
        n.add("Generator", f"cut {name}", bus=s.zones[d.zone[b]], p_nom=top, p_max_pu=d.load_mw[:, b] / top,
              marginal_cost=d.value_usd_per_mwh[b])  # fmt: skip
    for k, name in enumerate(s.links.name):
        n.add("Link", name, bus0=s.zones[s.links.source[k]], bus1=s.zones[s.links.target[k]],
              p_nom=s.links.forward_mw[k],
              p_min_pu=-1)  # fmt: skip
    for j, name in enumerate(s.storage.name):
        n.add("StorageUnit", f"store {name}", bus=s.zones[s.storage.zone[j]], p_nom=s.storage.charge_mw[j],
              max_hours=4,
              efficiency_store=0.94, efficiency_dispatch=0.94, cyclic_state_of_charge=True)  # fmt: skip
    for i, c in enumerate(options):
        if c.kind == "unit":
            n.add("Generator", c.name, bus=s.zones[c.zone], p_nom_extendable=True, p_nom_max=c.max_mw,
                  p_nom_mod=c.unit_mw,
                  capital_cost=c.annual_usd_per_mw, marginal_cost=c.cost_usd_per_mwh,
                  p_max_pu=f.available[i])  # fmt: skip
        elif c.kind == "link":
            n.add("Link", c.name, bus0=s.zones[c.zone], bus1=s.zones[c.zone_to], p_nom_extendable=True,
                  p_nom_max=c.max_mw,
                  p_min_pu=-1, capital_cost=c.annual_usd_per_mw)  # fmt: skip
        else:
            n.add("StorageUnit", c.name, bus=s.zones[c.zone], p_nom_extendable=True, p_nom_max=c.max_mw,
                  capital_cost=c.annual_usd_per_mw, max_hours=c.storage_hours, efficiency_store=c.charge_efficiency,
                  efficiency_dispatch=c.discharge_efficiency, cyclic_state_of_charge=True)  # fmt: skip

    def water(network: pypsa.Network, snapshots: object) -> None:
        p = network.model["Generator-p"]
        for g in np.flatnonzero(u.reservoir >= 0):
            for month in range(s.reservoirs.energy_mwh.shape[1]):
                hours = np.flatnonzero(s.period == month)
                network.model.add_constraints(
                    p.sel(name=u.name[g]).isel(snapshot=hours).sum() <= s.reservoirs.energy_mwh[u.reservoir[g], month],
                    name=f"water {g} {month}",
                )  # fmt: skip

    status, why = n.optimize(solver_name="highs", extra_functionality=water, time_limit=limit, mip_rel_gap=GAP,
                             output_flag=False, log_to_console=False)  # fmt: skip
    return {
        "tool": "PyPSA + HiGHS", "size": size, "seconds": time.monotonic() - began, "status": f"{status}: {why}",
        "cost_usd": float(n.objective) if why == "optimal" else None,
        "gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }  # fmt: skip


def main() -> None:
    """Run the sizes asked for, each in a fresh process, and print one line of JSON per run."""
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("sizes", nargs="*", help=", ".join(SIZES))
    p.add_argument("--pypsa", type=float, default=0.0, help="also run PyPSA, stopped after this many seconds")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--here", choices=["gridrush", "pypsa"], help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.here:
        print(
            json.dumps(by_gridrush(a.sizes[0], a.threads) if a.here == "gridrush" else by_pypsa(a.sizes[0], a.pypsa))
        )
        return
    for size in a.sizes or SIZES:
        for tool in ["gridrush"] + ["pypsa"] * (a.pypsa > 0):
            command = [
                sys.executable,
                __file__,
                size,
                "--here",
                tool,
                "--threads",
                str(a.threads),
                "--pypsa",
                str(a.pypsa),
            ]
            print(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip(), flush=True)


if __name__ == "__main__":
    main()
