"""gridrush fast and lp beside PyPSA on the same networks in one run, and fast against lp on random networks.

    python benchmarks/dispatch.py year      three zones, 46 units, 8,760 h: time, memory and cost, a process each
    python benchmarks/dispatch.py fast      the fast engine with and without losses, water and stores
    python benchmarks/dispatch.py random N  N random networks of each kind: cost against the LP, optimality conditions
    python benchmarks/dispatch.py years N   N years with two reservoirs and two stores: cost against the LP, and time
    python benchmarks/dispatch.py kazakhstan  22 years of the case: month by month in the coupled run, and as years
    python benchmarks/dispatch.py warm      lp: a second scenario from the first one's basis, beside from nothing
"""

from __future__ import annotations

import json
import logging
import resource
import statistics
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from functools import partial

import numpy as np

from gridrush.case.system import NO_RESERVOIRS, NO_STORAGE

YEAR = {"zones": 3, "units": 46, "hours": 8760}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _cpu_ms(call, times: int) -> float:
    """Median of this thread's processor time; that of the process would count threads of HiGHS that wait in a loop."""
    call()
    spent = []
    for _ in range(times):
        start = time.thread_time()
        call()
        spent.append((time.thread_time() - start) * 1e3)
    return statistics.median(spent)


def one(engine: str) -> dict[str, float | str]:
    """One engine on the year, in this process: seconds of processor time to import, build and solve, and memory."""
    from gridrush.grid.synthetic import random_system

    system = random_system(1, **YEAR)
    before, start = _peak_mb(), time.process_time()
    if engine == "fast":
        from gridrush.grid.dispatch import dispatch

        dispatch(system)
        imported = time.process_time()
        cost = dispatch(system).cost_usd
        built = imported
    elif engine == "lp":
        from gridrush.grid.lp import LpDispatch

        imported = time.process_time()
        model = LpDispatch(system)
        built = time.process_time()
        cost = model.solve().cost_usd
    else:
        warnings.simplefilter("ignore")
        logging.disable(logging.ERROR)
        from gridrush.grid.pypsa import to_pypsa

        n = to_pypsa(system)
        imported = time.process_time()
        n.optimize.create_model()
        built = time.process_time()
        n.optimize.solve_model(solver_name="highs", log_to_console=False)
        cost = float(n.objective)
    end = time.process_time()
    return {"engine": engine, "import_s": imported - start, "build_s": built - imported, "solve_s": end - built,
            "extra_mb": _peak_mb() - before, "cost_usd": cost}


def year() -> None:
    rows = [
        json.loads(subprocess.run([sys.executable, __file__, "one", e], capture_output=True, check=True).stdout)
        for e in ("fast", "lp", "pypsa")
    ]
    print(f"{'engine':8}{'import':>9}{'build':>9}{'solve':>9}{'memory':>9}{'cost - PyPSA':>14}")
    for r in rows:
        off = r["cost_usd"] / rows[-1]["cost_usd"] - 1
        times = "".join(f"{r[k]:8.3f}s" for k in ("import_s", "build_s", "solve_s"))
        print(f"{r['engine']:8}{times}{r['extra_mb']:7.0f}MB{off:14.1e}")


def fast() -> None:
    from gridrush.grid.dispatch import dispatch
    from gridrush.grid.synthetic import random_system

    for title, kind in (
        ("no losses", {"lossy": False}), ("losses", {}), ("120 units", {"units": 120}), ("loop", {"meshed": True}),
        ("one reservoir", {"reservoirs": 1}), ("two reservoirs", {"reservoirs": 2}), ("one store", {"stores": 1}),
        ("two stores", {"stores": 2}), ("reservoir and store", {"reservoirs": 1, "stores": 1}),
        ("reservoir, two stores", {"reservoirs": 1, "stores": 2}), ("two of each", {"reservoirs": 2, "stores": 2}),
    ):
        systems = [random_system(seed, **{**YEAR, **kind}) for seed in (1, 2)]
        spent = [_cpu_ms(partial(dispatch, s), 9) for s in systems]
        print(f"{title:22}{spent[0]:9.1f}{spent[1]:9.1f} ms of processor time a year, two systems")


def random(n: int) -> None:
    from gridrush.grid.dispatch import dispatch
    from gridrush.grid.synthetic import random_system

    for title, kind in (
        ("tree", {}), ("mesh", {"meshed": True}), ("water", {"reservoirs": 2}), ("stores", {"stores": 2}),
        ("water and stores", {"reservoirs": 1, "stores": 1}), ("two of each", {"reservoirs": 2, "stores": 2}),
    ):
        off, gap, unserved, balance = [], [], [], []
        for seed in range(n):
            rng = np.random.default_rng(seed)
            long = rng.random() < 0.05 and not kind.get("meshed")
            s = random_system(
                seed, zones=int(rng.integers(2, 11)), units=int(rng.integers(10, 201)), hours=2190 if long else 168,
                lossy=bool(seed % 2), ties=bool(seed // 2 % 2), **kind,
            )
            up = rng.random((s.time.size, len(s.units))) > 0.08 if seed % 3 == 0 else None
            a, b = dispatch(s, up=up), dispatch(s, up=up, engine="lp")
            off.append(a.cost_usd / b.cost_usd - 1)
            gap.append(a.gap_share)
            unserved.append((a.unserved_mwh - b.unserved_mwh) / max(b.unserved_mwh, 1.0))
            balance.append(np.abs(a.balance_mw).max())
        print(f"{title:17}{n} nets: cost - LP {min(off):.1e}..{max(off):.1e}, over 0.5%: {sum(x > 5e-3 for x in off)},"
              f" unserved {max(unserved):.1e}, duality gap {max(gap):.1e}, balance {max(balance):.1e} MW", flush=True)


def years(n: int) -> None:
    from gridrush.grid.dispatch import dispatch
    from gridrush.grid.synthetic import random_system

    for seed in range(1, n + 1):
        s = random_system(seed, **YEAR, reservoirs=2, stores=2)
        a, b = dispatch(s), dispatch(s, engine="lp")
        spent, plain = _cpu_ms(partial(dispatch, s), 5), _cpu_ms(partial(dispatch, random_system(seed, **YEAR)), 9)
        unserved = (a.unserved_mwh - b.unserved_mwh) / max(b.unserved_mwh, 1.0)
        print(f"year {seed:3}: cost - LP {a.cost_usd / b.cost_usd - 1:.1e}, unserved {unserved:.1e},"
              f" {spent:.1f} ms, {spent / plain:.1f} times one without water and stores", flush=True)


def kazakhstan() -> None:
    import gridrush as gr
    from gridrush.grid.dispatch import dispatch, merit_order
    from gridrush.study import hours
    from gridrush.study.simulate import simulate, year_systems

    case = gr.load_case("kazakhstan")
    spent: list[float] = []

    def timed(*given, **named):
        start = time.thread_time()
        found = dispatch(*given, **named)
        spent.append(time.thread_time() - start)
        return found

    hours.dispatch = timed
    sums = []
    for _ in range(6):
        spent.clear()
        simulate(case, samples=1, keep_hours=False)
        sums.append(sum(spent))
    hours.dispatch = dispatch
    print(f"22 years as the coupled run meets them, {len(spent)} months with their stores: {min(sums[1:]):.3f} to"
          f" {max(sums[1:]):.3f} s of processor time")
    systems = list(year_systems(case, years=case.years).values())
    merits = [merit_order(s) for s in systems]
    for title, group in (("", systems), (" with water and stores left out", [
        replace(s, units=s.units.planned, reservoirs=NO_RESERVOIRS, storage=NO_STORAGE) for s in systems
    ])):  # fmt: skip
        each = [_cpu_ms(partial(dispatch, s, merit=m), 3) for s, m in zip(group, merits, strict=True)]
        print(f"22 years of 8,760 hours{title}: {sum(each) / 1e3:.3f} s, a year {min(each):.1f} to {max(each):.1f} ms")


def warm() -> None:
    from gridrush.grid.lp import LpDispatch
    from gridrush.grid.synthetic import random_system

    s = random_system(1, zones=3, units=46, hours=2190, stores=1)
    u, d = s.units, s.demand
    rush, quota, tariff = d.load_mw.copy(), u.capacity_mw.copy(), d.value_usd_per_mwh.copy()
    rush[:, 0] += 0.05 * d.load_mw.sum(axis=1).mean()
    quota[np.argsort(u.cost_usd_per_mwh)[-3:]] *= 0.5
    tariff[1] *= 0.7
    carbon = u.cost_usd_per_mwh + np.where(u.cost_usd_per_mwh > 20.0, 15.0, 0.0) * np.linspace(1.2, 0.4, len(u))
    weather = s.profiles.copy()
    weather[2:8] = np.roll(weather[2:8], 24 * 37, axis=1)
    for title, other in (
        ("demand +2%", replace(s, demand=replace(d, load_mw=d.load_mw * 1.02))),
        ("rush in one zone", replace(s, demand=replace(d, load_mw=rush))),
        ("quota halved", replace(s, units=replace(u, capacity_mw=quota))),
        ("miners' tariff", replace(s, demand=replace(d, value_usd_per_mwh=tariff))),
        ("fuel and carbon prices", replace(s, units=replace(u, cost_usd_per_mwh=carbon))),
        ("other weather", replace(s, profiles=weather)),
    ):
        start = time.process_time()
        cost = LpDispatch(other).solve().cost_usd
        cold = time.process_time() - start
        model = LpDispatch(s)
        model.solve()
        start = time.process_time()
        model.change(other)
        again = model.solve().cost_usd
        spent = time.process_time() - start
        print(f"{title:24}{cold:7.2f} s from nothing{spent:7.2f} s warm{cold / spent:6.1f} times,"
              f" cost {again / cost - 1:.0e}")


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "fast"
    if what == "one":
        print(json.dumps(one(sys.argv[2])))
    elif what == "year":
        year()
    elif what == "warm":
        warm()
    elif what == "kazakhstan":
        kazakhstan()
    elif what == "years":
        years(int(sys.argv[2]) if len(sys.argv) > 2 else 6)
    elif what == "random":
        random(int(sys.argv[2]) if len(sys.argv) > 2 else 20)
    else:
        fast()
