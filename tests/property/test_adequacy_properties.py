"""What must hold for any system."""

from dataclasses import replace

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from gridrush import adequacy


@st.composite
def systems(draw):
    zones = draw(st.integers(1, 4))
    T = 72
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    names = [f"z{i}" for i in range(zones)]
    n = draw(st.integers(1, 8))
    units = pd.DataFrame(
        {
            "unit": [f"u{i}" for i in range(n)],
            "zone": rng.choice(names, n),
            "mw": rng.integers(10, 80, n) + 0.5,
            "mttf_h": rng.uniform(5, 100, n),
            "mttr_h": rng.uniform(1, 30, n),
        }
    )
    load = pd.DataFrame({f"{z}_mw": rng.uniform(0, 60, T) for z in names})
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :] if rng.random() < 0.6]
    links = (
        pd.DataFrame(
            [(a, b, rng.uniform(0, 40), 60.0, 6.0) for a, b in pairs],
            columns=["zone_from", "zone_to", "mw", "mttf_h", "mttr_h"],
        )
        if pairs
        else None
    )
    store = pd.DataFrame({"zone": [names[0]], "mw": [10.0], "mwh": [rng.uniform(0, 40)], "charge_efficiency": [0.9]})
    return adequacy.read_tables(units, load, links=links, storage=store)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(systems())
def test_zones_add_up_and_both_ways_of_drawing_agree(s):
    a = adequacy.assess(s, samples=1_500, variance="plain")
    b = adequacy.assess(s, samples=1_500, variance="importance")
    for x in (a, b):
        assert np.isclose(sum(z["EUE_MWh"].mean for z in x.zones.values()), x["EUE_MWh"].mean, rtol=1e-6, atol=1e-6)
        assert max(z["LOLE_h"].mean for z in x.zones.values()) <= x["LOLE_h"].mean + 1e-9
        assert x["LOLD_days"].mean >= x["LOLE_days"].mean - 1e-9
    gap = abs(a["EUE_MWh"].mean - b["EUE_MWh"].mean)
    assert gap <= 6 * np.hypot(a["EUE_MWh"].stderr, b["EUE_MWh"].stderr) + 0.01


@settings(max_examples=20, deadline=None, derandomize=True)
@given(systems(), st.floats(0.0, 30.0))
def test_more_load_never_lowers_risk_and_more_links_never_raise_it(s, mw):
    a = adequacy.assess(s, samples=256, variance="plain")
    more = adequacy.assess(adequacy.add_load(s, mw, zone=s.zones[0]), samples=256, variance="plain")
    assert more["EUE_MWh"].mean >= a["EUE_MWh"].mean - 1e-6
    wider = replace(s, links=replace(s.links, forward_mw=s.links.forward_mw * 2, backward_mw=s.links.backward_mw * 2))
    assert (
        adequacy.assess(
            replace(wider, storage=replace(s.storage, energy_mwh=np.zeros(1))), samples=256, variance="plain"
        )["EUE_MWh"].mean
        <= adequacy.assess(
            replace(s, storage=replace(s.storage, energy_mwh=np.zeros(1))), samples=256, variance="plain"
        )["EUE_MWh"].mean
        + 1e-6
    )
