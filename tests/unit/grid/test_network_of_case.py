"""From the case to the system of a month."""

from datetime import date

import numpy as np
import pytest

from gridrush.case.load import load_case
from gridrush.case.scenario import Build
from gridrush.case.system import Demand
from gridrush.grid.fleet import build_fleet, month_number, online_date
from gridrush.grid.hourly import hours_of_year, month_of
from gridrush.grid.month import month_system
from gridrush.grid.network import GridModel


@pytest.fixture(scope="module")
def case():
    return load_case("kazakhstan")


def model_of(case, *builds):
    plants, wires = build_fleet(case, builds)
    return GridModel(case, plants, wires, outage_stress={0: 1.0, 2021: 1.25})


def system_of(model, year, month, *, paths=1):
    time = hours_of_year(year)
    time = np.tile(time[month_of(time) == month], paths)
    path = np.repeat(np.arange(paths), time.size // paths)
    demand = Demand(("load",), ("firm",), np.array([0]), np.full((time.size, 1), 8000.0), np.array([3000.0]))
    none = np.zeros((0, time.size))
    return month_system(model, time, demand, resources=(), capacity_factor=none, path=path, hydrology=np.ones(paths))


def test_a_month_number_counts_whole_months():
    assert month_number(date(2021, 1, 1)) == 12 * 2021
    assert month_number(date(2021, 1, 20)) == 12 * 2021 + 1


def test_a_project_serves_when_planned_plus_its_slip_unless_overridden(case):
    p = next(p for p in case.projects if p.project == "nuclear-balkhash")
    assert online_date(p).year == pytest.approx(p.planned.year + p.slip_years, abs=1)
    assert online_date(p, build=Build(project=p.project, online=date(2030, 5, 1))) == date(2030, 5, 1)


def test_the_transit_has_2100_mw_and_the_west_no_link_before_its_line(case):
    model = model_of(case, Build(project="west-link"))
    before, after = system_of(model, 2021, 10), system_of(model, 2035, 10)
    assert dict(zip(before.links.name, before.links.forward_mw, strict=True)) == {"North-South transit": 2100.0}
    assert "west-link" in after.links.name


def test_a_replaced_plant_leaves_when_its_successor_starts(case):
    model = model_of(case, Build(project="almaty-chp2-gas", online=date(2027, 1, 1)))
    old = {u.unit for u in case.units if u.plant == "Almaty CHP-2"}
    assert old <= {p.name for p in model.active(12 * 2026 + 11)}
    assert not old & {p.name for p in model.active(12 * 2027)}
    assert sum(p.capacity_mw for p in model.active(12 * 2027) if p.name.startswith("almaty-chp2-gas")) == 557.0


def test_stress_shortens_the_time_to_failure(case):
    model = model_of(case)
    calm, worn = system_of(model, 2020, 10).units, system_of(model, 2021, 10).units
    both = [n for n in calm.name if n in worn.name and np.isfinite(calm.mttf_h[calm.name.index(n)])]
    ratio = [
        worn.forced_outage_share[worn.name.index(n)] / calm.forced_outage_share[calm.name.index(n)] for n in both
    ]
    np.testing.assert_allclose(ratio, 1.25, rtol=1e-9)


def test_water_of_a_year_is_the_expected_energy_less_small_hydro_and_is_limited_in_each_path(case):
    model = model_of(case)
    year = sum(model.hydro_energy_mwh(12 * 2021 + m).sum() for m in range(12)) / 1e6
    small = model._small_hydro_mwh / 1e6
    assert year == pytest.approx(case.parameters.hydro_energy.value - small, rel=0.02)
    s = system_of(model, 2021, 6, paths=2)
    assert s.reservoirs.energy_mwh.shape == (2, 2)
    np.testing.assert_allclose(s.reservoirs.energy_mwh[:, 0], s.reservoirs.energy_mwh[:, 1])


def test_must_run_never_exceeds_what_is_available(case):
    for month in (1, 7):
        s = system_of(model_of(case), 2021, month)
        dry = s.units.reservoir < 0
        must, can = s.profiles[s.units.must_run[dry]], s.profiles[s.units.available[dry]]
        assert (must <= can + 1e-12).all()


def test_maintenance_is_placed_in_the_months_of_low_load(case):
    weight = model_of(case).maintenance_weight
    assert weight.mean() == pytest.approx(1.0)
    assert weight[[0, 11]].max() < 0.4
    assert weight[[5, 6, 7]].min() > 1.2


def test_installed_and_available_capacity_in_july_2022_are_as_published(case):
    model = model_of(case)
    month = 12 * 2022 + 6
    assert model.installed_mw(month) == pytest.approx(23_900, rel=0.02)
    assert model.installed_mw(month, available=True) == pytest.approx(19_000, rel=0.02)
