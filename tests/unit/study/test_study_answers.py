"""Loads that answer to the hour's price: miners who pay it, and data centres."""

from datetime import date

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.case.scenario import DataCentre, Fee, Tariff
from gridrush.case.system import Demand
from gridrush.errors import CaseError
from gridrush.mining.movable import KINDS
from gridrush.study.answers import Answers, MovableLoad, with_answers
from gridrush.study.instant import Instant
from gridrush.study.miners import Miners
from gridrush.study.simulate import simulate, year_systems

YEARS = range(2021, 2023)


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


@pytest.fixture(scope="module")
def miners(case):
    return Miners.of(case, draws=400)


def scenario_of(case, name, **levers):
    return case.scenarios["open-door"].model_copy(update={"name": name, **levers})


def hourly(case, share, fee_kzt_per_kwh):
    """Miners of 2022 who pay the hour's price and a fee so high that dear hours are not worth it."""
    return scenario_of(
        case, f"hourly {share}", fee=(Fee(start=date(2022, 1, 1), kzt_per_kwh=fee_kzt_per_kwh),),
        tariff=(Tariff(start=date(2022, 1, 1), usd_per_mwh=43.5, hourly_share=share),),
    )  # fmt: skip


@pytest.fixture(scope="module")
def by_hour(case, miners):
    return simulate(case, hourly(case, 1.0, 40.0), years=YEARS, samples=1, miners=miners)


def blocks(load, share=(0.0, 0.0), value=((50.0,), (90.0,)), movable=(), hours=100):
    """One zone of households 100, industry 50 and miners of 40 MW worth 200 to an order."""
    demand = Demand(
        name=("z households", "z industry", "z registered miners"), kind=("firm", "firm", "interruptible"),
        zone=np.zeros(3, np.int64), load_mw=np.tile([100.0, 50.0, 40.0], (hours, 1)),
        value_usd_per_mwh=np.array([3000.0, 800.0, 200.0]),
    )  # fmt: skip
    answers = Answers(np.array(share), np.array(value), tuple(movable))
    return with_answers(demand, answers, zones=("z",), base_mw=load, samples=1)


def test_the_steps_take_their_part_of_the_miners_and_no_more():
    load = np.arange(100.0)[:, None]
    got = blocks(load, share=(0.3, 0.2), value=((50.0,), (900.0,)))
    assert got.load_mw[0] == pytest.approx([100.0, 50.0, 20.0, 12.0, 8.0])
    assert got.value_usd_per_mwh[3:] == pytest.approx([50.0, 200.0])  # an order cuts them all the same
    assert got.kind[3:] == ("interruptible", "interruptible")


def test_a_data_centre_gives_way_in_the_highest_hours_its_uptime_leaves():
    kind = KINDS["ai-data-centre"]
    load = np.random.default_rng(1).permutation(1000.0 + np.arange(1000.0))[:, None]
    got = blocks(load, movable=[MovableLoad("ai-data-centre", 0, 100.0)], hours=1000)
    hard, soft = got.load_mw[:, -2], got.load_mw[:, -1]
    assert hard + soft == pytest.approx(80.0)
    assert soft.sum() <= (1.0 - kind.uptime_share) * 80.0 * 1000.0 + 1e-6
    flexible = soft > 0
    assert load[flexible, 0].min() > load[~flexible, 0].max()
    assert got.value_usd_per_mwh[-2:] == pytest.approx([kind.value_usd_per_mwh, kind.flexible_value_usd_per_mwh])
    assert soft.max() <= kind.ramp_share_per_h * 100.0


def test_miners_on_the_hours_price_stop_in_dear_hours_and_only_then(by_hour):
    year = by_hour.hourly.sel(time="2022-03")
    wanted, price = year.registered_mw.sel(zone="North").values, year.price_usd_per_mwh.sel(zone="North").values
    top = wanted.max()
    assert (wanted < 0.99 * top).any()
    assert price[wanted < 0.99 * top].min() >= price[wanted > 0.99 * top].max() - 1e-6
    order = np.lexsort((-wanted, price.round(3)))  # where the price is a step's own worth, any part of it runs
    assert (np.diff(wanted[order]) <= 1e-3).all()  # demand falls with the price


def test_energy_adds_up_with_loads_that_answer(by_hour):
    assert by_hour.hourly.attrs["largest_balance_residual_share"] < 1e-9


def test_the_ledger_charges_the_hours_price(case, miners, by_hour):
    """What they pay is the sum over hours of load times price: one path, one zone at a time."""
    year = by_hour.hourly.sel(time="2022")
    served = year.registered_mw - year.interrupted_mw
    assert by_hour.ledger.loc[2022, "registered_power"] == pytest.approx(
        float((served * year.price_usd_per_mwh).sum()), rel=1e-3
    )


def test_machines_that_earn_less_than_the_tariff_stand_still(case, miners):
    """Monthly, by the exact break-even curve of the month; the lever of the hour's price is off."""
    dear = scenario_of(case, "dear", tariff=(Tariff(start=date(2022, 1, 1), usd_per_mwh=120.0),))
    run = simulate(case, dear, years=YEARS, samples=1, miners=miners)
    month = run.monthly.sel(month="2022-04").isel(month=0)
    curve = miners.curve(
        12 * 2022 + 3, hashprice_usd_per_ph_day=float(month.hashprice_usd_per_ph_day),
        fleet_j_per_th=float(month_fleet(case, "2022-04")),
    )  # fmt: skip
    running = month.registered_mw / (month.registered_mw + month.idle_mw)
    assert running.values == pytest.approx(float(curve.share_at(120.0)))
    assert 0.0 < float(running.mean()) < 1.0


def month_fleet(case, month):
    from gridrush.mining.forecast import world_path

    path = world_path(case)
    return path.fleet_j_per_th[path.at(month)]


def test_a_data_centre_comes_after_its_building_time_and_lowers_nobody(case, miners):
    start = date(2020, 6, 1)
    with_it = scenario_of(case, "centre", data_centre=(DataCentre(start=start, zone="North", capacity_mw=200.0),))
    a, b = (simulate(case, s, years=YEARS, samples=1, miners=miners) for s in (scenario_of(case, "none"), with_it))
    more = (b.hourly.load_mw - a.hourly.load_mw).sel(zone="North")
    built = "2022-06"  # 24 months on
    assert float(abs(more.sel(time="2022-05")).max()) < 1e-2
    assert float(more.sel(time=built).max()) == pytest.approx(160.0, abs=0.1)
    share = float(more.sel(time=built).mean()) / 160.0
    assert KINDS["ai-data-centre"].uptime_share - 1e-3 <= share <= 1.0 + 1e-6
    assert b.hourly.attrs["largest_balance_residual_share"] < 1e-9


def test_the_system_of_a_year_counts_them_among_firm_and_interruptible(case):
    with_it = scenario_of(
        case, "centre", data_centre=(DataCentre(start=date(2018, 1, 1), zone="South", capacity_mw=100.0),)
    )  # fmt: skip
    a, b = (year_systems(case, s, years=[2020])[2020].demand for s in (scenario_of(case, "none"), with_it))
    assert a.name == b.name
    more = b.load_mw - a.load_mw
    assert more.sum(axis=1) == pytest.approx(80.0)
    assert more[:, [i for i, n in enumerate(b.name) if n == "South industry"]].min() >= 60.0 - 1e-9


def test_the_page_and_the_run_agree_on_loads_that_answer(case, miners):
    instant = Instant.of(case, seed=1)
    mine = hourly(case, 0.5, 20.0)
    quick = instant.run(mine, until=2022)
    again = instant.run(mine, until=2022)
    full = simulate(case, mine, years=YEARS, paths=None, miners=instant.miners, samples=1)
    for run in (quick, again):
        assert run.annual.registered_twh.sel(year=2022).values == pytest.approx(
            full.annual.registered_twh.sel(year=2022).values, rel=1e-9
        )


def test_a_data_centre_in_no_zone_is_refused(case, tmp_path):
    import shutil
    from pathlib import Path

    import gridrush.case

    folder = tmp_path / "kazakhstan"
    shutil.copytree(Path(gridrush.case.__file__).parent / "cases" / "kazakhstan", folder)
    lever = "data_centre:\n  - {start: 2024-01-01, zone: Nowhere, capacity_mw: 10}\n"
    (folder / "scenarios" / "centre.yaml").write_text("name: centre\ntitle: C\nstory: s\nbase: as-it-was\n" + lever)
    with pytest.raises(CaseError, match="Nowhere"):
        load_case(folder)
