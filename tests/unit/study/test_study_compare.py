"""Scenarios side by side, and fees found for a target."""

from datetime import date
from functools import lru_cache

import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.errors import InfeasibleError
from gridrush.policy.fiscal import fee_revenue_usd, flat_fee_kzt_per_kwh
from gridrush.policy.levers import exchange_kzt_per_usd
from gridrush.study.compare import QUESTIONS, compare, inputs
from gridrush.study.miners import Miners
from gridrush.study.paths import draw_paths
from gridrush.study.simulate import simulate
from gridrush.study.targets import fee_needed, lowest_fee

CASE = load_case("kazakhstan")
YEARS = (2021, 2022)


@lru_cache(maxsize=1)
def _runs():
    paths, miners = draw_paths(CASE, range(2019, 2023), samples=1, seed=1), Miners.of(CASE, seed=1)
    names = ("open-door", "ban", "register-and-fee")
    return [simulate(CASE, n, years=YEARS, paths=paths, miners=miners) for n in names]


def test_inputs_show_what_differs_and_nothing_else():
    table = inputs([resolve_scenario(CASE, n) for n in ("open-door", "ban", "coal")])
    assert table.loc["ban", "open-door"] == ""
    assert "leave_share_per_month 0.5" in table.loc["ban", "ban"]
    assert "coal-north" in table.loc["build", "coal"]
    assert "coal-north" not in table.loc["build", "ban"]
    assert not any(k.startswith("assume") for k in table.index)
    assert inputs([resolve_scenario(CASE, "ban")] * 2).empty


def test_differences_are_against_the_first_and_verdicts_name_the_best():
    found = compare(_runs())
    a, b = _runs()[0], _runs()[1]
    demand = [float(r.annual["demand_twh"].sel(year=2022).sum()) for r in (a, b)]
    assert found.differences.loc[("demand_twh", 2022), "ban"] == pytest.approx(demand[1] - demand[0])
    assert list(found.verdicts.index) == list(QUESTIONS)
    assert found.verdicts.loc["fiscal_usd", "verdict"] == "register-and-fee"
    for quantity, q in QUESTIONS.items():
        row = found.verdicts.loc[quantity]
        values = {n: row[n] for n in ("open-door", "ban", "register-and-fee")}
        best = (min if q.better == "low" else max)(values, key=values.__getitem__)
        assert best in row["verdict"] or row["verdict"] == "no difference"
    assert set(compare(_runs()[:1]).verdicts["verdict"]) == {"no difference"}


def test_one_tenge_on_600_mw_brings_about_60_million_dollars_in_five_years():
    rate = exchange_kzt_per_usd(CASE, date(2022, 1, 1))
    assert fee_revenue_usd(600, 1.0, kzt_per_usd=rate, years=5) == pytest.approx(60e6, rel=0.02)
    for target in (300e6, 1.5e9):
        fee = flat_fee_kzt_per_kwh(target, 600, kzt_per_usd=rate, years=5)
        assert fee_revenue_usd(600, fee, kzt_per_usd=rate, years=5) == pytest.approx(target)
    assert 20 < fee < 30  # 1.5 bn takes more than the ceiling of the scale of 2023


def test_the_fee_for_a_target_is_found_where_miners_answer():
    found = fee_needed(CASE, target_usd=25e6, start=date(2022, 1, 1), years=YEARS, tolerance_share=0.02)
    assert found.revenue_usd == pytest.approx(25e6, rel=0.02)
    unmoved = flat_fee_kzt_per_kwh(25e6, 600, kzt_per_usd=435)
    assert 0.5 * unmoved < found.fee_kzt_per_kwh < 4 * unmoved


def test_the_lowest_of_two_fees_is_taken_and_the_top_is_found_between_the_steps():
    def hump(fee):
        return fee * max(0.0, 1 - fee / 15)

    found = lowest_fee(hump, 3.0, tolerance_share=1e-9)
    assert found.fee_kzt_per_kwh == pytest.approx((15 - (225 - 180) ** 0.5) / 2)
    with pytest.raises(InfeasibleError, match=r"at 7\.\d KZT/kWh, because miners leave"):
        lowest_fee(hump, 4.0)
    narrow = lowest_fee(hump, 3.74)  # most is 3.75, at 7.5, which is no step
    assert narrow.fee_kzt_per_kwh == pytest.approx(7.5, abs=0.5)
    assert lowest_fee(hump, 0.0).revenue_usd >= 0.0
