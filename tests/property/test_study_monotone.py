"""Directions a whole coupled simulation must respond in: levers of a scenario, grid and miners answering each other."""

from datetime import date
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest

from gridrush.case.load import load_case, resolve_scenario
from gridrush.case.scenario import Assumptions, Build, Enforcement, Fee, Freeze, Registration
from gridrush.study.miners import Miners
from gridrush.study.paths import draw_paths
from gridrush.study.simulate import simulate

YEARS = range(2019, 2023)
START = date(2021, 12, 1)


@lru_cache(maxsize=1)
def _given():
    case = load_case("kazakhstan")
    return case, draw_paths(case, YEARS, samples=1, seed=1), Miners.of(case, seed=1)


def _run(name, **change):
    case, paths, miners = _given()
    scenario = resolve_scenario(case, name).model_copy(update=change)
    return simulate(case, scenario, years=YEARS, paths=paths, miners=miners)


def _mw(run, status):
    return run.monthly[f"{status}_mw"].sum("zone").values


@pytest.mark.parametrize("name", ["register-and-fee", "open-door"])
def test_a_higher_fee_never_raises_registered_mining(name):
    levels = [_mw(_run(name, fee=(Fee(start=START, kzt_per_kwh=f),)), "registered") for f in (0, 1, 5, 20)]
    for low, high in pairwise(levels):
        assert (high <= low + 1e-9).all()
    assert levels[-1][-1] < 0.7 * levels[0][-1]  # and it bites


@pytest.mark.parametrize("name", ["open-door", "as-it-was"])
def test_more_enforcement_never_raises_unregistered_mining(name):
    levels = [
        _mw(_run(name, enforcement=(Enforcement(start=START, found_share_per_month=f),)), "unregistered")
        for f in (0, 0.03, 0.2)
    ]
    for low, high in pairwise(levels):
        assert (high <= low + 1e-9).all()
    assert levels[-1][-1] < 0.2 * levels[0][-1]


def test_a_looser_quota_never_lowers_mining():
    zones = _given()[0].zone_names
    totals = []
    for mw in (0, 100, 300, 2000):
        lever = Registration(start=START, register_share_per_month=0.1, quota_mw=dict.fromkeys(zones, mw))
        run = _run("register-and-fee", registration=(lever,))
        totals.append(_mw(run, "registered") + _mw(run, "unregistered"))
    for tight, loose in pairwise(totals):
        assert (loose >= tight - 1e-9).all()
    assert totals[-1][-1] > totals[0][-1]


STRAINED = Assumptions(outage_stress=2.6, census_quantile=0.95, hydro_share=0.8)
FROZEN = {"freeze": (Freeze(start=date(2021, 11, 1)),), "assume": STRAINED}
"""With miners free to come, room made by a new plant brings new miners; with them held, plant can only help."""


@pytest.mark.parametrize("project", ["ocgt-south", "coal-north", "wind-south", "battery-north", "north-south-dc"])
def test_more_plant_never_raises_unserved_energy_of_the_same_miners(project):
    without = _frozen(())
    build = Build(project=project, online=date(2021, 1, 1))
    with_plant = _frozen((build,))
    assert without.sum() > 100.0  # a year in which it matters
    assert (with_plant <= without + 1e-6).all()


def test_more_plant_brings_more_miners_where_the_door_is_open():
    totals = []
    for builds in ((), (Build(project="coal-north", online=date(2021, 1, 1)),)):
        run = _run("open-door", also_build=builds)
        totals.append(_mw(run, "registered") + _mw(run, "unregistered"))
    assert (totals[1] >= totals[0] - 1e-9).all()


@lru_cache(maxsize=8)
def _frozen(builds):
    run = _run("open-door", also_build=builds, **FROZEN)
    return np.asarray(run.annual["unserved_gwh"].sum("zone").values)
