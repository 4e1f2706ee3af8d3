"""Published systems other than the RTS, through the readers of tables and of PRAS files.

RBTS: R. Billinton et al., A reliability test system for educational purposes - basic data, IEEE Trans. PWRS 4(3), 1989
(units, failures and repairs a year), and - basic results, R. N. Allan et al., PWRS 6(2), 1991 (LOLE 1.0919 h/yr and
LOEE 9.8613 MWh/yr with the load shape of the RTS; 0.1469 days/yr).
PRAS: the systems of its own tests, NREL PRAS, PRASCore.jl/src/Systems/TestData.jl, with their analytic values.
"""

import numpy as np
import pandas as pd
import pytest

from gridrush import adequacy
from gridrush.adequacy.outages import FailingStorage

h5py = pytest.importorskip("h5py")

RBTS_PEAK_MW = 185.0
RBTS_UNITS = [  # MW, number, failures and repairs a year
    (40, 2, 6.0, 194.0), (10, 1, 4.0, 196.0), (20, 1, 5.0, 195.0),
    (5, 2, 2.0, 198.0), (40, 1, 3.0, 147.0), (20, 4, 2.4, 157.6),
]  # fmt: skip
HOURS_A_YEAR = 8760.0


def rbts(**columns):
    rows = [
        (f"{mw} MW, {fail} a year, {i + 1}", mw, HOURS_A_YEAR / fail, HOURS_A_YEAR / repair)
        for mw, n, fail, repair in RBTS_UNITS
        for i in range(n)
    ]
    return pd.DataFrame(rows, columns=[columns.get(c, c) for c in ("unit", "mw", "mttf_h", "mttr_h")])


def rts_shape():
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("rts_data", Path(__file__).with_name("test_adequacy_rts.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rts_load() / module.PEAK_MW


def test_the_educational_system_has_its_published_risk():
    load = pd.DataFrame({"load_mw": RBTS_PEAK_MW * rts_shape()})
    a = adequacy.assess(adequacy.read_tables(rbts(), load), method="exact")
    assert a["LOLE_h"].mean == pytest.approx(1.0919, abs=5e-4)
    assert a["EUE_MWh"].mean == pytest.approx(9.8613, abs=1e-4)
    assert a["LOLE_days"].mean == pytest.approx(0.1469, abs=5e-5)
    b = adequacy.assess(adequacy.read_tables(rbts(), load), samples=100_000, target_error=0.03, seed=3)
    assert b["EUE_MWh"].agrees_with(a["EUE_MWh"].mean)
    assert b["LOLE_h"].agrees_with(a["LOLE_h"].mean)


def pras_file(path, load, units, *, lines=(), stores=(), start="2020-01-01T00:00:00+00:00"):
    """units: (name, region, MW by hour, p, q); lines: (from, to, MW, p, q); stores: (region, MW, MWh, p, q)."""
    name = "S64"
    regions = list(load)
    T = len(next(iter(load.values())))
    with h5py.File(path, "w") as f:
        f.attrs.update({
            "pras_dataversion": "v0.7.0", "start_timestamp": start, "timestep_count": T, "timestep_length": 1,
            "timestep_unit": "h", "power_unit": "MW", "energy_unit": "MWh",
        })  # fmt: skip
        f["regions/_core"] = np.array([(r.encode(),) for r in regions], [("name", name)])
        f["regions/load"] = np.array(list(load.values()), np.uint32).T
        who = [("name", name), ("category", name), ("region", name)]

        def table(group, rows, region, p, q):
            f[f"{group}/_core"] = np.array([(r[0].encode(), b"x", r[region].encode()) for r in rows], who)
            f[f"{group}/failureprobability"] = np.tile([r[p] for r in rows], (T, 1)).astype(float)
            f[f"{group}/repairprobability"] = np.tile([r[q] for r in rows], (T, 1)).astype(float)

        table("generators", units, 1, 3, 4)
        f["generators/capacity"] = np.array([np.broadcast_to(u[2], (T,)) for u in units], np.uint32).T
        if stores:
            table("storages", [(f"store {i}", *s) for i, s in enumerate(stores)], 1, 4, 5)
            for key, k in (("chargecapacity", 1), ("dischargecapacity", 1), ("energycapacity", 2)):
                f[f"storages/{key}"] = np.tile([s[k] for s in stores], (T, 1)).astype(np.uint32)
            for key in ("chargeefficiency", "dischargeefficiency", "carryoverefficiency"):
                f[f"storages/{key}"] = np.ones((T, len(stores)))
        if lines:
            two = [("region_from", name), ("region_to", name)]
            ends = [(a.encode(), b.encode()) for a, b, *_ in lines]
            f["interfaces/_core"] = np.array(ends, two)
            f["lines/_core"] = np.array([(f"L{i}".encode(), b"x", *e) for i, e in enumerate(ends)], who[:2] + two)
            for key in ("forwardcapacity", "backwardcapacity"):
                f[f"interfaces/{key}"] = np.full((T, len(lines)), 100, np.uint32)
                f[f"lines/{key}"] = np.tile([x[2] for x in lines], (T, 1)).astype(np.uint32)
            f["lines/failureprobability"] = np.tile([x[3] for x in lines], (T, 1)).astype(float)
            f["lines/repairprobability"] = np.tile([x[4] for x in lines], (T, 1)).astype(float)
    return adequacy.read_pras(path)


OFTEN = (0.1, 0.9)
NEVER = (0.0, 1.0)


def test_pras_single_regions_have_their_analytic_risk(tmp_path):
    a = pras_file(
        tmp_path / "a.pras", {"R": [25, 28, 27, 24]},
        [*((f"g{i}", "R", 10, *OFTEN) for i in range(3)), ("vg", "R", [5, 6, 7, 8], *NEVER)],
    )  # fmt: skip
    b = pras_file(
        tmp_path / "b.pras", {"R": [28, 29, 30, 31, 32, 33]},
        [("g1", "R", [10, 10, 10, 15, 15, 15], *OFTEN), ("g2", "R", [20, 20, 20, 25, 25, 25], *OFTEN),
         ("vg", "R", [7, 8, 9, 9, 8, 7], *NEVER)],
    )  # fmt: skip
    for s, lole, eue in ((a, 0.355, 1.59), (b, 0.96, 7.11)):
        exact = adequacy.assess(s, method="exact")
        assert (exact["LOLE_h"].mean, exact["EUE_MWh"].mean) == pytest.approx((lole, eue))
        drawn = adequacy.assess(s, samples=20_000)
        assert drawn["LOLE_h"].agrees_with(lole)
        assert drawn["EUE_MWh"].agrees_with(eue)


def test_pras_three_regions_in_a_ring_have_their_analytic_risk(tmp_path):
    s = pras_file(
        tmp_path / "3.pras", {"A": [19, 20, 21, 20], "B": [20, 21, 21, 22], "C": [22, 21, 23, 22]},
        [("g1", "A", 10, *OFTEN), ("va", "A", [4, 3, 2, 3], *NEVER), ("g2", "B", 10, *OFTEN), ("g3", "B", 10, *OFTEN),
         ("vb", "B", [6, 5, 3, 4], *NEVER), ("g4", "C", [10, 10, 15, 10], *OFTEN),
         ("g5", "C", [20, 20, 25, 20], *OFTEN), ("vc", "C", [2, 1, 2, 1], *NEVER)],
        lines=[("A", "B", 8, *NEVER), ("A", "C", 8, *NEVER), ("B", "C", 8, *NEVER)],
    )  # fmt: skip
    exact = adequacy.assess(s, method="exact")
    assert exact["EUE_MWh"].mean == pytest.approx(12.12885, abs=1e-5)
    assert exact["LOLE_h"].mean == pytest.approx(1.3756, abs=1e-4)


def test_pras_lines_and_stores_that_fail_have_their_analytic_risk(tmp_path):
    one = pras_file(
        tmp_path / "1.pras", {"A": [8], "B": [9]}, [("g1", "A", 15, *OFTEN), ("g2", "B", 15, *OFTEN)],
        lines=[("A", "B", 8, *OFTEN)],
    )  # fmt: skip
    exact = adequacy.assess(one, method="exact")
    assert (exact["LOLE_h"].mean, exact["EUE_MWh"].mean) == pytest.approx((0.19, 0.647))
    two = pras_file(tmp_path / "2.pras", {"A": [8, 9]}, [("g", "A", 10, *OFTEN)], stores=[("A", 10, 10, *OFTEN)])
    three = pras_file(
        tmp_path / "3.pras", {"A": [8, 9], "B": [6, 7]}, [("g", "A", 25, *OFTEN)],
        lines=[("A", "B", 15, *OFTEN)], stores=[("B", 10, 10, *OFTEN)],
    )  # fmt: skip
    assert isinstance(two.storage, FailingStorage)
    for s, lole, eue in ((one, 0.19, 0.647), (two, 0.2, 1.5542), (three, 0.320951, 3.179289)):
        for variance in ("plain", "importance"):
            a = adequacy.assess(s, samples=40_000, variance=variance)
            assert a["LOLE_h"].agrees_with(lole, n_stderr=3.5), (lole, variance, a["LOLE_h"])
            assert a["EUE_MWh"].agrees_with(eue, n_stderr=3.5), (eue, variance, a["EUE_MWh"])
