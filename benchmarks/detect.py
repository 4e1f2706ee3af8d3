"""What `gridrush.detect` finds in synthetic feeders, how often it is wrong, and how long it takes. SYNTHETIC data.

    python benchmarks/detect.py power        share of farms found, by size and length of record
    python benchmarks/detect.py confounders  what honest newcomers are taken for, load alone and with all that is known
    python benchmarks/detect.py ranking      AUC, Brier, precision and MW at k: load alone, all signs, with labels
    python benchmarks/detect.py speed N      N feeders of 8,760 h: processor time and memory (default 10,000)
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from gridrush.detect import Priors, find_farms, score, synthetic
from gridrush.detect.synthetic import CONFOUNDERS

FLAT = ("flat",)
HERE = Priors(prevalence_share=0.10, before_share=0.25, honest_flat_share=0.4)
"""What is true of `synthetic` by default."""


def _alone(records):
    """Load only: no meters, no reactive power, nothing declared."""
    n = len(records.feeders)
    facts = replace(records.facts, known_flat_mw=np.zeros(n))
    return replace(records, metered_mw=None, reactive_mvar=None, facts=facts)


def power() -> None:
    """One feeder in six has a flat farm of one size that came in the record; half of all get an honest newcomer that is
    not flat (see `confounders` for those); load alone. Share of the farms whose change is found in the 20 days after it
    (or 10 before) with MW at most a third wrong, and AUC against feeders that never had a farm."""
    sizes = (0.05, 0.10, 0.20, 0.40)
    shaped = ("shop", "one shift", "growth", "transfer", "pumping", "greenhouse")
    print("days  " + "".join(f"{s:>24.0%}" for s in sizes))
    for days in (90, 180, 365, 730):
        cells = []
        for size in sizes:
            made = synthetic(
                360, days=days, farm_share=1 / 6, farm_load_share=(size, size), before_share=0.0, duties=FLAT, seed=22,
                faults=False, confounders=shaped,
            )  # fmt: skip
            found = find_farms(_alone(made.records))
            p = found.table.set_index("feeder")["probability"].loc[made.truth["feeder"]]
            here = np.flatnonzero(made.truth["farm_mw"] > 0)
            never = made.truth["farm_from"].isna().to_numpy()
            changes, first = found.look.changes, made.records.days[0]
            came = (made.truth["farm_from"].to_numpy().astype("datetime64[D]") - first).astype(np.int64)
            mw = made.truth["farm_mw"].to_numpy()
            dated = [
                any(
                    abs(changes.day[i, c] - came[i] - 5) <= 15 and abs(changes.level_mw[i, c] / mw[i] - 1) < 1 / 3
                    for c in range(changes.count[i])
                )
                for i in here
            ]
            kept = never | (mw > 0)
            ranked = score(mw[kept], p[kept], k=()).auc
            cells.append(f"{np.mean(dated):12.2f} {ranked.mean:6.2f}+-{ranked.stderr:.2f}")
        print(f"{days:4d}  " + "".join(cells), flush=True)


def confounders() -> None:
    """One honest newcomer on each of 100 feeders: mean probability and share above one half."""
    print(f"{'newcomer':18s}{'load alone':>24s}{'all that is known':>24s}")
    for kind in CONFOUNDERS[1:]:
        made = synthetic(100, farm_share=0.0, honest_change_share=1.0, confounders=(kind,), seed=23, faults=False)
        known = replace(made.records, facts=replace(made.records.facts, known_flat_mw=np.zeros(100)))
        cells = []
        for records, events in ((_alone(made.records), None), (known, made.events)):
            p = find_farms(records, events=events).table["probability"].to_numpy()
            cells.append(f"{p.mean():12.3f}{(p > 0.5).mean():12.3f}")
        print(f"{kind:18s}" + "".join(cells))


def ranking() -> None:
    """A network with 10% farms of 5 to 50% of their feeder: half of the feeders are inspected and teach the other."""
    made = synthetic(1200, farm_share=0.10, seed=24)
    truth = made.truth["farm_mw"].to_numpy()
    half = np.random.default_rng(1).random(1200) < 0.5
    labels = pd.DataFrame({"feeder": made.truth["feeder"], "found": (truth > 0).astype(int)})[half]
    cases = {
        "load alone": (_alone(made.records), {}),
        "load alone, priors of this network": (_alone(made.records), {"priors": HERE}),
        "all signs": (made.records, {"events": made.events}),
        "all signs, priors of this network": (made.records, {"events": made.events, "priors": HERE}),
        "all signs, and labels": (made.records, {"events": made.events, "labels": labels}),
    }
    for name, (records, more) in cases.items():
        table = find_farms(records, **more).table.set_index("feeder").loc[made.truth["feeder"]]
        got = score(truth[~half], table["probability"][~half], rank_by=table["expected_mw"][~half], k=(10, 20, 50, 100))
        print(f"{name}: AUC {got.auc}, Brier {got.brier} (base {got.brier_base:.4f}), of {got.all_mw:.0f} MW")
        for k in got.precision:
            at = f"precision {got.precision[k]}, recall {got.recall[k]}, found {got.found_mw[k]}"
            print(f"  {k:4d} inspections: {at}")
        print(got.reliability.round(3).to_string(index=False))


def speed(n: int) -> None:
    """Feeders copied from a hundred with new noise, so that making them costs little."""
    made = synthetic(100, seed=25)
    r = made.records
    rng = np.random.default_rng(1)
    find_farms(r.take(range(20)))
    load = np.empty((n, r.time.size), np.float32)
    for i in range(n):
        load[i] = r.load_mw[i % 100] * (1 + 0.01 * rng.standard_normal(r.time.size, dtype=np.float32))
    many = replace(r.take(np.arange(n) % 100), feeders=tuple(f"F{i}" for i in range(n)), load_mw=load,
                   metered_mw=None, reactive_mvar=None)  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cpu, wall = time.process_time(), time.perf_counter()
    find_farms(many)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n} feeders x {r.time.size} h: {cpu:.0f} s of processor time, {wall:.0f} s")
    print(f"memory {before:.0f} -> {peak:.0f} MB; the record itself {load.nbytes / 2**20:.0f} MB")


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "ranking"
    if what == "speed":
        speed(int(sys.argv[2]) if len(sys.argv) > 2 else 10_000)
    else:
        {"power": power, "confounders": confounders, "ranking": ranking}[what]()
