"""The main job beside published figures: identities in every hour, the year 2020, the autumn of 2021."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.mining.census import census
from gridrush.study.checks import WITHIN_SHARE, check_run
from gridrush.study.claims import QUANTITIES
from gridrush.study.simulate import simulate


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


@pytest.fixture(scope="module")
def run(case):
    return simulate(case, years=[2019, 2020, 2021, 2022], samples=4, seed=1)


def test_energy_balances_in_every_hour_and_zone(run):
    h = run.hourly.astype(np.float64)
    given = h["generation_mw"].sum("fuel") + h["import_mw"] + h["discharged_mw"] + h["inflow_mw"]
    wanted = h["load_mw"] + h["registered_mw"]
    taken = wanted - h["unserved_mw"] - h["interrupted_mw"] + h["export_mw"] + h["charged_mw"] + h["spilled_mw"]
    assert float((abs(given - taken) / wanted).max()) < 1e-6
    assert float(abs(h["inflow_mw"].sum("zone") + h["loss_mw"].sum("zone")).max()) < 0.05  # stored as 32-bit numbers
    assert run.hourly.attrs["largest_balance_residual_share"] < 1e-9


def test_flows_stay_within_the_transit(run):
    flow = run.hourly["flow_mw"].sel(link="North-South transit")
    assert float(abs(flow).max()) <= 2100 + 1e-3
    assert float(flow.sel(time="2021").max()) > 2000  # the limit that binds when southern units fail


def test_generation_by_fuel_of_2020_is_within_ten_percent_of_the_official_totals(run):
    table = check_run(run)
    fuels = table[(table["year"] == 2020) & table["quantity"].str.startswith("generation")]
    assert set(fuels["quantity"].str.split().str[1]) == {"coal", "gas", "oil", "hydro", "wind", "solar"}
    off = fuels[fuels["deviation_share"].abs() > WITHIN_SHARE]
    assert off.empty, off


def test_the_country_exports_a_little_in_2020(run):
    net = float(run.annual["net_import_twh"].sel(year=2020))
    assert -2.0 < net < 0.0  # official: -0.74 TWh


def test_demand_of_the_record_is_met_exactly_by_consumers_and_miners_together(case, run):
    for d in case.demand:
        if d.year in run.years and d.year <= 2020:
            assert float(run.annual["demand_twh"].sel(year=d.year).sum()) == pytest.approx(d.consumption_twh, rel=2e-3)


def test_autumn_evening_peaks_of_2021_stand_1000_to_1500_mw_above_2020(run):
    peak = run.annual["autumn_evening_peak_mw"]
    assert 1000 <= float(peak.sel(year=2021) - peak.sel(year=2020)) <= 1500  # KEGOC, October 2021


def test_the_census_of_october_2021_contains_both_readings_of_the_officials(case):
    found = census(case)
    low, high = np.quantile(found.total_mw[:, found.row("2021-10")], [0.05, 0.95])
    assert low < 940
    assert high > 1800


def test_the_trips_of_14_october_2021_are_in_the_hours(case, run):
    day = run.hourly["generation_mw"].sel(fuel="coal", zone="North")
    out = [o for o in case.outages if o.start.isoformat().startswith("2021-10-14")]
    size = {u.unit: u.capacity_mw for u in case.units}
    assert sum(size[o.unit] * o.lost_share for o in out) == pytest.approx(1150)
    before = float(day.sel(time=slice("2021-10-14T02", "2021-10-14T05")).mean())
    after = float(day.sel(time=slice("2021-10-14T12", "2021-10-14T15")).mean())
    load = (run.hourly["load_mw"] + run.hourly["registered_mw"]).sel(zone="North")
    rise = float(load.sel(time=slice("2021-10-14T12", "2021-10-14T15")).mean()
                 - load.sel(time=slice("2021-10-14T02", "2021-10-14T05")).mean())  # fmt: skip
    assert after < before + max(rise, 0.0)


def test_every_claim_of_the_case_can_be_computed(case):
    assert {c.quantity for c in case.claims} <= set(QUANTITIES)


def test_the_same_seed_gives_the_same_numbers_and_another_seed_does_not(case):
    a, b, c = (simulate(case, years=[2019], samples=1, seed=s) for s in (3, 3, 4))
    assert a.annual.identical(b.annual)
    assert a.ledger.equals(b.ledger)
    assert not a.annual["co2_mt"].identical(c.annual["co2_mt"])
