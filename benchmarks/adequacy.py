"""gridrush beside assetra on the IEEE Reliability Test Systems: speed, memory and risk, in one run.

    python benchmarks/adequacy.py [--samples 20000] [--peer-samples 100] [--peer-python PATH] [--no-case]

Every engine runs in its own process. assetra (PyPI) is looked for in this interpreter, or in the one named by
--peer-python; without it the gridrush rows are printed alone. Times are CPU seconds with the kernels warm. The last
rows are the Kazakhstan case with every feature on (its simulation before takes half a minute), and a rare risk to 5%.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve()
REFERENCE = HERE.parents[1] / "tests" / "reference" / "test_adequacy_rts.py"


def main() -> None:
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--samples", type=int, default=20_000)
    args.add_argument("--peer-samples", type=int, default=100)
    args.add_argument("--peer-python", default=sys.executable)
    args.add_argument("--no-case", action="store_true")
    args.add_argument("--worker", choices=["gridrush", "assetra", "case", "rare"], help=argparse.SUPPRESS)
    args.add_argument("--file", help=argparse.SUPPRESS)
    args.add_argument("--target-error", type=float, help=argparse.SUPPRESS)
    a = args.parse_args()
    if a.worker:
        workers = {"gridrush": gridrush_worker, "assetra": assetra_worker, "case": case_worker, "rare": rare_worker}
        print(json.dumps(workers[a.worker](a.file, a.samples, a.target_error)))
        return
    has_peer = subprocess.run([a.peer_python, "-c", "import assetra"], capture_output=True, check=False).returncode == 0
    if not has_peer:
        print(
            f"assetra is not installed in {Path(a.peer_python).name}: gridrush alone (pip install assetra to compare)"
        )
    with tempfile.TemporaryDirectory() as folder:
        files = write_systems(Path(folder))
        print(f"{'system':24}{'engine':22}{'samples/s':>12}{'MB':>8}{'LOLE h':>20}{'EUE MWh':>20}{'ratio':>9}")
        for name, (file, single) in files.items():
            ours = run(sys.executable, "gridrush", file, a.samples)
            show(name, "gridrush plain", ours, "")
            if single and has_peer:
                theirs = run(a.peer_python, "assetra", file, a.peer_samples)
                show(name, "assetra", theirs, f"{ours['rate'] / theirs['rate']:.0f}x")
            short = run(sys.executable, "gridrush", file, 1_000_000, 0.01)
            show(name, "gridrush to 1%", short, f"{short['cpu_s']:.3f} s")
        weak = files["RTS-96 weak + storage"][0]
        long = run(sys.executable, "gridrush", weak, 10 * a.samples)
        show("RTS-96 weak + storage", f"plain, {10 * a.samples:,}", long, "")
        rare = run(sys.executable, "rare", weak, 1_000_000, 0.05)
        show("the same, less load", "gridrush to 5%", rare, f"{rare['cpu_s']:.3f} s")
        if not a.no_case:
            show("Kazakhstan, all on", "gridrush plain", run(sys.executable, "case", weak, a.samples), "")
    print("ratio: gridrush over assetra in samples per CPU second; CPU seconds to a 1% error of LOLE and EUE.")
    print(
        "assetra draws every hour alone: with storage its risk is too low. It has no network: three areas are not run."
    )


def run(python: str, worker: str, file: Path, samples: int, target_error: float | None = None) -> dict:
    """One engine in its own process."""
    command = [python, str(HERE), "--worker", worker, "--file", str(file), "--samples", str(samples)]
    if target_error:
        command += ["--target-error", str(target_error)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{worker} failed on {file.stem}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def show(name: str, engine: str, r: dict, ratio: str) -> None:
    lole, eue = (f"{r[k][0]:.4g} +- {r[k][1]:.2g}" for k in ("lole", "eue"))
    print(f"{name:24}{engine:22}{r['rate']:12,.0f}{r['mb']:8.0f}{lole:>20}{eue:>20}{ratio:>9}")


def write_systems(folder: Path) -> dict[str, tuple[Path, bool]]:
    """The test systems as arrays, so that a peer needs nothing of gridrush. Second: one zone."""
    spec = importlib.util.spec_from_file_location("rts", REFERENCE)
    assert spec is not None
    assert spec.loader is not None
    rts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rts)
    out = {}
    for name, zones, store, ties in (
        ("RTS-79", 1, 0, 0),
        ("RTS-79 + 100 MW/400 MWh", 1, 1, 0),
        ("RTS-96 weak ties", 3, 0, 1),
        ("RTS-96 weak + storage", 3, 1, 1),
    ):
        u = rts.rts_units([str(z + 1) for z in range(zones)])
        file = folder / f"{len(out)}.npz"
        np.savez(
            file,
            zone=u["zone"].astype(int),
            unit=u["unit"].astype(str).to_numpy("U16"),
            mw=u["mw"],
            mttf=u["mttf_h"],
            mttr=u["mttr_h"],
            load=rts.rts_load(),
            zones=zones,
            store=store,
            ties=np.array([[float(a), float(b), m] for a, b, m in rts.WEAK]) if ties else np.zeros((0, 3)),
        )
        out[name] = (file, zones == 1)
    return out


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def gridrush_worker(file: str, samples: int, target_error: float | None) -> dict:
    return timed(system_of_file(file), samples, target_error)


def rare_worker(file: str, samples: int, target_error: float | None) -> dict:
    """The same system with so much less load that it falls short a few seconds a year."""
    from dataclasses import replace

    s = system_of_file(file)
    return timed(replace(s, demand=replace(s.demand, load_mw=0.87 * s.demand.load_mw)), samples, target_error)


def case_worker(file: str, samples: int, target_error: float | None) -> dict:
    """Three weather years of the Kazakhstan case with everything the engine knows switched on."""
    from dataclasses import replace

    from gridrush.adequacy import CommonMode, Derating, Hazards, Response
    from gridrush.case.load import load_case
    from gridrush.case.system import Storage
    from gridrush.study.networks import system_of

    del file
    case = load_case("kazakhstan")
    years = []
    for seed in (1, 2, 3):
        s = system_of(case, "open-door", year=2021, seed=seed)
        Z, one = len(s.zones), np.ones(len(s.zones))
        largest = np.argsort(-np.where(np.isfinite(s.units.mttf_h), s.units.capacity_mw, 0.0))[:12]
        maintenance = np.zeros(len(s.units))
        maintenance[largest] = 21 * 24.0
        stores = Storage(tuple(f"battery {z}" for z in s.zones), np.arange(Z), 100 * one, 100 * one, 400 * one,
                         0.95 * one, 0.95 * one, one)  # fmt: skip
        outages = {"mttf_h": np.full(len(s.links), 2000.0), "mttr_h": np.full(len(s.links), 24.0)}
        years.append(replace(s, units=replace(s.units, maintenance_h=maintenance), storage=stores,
                             links=replace(s.links, **outages)))  # fmt: skip
    s = years[0]
    names = [n for n, f in zip(s.units.name, s.units.mttf_h, strict=True) if np.isfinite(f)]
    hours = np.arange(s.time.size)
    cold = 1.0 + 0.5 * (np.cos(2 * np.pi * hours / hours.size) > 0.8)
    hazards = Hazards(
        stress=1.25, failure_multiplier={names[20]: cold, names[21]: cold},
        deratings=(Derating(names[8], 0.4, 0.5, 30.0), Derating(names[9], 0.4, 0.5, 30.0)),
        common_modes=(CommonMode("bus", tuple(names[:3]), 4000.0, 24.0),),
        responses=(Response("demand response", s.zones[1], 80.0, hours=100, calls=20),
                   Response("miners", s.zones[0], 200.0, energy_mwh=20_000.0, calls=40)),
        load_draws_mw=np.random.default_rng(1).normal(0.0, 100.0, (50, len(s.zones))),
    )  # fmt: skip
    return timed(years, samples, target_error, hazards=hazards)


def system_of_file(file: str):
    import pandas as pd

    from gridrush import adequacy

    x = np.load(file)
    zones = [str(z + 1) for z in range(int(x["zones"]))]
    units = pd.DataFrame(
        {"zone": x["zone"], "unit": x["unit"], "mw": x["mw"], "mttf_h": x["mttf"], "mttr_h": x["mttr"]}
    )
    links = None
    if len(x["ties"]):
        links = pd.DataFrame(x["ties"], columns=["zone_from", "zone_to", "mw"])
    storage = pd.DataFrame({"zone": zones, "mw": 100.0, "mwh": 400.0}) if x["store"] else None
    load = pd.DataFrame({f"{z}_mw": x["load"] for z in zones})
    return adequacy.read_tables(units, load, links=links, storage=storage)


def timed(system, samples: int, target_error: float | None, **how) -> dict:
    """CPU time of an assessment, the kernels warm."""
    from gridrush import adequacy

    adequacy.assess(system, samples=300, target_error=target_error, **how)
    start = time.process_time()
    a = adequacy.assess(system, samples=samples, target_error=target_error, **how)
    took = time.process_time() - start
    return {
        "rate": a.samples / took,
        "cpu_s": took,
        "mb": memory_mb(),
        "lole": [a["LOLE_h"].mean, a["LOLE_h"].stderr],
        "eue": [a["EUE_MWh"].mean, a["EUE_MWh"].stderr],
    }


def assetra_worker(file: str, samples: int, target_error: float | None) -> dict:
    import pandas as pd
    import xarray as xr
    from assetra.simulation import ProbabilisticSimulation
    from assetra.system import EnergySystemBuilder
    from assetra.units import DemandUnit, StochasticUnit, StorageUnit

    del target_error
    x = np.load(file)
    hours = pd.date_range("2021-01-01", periods=x["load"].size, freq="h")

    def series(values: object) -> xr.DataArray:
        return xr.DataArray(
            np.broadcast_to(np.asarray(values, float), (hours.size,)).copy(), dims=["time"], coords={"time": hours}
        )

    build = EnergySystemBuilder()
    build.add_unit(DemandUnit(0, series(x["load"])))
    for i, (mw, mttf, mttr) in enumerate(zip(x["mw"], x["mttf"], x["mttr"], strict=True), 1):
        build.add_unit(StochasticUnit(i, float(mw), series(mw), series(mttr / (mttf + mttr))))
    if x["store"]:
        build.add_unit(
            StorageUnit(
                id=1000,
                nameplate_capacity=100.0,
                charge_rate=100.0,
                discharge_rate=100.0,
                charge_capacity=400.0,
                roundtrip_efficiency=1.0,
            )
        )
    system = build.build()
    start = time.process_time()
    simulation = ProbabilisticSimulation(hours[0], hours[-1], samples)
    simulation.assign_energy_system(system)
    simulation.run()
    net = np.asarray(simulation.net_hourly_capacity_matrix)
    took = time.process_time() - start
    short = np.maximum(0.0, -net).reshape(samples, -1)
    lole, eue = (short > 1e-6).sum(axis=1), short.sum(axis=1)
    return {
        "rate": samples / took,
        "cpu_s": took,
        "mb": memory_mb(),
        "lole": [float(lole.mean()), float(lole.std(ddof=1) / samples**0.5)],
        "eue": [float(eue.mean()), float(eue.std(ddof=1) / samples**0.5)],
    }


if __name__ == "__main__":
    main()
