"""The census of miners, seen and unseen."""

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.case.schema import Statement
from gridrush.mining.census import Beliefs, census, growth_of_year, zone_shares
from gridrush.mining.evidence import foretold, value_of_measurement


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


@pytest.fixture(scope="module")
def found(case):
    return census(case, draws=1000, seed=7)


def test_the_same_seed_gives_the_same_draws(case, found):
    assert (census(case, draws=1000, seed=7).draws_mw == found.draws_mw).all()
    assert (census(case, draws=1000, seed=8).draws_mw != found.draws_mw).any()


def test_months_run_from_the_first_asked_to_the_month_the_case_closes(found):
    assert (str(found.months[0]), str(found.months[-1])) == ("2019-01", "2021-11")
    assert found.draws_mw.shape == (1000, 35, 2)
    assert (found.draws_mw > 0).all()


def test_statements_after_the_case_closed_change_nothing(case, found):
    kept = tuple(s for s in case.statements if s.on <= case.as_of)
    assert len(kept) < len(case.statements)
    early = census(case.model_copy(update={"statements": kept}), draws=1000, seed=7)
    assert (early.draws_mw == found.draws_mw).all()


def test_the_history_rises_with_its_quantile(found):
    low, mid, high = (found.at(q) for q in (0.05, 0.5, 0.95))
    assert (low < mid).all()
    assert (mid < high).all()
    with pytest.raises(ValueError, match="quantile"):
        found.at(1.2)


def test_a_precise_count_moves_and_narrows_the_census(case, found):
    count = Statement(on="2021-11-20", who="survey", quantity="unregistered_mw", value=400.0, source="test-source",
                      grade="measured")  # fmt: skip
    sure = Beliefs(
        statement_std={**Beliefs().statement_std, "unregistered_mw": 0.05},
        shared_std={**Beliefs().shared_std, "unregistered_mw": 0.01},
    )
    only = case.model_copy(update={"statements": (count,)})
    told = census(only, draws=1000, seed=7, beliefs=sure)
    hidden = told.draws_mw[:, -1, 1]
    assert np.median(hidden) == pytest.approx(400.0, rel=0.05)
    assert np.ptp(np.quantile(hidden, (0.05, 0.95))) < 0.3 * np.ptp(np.quantile(found.draws_mw[:, -1, 1], (0.05, 0.95)))


def test_fee_receipts_count_registered_miners_once_a_fee_is_in_force(case):
    receipt = Statement(on="2022-05-15", who="treasury", quantity="fee_usd", value=3.0e6, source="test-source",
                        grade="reported")  # fmt: skip
    later = case.model_copy(update={"statements": (receipt,), "as_of": receipt.on})
    told = census(later, draws=500, seed=3)
    row = told.row("2022-04")
    running = told.draws_mw[:, row, 0] * (1 - told.rationed_share)
    rate = [x.kzt_per_usd for x in case.exchange if x.on <= receipt.on][-1]
    hours = 3 * 24 * 365.25 / 12 * case.parameters.mining_uptime_share.value
    expected = 3.0e6 * rate / 1e3 / hours
    assert np.median(running) == pytest.approx(expected, rel=0.15)


def test_every_piece_of_evidence_says_what_it_does(case, found):
    used = [s for s in case.statements if s.on <= case.as_of]
    assert len(found.evidence) == len(used)
    widths = {round(e.width_with_mw, 6) for e in found.evidence}
    assert len(widths) == 1
    assert max(e.narrowing_share for e in found.evidence) > 0.02


def test_a_better_measurement_teaches_more(found):
    sharp, dull = (
        value_of_measurement(found, std_share={"unregistered_mw": e}, truths=60)[0].narrowing_share for e in (0.1, 0.5)
    )
    assert 1 > sharp > dull > 0
    with pytest.raises(ValueError, match="unknown measurements"):
        value_of_measurement(found, std_share={"moods": 0.1})


def test_the_json_form_has_every_month_and_interval(found):
    d = found.to_dict()
    assert len(d["months"]) == 35
    row = d["months"][-2]
    assert row["month"] == "2021-10"
    assert row["total_mw"]["p05"] < row["total_mw"]["p50"] < row["total_mw"]["p95"]


def test_zone_shares_add_to_one_by_status(case):
    assert zone_shares(case).sum(axis=0) == pytest.approx(1.0)


def test_growth_of_a_year_needs_the_demand_of_the_year_before(case, found):
    assert growth_of_year(case, found).shape == (1000,)
    with pytest.raises(KeyError, match=r"demand\.csv has no"):
        growth_of_year(case, found, year=1995)


def test_too_few_draws_and_a_case_without_miners_are_refused(case):
    with pytest.raises(ValueError, match="draws"):
        census(case, draws=3)
    with pytest.raises(Exception, match="mining_country"):
        census(case.model_copy(update={"mining_country": ""}))


def test_statements_left_out_are_foretold_by_the_rest(case):
    """Nearly all lie in the interval of the quantity itself, all in that of what would be said of it."""
    used = [x for x in foretold(case, draws=8000) if not x.after_close]
    assert len(used) == sum(s.on <= case.as_of for s in case.statements)
    assert sum(x.quantity_holds for x in used) >= len(used) - 2
    assert all(x.statement_holds for x in used)
    assert 0.3 < np.mean([x.percentile for x in used]) < 0.7


def test_a_statement_left_out_is_not_used(case):
    """Whatever it says, what the rest foretells of its quantity is the same."""
    first = next(s for s in case.statements if s.quantity == "total_mw" and s.on <= case.as_of)
    louder = tuple(s.model_copy(update={"value": 5 * s.value}) if s is first else s for s in case.statements)
    plain, loud = (
        next(x for x in foretold(c, draws=4000) if x.name.startswith(f"{first.on} {first.who}: total_mw"))
        for c in (case, case.model_copy(update={"statements": louder}))
    )  # fmt: skip
    assert loud.value == 5 * plain.value
    assert loud.quantity == pytest.approx(plain.quantity)
    assert loud.percentile > plain.percentile


def test_leaving_out_a_whole_kind_leaves_more_doubt(case):
    alone, kind = (foretold(case, draws=8000, whole_group=g) for g in (False, True))
    width = [[x.quantity[2] / x.quantity[0] for x in r if "registered_mw" in x.name] for r in (alone, kind)]
    assert np.mean(width[1]) > np.mean(width[0])
