"""From runs and announced dates to remedies."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.study.relief import bridge_to_reactor, recorded_slip_shares, time_to_relief
from gridrush.study.service import service_draws

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


@pytest.fixture(scope="module")
def runs():  # type: ignore[no-untyped-def]
    """Made up: shortage of 1 GWh a year from 2021 on that interruption halves, and reactors end when they come."""
    from dataclasses import replace

    import pandas as pd
    import xarray as xr

    from gridrush.policy.fiscal import ledger
    from gridrush.study.run import Run

    years = [2021, 2025, 2030, 2040]

    def run(name: str, eue_mwh: list[float], fixed_usd: float) -> Run:
        risk = xr.Dataset({"EUE_mwh": (("year", "zone"), np.array([eue_mwh]).T)}, {"year": years, "zone": ["system"]})
        month = pd.date_range("2021-01-01", "2024-12-01", freq="MS")
        flat = xr.DataArray(np.full((len(month), 1), 100.0), {"month": month, "zone": ["North"]}, ("month", "zone"))
        monthly = xr.Dataset({"registered_mw": flat, "unregistered_mw": flat})
        paid = ledger({"fixed": dict.fromkeys(range(2019, 2041), fixed_usd)})
        scenario = resolve_scenario(CASE, name)
        return Run(CASE, scenario, 1, 1, xr.Dataset(), monthly, xr.Dataset(), risk, paid)

    found = {
        "open-door": run("open-door", [1e3] * 4, 1e6),
        "interruptible": run("interruptible", [500.0] * 4, 1.05e6),
        "nuclear": run("nuclear", [1e3, 1e3, 1e3, 0.0], 5e6),
    }
    assert replace(found["nuclear"]).name == "nuclear"
    return found


def test_runs_become_remedies_whose_sums_are_by_hand(runs) -> None:  # type: ignore[no-untyped-def]
    table = time_to_relief(runs).set_index("scenario")
    quick, late = table.loc["interruptible"], table.loc["nuclear"]
    assert list(table.index) == ["interruptible", "nuclear"]
    there = 2041 - quick["first_year_best"]
    assert quick["eue_avoided_gwh"] == pytest.approx(0.5 * there, rel=1e-6)
    assert quick["cost_usd_per_mwh"] == pytest.approx(0.05e6 / 500, rel=1e-6)
    assert late["first_year_best"] == pytest.approx(2037, abs=0.1)
    assert late["cost_usd_per_mwh"] > 4e6 / 1e3  # what it does in its first year is but a part of the shortage


def test_the_years_before_the_reactor_are_bridged_by_what_is_there(runs) -> None:  # type: ignore[no-untyped-def]
    table = bridge_to_reactor(runs)
    assert set(table["remedy"]) == {"interruptible"}
    assert (table["year"].min(), table["year"].max()) == (2021, 2037)  # it comes in the first days of 2037
    assert table["left_mwh"].iloc[-1] == pytest.approx(500.0)
    assert bridge_to_reactor({n: r for n, r in runs.items() if n != "nuclear"}).empty
    assert time_to_relief({"nuclear": runs["nuclear"]}).empty
