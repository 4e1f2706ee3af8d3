"""Numbers and drawings: what a reader sees of a value."""

from __future__ import annotations

import doctest
import math

import numpy as np
import pandas as pd
import pytest

import gridrush.report.svg
import gridrush.report.tables
import gridrush.report.words
from gridrush.report.answers import _departure
from gridrush.report.figures.relief import claim_mark
from gridrush.report.svg import Svg, bounds, frame, spread, ticks
from gridrush.report.tables import MAX_ROWS, html_table
from gridrush.report.words import THIN, interval, ranged, signed, with_unit


@pytest.mark.parametrize("module", [gridrush.report.words, gridrush.report.svg, gridrush.report.tables])
def test_examples_in_docstrings_hold(module: object) -> None:
    found = doctest.testmod(module, extraglobs={"THIN": THIN})  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0


def test_an_interval_keeps_the_unit_of_its_upper_end() -> None:
    assert interval(0.05e9, 1.5e9, "USD") == f"0.05–1.5{THIN}bn USD"
    assert interval(-0.02, 0.03, "share") == "−2 to 3%"
    assert interval(float("nan"), 2.0, "MW") == ""


def test_a_range_of_money_in_millions_never_loses_its_unit() -> None:
    assert ranged(6.1e7, 5e7, 7e7, "USD") == f"61{THIN}M USD (50–70{THIN}M USD)"


def test_a_change_always_shows_its_sign() -> None:
    assert [signed(v, "MW") for v in (5.0, -5.0, 0.0)] == [f"+5{THIN}MW", f"−5{THIN}MW", f"0{THIN}MW"]


def test_a_number_too_small_for_its_digits_is_not_shown_as_nothing() -> None:
    assert with_unit(4.2e-7, "GWh") != f"0{THIN}GWh"


@pytest.mark.parametrize("seed", range(20))
def test_an_axis_holds_its_values_and_its_ticks_reach_both_ends(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=5) * 10.0 ** rng.integers(-3, 6)
    low, high = bounds(values, count=4)
    assert low <= min(0.0, values.min())
    assert high >= max(0.0, values.max())
    marks = ticks(low, high, count=4)
    assert len(marks) <= 5
    assert math.isclose(marks[0], low, abs_tol=1e-9 * (high - low))
    assert math.isclose(marks[-1], high, rel_tol=1e-9)


@pytest.mark.parametrize("seed", range(10))
def test_labels_spread_apart_keep_their_order(seed: int) -> None:
    wanted = np.random.default_rng(seed).uniform(0, 100, 6).tolist()
    placed = spread(wanted, 12, 0, 100)
    order = np.argsort(wanted)
    assert (np.diff(np.array(placed)[order]) >= 12 - 1e-9).all()
    assert min(placed) >= 0
    assert max(placed) <= 100


def test_a_gap_in_a_line_is_left_open() -> None:
    svg = Svg(100, 50, "x")
    f = frame(svg, (0, 3), (0, 1))
    svg.polyline(f.x([0, 1, 2, 3]), [1.0, np.nan, 1.0, 1.0])
    assert str(svg).count("<polyline") == 2


def test_words_in_a_drawing_cannot_become_markup() -> None:
    svg = Svg(100, 50, '"<x>')
    svg.text(0, 0, "<b>", tip='"&')
    assert "<b>" not in str(svg)
    assert 'aria-label="&quot;&lt;x&gt;"' in str(svg)


def test_a_long_table_says_that_rows_are_left_out() -> None:
    short, long = (pd.DataFrame({"a": np.arange(n)}) for n in (MAX_ROWS, MAX_ROWS + 1))
    assert "of them are in the file" not in html_table(short)
    assert f"first {MAX_ROWS} of {MAX_ROWS + 1}" in html_table(long)


def test_miners_that_come_back_have_not_left() -> None:
    months = [f"2021-{m:02d}" for m in range(1, 13)]
    away = pd.Series([1, 4, 8, 8, 1, 8, 1, 1, 1, 1, 1, 1], index=months, dtype=float)
    assert _departure(away) == ("2021-03", 2021)
    assert _departure(pd.Series([1, 8, 1, 8], index=months[:4], dtype=float)) == ("2021-02", None)


def test_a_claim_without_a_number_has_no_drawing() -> None:
    row = pd.Series({"value": None, "low": 1.0, "best": 2.0, "high": 3.0, "unit": "MW"})
    assert claim_mark(row) == ""
    assert "Claimed" in claim_mark(row.replace({None: 2.5}))
