"""The ledger of whole simulations: what one pays another receives, in every scenario and year."""

from datetime import date
from functools import lru_cache

import numpy as np
import pytest

from gridrush.case.load import built_in_cases, load_case, resolve_scenario
from gridrush.case.scenario import Enforcement, Fee, OwnGeneration, ProfitTax, Rationing, Tariff
from gridrush.case.template import new_case
from gridrush.policy.fiscal import LINES, balances, fiscal_usd, in_tenge, system_cost_usd
from gridrush.policy.levers import exchange_kzt_per_usd
from gridrush.study.miners import Miners
from gridrush.study.paths import draw_paths
from gridrush.study.simulate import simulate

YEARS = range(2019, 2024)
TOLERANCE = 1e-6  # USD over USD


@lru_cache(maxsize=1)
def _given():
    case = load_case("kazakhstan")
    return case, draw_paths(case, YEARS, samples=1, seed=3), Miners.of(case, seed=3)


@lru_cache(maxsize=32)
def _run(name, change=()):
    case, paths, miners = _given()
    scenario = resolve_scenario(case, name).model_copy(update=dict(change))
    return simulate(case, scenario, years=YEARS, seed=3, paths=paths, miners=miners)


SCENARIOS = sorted(load_case(built_in_cases()[0]).scenarios)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_accounts_of_every_scenario_balance(name):
    run = _run(name)
    table = run.ledger
    assert list(table.columns) == list(LINES)
    assert np.isfinite(table.values).all()
    rows = balances(table)
    assert (rows.sum(axis=1).abs() <= TOLERANCE * table.abs().sum(axis=1)).all()
    for line in LINES.values():
        assert line.payer != line.payee
    resources = [n for n, x in LINES.items() if x.payee == "resources" and x.payer in ("utility", "treasury")]
    cost = table[resources].sum(axis=1) + table["unserved"] + table["imports"] - table["exports"]
    np.testing.assert_allclose(system_cost_usd(table), cost, rtol=TOLERANCE)
    a = run.annual
    np.testing.assert_allclose(table["fuel"] + table["carbon"], a["fuel_usd"].values, rtol=TOLERANCE)
    np.testing.assert_allclose(table["imports"], a["import_usd"].values, rtol=TOLERANCE, atol=1e-6)
    np.testing.assert_allclose(table["unserved"], a["unserved_usd"].values, rtol=TOLERANCE, atol=1e-6)


@pytest.mark.parametrize("name", ["register-and-fee", "interruptible"])
def test_the_fee_is_the_energy_registered_miners_were_served_times_the_fee(name):
    run = _run(name)
    served_mwh = 1e6 * run.annual["registered_twh"].sum("zone") - 1e3 * run.annual["interrupted_gwh"].sum("zone")
    monthly = [exchange_kzt_per_usd(run.case, date(2022, m, 1)) for m in range(1, 13)]
    fee = run.ledger.loc[2022, "fee"]
    low, high = (float(served_mwh.sel(year=2022)) * 1000.0 / r for r in (max(monthly), min(monthly)))
    assert low * (1 - TOLERANCE) <= fee <= high * (1 + TOLERANCE)
    rate = exchange_kzt_per_usd(run.case, date(2021, 12, 1))
    flat = _run(name, (("fee", (Fee(start=date(2021, 1, 1), end=date(2022, 1, 1), kzt_per_kwh=2.0),)),))
    served = 1e6 * flat.annual["registered_twh"].sum("zone") - 1e3 * flat.annual["interrupted_gwh"].sum("zone")
    assert flat.ledger.loc[2021, "fee"] == pytest.approx(2000.0 / rate * float(served.sel(year=2021)), rel=TOLERANCE)
    assert flat.ledger.loc[2022, "fee"] == 0.0


def test_fines_tax_and_pay_for_being_cut_are_what_the_levers_say():
    start, end = date(2022, 1, 1), date(2023, 1, 1)
    hunt = Enforcement(start=start, found_share_per_month=0.1, cost_usd_per_mw=1e4, fine_usd_per_mw=3e4)
    levers = (
        ("enforcement", (hunt,)),
        ("profit_tax", (ProfitTax(start=start, end=end, share=0.2),)),
        ("rationing", (Rationing(start=start, paid_usd_per_mwh=60.0),)),
        ("fee", (Fee(start=start, kzt_per_kwh=1.0),)),
    )
    run = _run("open-door", levers)
    year = run.ledger.loc[2022]
    assert year["fines"] == pytest.approx(3 * year["enforcement"], rel=TOLERANCE)
    assert year["fines"] > 0
    cut_mwh = 1e3 * float(run.annual["interrupted_gwh"].sel(year=2022).sum())
    assert year["interruption"] == pytest.approx(60.0 * cut_mwh, rel=TOLERANCE)
    earned = year["registered_coins"] + year["interruption"] - year["registered_power"] - year["fee"]
    assert year["profit_tax"] == pytest.approx(0.2 * earned, rel=TOLERANCE)
    assert run.ledger.loc[2023, "profit_tax"] == 0.0
    assert fiscal_usd(run.ledger)[2022] == pytest.approx(
        year["fee"] + year["profit_tax"] + year["fines"] - year["enforcement"]
    )


def test_power_of_their_own_takes_miners_off_the_grid_and_off_its_bill():
    start = date(2022, 1, 1)
    rule = (("own_generation", (OwnGeneration(start=start, share=0.5, usd_per_mwh=40.0),)),)
    without, with_rule = _run("open-door"), _run("open-door", rule)
    same = slice("2021-01-01", "2021-12-31")
    drawn = [r.monthly["registered_mw"].sum("zone") for r in (without, with_rule)]
    np.testing.assert_array_equal(drawn[0].sel(month=same), drawn[1].sel(month=same))
    after = slice("2022-01-01", None)
    assert (drawn[1].sel(month=after) < 0.75 * drawn[0].sel(month=after)).all()
    assert with_rule.ledger.loc[2022, "own_power"] > 0
    assert with_rule.ledger.loc[2022, "registered_power"] < without.ledger.loc[2022, "registered_power"]


def test_a_tax_on_profit_drives_some_away_but_nobody_out_of_the_black():
    taxed = (("profit_tax", (ProfitTax(start=date(2022, 1, 1), share=0.5),)),)
    a, b = _run("open-door"), _run("open-door", taxed)
    assert (b.monthly["registered_mw"].sum("zone") <= a.monthly["registered_mw"].sum("zone") + 1e-9).all()
    assert (balances(b.ledger)["registered"] >= 0).all()


def test_a_night_price_is_paid_for_its_hours():
    """And machines that earn less than the day's price run at night alone."""
    split = (("tariff", (Tariff(start=date(2020, 1, 1), usd_per_mwh=110.0, night_usd_per_mwh=30.0, night_hours=8),)),)
    run = _run("open-door", split)
    hours = run.hourly.sel(time="2022")
    served = (hours.registered_mw - hours.interrupted_mw).sum("zone")
    night = (hours.time.dt.hour + 6) % 24 < 8  # UTC+6 until March 2024
    price = np.where(night, 30.0, 110.0)
    assert run.samples == 1
    assert run.ledger.loc[2022, "registered_power"] == pytest.approx(float((served * price).sum()), rel=1e-4)
    one = served.sel(time="2022-12")
    day = one[(one.time.dt.hour.values + 6) % 24 >= 8]
    assert float(day.max()) < 0.5 * float(one.max())


def test_tenge_are_dollars_at_the_rate_of_the_year():
    case, run = _given()[0], _run("open-door")
    kzt = in_tenge(run.ledger, case)
    assert kzt.loc[2021, "fuel"] == pytest.approx(run.ledger.loc[2021, "fuel"] * 427.23)
    assert (balances(kzt).sum(axis=1).abs() <= TOLERANCE * kzt.abs().sum(axis=1)).all()


def test_a_country_without_miners_or_a_retail_tariff_has_a_ledger(tmp_path):
    case = load_case(new_case(tmp_path / "case")).model_copy(update={"mining_country": "", "policies": ()})
    run = simulate(case, years=[case.first_year], samples=1)
    assert run.ledger[["consumer_power", "registered_power", "fee"]].to_numpy().sum() == 0.0
    assert run.ledger["fuel"].sum() > 0.0
