# ruff: noqa: E501 - one bad input a line
"""Every kind of bad input gives a Problem that names its place, and nothing but CaseError is raised."""

import os
from datetime import date, datetime
from pathlib import Path

import pytest

from gridrush.case import files
from gridrush.case.load import SAME_KIND, built_in_cases, load_case, resolve_scenario
from gridrush.case.scenario import Scenario
from gridrush.errors import CaseError, Problem


def problems(folder: object) -> list[Problem]:
    with pytest.raises(CaseError) as caught:
        load_case(folder)  # type: ignore[arg-type]
    return caught.value.problems


def edit(folder: Path, name: str, old: str, new: str, *, count: int = 1) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {name}"
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def the_problem(folder: Path, where: str) -> Problem:
    found = problems(folder)
    match = [p for p in found if p.where == where]
    assert len(match) == 1, "\n".join(map(str, found))
    return match[0]


def test_the_template_loads_and_knows_its_rows(folder: Path) -> None:
    case = load_case(folder)
    assert case.zone_names == ("Upland", "Lowland")
    assert [u.unit for u in case.units][:3] == ["coal-1", "coal-2", "hydro-1"]
    assert case.units[1].end == date(2025, 1, 1)
    assert case.units[0].end is None
    assert len(case.demand_shape) == 288
    assert len(case.digest) == 32


def test_the_digest_changes_with_any_byte(folder: Path) -> None:
    before = load_case(folder).digest
    assert load_case(folder).digest == before
    edit(folder, "demand.csv", "5.3", "5.4")
    assert load_case(folder).digest != before


CELLS = [
    ("units.csv", "coal,250,1985", "coal,-1000,1985", "units.csv:3 [coal-1].capacity_mw", "-1000", "number > 0 [MW]", ""),
    ("units.csv", "coal,250,1985", "coal,nan,1985", "units.csv:3 [coal-1].capacity_mw", "nan", "finite", ""),
    ("units.csv", "coal,250,1985", "coal,inf,1985", "units.csv:3 [coal-1].capacity_mw", "inf", "finite", ""),
    ("units.csv", "coal,250,1985", "coal,200 MW,1985", "units.csv:3 [coal-1].capacity_mw", "200 MW", "a number [MW]", "leave the unit"),
    ("units.csv", "coal,250,1985", 'coal,"200,5",1985', "units.csv:3 [coal-1].capacity_mw", "200,5", "a number", "12.5, not 12,5"),
    ("units.csv", "coal,250,1985", "coal,,1985", "units.csv:3 [coal-1].capacity_mw", "nothing", "a value [MW]", ""),
    ("units.csv", "1985-01-01,,", "1985-13-01,,", "units.csv:3 [coal-1].start", "1985-13-01", "YYYY-MM-DD", ""),
    ("units.csv", "1985-01-01,,", "1985,,", "units.csv:3 [coal-1].start", "1985", "YYYY-MM-DD", ""),
    ("units.csv", "1985-01-01,,", "0,,", "units.csv:3 [coal-1].start", "0", "YYYY-MM-DD", ""),
    ("units.csv", "assumed", "asumed", "units.csv:3 [coal-1].grade", "asumed", "one of measured", "'assumed'"),
    ("units.csv", "made-up", "made-upp", "units.csv:3 [coal-1].source", "made-upp", "a key of sources.yaml", "'made-up'"),
    ("units.csv", "Upland", "Uplnd", "units.csv:3 [coal-1].zone", "Uplnd", "a zone of case.yaml", "'Upland'"),
    ("units.csv", "Upland,coal", "Upland,cole", "units.csv:3 [coal-1].technology", "cole", "a technology of technologies.csv", "'coal'"),
    ("units.csv", "unit,plant", "unit,plants", "units.csv:1.plants", "plants", "a column that is known here", "'plant'"),
    ("units.csv", "unit,plant", "unit,unit", "units.csv:2.unit", "the column twice", "each column once", ""),
    ("units.csv", "coal-1,Coal,", "coal-1,Coal,Extra,", "units.csv:3", "11 cells", "10 cells", "quotes round text"),
    ("units.csv", "coal-1", '"coal-1', "units.csv:9", "unexpected end of data", "well-formed CSV", "close every quote"),
    ("technologies.csv", "share,0.35", "share,0", "technologies.csv:3 [coal/efficiency_share]", "above 0", "agree", ""),
    ("technologies.csv", "share,0.35", "share,35", "technologies.csv:3 [coal/efficiency_share]", "in [0, 1], found 35", "agree", ""),
    ("technologies.csv", "efficiency_share", "eficiency_share", "technologies.csv:3 [coal/eficiency_share].parameter", "efi", "one of", "'efficiency_share'"),
    ("renewable_stats.csv", "0.9,0.4", "90%,0.4", "renewable_stats.csv:2 [Lowland/solar].hourly_autocorrelation", "90%", "a number", "write a share"),
    ("mining_network.csv", "2018-01", "2018-1", "mining_network.csv:2 [2018-1].month", "2018-1", "a month YYYY-MM", ""),
    ("demand.csv", "2019", "2019.5", "demand.csv:3 [2019.5].year", "2019.5", "a whole number", ""),
    ("ties.csv", "false", "perhaps", "ties.csv:2 [Neighbour/import/2019-01-01].emergency", "perhaps", "true or false", ""),
    ("case.yaml", "value: 0.7, unit: share", "value: 0.7, unit: MW", "case.yaml:25 parameters.load_follows_clock_share.unit", "MW", "the unit 'share'", ""),
    ("case.yaml", "value: 0.7, unit: share", "value: 0.7, unit: shares", "case.yaml:25 parameters.load_follows_clock_share.unit", "shares", "one of 33 words", "'share'"),
    ("case.yaml", "currency:", "curency:", "case.yaml:9 curency", "curency", "a key that is known here", "'currency'"),
    ("case.yaml", "industry_share:", "industri_share:", "case.yaml:28 parameters.industri_share", "industri_share", "known", "'industry_share'"),
    ("case.yaml", "lat: 47.0", "lat: 147.0", "case.yaml:17 zones.0.lat", "147.0", "a number <= 90", ""),
    ("case.yaml", "XXX", "xxx", "case.yaml:9 currency", "xxx", "three capital letters", ""),
    ("case.yaml", "currency: XXX", "currency: &a XXX", "case.yaml:9", "an anchor or alias", "plain", ""),
    ("case.yaml", "currency: XXX", "currency: !!python/name:os.system", "case.yaml:9", "the tag", "plain", ""),
    ("case.yaml", "currency: XXX", "name: again", "case.yaml:9", "the key 'name' a second time", "each key once", ""),
    ("case.yaml", "currency: XXX", "\tcurrency: XXX", "case.yaml:9", "cannot start any token", "well-formed YAML", "spaces"),
    ("case.yaml", "low: 0.01, ", "", "case.yaml:24 parameters.demand_growth_share", "low and high come together", "agree", ""),
    ("sources.yaml", "licence: public domain", "", "sources.yaml:2 made-up.licence", "nothing", "a value", ""),
    ("scenarios/cut-and-build.yaml", "base: as-it-is", "base: as-it-iss", "scenarios/cut-and-build.yaml base", "as-it-iss", "a scenario", "'as-it-is'"),
    ("scenarios/cut-and-build.yaml", "base: as-it-is", "base: cut-and-build", "scenarios/cut-and-build.yaml base", "cut-and-build -> cut-and-build", "not lead back", ""),
    ("scenarios/cut-and-build.yaml", "rationing:", "rationning:", "scenarios/cut-and-build.yaml:6 rationning", "rationning", "known here", "'rationing'"),
    ("scenarios/cut-and-build.yaml", "share: 1.0", "shar: 1.0", "scenarios/cut-and-build.yaml:7 rationing.0.shar", "shar", "known here", "'share'"),
    ("scenarios/cut-and-build.yaml", "share: 1.0", "end: 2021-01-01", "scenarios/cut-and-build.yaml:7 rationing.0", "is not after start", "agree", ""),
    ("scenarios/cut-and-build.yaml", "gas-new", "gas-old", "scenarios/cut-and-build.yaml build.0.project", "gas-old", "a project", "gas-new"),
    ("scenarios/cut-and-build.yaml", "name: cut-and-build", "name: cut", "scenarios/cut-and-build.yaml name", "cut", "as the file is called", ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "where", "found", "wanted", "hint"), CELLS)
def test_a_wrong_cell_is_named(
    folder: Path, name: str, old: str, new: str, where: str, found: str, wanted: str, hint: str
) -> None:
    edit(folder, name, old, new)
    problem = the_problem(folder, where)
    assert found in str(problem.found)
    assert wanted in problem.wanted
    assert hint in problem.hint


def test_all_problems_come_at_once(folder: Path) -> None:
    edit(folder, "units.csv", "coal,250,1985", "coal,-1,1985")
    edit(folder, "units.csv", "gas-2,Town,Lowland", "gas-2,Town,Nowhere")
    edit(folder, "case.yaml", "currency: XXX", "currency: XX")
    edit(folder, "links.csv", "Lowland,350", "Lowland,-350")
    (folder / "fuels.csv").unlink()
    assert {p.where for p in problems(folder)} == {
        "units.csv:3 [coal-1].capacity_mw",
        "units.csv:7 [gas-2].zone",
        "case.yaml:9 currency",
        "links.csv:3 [Upland-Lowland/1985-01-01].forward_mw",
        "fuels.csv",
    }


def test_many_problems_of_one_kind_are_counted_not_listed(folder: Path) -> None:
    edit(folder, "demand_shape.csv", ",0.0", ",-0.0", count=200)
    found = problems(folder)
    assert len(found) == SAME_KIND + 1
    assert "more of this kind" in str(found[-1].found)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"", "an empty file"),
        (b"\n\n", "an empty file"),
        ("unit,plant\nÜ".encode("utf-16"), "UTF-16"),
        (b"unit,plant\n\xe4,b", "byte 0xe4"),
        (b"unit\0,plant\n", "a NUL byte"),
        (b"PK\x03\x04rest", "a compressed file"),
        (b"unit;plant;zone\na;b;c\n", "unit;plant;zone"),
        (b"unit,,zone\na,b,c\n", "column 2 without a name"),
    ],
)
def test_a_table_that_cannot_be_read_is_a_problem(folder: Path, raw: bytes, found: str) -> None:
    (folder / "units.csv").write_bytes(raw)
    assert any(p.where.startswith("units.csv") and found in str(p.found) for p in problems(folder))


def test_a_byte_order_mark_and_windows_line_ends_are_welcome(folder: Path) -> None:
    wanted = load_case(folder).units
    for name in ("units.csv", "case.yaml"):
        raw = (folder / name).read_bytes()
        (folder / name).write_bytes(b"\xef\xbb\xbf" + raw.replace(b"\n", b"\r\n"))
    assert load_case(folder).units == wanted


def test_comments_and_blank_lines_are_left_out_and_lines_still_counted(folder: Path) -> None:
    edit(folder, "units.csv", "coal-2", "# a remark, with commas\n\n,,,,,,,,,\ncoal-2")
    assert len(load_case(folder).units) == 7
    edit(folder, "units.csv", "coal,250,1988", "coal,-1,1988")
    assert the_problem(folder, "units.csv:7 [coal-2].capacity_mw").found == "-1"


def test_a_time_may_end_in_z_but_not_in_an_offset(folder: Path) -> None:
    head = "unit,start,end,lost_share,event,source,grade\n"
    row = "coal-1,2021-10-15T12:00Z,2021-10-16 12:00,1,trip,made-up,assumed\n"
    (folder / "outages.csv").write_text(head + row)
    assert load_case(folder).outages[0].start == datetime(2021, 10, 15, 12)
    (folder / "outages.csv").write_text(head + row.replace("Z", "+06:00"))
    assert "UTC" in the_problem(folder, "outages.csv:2 [coal-1/2021-10-15T12:00+06:00/trip].start").wanted


def test_a_misspelt_table_is_not_passed_over(folder: Path) -> None:
    (folder / "links.csv").rename(folder / "link.csv")
    assert "'links.csv'" in the_problem(folder, "link.csv").hint


def test_a_link_out_of_the_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    (folder / "links.csv").rename(outside)
    (folder / "links.csv").symlink_to(outside)
    assert "outside" in str(the_problem(folder, "links.csv").found)


def test_a_link_to_itself_and_a_pipe_are_refused(folder: Path) -> None:
    (folder / "links.csv").unlink()
    (folder / "links.csv").symlink_to("links.csv")
    (folder / "ties.csv").unlink()
    os.mkfifo(folder / "ties.csv")
    found = {p.where: p for p in problems(folder)}
    assert "links.csv" in found
    assert "plain file" in found["ties.csv"].wanted


def test_a_huge_file_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 4000)
    assert "MiB" in the_problem(folder, "demand_shape.csv").wanted


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_a_problem(folder: Path) -> None:
    (folder / "links.csv").chmod(0)
    assert "permission" in str(the_problem(folder, "links.csv").found)


@pytest.mark.parametrize("text", ["[" * 50_000, "- " * 200_000, "? " * 200_000, "{" * 50_000])
def test_yaml_nested_without_end_is_refused(folder: Path, text: str) -> None:
    (folder / "case.yaml").write_text(text)
    assert the_problem(folder, "case.yaml:1").wanted.startswith("plain mappings")


@pytest.mark.parametrize("name", ["case.zip", "case.tar", "case.tar.gz", "case.tgz"])
def test_an_archive_is_not_unpacked(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04")
    assert "unpack it" in problems(tmp_path / name)[0].hint


def test_what_is_not_a_case_folder_is_said_to_be_so(tmp_path: Path, folder: Path) -> None:
    assert problems(tmp_path)[0].found == "a folder without case.yaml"
    assert "give its folder" in problems(folder / "case.yaml")[0].hint
    assert problems(tmp_path / "nowhere")[0].found == str(tmp_path / "nowhere")
    assert "'kazakhstan'" in problems("kazakstan")[0].hint or not built_in_cases()
    (tmp_path / "grid.nc").write_bytes(b"CDF")
    assert problems(tmp_path / "grid.nc")[0].found == "a PyPSA network"
    assert problems("a\0b")


def test_sources_of_all_files_are_merged_and_kept_apart(folder: Path) -> None:
    text = (folder / "sources.yaml").read_text()
    (folder / "sources_more.yaml").write_text(text.replace("made-up:", "also-made-up:"))
    assert {"made-up", "also-made-up", "chain-series"} <= load_case(folder).sources.keys()
    (folder / "sources_more.yaml").write_text(text)
    assert the_problem(folder, "sources_more.yaml:2 made-up").wanted == "each source once"


def test_a_scenario_is_its_base_and_what_differs(folder: Path) -> None:
    (folder / "scenarios" / "third.yaml").write_text(
        "name: third\ntitle: T\nstory: S\nbase: cut-and-build\nrationing: []\nassume: {hydro_share: 0.8}\n"
    )
    edit(folder, "scenarios/cut-and-build.yaml", "base: as-it-is", "base: as-it-is\nassume: {slip_extra_years: 1}")
    case = load_case(folder)
    third = resolve_scenario(case, "third")
    assert third.base is None
    assert third.rationing == ()
    assert [b.project for b in third.build] == ["gas-new"]
    assert (third.assume.hydro_share, third.assume.slip_extra_years) == (0.8, 1.0)
    assert resolve_scenario(case, third) == third


def test_a_scenario_may_come_from_a_file_or_from_code(folder: Path, tmp_path: Path) -> None:
    case = load_case(folder)
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ntitle: T\nstory: S\nbase: cut-and-build\ncarbon_price_usd_per_t: 20\n")
    mine = resolve_scenario(case, path)
    assert (mine.carbon_price_usd_per_t, len(mine.build)) == (20.0, 1)
    assert resolve_scenario(case, str(path)) == mine
    path.write_text("name: mine\ntitle: T\nstory: S\nbase: none\nbuild: [{project: castle}]\n")
    with pytest.raises(CaseError) as caught:
        resolve_scenario(case, path)
    assert {p.found for p in caught.value.problems} == {"none", "castle"}
    with pytest.raises(CaseError, match="did you mean 'as-it-is'"):
        resolve_scenario(case, "as-it-iz")
    with pytest.raises(CaseError, match="no such file"):
        resolve_scenario(case, tmp_path / "gone.yaml")
    with pytest.raises(CaseError, match="not lead back"):
        resolve_scenario(case, Scenario(name="as-it-is", title="", story="", base="as-it-is"))


def test_a_project_is_built_once(folder: Path) -> None:
    edit(folder, "scenarios/cut-and-build.yaml", "build:", "also_build: [{project: gas-new}, {project: x}]\nbuild:")
    found = {p.where: p.found for p in problems(folder)}
    assert found["scenarios/cut-and-build.yaml build"] == "'gas-new' 2 times"
    assert found["scenarios/cut-and-build.yaml also_build.1.project"] == "x"
