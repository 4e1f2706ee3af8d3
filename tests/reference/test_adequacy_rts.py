"""IEEE Reliability Test Systems: published and independently computed risk.

Units and load percentages: IEEE Committee Report, IEEE Reliability Test System, IEEE Trans. PAS-98, 1979, tables 1-7;
three areas joined as in Grigg et al., The IEEE Reliability Test System 1996. Values: exact convolution by another
implementation, which gives the published 9.39418 h/yr; storage: PRAS, 5.49 +- 0.16 h and 825 +- 33 MWh.
"""

import numpy as np
import pandas as pd
import pytest

from gridrush import adequacy
from gridrush.case.estimate import Estimate

PEAK_MW = 2850.0
WEEK = [
    86.2,
    90.0,
    87.8,
    83.4,
    88.0,
    84.1,
    83.2,
    80.6,
    74.0,
    73.7,
    71.5,
    72.7,
    70.4,
    75.0,
    72.1,
    80.0,
    75.4,
    83.7,
    87.0,
    88.0,
    85.6,
    81.1,
    90.0,
    88.7,
    89.6,
    86.1,
    75.5,
    81.6,
    80.1,
    88.0,
    72.2,
    77.6,
    80.0,
    72.9,
    72.6,
    70.5,
    78.0,
    69.5,
    72.4,
    72.4,
    74.3,
    74.4,
    80.0,
    88.1,
    88.5,
    90.9,
    94.0,
    89.0,
    94.2,
    97.0,
    100.0,
    95.2,
]
DAY = [93, 100, 98, 96, 94, 77, 75]
WINTER = (
    [67, 63, 60, 59, 59, 60, 74, 86, 95, 96, 96, 95, 95, 95, 93, 94, 99, 100, 100, 96, 91, 83, 73, 63],
    [78, 72, 68, 66, 64, 65, 66, 70, 80, 88, 90, 91, 90, 88, 87, 87, 91, 100, 99, 97, 94, 92, 87, 81],
)
SUMMER = (
    [64, 60, 58, 56, 56, 58, 64, 76, 87, 95, 99, 100, 99, 100, 100, 97, 96, 96, 93, 92, 92, 93, 87, 72],
    [74, 70, 66, 65, 64, 62, 62, 66, 81, 86, 91, 93, 93, 92, 91, 91, 92, 94, 95, 95, 100, 93, 88, 80],
)
BETWEEN = (
    [63, 62, 60, 58, 59, 65, 72, 85, 95, 99, 100, 99, 93, 92, 90, 88, 90, 92, 96, 98, 96, 90, 80, 70],
    [75, 73, 69, 66, 65, 65, 68, 74, 83, 89, 92, 94, 91, 90, 90, 86, 85, 88, 92, 100, 97, 95, 90, 85],
)
UNITS = [
    (5, 12, 2940, 60),
    (4, 20, 450, 50),
    (6, 50, 1980, 20),
    (4, 76, 1960, 40),
    (3, 100, 1200, 50),
    (4, 155, 960, 40),
    (3, 197, 950, 50),
    (1, 350, 1150, 100),
    (2, 400, 1100, 150),
]  # number, MW, mttf, mttr


def rts_load():
    hours = []
    for w, week in enumerate(WEEK, 1):
        season = WINTER if w <= 8 or w >= 44 else SUMMER if 18 <= w <= 30 else BETWEEN
        for d, day in enumerate(DAY):
            hours += [PEAK_MW * week * day * h / 1e6 for h in season[d >= 5]]
    return np.array(hours)


def rts_units(zones):
    rows = [(z, f"{z}-{mw}-{i}", mw, mttf, mttr) for z in zones for n, mw, mttf, mttr in UNITS for i in range(n)]
    return pd.DataFrame(rows, columns=["zone", "unit", "mw", "mttf_h", "mttr_h"])


@pytest.fixture(scope="module")
def rts79():
    return adequacy.read_tables(rts_units(["1"]), pd.DataFrame({"load_mw": rts_load()}))


def rts96(ties, storage=None):
    zones = ["1", "2", "3"]
    load = pd.DataFrame({f"zone{z}_mw": rts_load() for z in zones})
    links = pd.DataFrame(ties, columns=["zone_from", "zone_to", "mw"]) if ties else None
    return adequacy.read_tables(rts_units(zones), load, links=links, storage=storage)


WEAK = [("1", "2", 300.0), ("1", "3", 150.0), ("2", "3", 150.0)]
STRONG = [("1", "2", 1175.0), ("1", "3", 500.0), ("2", "3", 500.0)]
STORES = pd.DataFrame({"zone": ["1", "2", "3"], "mw": 100.0, "mwh": 400.0})


def test_convolution_gives_the_published_indices_to_six_digits(rts79):
    a = adequacy.assess(rts79, method="exact")
    assert a["LOLE_h"].mean == pytest.approx(9.394175, abs=1e-6)
    assert a["EUE_MWh"].mean == pytest.approx(1176.298460, abs=1e-5)
    assert a["LOLE_days"].mean == pytest.approx(1.368863, abs=1e-6)
    assert a["LOLF_occ"].mean == pytest.approx(1.915154, abs=1e-6)


@pytest.mark.parametrize("variance", ["plain", "importance"])
def test_simulation_agrees_with_convolution(rts79, variance):
    a = adequacy.assess(rts79, samples=20_000, seed=5, variance=variance)
    for metric, value in (
        ("LOLE_h", 9.394175),
        ("EUE_MWh", 1176.29846),
        ("LOLE_days", 1.368863),
        ("LOLF_occ", 1.915154),
    ):
        assert a[metric].agrees_with(value, n_stderr=3), metric


@pytest.mark.parametrize(
    "ties, lole_h, eue_mwh", [(STRONG, 0.138983, 24.264216), (WEAK, 1.308646, 143.794985), ([], 27.691223, 3528.895228)]
)
def test_three_areas_agree_with_state_enumeration(ties, lole_h, eue_mwh):
    a = adequacy.assess(rts96(ties), samples=4_000, seed=2, variance="importance")
    assert a["LOLE_h"].agrees_with(lole_h, n_stderr=3)
    assert a["EUE_MWh"].agrees_with(eue_mwh, n_stderr=3)
    assert sum(z["EUE_MWh"].mean for z in a.zones.values()) == pytest.approx(a["EUE_MWh"].mean)


@pytest.mark.slow
def test_three_areas_by_enumeration_to_six_digits():
    a = adequacy.assess(rts96(STRONG), method="exact")
    assert a["LOLE_h"].mean == pytest.approx(0.138983, abs=1e-6)
    assert a["EUE_MWh"].mean == pytest.approx(24.264216, abs=1e-5)


def test_outages_that_last_make_storage_worth_less(rts79):
    one = pd.DataFrame({"mw": [100.0], "mwh": [400.0]})
    s = adequacy.read_tables(rts_units(["1"]), pd.DataFrame({"load_mw": rts_load()}), storage=one)
    a = adequacy.assess(s, samples=20_000, seed=3)
    pras = {"LOLE_h": Estimate(5.49, 0.16, "h/yr"), "EUE_MWh": Estimate(825.0, 33.0, "MWh/yr")}
    for metric, theirs in pras.items():
        assert abs(a[metric].mean - theirs.mean) < 3 * np.hypot(a[metric].stderr, theirs.stderr)
    assert a["EUE_MWh"].mean > 700  # drawing each hour alone gives 524


def test_two_ways_of_drawing_agree_with_storage_and_links():
    s = rts96(WEAK, STORES)
    a = adequacy.assess(s, samples=20_000, seed=1, variance="plain")
    b = adequacy.assess(s, samples=4_000, seed=2, variance="importance")
    for metric in ("LOLE_h", "EUE_MWh", "LOLF_occ", "LOLE_days"):
        assert abs(a[metric].mean - b[metric].mean) < 4 * np.hypot(a[metric].stderr, b[metric].stderr)
    assert b["LOLE_h"].stderr < a["LOLE_h"].stderr / 3
    assert b["EUE_MWh"].stderr < a["EUE_MWh"].stderr / 3


def test_target_error_of_one_percent_takes_few_samples():
    a = adequacy.assess(rts96(WEAK, STORES), samples=1_000_000, seed=4, target_error=0.01)
    assert a["LOLE_h"].stderr <= 0.01 * a["LOLE_h"].mean
    assert a["EUE_MWh"].stderr <= 0.01 * a["EUE_MWh"].mean
    assert a.samples < 40_000
    assert a.diagnostics["variance_gain"] > 5


def test_capacity_credit_of_a_155_mw_unit(rts79):
    added = adequacy.add_unit(rts79, "new", zone="1", capacity_mw=155.0, mttf_h=960.0, mttr_h=40.0)
    assert adequacy.elcc(rts79, added, method="exact").mean == pytest.approx(143.074, abs=1e-3)
    assert adequacy.efc(rts79, added, method="exact").mean == pytest.approx(144.816, abs=1e-3)
    assert adequacy.equivalent_load(rts79, 24.0, method="exact").mean == pytest.approx(131.725, abs=1e-3)
    assert adequacy.elcc(rts79, added, samples=1_000, metric="EUE_MWh").mean == pytest.approx(143.0, abs=4.0)


def test_rare_shortfall_is_found():
    load = pd.DataFrame({"load_mw": rts_load() * 0.75})
    s = adequacy.read_tables(rts_units(["1"]), load, storage=pd.DataFrame({"mw": [50.0], "mwh": [100.0]}))
    a = adequacy.assess(s, samples=50_000, seed=1, target_error=0.05)
    assert 0.0005 < a["LOLE_h"].mean < 0.02
    assert a.samples <= 4_096
