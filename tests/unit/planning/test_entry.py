"""At what capex and carbon price an option enters, and what the gaps leave open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from planning_small import gas, nuclear, stage

from gridrush.planning.entry import (
    Between,
    Entry,
    Pair,
    break_even_capex,
    break_even_carbon_price,
    worth_usd_per_mw_year,
)
from gridrush.planning.least_cost import expand
from gridrush.planning.options import Candidate, Stage
from gridrush.planning.planner import Planner

HOURS = 8760.0
FLAT = np.full(24, 260.0)


def look(stages: Sequence[Stage], candidates: Sequence[Candidate], *, gap: float = 1e-6) -> tuple[Entry, Pair]:
    entry = Entry(Planner(stages, candidates, threads=1), "nuclear", gap=gap)
    return entry, Pair(entry.without(), entry.with_one())


def test_break_even_capex_of_a_block_is_what_it_saves() -> None:
    # 60 MW are short in every hour: 100 MW of nuclear save 60 MW x (1000 - 10) and replace 40 MW of coal
    worth = (60 * (1000 - 10) + 40 * (20 - 10)) * HOURS / 100
    found = break_even_capex(*look([stage(FLAT)], [nuclear(max_mw=100.0)]))
    assert found.low <= found.best <= found.high
    assert found.best == pytest.approx(worth, rel=1e-6)
    assert found.high - found.low <= 4e-6 * worth
    plan = expand([stage(FLAT)], [nuclear(capex_usd_per_mw_year=1e8)])
    assert worth_usd_per_mw_year(plan)[0, 0] == pytest.approx((1000 - 10) * HOURS, rel=1e-6)


@pytest.mark.parametrize("capex", [1e4, 300e3, 5e6])
def test_break_even_capex_where_the_block_may_come_early_or_late(capex: float) -> None:
    """Plans made anew on both sides of the interval agree, wherever the search began."""
    stages = [stage(0.5 * FLAT, 2030, weight=4.0), stage(FLAT, 2035, weight=3.0)]
    options = [gas(unit_mw=0.0, capex_usd_per_mw_year=400e3), nuclear(max_mw=100.0, capex_usd_per_mw_year=capex)]
    found = break_even_capex(*look(stages, options))
    assert found.high - found.low <= 2e-3 * found.best

    def standing(annuity: float) -> float:
        other = [options[0], replace(options[1], capex_usd_per_mw_year=annuity)]
        return float(expand(stages, other, gap=1e-7).standing_mw[-1, 1])

    assert standing(found.low * 0.999) == pytest.approx(100.0)
    assert standing(found.high * 1.001) == pytest.approx(0.0)


def test_a_wide_gap_widens_the_interval_and_never_loses_the_answer() -> None:
    worth = (60 * (1000 - 10) + 40 * (20 - 10)) * HOURS / 100
    entry, pair = look([stage(FLAT)], [nuclear(max_mw=100.0)])
    slack = 0.02 * pair.without.cost_usd
    loose = [replace(p, lower_bound_usd=p.lower_bound_usd - slack) for p in (pair.without, pair.with_one)]
    found = break_even_capex(entry, Pair(*loose))
    assert found.low <= worth - 0.9 * slack / 100
    assert worth + 0.9 * slack / 100 <= found.high


def test_a_carbon_price_brings_in_what_does_not_emit() -> None:
    # nuclear against standing coal: 300,000 / 8760 + 10 = 44.2 against 20 + carbon price x 1
    entry, pair = look([stage(np.full(24, 150.0))], [nuclear(max_mw=100.0)])
    found = break_even_carbon_price(entry, pair, most=100.0, tolerance=2.0)
    meets = 300e3 / HOURS + 10 - 20
    assert found.low is not None
    assert found.high is not None
    assert found.best == pytest.approx(meets, abs=0.01)
    assert found.low <= meets <= found.high


def test_a_carbon_price_that_can_never_do_it_is_said() -> None:
    entry, pair = look([stage(np.full(24, 150.0))], [nuclear(max_mw=100.0)])
    found = break_even_carbon_price(entry, pair, most=20.0)
    assert (found.low, found.best, found.high) == (20.0, None, None)


def test_what_is_in_the_plan_anyway_needs_no_carbon_price() -> None:
    entry, pair = look([stage(np.full(24, 150.0))], [nuclear(max_mw=100.0, capex_usd_per_mw_year=10e3)])
    assert isinstance(pair.dearer_usd, Between)
    assert pair.dearer_usd.high < 0
    found = break_even_carbon_price(entry, pair, most=100.0)
    assert (found.low, found.best, found.high) == (None, 0.0, 0.0)
    dear = [replace(s, carbon_price_usd_per_t=80.0) for s in [stage(np.full(24, 150.0))]]
    entry, pair = look(dear, [nuclear(max_mw=100.0)])
    assert pair.dearer_usd.high < 0
    found = break_even_carbon_price(entry, pair, most=100.0, tolerance=2.0)
    assert found.best == pytest.approx(300e3 / HOURS + 10 - 20, abs=0.5)


def test_the_plan_itself_is_the_one_without_when_it_builds_none() -> None:
    stages, options = [stage(FLAT)], [gas(), nuclear(capex_usd_per_mw_year=1e8)]
    planner = Planner(stages, options, threads=1)
    plan = expand(stages, options, planner=planner)
    assert Entry(planner, "nuclear").without(plan) is plan
    cheap = [gas(), nuclear(capex_usd_per_mw_year=1e3)]
    planner = Planner(stages, cheap, threads=1)
    plan = expand(stages, cheap, planner=planner)
    other = Entry(planner, "nuclear").without(plan)
    assert plan.standing_mw[0, 1] > 0
    assert other.standing_mw[0, 1] == 0.0
    with pytest.raises(ValueError, match="size_mw"):
        _ = Entry(Planner(stages, [nuclear(unit_mw=0.0)], threads=1), "nuclear").mw
