"""Draws of what is not known, and what they do to a case and scenario."""

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.template import new_case
from gridrush.study.miners import Miners
from gridrush.study.uncertainty import TARGETS, Unknown, bands, draw, in_draw, quantiles_drawn, unknowns_of

CASE = load_case("kazakhstan")
BASE = resolve_scenario(CASE, "import")


def test_the_case_has_a_distribution_for_every_unknown():
    stated = ("hashprice_after", "hashprice_growth_share")  # one may state a trend in place of drawn worlds
    assert [x.name for x in unknowns_of(CASE)] == [n for n in TARGETS if n not in stated]
    assert all(x.why for x in unknowns_of(CASE))


@pytest.mark.parametrize("unknown", unknowns_of(CASE), ids=lambda x: x.name)
def test_values_rise_with_the_quantile_and_keep_their_bounds(unknown):
    values = unknown.at(np.linspace(0.001, 0.999, 99))
    if unknown.kind == "choice":
        assert set(values) == set(unknown.options)
        return
    assert (np.diff(values) > 0).all()
    if unknown.kind in ("uniform", "triangular"):
        assert unknown.low <= values[0]
        assert values[-1] <= unknown.high
    base = resolve_scenario(CASE, "as-it-was") if unknown.name in ("mining_tariff_share", "enforcement_share") else BASE
    case, scenario = in_draw(CASE, base, {unknown.name: values[0]})
    assert (case, scenario) != (CASE, base)


def test_five_of_a_hundred_lie_outside_each_end():
    for kind in ("normal", "lognormal"):
        x = Unknown(name="capex_share", kind=kind, low=0.5, best=1.0, high=2.0 if kind == "lognormal" else 1.5)
        low, high = x.at(np.array([0.05, 0.95]))
        assert low == pytest.approx(x.low)
        assert high == pytest.approx(x.high)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "weather", "kind": "uniform", "low": 0, "high": 1},
        {"name": "hydro_share", "kind": "uniform", "low": 1, "high": 1},
        {"name": "hydro_share", "kind": "triangular", "low": 0, "high": 1},
        {"name": "hydro_share", "kind": "triangular", "low": 0, "best": 2, "high": 1},
        {"name": "hydro_share", "kind": "lognormal", "low": 0, "best": 1, "high": 2},
        {"name": "hydro_share", "kind": "uniform", "low": 0, "high": 1, "options": [1]},
        {"name": "hashprice_after", "kind": "choice"},
        {"name": "hashprice_after", "kind": "choice", "options": ["low"], "weights": [1, 2]},
        {"name": "hydro_share", "kind": "uniform", "low": 0, "high": 1, "mean": 3},
    ],
)
def test_a_distribution_that_cannot_be_meant_is_refused(wrong):
    with pytest.raises(ValidationError):
        Unknown(**wrong)


def test_a_draw_changes_what_it_names_and_nothing_else():
    case, scenario = in_draw(CASE, BASE, {"import_share": 0.5, "capex_share": 1.2, "hydro_share": 0.9})
    bought = [(a.capacity_mw, b.capacity_mw, a.direction) for a, b in zip(CASE.ties, case.ties, strict=True)]
    assert all(b == (0.5 * a if d == "import" else a) for a, b, d in bought)
    assert scenario.import_contract[0].capacity_mw == 0.5 * BASE.import_contract[0].capacity_mw
    assert case.projects[0].capex_usd_per_mw == pytest.approx(1.2 * CASE.projects[0].capex_usd_per_mw)
    assert scenario.assume.hydro_share == 0.9
    assert scenario.assume.outage_stress == BASE.assume.outage_stress
    assert case.digest != CASE.digest
    assert case.units == CASE.units
    assert in_draw(CASE, BASE, {"import_share": 0.5})[0].digest != in_draw(CASE, BASE, {"import_share": 0.6})[0].digest


def test_rules_of_the_record_are_not_drawn():
    """Tariff and enforcement are drawn from the day the case closes."""
    scenario = resolve_scenario(CASE, "as-it-was")
    _, drawn = in_draw(CASE, scenario, {"mining_tariff_share": 1.2, "enforcement_share": 60.0})
    for a, b in zip(scenario.tariff, drawn.tariff, strict=True):
        factor = 1.2 if a.start > CASE.as_of else 1.0
        assert b.usd_per_mwh == pytest.approx(factor * a.usd_per_mwh)
        assert b.night_usd_per_mwh == pytest.approx(factor * a.night_usd_per_mwh)
    assert drawn.enforcement[0].found_share_per_month == 0.5


def test_drawn_worlds_are_ranked_by_what_a_megawatt_hour_earns():
    miners = Miners.of(CASE, draws=50)
    last = {"2040-12": 2040, "2030-12": 2030}
    low, high = (miners.drawn_world(q, None) for q in (0.05, 0.95))
    earned = [np.log(w.hashprice_usd_per_ph_day / w.fleet_j_per_th)[w.recorded :].mean() for w in (low, high)]
    assert earned[0] < earned[1] - 0.3
    assert str(low.months[0]) == f"{CASE.first_year}-01"
    assert str(low.months[-1]) in last
    known = low.hashrate_ehs[: low.recorded]
    assert (known == high.hashrate_ehs[: low.recorded]).all()


def test_a_value_the_scenario_cannot_take_is_refused():
    with pytest.raises(ValidationError):
        in_draw(CASE, BASE, {"census_quantile": 1.5})


@pytest.mark.parametrize("method", ["sobol", "latin-hypercube", "random"])
def test_points_fill_the_cube_and_come_again_with_the_seed(method):
    x = quantiles_drawn(64, 3, method=method, seed=5)
    np.testing.assert_array_equal(x, quantiles_drawn(64, 3, method=method, seed=5))
    assert (x != quantiles_drawn(64, 3, method=method, seed=6)).any()
    assert x.shape == (64, 3)
    if method != "random":  # one point in each of 64 strata of each axis
        assert all(len(set((64 * x[:, i]).astype(int))) == 64 for i in range(3))


def test_a_longer_sobol_draw_begins_with_the_shorter():
    np.testing.assert_array_equal(quantiles_drawn(100, 2)[:40], quantiles_drawn(40, 2))


def test_bands_are_quantiles_over_draws():
    values = draw((Unknown(name="hydro_share", kind="uniform", low=0, high=1),), quantiles_drawn(1024, 1))
    rows = pd.DataFrame({"scenario": "a", "quantity": "q", "item": "", "year": 2021, "unit": "MW",
                         "value": values["hydro_share"]})  # fmt: skip
    [band] = bands(rows).to_dict("records")
    assert band["q05"] == pytest.approx(0.05, abs=2e-3)
    assert band["q95"] == pytest.approx(0.95, abs=2e-3)
    assert band["mean"] == pytest.approx(0.5, abs=1e-3)
    assert band["stderr"] == pytest.approx((1 / 12 / 1024) ** 0.5, rel=0.01)


def test_worlds_are_drawn_only_where_the_record_ends_before_the_case(tmp_path):
    example, kazakhstan = load_case(new_case(tmp_path / "case")), load_case("kazakhstan")
    assert "world_quantile" not in {u.name for u in unknowns_of(example)}  # its record covers all its years
    assert "world_quantile" in {u.name for u in unknowns_of(kazakhstan)}
