"""Controls of the page become scenarios the case can check."""

from datetime import date

import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.model import Case
from gridrush.errors import CaseError
from gridrush.web.controls import Screen, apply, controls, decided, defaults


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case("kazakhstan")


def test_a_screen_without_values_is_the_base(case: Case) -> None:
    assert apply(case, Screen(base="nuclear")) == resolve_scenario(case, "nuclear")


def test_a_fee_replaces_later_fees_and_leaves_the_past(case: Case) -> None:
    made = apply(case, Screen(base="as-it-was", values={"fee": 5}))
    assert [(f.start, f.kzt_per_kwh) for f in made.fee] == [(decided(case), 5.0)]
    rationed = apply(case, Screen(base="as-it-was", values={"rationing": "none"})).rationing
    assert [r.end for r in rationed] == [date(2021, 12, 1)]


def test_a_project_is_built_in_the_year_asked_or_not_at_all(case: Case) -> None:
    made = apply(case, Screen(base="nuclear", values={"build:nuclear-balkhash": 2030, "build:gres3": False}))
    online = {b.project: b.online for b in made.builds}
    assert online["nuclear-balkhash"] == date(2030, 1, 1)
    assert "gres3" not in online


def test_assumptions_change_only_what_is_assumed(case: Case) -> None:
    base = resolve_scenario(case, "ban")
    made = apply(case, Screen(base="ban", values={"growth": 0.03, "price": "high"}))
    assert made.assume.demand_growth_share == 0.03
    assert made.assume.hashprice_after == "high"
    assert made.ban == base.ban
    assert made.builds == base.builds


def test_import_is_bought_at_the_price_of_the_case(case: Case) -> None:
    made = apply(case, Screen(base="as-it-was", values={"import:North": 300}))
    (contract,) = made.import_contract
    known = case.scenarios["import"].import_contract
    assert contract.capacity_mw == 300
    assert contract.price_usd_per_mwh == next(c.price_usd_per_mwh for c in known if c.zone == "North")


def test_a_quota_is_spread_over_the_zones(case: Case) -> None:
    made = apply(case, Screen(base="as-it-was", values={"quota": 1000}))
    assert sum(made.registration[-1].quota_mw.values()) == pytest.approx(1000)


@pytest.mark.parametrize("key, value", [
    ("fee", 1000), ("fee", "much"), ("fee", True), ("ban", 1), ("rationing", "polite"),
    ("build:nuclear-balkhash", 1990), ("build:moon", True), ("__class__", 1), ("growth", float("1e300")),
])  # fmt: skip
def test_values_out_of_bounds_are_named(case: Case, key: str, value: object) -> None:
    with pytest.raises(CaseError) as wrong:
        apply(case, Screen.model_validate({"base": "as-it-was", "values": {key: value}}))
    assert key in wrong.value.problems[0].where


def test_an_unknown_base_is_named(case: Case) -> None:
    with pytest.raises(CaseError, match="no-such"):
        apply(case, Screen(base="no-such"))


def test_every_control_has_a_default_in_every_scenario_and_numbers_lie_inside(case: Case) -> None:
    by_key = {c.key: c for c in controls(case)}
    for name in case.scenarios:
        found = defaults(case, resolve_scenario(case, name))
        assert found.keys() == by_key.keys()
        for key, value in found.items():
            c = by_key[key]
            if c.kind == "range" and value is not None:
                assert c.low <= value <= c.high, (name, key, value)


def test_setting_every_control_to_its_default_gives_the_rules_of_a_simple_base_again(case: Case) -> None:
    base = resolve_scenario(case, "register-and-fee")
    found = {k: v for k, v in defaults(case, base).items() if v is not None and not k.startswith(("build", "ban"))}
    made = apply(case, Screen(base="register-and-fee", values=found))
    assert made.enforcement[-1].found_share_per_month == base.enforcement[-1].found_share_per_month
    assert made.registration[-1].quota_mw == pytest.approx(base.registration[-1].quota_mw)
    assert made.assume.census_quantile == base.assume.census_quantile
