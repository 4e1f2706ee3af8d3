"""Lead times, time to relief, bridging, waiting and stranded plant: hand numbers."""

from __future__ import annotations

import numpy as np
import pytest

from gridrush.planning.leadtime import (
    consent_years,
    earliest_stage_year,
    recorded_slip,
    service_years,
    slip_quantile,
    slips_from_record,
)
from gridrush.planning.options import annuity_share, overnight_with_interest, stage_weights
from gridrush.planning.regret import stranded_bill
from gridrush.planning.relief import Remedy, bridge, presence, price_of_waiting, relief_table

YEARS = [2021, 2022, 2023, 2024, 2035, 2036]
SHORT = np.array([1000.0, 1000.0, 800.0, 600.0, 600.0, 600.0])


def remedy(name: str, service: list[float], keeps: float, cost: float) -> Remedy:
    return Remedy(name, "kind", 100.0, np.array(service), SHORT * keeps, np.full(SHORT.size, cost))


def test_slips_of_the_record_are_drawn_within_its_range() -> None:
    record = slips_from_record([2023, 2025, 2027, 2020], [2024, 2028, 2027, 2025])
    assert record.tolist() == [0.0, 1.0, 3.0, 5.0]
    draws = recorded_slip(np.linspace(0.01, 0.99, 99), record)
    assert draws.min() == 0.0
    assert draws.max() == 5.0
    assert (np.diff(draws) >= 0).all()


def test_a_tenth_of_slips_lies_beyond_each_end_of_the_stated_range() -> None:
    u = (np.arange(10_000) + 0.5) / 10_000
    slip = slip_quantile(u, best=2.0, low=1.0, high=6.0)
    assert np.mean(slip < 1.0) == pytest.approx(0.1, abs=2e-4)
    assert np.mean(slip > 6.0) == pytest.approx(0.1, abs=2e-4)
    assert np.median(slip) == pytest.approx(2.0, abs=1e-3)
    with pytest.raises(ValueError, match="low <= best"):
        slip_quantile([0.5], best=0.0, low=1.0, high=2.0)


def test_consent_moves_a_reactor_by_what_it_was_waited_for() -> None:
    free = service_years(2032.0, [0.0], decided_year=2021.9)
    gated = service_years(2032.0, [0.0], decided_year=2021.9, consent_year=[2024.76])
    assert (gated - free)[0] == pytest.approx(2024.76 - 2021.9)
    never = service_years(2032.0, [0.0], decided_year=2021.9, consent_year=[np.inf])
    assert earliest_stage_year(never) == 9999
    later = service_years(2032.0, [0.0], decided_year=2021.9, decision_year=2030.0)
    assert later[0] == pytest.approx(2040.1)


def test_the_question_is_put_again_after_each_refusal() -> None:
    u = (np.arange(1000) + 0.5) / 1000
    year = consent_years(u, asked_year=2019.0, yes_share=0.25, again_after_years=5.0)
    assert np.mean(year == 2019.0) == pytest.approx(0.25, abs=0.002)
    assert np.mean(year == 2024.0) == pytest.approx(0.75 * 0.25, abs=0.002)


def test_relief_is_dated_by_the_draws_and_priced_by_what_it_removes() -> None:
    quick = remedy("interruptible", [2022.0] * 10, 0.5, 1e6)
    slow = remedy("nuclear", [2034.0] * 2 + [2035.0] * 5 + [2050.0] * 3, 0.0, 5e6)
    table = relief_table(YEARS, SHORT, [slow, quick]).set_index("remedy")
    assert list(table.index) == ["interruptible", "nuclear"]
    assert table.loc["interruptible", "first_year_best"] == 2022
    assert table.loc["interruptible", "eue_avoided_gwh"] == pytest.approx(0.5 * SHORT[1:].sum() / 1e3)
    assert table.loc["interruptible", "cost_usd_per_mwh"] == pytest.approx(5e6 / (0.5 * SHORT[1:].sum()))
    assert table.loc["nuclear", ["first_year_low", "first_year_best"]].tolist() == [2035, 2035]
    assert table.loc["nuclear", "first_year_high"] == 2050  # beyond the years looked at: the day of service
    assert table.loc["nuclear", "eue_avoided_gwh"] == pytest.approx(0.7 * 1200 / 1e3)


def test_a_remedy_that_does_nothing_brings_no_relief() -> None:
    table = relief_table(YEARS, SHORT, [remedy("wind without wind", [2022.0], 1.0, 1e6)])
    assert np.isnan(table["first_year_best"][0])
    assert np.isinf(table["cost_usd_per_mwh"][0])


def test_the_cheapest_remedies_bridge_the_years_before_the_reactor() -> None:
    table = bridge(YEARS, SHORT, [remedy("import", [2021.0], 0.2, 4e6), remedy("interruptible", [2022.0], 0.5, 1e6)],
                   until_year=2035)  # fmt: skip
    assert table["year"].max() == 2024
    first = table[table.year == 2021][["remedy", "avoided_mwh", "left_mwh"]]
    assert first.to_numpy().tolist() == [["import", 800.0, 200.0]]
    later = table[table.year == 2022]
    assert later["remedy"].tolist() == ["interruptible", "import"]
    assert later["left_mwh"].tolist() == [500.0, 0.0]


def test_presence_counts_the_part_of_a_year() -> None:
    assert presence([2022.25], [2021, 2022, 2023]).tolist() == [0.0, 0.75, 1.0]


def test_waiting_costs_the_net_benefit_of_the_years_lost() -> None:
    lost = price_of_waiting([2035, 2036, 2037], value_usd_per_year=np.full(3, 5e8), annual_cost_usd=np.full(3, 3e8),
                            service_year=2035.5, wait_years=1.0, discount_share=0.1)  # fmt: skip
    assert lost == pytest.approx(2e8 * (0.5 + 0.5 / 1.1))
    assert price_of_waiting([2035], value_usd_per_year=[1.0], annual_cost_usd=[3.0], service_year=2035, wait_years=1,
                            discount_share=0.0) == -2.0  # fmt: skip


def test_a_stranded_bill_is_paid_to_the_last_dollar() -> None:
    bill = stranded_bill(100.0, remaining_mwh=10.0, take_or_pay_share=0.3, regulated_share=0.5)
    assert (bill.miners_usd, bill.consumers_usd, bill.owners_usd) == (30.0, 35.0, 35.0)
    assert bill.consumers_usd_per_mwh == 3.5
    with pytest.raises(ValueError, match="remaining_mwh"):
        stranded_bill(1.0, remaining_mwh=0.0)


def test_annuities_and_weights_keep_present_value() -> None:
    rate = 0.08
    assert sum(annuity_share(rate, 25) / (1 + rate) ** k for k in range(1, 26)) == pytest.approx(1.0)
    weights = stage_weights([2025, 2030, 2040], rate, last_years=3)
    assert sum(weights) == pytest.approx(sum((1 + rate) ** -k for k in range(18)))
    assert overnight_with_interest(100.0, discount_share=0.08, build_years=0) == 100.0
