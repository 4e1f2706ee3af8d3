# ruff: noqa: E501 - one bad input a line
"""Rows that are right alone and wrong together."""

import re
from pathlib import Path

import pytest

import gridrush
from gridrush.case.check import POLICY_ITEMS, check_case
from gridrush.case.load import load_case
from gridrush.errors import CaseError


def wheres(folder: Path) -> dict[str, str]:
    with pytest.raises(CaseError) as caught:
        load_case(folder)
    return {p.where: str(p) for p in caught.value.problems}


def edit(folder: Path, name: str, old: str, new: str, *, count: int = 1) -> None:
    text = (folder / name).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    (folder / name).write_text(text.replace(old, new, count), encoding="utf-8")


def append(folder: Path, name: str, row: str) -> None:
    with (folder / name).open("a", encoding="utf-8") as file:
        file.write(row + "\n")


LINK = "{name},Upland,{to},100,100,0.02,1,{start},{end},made-up,assumed"


@pytest.mark.parametrize(
    ("name", "row", "where", "words"),
    [
        ("units.csv", "coal-1,Coal,Upland,coal,9,1985-01-01,,made-up,assumed,", "units.csv:10 [coal-1]", "as row 3"),
        ("links.csv", LINK.format(name="a", to="Upland", start="1990-01-01", end=""), "links.csv:4 [a/1990-01-01].zone_to", "other than"),
        ("links.csv", LINK.format(name="a", to="Mars", start="1990-01-01", end=""), "links.csv:4 [a/1990-01-01].zone_to", "a zone of case.yaml"),
        ("links.csv", LINK.format(name="Upland-Lowland", to="Lowland", start="1990-01-01", end=""), "links.csv:4 [Upland-Lowland/1990-01-01].start", "overlap"),
        ("links.csv", LINK.format(name="a", to="Lowland", start="1990-01-01", end="1980-01-01"), "links.csv:4 [a/1990-01-01]", "not after start"),
        ("ties.csv", "Neighbour,Lowland,N,import,9,60,false,2020-01-01,,made-up,assumed", "ties.csv:4 [Neighbour/import/2020-01-01].start", "overlap"),
        ("projects.csv", "wire,line,Upland,9,9,,2030-01-01,1,0,0,0,planned,made-up,assumed", None, ""),
        ("projects.csv", "p,fusion,Upland,9,9,,2030-01-01,1,0,0,0,planned,made-up,assumed", "projects.csv:5 [p].technology", "technologies.csv"),
        ("demand.csv", "2023,6,made-up,assumed", "demand.csv", "no row for 2022"),
        ("mining_zones.csv", "Lowland,registered,0.5,0.5,0.5,made-up,assumed", "mining_zones.csv [registered].share", "add up to 1"),
        ("mining_atlas.csv", "2021-12,Exampleland,0.01,1,made-up,assumed,", "mining_atlas.csv", "no month between 2021-10 and 2021-12"),
        ("mining_atlas.csv", "2021-10,Atlantis,0.9,100,made-up,assumed,", "mining_atlas.csv [2021-10].hashrate_share", "at most"),
        ("technologies.csv", "coal,peat,life_years,9,made-up,assumed,", "technologies.csv:39 [coal/life_years].fuel", "'coal', as in the other rows"),
        ("renewable_stats.csv", "Upland,wind,0.3,0.9,0.5,0.1,made-up,assumed", "renewable_shape.csv [Upland/wind]", "both files"),
    ],
)  # fmt: skip
def test_a_row_too_much_is_found(folder: Path, name: str, row: str, where: str | None, words: str) -> None:
    append(folder, name, row)
    if where is None:
        assert load_case(folder).projects[-1].project == "wire"
    else:
        found = wheres(folder)
        assert words in found.get(where, ""), found


@pytest.mark.parametrize(
    ("name", "old", "new", "where", "words"),
    [
        ("policies.csv", "retail_household,14", "retail_houshold,14", "policies.csv", "no retail_household"),
        ("policies.csv", "14,KZT/kWh", "14,USD/kWh", "policies.csv:3 [2019-01-01/retail_household].unit", "the unit KZT/kWh"),
        ("scenarios/as-it-is.yaml", "name:", "fee: [{start: 2023-01-01, kind: by-power-price}]\nname:", "policies.csv", "no mining_fee_scale_floor"),
        ("fuels.csv", "gas,,price", "gaz,,price", "fuels.csv [gas].price_usd_per_mwh_th", "a row for Lowland"),
        ("technologies.csv", "gas,gas,mttr_h,40,made-up,assumed,\n", "", "technologies.csv [gas].mttr_h", "a row with this parameter"),
        ("technologies.csv", "gas,gas,efficiency_share,0.45,made-up,assumed,\n", "", "technologies.csv [gas].efficiency_share", "a price or CO2"),
        ("technologies.csv", "gas,gas,variable_cost_usd_per_mwh,2,made-up,assumed,\n", "", "technologies.csv [gas].variable_cost_usd_per_mwh", "a row"),
        ("demand_shape.csv", "\n7,13,", "\n# ,13,", "demand_shape.csv", "1 missing, the first month 7 hour 13"),
        ("renewable_shape.csv", "solar,7,13,", "solar,7,14,", "renewable_shape.csv [Lowland/solar]", "month 7 hour 13"),
        ("renewable_stats.csv", "solar,0.", "solar,0.9", "renewable_shape.csv [Lowland/solar].mean_cf", "near annual_mean_cf"),
        ("mining_network.csv", "\n2019-05", "\n# 2019-05", "mining_network.csv", "no month between 2019-04 and 2019-06"),
        ("case.yaml", "mining_country: Exampleland", "mining_country: Examplelant", "case.yaml:10 mining_country", "did you mean 'Exampleland'"),
        ("case.yaml", "last_year: 2025", "last_year: 2015", "case.yaml:7 last_year", "from first_year on"),
        ("case.yaml", "name: Lowland,", "name: Upland,", "case.yaml:16 zones", "each zone once"),
        ("case.yaml", "start: 2019-01-01", "start: 2019-01-02", "case.yaml:13 clock", "or before"),
        ("case.yaml", "zones:", "  - {start: 2018-01-01, utc_offset_h: 5, source: made-up, grade: assumed}\nzones:", "case.yaml:13 clock", "forwards"),
        ("case.yaml", "  demand_shape: {", "  demand_shapes: {", "case.yaml:49 series.demand_shapes", "did you mean 'demand_shape'"),
        ("case.yaml", "default_scenario: as-it-is", "default_scenario: as-it-was", "case.yaml:11 default_scenario", "did you mean 'as-it-is'"),
        ("case.yaml", "unit: share, source: made-up", "unit: share, source: made-down", "case.yaml:25 parameters.load_follows_clock_share.source", "a key of"),
        ("units.csv", "note\ncoal-1,Coal,Upland,coal,250,1985-01-01,,made-up,assumed,", "high_mw\ncoal-1,Coal,Upland,coal,250,1985-01-01,,made-up,assumed,100",
         "units.csv:3 [coal-1].capacity_mw", "low_mw <= capacity_mw <= high_mw"),
    ],
)  # fmt: skip
def test_rows_that_contradict_each_other_are_found(
    folder: Path, name: str, old: str, new: str, where: str, words: str
) -> None:
    if "high_mw" in new:
        edit(folder, name, "closes for age", "200")
    if "by-power-price" in new:
        edit(folder, "policies.csv", "mining_fee_scale_floor", "something_else")
    edit(folder, name, old, new)
    found = wheres(folder)
    assert words in found.get(where, ""), found


def test_a_shape_whose_mean_is_not_one_is_found(folder: Path) -> None:
    lines = (folder / "demand_shape.csv").read_text().splitlines()
    doubled = [",".join([*r[:2], str(2 * float(r[2])), r[3]]) for r in (x.split(",") for x in lines[2:])]
    (folder / "demand_shape.csv").write_text("\n".join(lines[:2] + doubled) + "\n")
    assert "near 1" in wheres(folder)["demand_shape.csv.mean_pu"]


def test_a_broken_table_does_not_make_others_look_broken(folder: Path) -> None:
    edit(folder, "technologies.csv", "coal,coal,efficiency_share", "coal,coal,eficiency_share")
    (folder / "sources.yaml").write_text("made-up: [")
    found = wheres(folder)
    assert not any(w.startswith("units.csv") for w in found)
    assert not any(w.endswith(".source") for w in found)


def test_a_sound_case_has_no_problem_and_an_unused_source_is_none(folder: Path) -> None:
    append(folder, "sources.yaml", "unused: {title: Nobody, date: 2020, address: none, licence: none}")
    assert check_case(load_case(folder)) == []


def test_every_policy_item_the_model_reads_is_known_to_the_check() -> None:
    source = Path(gridrush.__file__).parent
    read = {m for p in source.rglob("*.py") for m in re.findall(r'policy_fact\([^)]*?"(\w+)"', p.read_text())}
    assert read
    assert read <= POLICY_ITEMS.keys()
