"""Levers one by one, by hand."""

from datetime import date

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.scenario import Enforcement, Fee, OwnGeneration, ProfitTax, Registration, Scenario, Tariff
from gridrush.planning.options import annuity_share
from gridrush.policy.evidence import LEVERS, evidence, fields_of, used_by
from gridrush.policy.fiscal import LINES, balances, ledger, present_value_usd
from gridrush.policy.levers import (
    PolicyCalendar,
    exchange_kzt_per_usd,
    fee_kzt_per_kwh,
    in_force,
    month_policy,
    policy_fact,
)

CASE = load_case("kazakhstan")
DAY = date(2023, 6, 1)
MARKET = np.full(3, 40.0)


def rules(day=DAY, **levers):
    scenario = Scenario(name="x", title="", story="", **levers)
    return month_policy(scenario, CASE, day, market_price_usd_per_mwh=MARKET)


def test_a_lever_counts_from_its_start_to_the_day_before_its_end():
    early = Fee(start=date(2022, 1, 1), end=date(2023, 1, 1), kzt_per_kwh=1)
    fees = (early, Fee(start=date(2022, 6, 1), kzt_per_kwh=5))
    assert in_force(fees, date(2021, 12, 31)) is None
    assert in_force(fees, date(2022, 5, 31)) == fees[0]
    assert in_force(fees, date(2022, 6, 1)) == fees[1]
    assert in_force(fees[:1], date(2023, 1, 1)) is None


@pytest.mark.parametrize(("price", "fee"), [(2.0, 23.0), (10.0, 15.0), (24.0, 1.0), (40.0, 1.0)])
def test_the_scale_of_2023_tops_the_price_up_to_25_tenge(price, fee):
    lever = Fee(start=date(2023, 1, 1), kind="by-power-price")
    assert fee_kzt_per_kwh(lever, CASE, DAY, power_price_kzt_per_kwh=price) == pytest.approx(fee)


def test_a_flat_fee_is_what_it_says_at_the_rate_of_the_day():
    got = rules(fee=(Fee(start=date(2022, 1, 1), kzt_per_kwh=2.0),))
    assert got.fee_usd_per_mwh == pytest.approx(2000.0 / exchange_kzt_per_usd(CASE, DAY))
    assert (rules().fee_usd_per_mwh == 0).all()


def test_shares_found_and_registered_compound_and_the_dearest_search_is_paid():
    found = tuple(Enforcement(start=date(2022, m, 1), found_share_per_month=0.1, cost_usd_per_mw=m) for m in (1, 2))
    register = tuple(Registration(start=date(2022, m, 1), register_share_per_month=0.2, quota_mw={"North": 10.0 * m})
                     for m in (1, 2))  # fmt: skip
    got = rules(enforcement=found, registration=register)
    assert got.found_share == pytest.approx(0.19)
    assert got.found_cost_usd_per_mw == 2
    assert got.register_share == pytest.approx(0.36)
    assert got.quota_mw[0] == 20.0
    assert np.isinf(got.quota_mw[1:]).all()


def test_what_a_miner_sees_is_power_fee_own_power_and_tax_together():
    got = rules(
        tariff=(Tariff(start=date(2022, 1, 1), usd_per_mwh=50.0),),
        fee=(Fee(start=date(2022, 1, 1), kzt_per_kwh=4.5251),),  # 10 USD/MWh
        own_generation=(OwnGeneration(start=date(2022, 1, 1), share=0.25, usd_per_mwh=30.0),),
        profit_tax=(ProfitTax(start=date(2022, 1, 1), share=0.2),),
    )
    paid = 0.75 * 60.0 + 0.25 * 40.0
    assert got.seen_usd_per_mwh(155.0) == pytest.approx(paid + 0.2 * 100.0)
    assert got.seen_usd_per_mwh(20.0) == pytest.approx(paid)  # no profit, no tax
    assert got.hidden_usd_per_mwh == pytest.approx(40.0)


@pytest.mark.parametrize(("renewable", "fee"), [(False, 10.0), (True, 1.0)])
def test_own_power_has_its_own_line_of_the_scale(renewable, fee):
    lever = OwnGeneration(start=date(2023, 1, 1), share=1.0, usd_per_mwh=30.0, renewable=renewable)
    got = rules(own_generation=(lever,), fee=(Fee(start=date(2023, 1, 1), kind="by-power-price"),))
    assert got.own_fee_usd_per_mwh == pytest.approx(1000.0 * fee / exchange_kzt_per_usd(CASE, DAY))


def test_a_fact_is_the_last_in_force_and_the_first_before_any():
    assert policy_fact(CASE, "retail_household", date(2022, 8, 31)) == 16.31
    assert policy_fact(CASE, "retail_household", date(2022, 9, 1)) == 17.77
    assert policy_fact(CASE, "retail_household", date(2000, 1, 1)) == 14.6
    with pytest.raises(KeyError, match="no item 'subsidy'"):
        policy_fact(CASE, "subsidy", DAY)
    assert policy_fact(CASE, "subsidy", DAY, default=3.0) == 3.0


def test_every_line_has_two_sides():
    table = ledger({name: {2021: 10.0 + i} for i, name in enumerate(LINES)})
    rows = balances(table)
    assert rows.loc[2021].sum() == pytest.approx(0.0, abs=1e-9)
    for i, (name, line) in enumerate(LINES.items()):
        alone = balances(ledger({name: {2021: 10.0 + i}})).loc[2021]
        assert (alone[line.payer], alone[line.payee]) == (-10.0 - i, 10.0 + i)
    with pytest.raises(KeyError, match="unknown ledger lines"):
        ledger({"bribes": {2021: 1.0}})


def test_present_values_and_annuities_by_hand():
    import pandas as pd

    assert present_value_usd(pd.Series({2021: 100.0, 2022: 110.0}), base_year=2021, discount_share=0.1) == 200.0
    assert annuity_share(0.0, 20) == 0.05
    paid = sum(annuity_share(0.1, 25) / 1.1**n for n in range(1, 26))
    assert paid == pytest.approx(1.0)


def test_every_lever_is_told_of_and_its_evidence_has_sources():
    for lever in LEVERS.values():
        assert lever.does
        assert set(lever.pays) <= set(LINES)
        assert set(lever.items) <= {p.item for p in CASE.policies}
        assert all(e["source"] in CASE.sources for e in evidence(lever, CASE))
        assert bool(fields_of(lever)) == (lever.model is not None)
    assert used_by(LEVERS["fee"], CASE) == ["as-it-was", "register-and-fee"]
    assert resolve_scenario(CASE, "ban").ban


@pytest.mark.parametrize("name", sorted(CASE.scenarios))
def test_a_calendar_says_of_every_month_what_the_levers_say(name):
    scenario = resolve_scenario(CASE, name)
    calendar = PolicyCalendar(scenario, CASE)
    for year in CASE.years:
        for month in range(1, 13):
            day = date(year, month, 1)
            kept = calendar.month(day, market_price_usd_per_mwh=MARKET)
            fresh = month_policy(scenario, CASE, day, market_price_usd_per_mwh=MARKET)
            for key, value in vars(fresh).items():
                np.testing.assert_array_equal(getattr(kept, key), value, err_msg=f"{day} {key}")
