"""From runs and announced dates to remedies."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.study.relief import recorded_slip_shares, service_draws

CASE = load_case("kazakhstan")
SCENARIO = resolve_scenario(CASE, "nuclear")


def project(name: str):  # type: ignore[no-untyped-def]
    return next(p for p in CASE.projects if p.project == name)


def test_a_reactor_serves_by_its_announced_date_plus_its_slips() -> None:
    draws = service_draws(project("nuclear-balkhash"), SCENARIO)
    assert np.quantile(draws, (0.1, 0.5, 0.9)) == pytest.approx([2036.0, 2037.0, 2041.0], abs=0.1)
    assert draws.max() > 2048  # a long tail
    fixed = service_draws(project("nuclear-balkhash"), SCENARIO, online=date(2036, 1, 1))
    assert (fixed == 2036.0).all()


def test_slips_of_plants_are_those_of_the_record_over_the_time_announced() -> None:
    """The table's best, low and high are the record's median and ends, to the quarter of a year."""
    record = recorded_slip_shares(CASE)
    assert record == pytest.approx([0.21, 0.22, 0.37, 0.70], abs=0.015)
    plants = [p for p in CASE.projects if "announcements.csv" in p.note and p.technology != "line"]
    assert len(plants) > 20
    for p in plants:
        years = float(p.note.split("over the ")[1].split(" years")[0]) if "over the " in p.note else (
            (p.planned - p.decided).days / 365.25)  # type: ignore[operator]  # fmt: skip
        assert p.slip_years == pytest.approx(np.median(record) * years, abs=0.25), p.project
        assert p.low == pytest.approx(record[0] * years, abs=0.15), p.project
        assert p.high == pytest.approx(record[-1] * years, abs=0.15), p.project


def test_units_close_at_the_age_their_kind_is_given_and_cities_keep_their_heat() -> None:
    age = {t.technology: t for t in CASE.technologies if t.parameter == "closing_age_years"}
    closing = [u for u in CASE.units if u.end is not None and u.end > CASE.as_of and "closing assumed" in u.note]
    for u in closing:
        assert u.end is not None
        assert not u.captive
        t = age[u.technology]
        assert t.grade == "assumed"
        assert t.low is not None
        assert (u.end.year - u.start.year) >= t.low, u.unit
    assert 4500 < sum(u.capacity_mw for u in closing if u.end and u.end.year <= 2040) < 5500
    kept = {b.project for b in resolve_scenario(CASE, "as-it-was").builds}
    heat = {p.project for p in CASE.projects if p.status == "existing-rebuild" and "chp" in p.technology}
    assert heat <= kept
