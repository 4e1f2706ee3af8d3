"""Months met before are used again, and nothing changes by it."""

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.model import Case
from gridrush.case.scenario import Assumptions, Build, Fee, Scenario
from gridrush.study.instant import Instant, Superseded
from gridrush.study.simulate import simulate


@pytest.fixture(scope="module")
def case() -> Case:
    whole = load_case("kazakhstan")
    return whole.model_copy(update={"last_year": 2024})


@pytest.fixture(scope="module")
def instant(case: Case) -> Instant:
    return Instant.of(case)


def variant(case: Case, base: str, **change: Any) -> Scenario:
    return resolve_scenario(case, base).model_copy(update={"name": "custom", **change})


@pytest.mark.parametrize("make", [
    lambda c: variant(c, "as-it-was"),
    lambda c: variant(c, "as-it-was", fee=(Fee(start=date(2022, 6, 1), kzt_per_kwh=9),)),
    lambda c: variant(c, "open-door", also_build=(Build(project="wind-south", online=date(2023, 1, 1)),)),
    lambda c: variant(c, "open-door", assume=Assumptions(outage_stress=1.4, hydro_share=0.9)),
    lambda c: variant(c, "as-it-was", carbon_price_usd_per_t=20.0),
    lambda c: variant(c, "as-it-was", carbon_price_usd_per_t=0.0),
])  # fmt: skip
def test_an_instant_run_is_the_simulation_to_the_last_bit(
    case: Case, instant: Instant, make: Callable[[Case], Scenario]
) -> None:
    scenario = make(case)
    got = instant.run(scenario)
    want = simulate(case, scenario, samples=1, paths=instant.paths, miners=instant.miners)
    for key in want.annual.data_vars:
        np.testing.assert_array_equal(got.annual[key], want.annual[key], err_msg=str(key))
    for key in want.monthly.data_vars:
        np.testing.assert_array_equal(got.monthly[key], want.monthly[key], err_msg=str(key))
    np.testing.assert_allclose(got.ledger.to_numpy(), want.ledger.to_numpy(), rtol=1e-12)
    october = 12 * 2021 + 9
    hours = instant.hours(scenario, october, october)
    part = want.hourly.sel(time=hours["time"])
    for key in ("load_mw", "generation_mw", "unserved_mw", "interrupted_mw"):
        np.testing.assert_array_equal(hours[key], part[key], err_msg=key)


def test_parts_are_the_first_years_of_the_whole(case: Case) -> None:
    fresh = Instant.of(case)
    parts: list[tuple[int, Any]] = []
    whole = fresh.run("as-it-was", part_s=0.0, on_part=lambda run, year: parts.append((year, run.annual)))
    assert parts
    year, annual = parts[0]
    assert int(annual["year"].values[-1]) == year
    np.testing.assert_array_equal(annual["co2_mt"], whole.annual["co2_mt"].sel(year=annual["year"]))


def test_a_run_nobody_waits_for_stops(case: Case) -> None:
    with pytest.raises(Superseded):
        Instant.of(case).run("as-it-was", superseded=lambda: True)
