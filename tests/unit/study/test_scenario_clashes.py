"""Scenarios that cannot be meant: unknown keys, names the case lacks, levers that exclude each other."""

from datetime import date

import pytest
from pydantic import ValidationError

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.scenario import Ban, Build, Fee, Registration, Scenario
from gridrush.errors import CaseError

CASE = load_case("kazakhstan")


def _scenario(**change):
    return Scenario(name="x", title="x", story="x", base="open-door", **change)


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValidationError, match="subsidy"):
        _scenario(subsidy=1)


def test_nobody_registers_during_a_ban():
    ban = (Ban(start=date(2022, 1, 1), end=date(2023, 1, 1)),)
    levers = [Registration(start=date(2022, 6, 1), register_share_per_month=0.1)]
    with pytest.raises(CaseError, match=r"registration\.0.*ban of 2022-01-01"):
        resolve_scenario(CASE, _scenario(ban=ban, registration=tuple(levers)))
    later = Registration(start=date(2023, 1, 1), register_share_per_month=0.1)
    assert resolve_scenario(CASE, _scenario(ban=ban, registration=(later,))).ban == ban


def test_two_fees_of_one_day_are_an_error_even_when_a_base_brings_one():
    fees = (Fee(start=date(2022, 1, 1), kzt_per_kwh=1), Fee(start=date(2022, 1, 1), kzt_per_kwh=2))
    with pytest.raises(CaseError, match="two that start on 2022-01-01"):
        resolve_scenario(CASE, _scenario(fee=fees))


def test_every_problem_of_a_scenario_is_said_at_once():
    wrong = _scenario(
        also_build=(Build(project="moon-base"),),
        registration=(Registration(start=date(2022, 1, 1), quota_mw={"East": 5}),),
    )
    with pytest.raises(CaseError) as err:
        resolve_scenario(CASE, wrong)
    assert {p.found for p in err.value.problems} == {"moon-base", "East"}


def test_a_project_of_the_base_is_not_built_twice():
    with pytest.raises(CaseError, match="each project once"):
        resolve_scenario(CASE, _scenario(also_build=(Build(project="gres2-unit4"),)))
    with pytest.raises(CaseError, match="bases that do not lead back"):
        resolve_scenario(CASE, Scenario(name="ban", title="", story="", base="ban"))


@pytest.mark.parametrize("name", sorted(CASE.scenarios))
def test_the_scenarios_of_the_case_can_be_meant(name):
    assert resolve_scenario(CASE, name).clashes() == []
