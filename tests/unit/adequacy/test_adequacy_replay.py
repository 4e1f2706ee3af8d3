"""Events drawn again, trips by size, and what else is made of an assessment."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gridrush import adequacy
from gridrush.adequacy import CommonMode, Derating, Hazards
from gridrush.errors import CaseError

UNITS = pd.DataFrame(
    {"zone": list("aabbc"), "unit": [f"u{i}" for i in range(5)], "mw": [60, 60, 50, 40, 70],
     "mttf_h": [90, 90, 80, 95, 90], "mttr_h": [10, 10, 20, 5, 10]}
)  # fmt: skip
LINKS = pd.DataFrame({"zone_from": list("abc"), "zone_to": list("bca"), "mw": [20, 15, 10], "mttf_h": 50, "mttr_h": 10})
T = 240


def system(storage=None):
    load = pd.DataFrame({f"{z}_mw": np.full(T, mw) for z, mw in (("a", 80.0), ("b", 55.0), ("c", 40.0))})
    return adequacy.read_tables(UNITS, load, links=LINKS, storage=storage)


@pytest.mark.parametrize("variance", ["plain", "importance"])
def test_a_worst_event_drawn_again_has_its_energy_and_its_outages(variance):
    s = system(pd.DataFrame({"zone": ["a"], "mw": [10.0], "mwh": [40.0]}))
    a = adequacy.assess(s, samples=512, variance=variance)
    again = adequacy.replay(s, a, most=4)
    assert [r.event for r in again] == list(a.worst[:4])
    for r in again:
        at = r.event.hour - int((r.time[0] - s.time[0]).astype(int))
        total = r.short_mw[-1]
        quiet = np.flatnonzero(total[at:] == 0)
        end = at + int(quiet[0]) if quiet.size else r.time.size
        assert total[at:end].sum() == pytest.approx(r.event.energy_mwh)
        assert r.short_mw[:-1].sum(axis=0) == pytest.approx(total, abs=1e-6)
        # with nothing from links, each zone is short by what it lacks at most
        assert (r.short_mw[:-1] <= np.maximum(0.0, r.load_mw - r.supply_mw) + 1e-6).all()
        down = np.zeros_like(r.lost_mw)
        for o in r.out:
            if o.name in s.units.name:
                u = s.units.name.index(o.name)
                first = int((r.time[0] - s.time[0]).astype(int))
                down[s.units.zone[u], max(o.start - first, 0) : max(o.end - first, 0)] += s.units.capacity_mw[u]
        assert down == pytest.approx(r.lost_mw)


def test_partial_outages_and_common_causes_are_told_with_what_they_take():
    bus = CommonMode("bus", ("u0", "u1"), 90.0, 10.0)
    h = Hazards(deratings=(Derating("u4", 1.0, 0.5, 20.0),), common_modes=(bus,))
    s = system()
    a = adequacy.assess(s, samples=256, hazards=h)
    for r in adequacy.replay(s, a, most=3, hazards=h):
        assert set(np.unique(r.lost_mw[2])) <= {0.0, 35.0}
        for o in (o for o in r.out if o.name == "common:bus"):
            shown = (r.time >= s.time[o.start]) & (r.time < s.time[min(o.end, T - 1)])
            assert (r.lost_mw[0, shown] == 120.0).all()


def test_an_exact_assessment_has_no_sample_to_draw_again():
    s = system()
    with pytest.raises(CaseError, match="no samples"):
        adequacy.replay(s, adequacy.assess(s, method="exact"))
    with pytest.raises(CaseError, match="1 to 287"):
        adequacy.replay(s, adequacy.assess(s, samples=64), hours=400)


def test_a_trip_cuts_load_in_the_hours_when_the_rest_has_no_room():
    units = pd.DataFrame({"unit": ["A", "B"], "mw": [60.0, 50.0], "mttf_h": [90.0, 80.0], "mttr_h": [10.0, 20.0]})
    s = adequacy.read_tables(units, pd.DataFrame({"load_mw": np.full(100, 45.0)}))
    big, small, asked = adequacy.trip_risk(s, [20.0], method="exact")
    # when A trips, B serves the 45 MW if it is up; and the other way round
    assert (big.size_mw, big.chance.mean, big.cut_mw.mean) == (60.0, pytest.approx(0.2), pytest.approx(0.2 * 45))
    assert (small.size_mw, small.chance.mean, small.cut_mw.mean) == (50.0, pytest.approx(0.1), pytest.approx(0.1 * 45))
    assert big.trips_per_year == pytest.approx(1.0)
    # 20 MW less leaves 65 MW to serve by 110, 60, 50 or 0
    assert asked.chance.mean == pytest.approx(1 - 0.9 * 0.8)
    with pytest.raises(CaseError, match="sizes_mw"):
        adequacy.trip_risk(s, [-1.0])


def test_headroom_takes_the_samples_its_target_error_needs_and_tells_where_it_is():
    said: list[float] = []
    s = system()
    points = [
        adequacy.headroom(
            s, target_lole_h=60.0, zones=["a"], samples=20_000, target_error=e, progress=lambda x, _: said.append(x)
        )[0].load_mw
        for e in (0.1, 0.005)
    ]
    assert points[1].stderr < points[0].stderr
    assert said[-1] == 1.0
    assert all(0 < x <= 1 for x in said)


def test_weather_years_share_one_maintenance_plan():
    s = system()
    s = replace(s, units=replace(s.units, maintenance_h=np.array([48.0, 0, 0, 0, 0])))
    load = s.demand.load_mw.copy()
    load[:48] *= 0.5
    late = s.demand.load_mw.copy()
    late[-48:] *= 0.1
    years = [replace(s, demand=replace(s.demand, load_mw=x)) for x in (load, late)]
    both = adequacy.assess(years, samples=256)
    assert both["EUE_MWh"].mean > 0
    moved = replace(s, units=replace(s.units, capacity_mw=s.units.capacity_mw * np.array([1, 1, 1, 1, 0.5])))
    with pytest.raises(CaseError, match="u4"):
        adequacy.assess([s, moved], samples=64)


def test_columns_may_go_by_their_other_usual_names():
    units = pd.DataFrame(
        {"Gen UID": ["A", "B"], "Region": ["x", "y"], "Capacity (MW)": [60.0, 50.0], "MTTF-hours": [90.0, 80.0],
         "MTTR hours": [10.0, 20.0], "Number": [2, 1]}
    )  # fmt: skip
    load = pd.DataFrame({"Timestamp": ["2021-03-01T00:00Z", "2021-03-01T01:00Z"], "x_MW": [50.0, 60.0], "y": [10.0, 0]})
    links = pd.DataFrame({"From": ["x"], "To": ["y"], "Limit MW": [5.0]})
    stores = pd.DataFrame({"name": ["battery"], "area": ["y"], "power_mw": [4.0], "energy_mwh": [8.0]})
    s = adequacy.read_tables(units, load, links=links, storage=stores)
    assert (s.storage.name, s.storage.zone.tolist(), s.storage.energy_mwh.tolist()) == (("battery",), [1], [8.0])
    assert s.units.name == ("A (1)", "A (2)", "B")
    assert (s.zones, s.units.zone.tolist()) == (("x", "y"), [0, 0, 1])
    assert s.units.mttr_h.tolist() == [10.0, 10.0, 20.0]
    assert (str(s.time[0]), s.links.forward_mw.tolist()) == ("2021-03-01T00", [5.0])
    alone = adequacy.read_tables(units.drop(columns="Region"), pd.DataFrame({"Demand": [1.0]}))
    assert alone.zones == ("1",)
    with pytest.raises(CaseError, match="count"):
        adequacy.read_tables(units.assign(Number=[1.5, 1]), load)


def test_a_row_that_stands_for_several_units_is_those_units():
    groups = pd.DataFrame({"unit": ["big", "small"], "mw": [60, 40], "FOR": [0.1, 0.2], "mttr_h": [10, 20],
                           "count": [3, 2]})  # fmt: skip
    load = pd.DataFrame({"hour": np.arange(50), "load_mw": 150.0})
    single = groups.loc[groups.index.repeat(groups["count"])].drop(columns="count")
    single["unit"] = [f"u{i}" for i in range(5)]
    a, b = (adequacy.assess(adequacy.read_tables(x, load), method="exact")["EUE_MWh"].mean for x in (groups, single))
    assert a == b > 0
