"""Hand numbers: what a machine earns and when it stops paying."""

import numpy as np
import pytest

from gridrush.mining.economics import (
    break_even_price,
    digiconomist_twh_per_year,
    hashprice,
    hashrate_ehs_from_difficulty,
    payback_months,
    revenue_usd_per_day,
)


def test_break_even_is_revenue_of_a_megawatt_hour():
    # 1 PH/s at 50 J/TH draws 50 kW, 1.2 MWh a day; at 120 USD a day a MWh earns 100 USD
    assert break_even_price([120.0], [50.0])[0, 0] == pytest.approx(100.0)


def test_pue_and_pool_fee_lower_the_break_even_price():
    got = break_even_price([120.0], [50.0], pue=1.25, pool_fee_share=0.02)[0, 0]
    assert got == pytest.approx(100.0 * 0.98 / 1.25)


def test_break_even_has_a_row_a_month_and_a_column_a_machine():
    got = break_even_price([100.0, 200.0], [30.0, 60.0, 90.0])
    assert got.shape == (2, 3)
    assert got[1, 0] == pytest.approx(2 * got[0, 0])


def test_hashprice_is_revenue_over_hash_rate():
    assert hashprice(50_000.0, 900.0, fees_btc_per_day=100.0, hashrate_ehs=100.0) == pytest.approx(500.0)
    assert revenue_usd_per_day(50_000.0, 900.0, 100.0) == pytest.approx(5e7)


def test_difficulty_gives_the_hash_rate_that_finds_a_block_in_ten_minutes():
    assert hashrate_ehs_from_difficulty(1e13) == pytest.approx(1e13 * 2**32 / 600 / 1e18)


def test_payback_is_infinite_where_the_margin_is_not_positive():
    got = payback_months(50.0, [100.0, 10.0], 50.0, power_price_usd_per_mwh=50.0)
    assert np.isfinite(got[0])
    assert np.isinf(got[1])


def test_payback_halves_when_the_machine_costs_half():
    full = payback_months(100.0, 200.0, 40.0, power_price_usd_per_mwh=40.0)
    assert payback_months(50.0, 200.0, 40.0, power_price_usd_per_mwh=40.0) == pytest.approx(float(full) / 2)


def test_digiconomist_spends_a_fixed_share_of_revenue():
    assert digiconomist_twh_per_year(1e6, power_price_usd_per_kwh=0.05) == pytest.approx(0.6 * 365.25e6 / 0.05 / 1e9)
