"""The Kazakhstan case against what was published: capacity, demand, renewables, transit, sources."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

import pytest

from gridrush.case.load import load_case
from gridrush.case.model import TABLES, Case
from gridrush.case.schema import PlantUnit

PLACEHOLDERS = ("todo", "tbd", "xxx", "fixme", "placeholder", "lorem", "???")


@pytest.fixture(scope="module")
def case() -> Case:
    return load_case("kazakhstan")


def standing(case: Case, day: date, *technologies: str) -> list[PlantUnit]:
    return [
        u for u in case.units
        if u.start <= day and (u.end is None or u.end > day) and (not technologies or u.technology in technologies)
    ]  # fmt: skip


def installed_mw(case: Case, day: date, *technologies: str) -> float:
    return sum(u.capacity_mw for u in standing(case, day, *technologies))


def working_mw(case: Case, day: date) -> float:
    """Installed capacity less derating and units that are out the whole day."""
    season = "winter" if day.month >= 10 or day.month <= 3 else "summer"
    share = {t.technology: t.value for t in case.technologies if t.parameter == f"available_{season}_share"}
    out = {o.unit: o.lost_share for o in case.outages if o.start.date() < day < o.end.date()}
    return sum(u.capacity_mw * share[u.technology] * (1.0 - out.get(u.unit, 0.0)) for u in standing(case, day))


def parameter(case: Case, technology: str, name: str) -> float:
    return next(t.value for t in case.technologies if (t.technology, t.parameter) == (technology, name))


# Interfax 81306 (14 July 2022); KEGOC (1 Jan 2023, 1 Jan 2024); Qazinform be7f52 (17 Dec 2025, whole gigawatts)
OFFICIAL = [
    (date(2022, 7, 14), 23_900.0, 19_000.0, 0.02),
    (date(2023, 1, 1), 24_523.7, 20_761.7, 0.02),
    (date(2024, 1, 1), 24_641.9, 20_428.4, 0.02),
    (date(2025, 12, 17), 25_000.0, 21_000.0, 0.04),
]


@pytest.mark.parametrize(("day", "installed", "available", "within"), OFFICIAL)
def test_capacity_is_as_published(case: Case, day: date, installed: float, available: float, within: float) -> None:
    assert installed_mw(case, day) == pytest.approx(installed, rel=within)
    assert working_mw(case, day) == pytest.approx(available, rel=within)


def test_the_capacity_table_holds_the_published_figures(case: Case) -> None:
    assert {(c.on, c.installed_mw, c.available_mw) for c in case.capacity} == {o[:3] for o in OFFICIAL}


@pytest.mark.parametrize(
    ("day", "kind", "official_mw"),
    [  # The Astana Times 2022-12: 1 October 2022
        (date(2022, 9, 30), "solar", 1150.0),
        (date(2022, 9, 30), "wind", 894.0),
        (date(2022, 9, 30), "hydro_ror", 280.0),
    ],
)
def test_renewables_of_october_2022_are_as_published(case: Case, day: date, kind: str, official_mw: float) -> None:
    assert installed_mw(case, day, kind) == pytest.approx(official_mw, rel=0.02)


@pytest.mark.parametrize(
    ("day", "official_mw", "within"),
    [  # New Europe 2020-01-09; KT.KZ 1377911399; Trend 3884443
        (date(2020, 1, 1), 1008.1, 0.12),  # this statement leaves some plants out: 583 MW were added to reach 1,635
        (date(2021, 1, 1), 1635.0, 0.02),
        (date(2024, 1, 1), 2903.54, 0.02),
    ],
)
def test_renewables_in_all_are_as_published(case: Case, day: date, official_mw: float, within: float) -> None:
    assert installed_mw(case, day, "solar", "wind", "hydro_ror") == pytest.approx(official_mw, rel=within)


def test_the_great_plants_have_their_published_size(case: Case) -> None:
    plants = defaultdict[str, float](float)
    for u in standing(case, date(2021, 10, 1)):
        plants[u.plant] += u.capacity_mw
    assert plants["Ekibastuz GRES-1"] == pytest.approx(4000)
    assert plants["Ekibastuz GRES-2"] == pytest.approx(1000)
    assert plants["Aksu GRES"] == pytest.approx(2450)
    assert plants["Zhambyl GRES"] == pytest.approx(1230)
    assert len([u for u in case.units if u.plant == "Ekibastuz GRES-1"]) == 8


def test_coal_stands_in_the_north_and_the_west_burns_gas(case: Case) -> None:
    day = date(2021, 10, 1)
    fuel = {t.technology: t.fuel for t in case.technologies}
    mw = defaultdict[tuple[str, str], float](float)
    for u in standing(case, day):
        mw[u.zone, fuel[u.technology]] += u.capacity_mw
    assert mw["North", "coal"] > 0.9 * sum(v for (_, f), v in mw.items() if f == "coal")
    assert mw["West", "coal"] == 0
    assert mw["West", "gas"] > 0.9 * sum(v for (z, _), v in mw.items() if z == "West")
    # the South lacks plants: what stands there is little more than its mean load
    south_load_mw = next(d.consumption_twh for d in case.demand if d.year == 2021) * 1e6 / 8760 * 23.286 / 107.338
    assert sum(v for (z, _), v in mw.items() if z == "South") < 1.65 * south_load_mw


def test_demand_of_2020_is_the_sum_of_the_provinces(case: Case) -> None:
    areas = defaultdict[str, float](float)
    for a in case.demand_areas:
        areas[a.zone] += a.consumption_twh
    assert dict(areas) == pytest.approx({"North": 70.518, "South": 23.286, "West": 13.534})
    year = {d.year: d for d in case.demand}
    assert year[2020].consumption_twh == pytest.approx(sum(areas.values()), abs=1e-3)
    assert year[2018].consumption_twh == pytest.approx(103.228, abs=1e-3)  # KOREM
    growth = year[2021].consumption_twh / year[2020].consumption_twh - 1
    assert 0.062 <= growth <= 0.063
    assert year[2021].high is not None
    assert year[2021].high / year[2020].consumption_twh - 1 == pytest.approx(0.08, abs=1e-3)  # the autumn figure


def test_the_measured_seasons_are_in_the_load_table(case: Case) -> None:
    """Months of 2018 measured by KOREM: mean daily consumption of December over July."""
    mean = {m: sum(r.mean_pu for r in case.demand_shape if r.month == m) / 24 for m in range(1, 13)}
    assert mean[12] / mean[7] == pytest.approx(322.46 / 262.93, rel=0.01)
    assert mean[1] / mean[6] == pytest.approx(318.31 / 253.56, rel=0.01)
    assert max(r.mean_pu for r in case.demand_shape) == pytest.approx(1.27, abs=0.02)


def test_the_transit_grew_on_11_december_2018(case: Case) -> None:
    spans = sorted((k for k in case.links if (k.zone_from, k.zone_to) == ("North", "South")), key=lambda k: k.start)
    assert [k.forward_mw for k in spans] == [1450, 2100]
    assert spans[0].end == spans[1].start == date(2018, 12, 11)
    assert not [k for k in case.links if "West" in (k.zone_from, k.zone_to)]  # joined by a project, not before


def test_the_west_is_joined_by_a_planned_line(case: Case) -> None:
    line = next(p for p in case.projects if p.technology == "line" and p.zone_to == "West")
    assert (line.zone, line.capacity_mw, line.planned.year) == ("North", 500, 2027)


def test_the_trips_of_october_2021_and_the_long_rebuild_are_on_record(case: Case) -> None:
    size = {u.unit: u.capacity_mw for u in case.units}
    trips = [o for o in case.outages if o.event == "trips of 14 October 2021"]
    assert sum(size[o.unit] * o.lost_share for o in trips) == pytest.approx(1150)  # KEGOC 155626: 500 + 500 + 150
    assert {o.start.date() for o in trips} == {date(2021, 10, 14)}
    out = [o for o in case.outages if o.unit == "Ekibastuz GRES-1 unit 1"]
    assert out[0].start.year < 2019
    assert out[0].end.year == 2024


def test_expected_renewable_energy_of_2020_is_near_the_reported(case: Case) -> None:
    """1.24 TWh of sun and 1.03 TWh of wind; the fleet by the month times its mean capacity factor."""
    factor = {(s.zone, s.technology): s.annual_mean_cf for s in case.renewable_stats}
    for kind, official_twh in (("solar", 1.24), ("wind", 1.03)):
        twh = sum(
            u.capacity_mw * factor[u.zone, u.technology] * 730.0 / 1e6
            for m in range(1, 13) for u in standing(case, date(2020, m, 15), kind)
        )  # fmt: skip
        assert twh == pytest.approx(official_twh, rel=0.05), kind


def test_coal_is_cheap_imports_are_dear_and_nothing_costs_more_than_going_dark(case: Case) -> None:
    price = {(f.fuel, f.zone): f.value for f in case.fuels if f.parameter == "price_usd_per_mwh_th"}

    def cost(technology: str, zone: str) -> float:
        fuel = next(t.fuel for t in case.technologies if t.technology == technology)
        efficiency = parameter(case, technology, "efficiency_share")
        return price[fuel, zone] / efficiency + parameter(case, technology, "variable_cost_usd_per_mwh")

    coal, swing = cost("coal_subcritical", "North"), cost("gas_steam", "South")
    sales = [t.price_usd_per_mwh for t in case.ties if t.direction == "export"]
    normal = [t.price_usd_per_mwh for t in case.ties if t.direction == "import" and not t.emergency]
    emergency = [t.price_usd_per_mwh for t in case.ties if t.direction == "import" and t.emergency]
    assert coal < 14  # ceiling of group 2, Kursiv 2022-06-14: it also pays for fixed cost
    assert swing < 32  # ceiling of group 17
    assert coal < min(sales) <= max(sales) < swing < min(normal) <= max(normal) < min(emergency)
    assert max(emergency) < case.parameters.value_industry.value < case.parameters.value_household.value


def test_availability_of_the_coal_fleet_is_near_the_one_others_use(case: Case) -> None:
    """Agora gives 0.67 for old coal in Kazakhstan: derating, forced outage and maintenance together."""
    day, total, mw = date(2021, 10, 1), 0.0, 0.0
    for u in standing(case, day, "coal_supercritical", "coal_subcritical", "coal_chp"):
        derated = (
            parameter(case, u.technology, "available_winter_share")
            + parameter(case, u.technology, "available_summer_share")
        ) / 2
        up = 1.0 - parameter(case, u.technology, "forced_outage_share")
        up *= 1.0 - parameter(case, u.technology, "maintenance_weeks") / 52.0
        out = sum(o.lost_share for o in case.outages if o.unit == u.unit and o.start.date() < day < o.end.date())
        total += u.capacity_mw * derated * up * (1.0 - out)
        mw += u.capacity_mw
    assert 0.63 <= total / mw <= 0.76


def test_must_run_never_exceeds_what_works(case: Case) -> None:
    for technology in {t.technology for t in case.technologies if t.parameter.startswith("must_run")}:
        for season in ("winter", "summer"):
            must = parameter(case, technology, f"must_run_{season}_share")
            assert must < parameter(case, technology, f"available_{season}_share"), (technology, season)


def test_the_isolated_west_is_not_forced_above_its_night_load(case: Case) -> None:
    west_mw = 13.534e6 / 8760
    for season, months in (("winter", (10, 11, 12, 1, 2, 3)), ("summer", (4, 5, 6, 7, 8, 9))):
        night = min(r.mean_pu for r in case.demand_shape if r.month in months) * west_mw
        must = 0.0
        for u in standing(case, date(2020, 7, 1)):
            if u.zone == "West" and any(
                t.technology == u.technology and t.parameter == f"must_run_{season}_share" for t in case.technologies
            ):
                must += u.capacity_mw * parameter(case, u.technology, f"must_run_{season}_share")
        assert must < night, season


def test_official_net_trade_of_2020_is_a_small_export(case: Case) -> None:
    net = {g.year: g.generation_twh for g in case.generation if g.fuel == "net_import"}
    assert (net[2020], net[2021]) == (-0.74, -0.56)
    fuels = {g.fuel: g.generation_twh for g in case.generation if g.year == 2020}
    home = sum(v for f, v in fuels.items() if f != "net_import")
    assert home + net[2020] == pytest.approx(107.9, abs=0.02)  # Ember's demand


def test_the_nuclear_plant_needs_consent_and_cannot_run_before_2035(case: Case) -> None:
    plants = [p for p in case.projects if p.technology == "nuclear"]
    first = next(p for p in plants if p.zone == "South")
    assert all(p.needs_consent for p in plants)
    assert (first.capacity_mw, first.unit_mw) == (2400, 1200)
    assert first.planned >= date(2035, 1, 1)
    assert first.capex_usd_per_mw * first.capacity_mw == pytest.approx(14.5e9, rel=0.01)  # MENAFN: 14-15 bn USD


def test_plants_that_replace_others_name_standing_ones_and_date_no_earlier_than_decided(case: Case) -> None:
    names = {u.plant for u in case.units}
    for p in case.projects:
        assert not p.replaces or p.replaces in names, p.project
        assert p.decided is None or p.decided < p.planned, p.project


def test_the_fee_of_one_tenge_is_two_dollars_a_megawatt_hour(case: Case) -> None:
    fee = next(p for p in case.policies if p.item == "mining_fee_flat")
    rate = [x for x in case.exchange if x.on <= fee.on][-1].kzt_per_usd
    assert fee.value * 1000 / rate == pytest.approx(2.3, abs=0.1)
    scale = {p.item: p.value for p in case.policies if p.item.startswith("mining_fee_scale")}
    assert scale == {"mining_fee_scale_floor": 1, "mining_fee_scale_ceiling": 25}


def test_every_statement_of_the_story_is_a_claim(case: Case) -> None:
    said = {c.claim: c.value for c in case.claims}
    assert said["share-june"] == 0.088
    assert said["share-august"] == 0.181
    assert said["growth-eight"] == 0.08
    assert said["twice-unregistered"] == 2
    assert said["tax-billion"] == 1.5
    assert {"overload-trips", "winter-imports", "nuclear-only-way", "xive-leaves"} <= said.keys()


def test_every_fact_has_a_source_that_says_what_when_where(case: Case) -> None:
    keys = {getattr(r, "source", None) for table in TABLES for r in getattr(case, table)}
    keys |= {fact.source for _, fact in case.parameters} | {n.source for n in case.series.values()}
    for key in keys - {None}:
        s = case.sources[str(key)]
        assert all((s.title, s.date, s.address, s.licence)), key


def test_judgement_is_graded_as_assumed_and_gives_a_reason(case: Case) -> None:
    wholly = [
        (table, r) for table in TABLES for r in getattr(case, table)
        if getattr(r, "source", "") == "project-judgement"
    ]  # fmt: skip
    assert wholly
    for table, r in wholly:
        assert r.grade == "assumed", (table, r)
        assert len(r.note) > 5, (table, r)


def test_nothing_is_a_placeholder(case: Case) -> None:
    words = [str(v) for table in TABLES for r in getattr(case, table) for v in r.model_dump().values()]
    words += [str(v) for s in case.sources.values() for v in s.model_dump().values()]
    words += [f.note for _, f in case.parameters]
    found = [w for w in words for p in PLACEHOLDERS if p in w.lower()]
    assert not found
    assert not [w for w in words for folder in ("work", "tmp") if f"/{folder}/" in w]
