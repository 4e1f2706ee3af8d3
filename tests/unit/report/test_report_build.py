"""The report as a file: complete, alone, traceable, and saying what the study says."""

from __future__ import annotations

import base64
import csv
import dataclasses
import io
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import fake_study
import numpy as np
import pandas as pd
import pytest

from gridrush.report import build, report
from gridrush.report.build import _figures, _sections
from gridrush.report.figures.breaks import plain_loss
from gridrush.report.svg import Scale
from gridrush.report.view import View
from gridrush.report.words import THIN, number, with_unit
from gridrush.study.run import Study


class Outline(HTMLParser):
    """Elements of a page with their attributes, headings with their text, and what stays open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.open: list[str] = []
        self._in_heading = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append((int(tag[1]), ""))
            self._in_heading = True
        if tag not in ("meta", "link", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"
        if re.fullmatch(r"h[1-6]", tag):
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        if self._in_heading:
            level, text = self.headings[-1]
            self.headings[-1] = (level, text + data)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report")
    build(fake_study.make_study(), out)
    return out


@pytest.fixture(scope="module")
def html(folder: Path) -> str:
    return (folder / "report.html").read_text("utf-8")


@pytest.fixture(scope="module")
def outline(html: str) -> Outline:
    return Outline(html)


def test_every_element_is_closed_and_every_id_is_given_once(outline: Outline) -> None:
    assert outline.open == []
    ids = [a["id"] for _, a in outline.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_the_page_asks_nothing_of_any_other_host(outline: Outline) -> None:
    fetched = [a.get("src") for tag, a in outline.tags if tag in ("script", "img", "iframe", "source")]
    fetched += [a.get("href") for tag, a in outline.tags if tag == "link"]
    assert all(x is None or x.startswith("data:") for x in fetched)


def test_the_style_fetches_nothing(html: str) -> None:
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def test_headings_start_at_one_and_never_skip_a_level(outline: Outline) -> None:
    levels = [level for level, _ in outline.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


def test_every_link_inside_the_page_leads_somewhere(outline: Outline) -> None:
    ids = {a["id"] for _, a in outline.tags if "id" in a}
    inside = [a["href"] for tag, a in outline.tags if tag == "a" and (a.get("href") or "").startswith("#")]
    assert inside
    assert all(href is not None and href[1:] in ids for href in inside)


def test_every_file_the_page_names_lies_beside_it(folder: Path, outline: Outline) -> None:
    beside = {a["href"] for tag, a in outline.tags if tag == "a" and (a.get("href") or "").startswith("tables/")}
    assert len(beside) > 20
    assert all(href is not None and (folder / href).is_file() for href in beside)


def test_tables_begin_with_a_byte_order_mark_and_have_even_rows(folder: Path) -> None:
    for path in (folder / "tables").glob("*.csv"):
        raw = path.read_bytes()
        assert raw.startswith(b"\xef\xbb\xbf"), path.name
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
        assert len(rows) > 1, path.name
        assert len({len(r) for r in rows}) == 1, path.name


def test_the_file_inside_the_page_is_the_file_beside_it(folder: Path, outline: Outline) -> None:
    inside = {a["download"]: a["href"] for tag, a in outline.tags if tag == "a" and "download" in a}
    name, href = "mining.csv", inside["mining.csv"]
    assert href is not None
    assert base64.b64decode(href.split(",", 1)[1]) == (folder / "tables" / name).read_bytes()


def test_every_drawing_has_words_and_every_figure_a_caption_and_a_table(outline: Outline, html: str) -> None:
    drawings = [a for tag, a in outline.tags if tag == "svg"]
    assert drawings
    assert all(a.get("role") == "img" and a.get("aria-label") for a in drawings)
    figures = html.split("<figure ")[1:]
    for figure in figures:
        body = figure[: figure.index("</figure>")]
        assert "<figcaption" in body
        assert 'class="source"' in body
        assert "<table" in body
        assert "download=" in body


def test_no_drawing_holds_a_coordinate_that_is_not_a_number(html: str) -> None:
    for svg in re.findall(r"<svg .*?</svg>", html, flags=re.DOTALL):
        assert not re.search(r'[ ="M,L]-?(nan|inf)\b', svg)


def test_the_first_page_answers_five_questions_with_the_numbers_of_the_study(html: str) -> None:
    study = fake_study.make_study()
    assert len(re.findall(r'<article class="card"', html)) == 5
    run = study.runs["as-it-was"]
    best = run.monthly["mining_mw"].sel(bound="best", month="2021-11").item()
    hours = run.risk["LOLE_h"].sel(year=2021, zone="system").item()
    front = html[: html.index('id="map"')]
    assert with_unit(best, "MW") in front
    assert f"{number(hours, 2)}{THIN}h" in front


def test_the_sum_of_zones_is_what_the_week_shows() -> None:
    view = View(fake_study.make_study())
    week, ds = view.weeks[0], view.main.hourly
    start = int(np.flatnonzero(view.local == week.time[0])[0])
    part = ds.isel(time=slice(start, start + 168))
    np.testing.assert_allclose(week.unserved_mw, part["unserved_mw"].sum("zone").values)
    supply = sum(week.supply.values())
    served = week.wanted_mw - week.unserved_mw - week.interrupted_mw + part["loss_mw"].sum("zone").values
    np.testing.assert_allclose(supply, served, rtol=1e-3)


def test_the_worst_week_holds_more_missing_load_than_any_other_week_of_the_season() -> None:
    view = View(fake_study.make_study())
    missing = [float((w.unserved_mw + w.interrupted_mw).sum()) for w in view.weeks]
    assert view.weeks[0].title.startswith("Worst week")
    assert missing[0] == max(m for m, w in zip(missing, view.weeks, strict=True) if w.time[0].month in (9, 10, 11))


def test_text_from_a_case_cannot_become_markup(tmp_path: Path) -> None:
    study = fake_study.make_study(2)
    bad = "<script>alert(1)</script>"
    case = fake_study.make_case(title=bad, summary=bad)
    run = dataclasses.replace(study.runs["as-it-was"], case=case)
    claims = study.claims.assign(text=bad, who='"><b>x')
    page = build(dataclasses.replace(study, case=case, runs={"as-it-was": run}, claims=claims), tmp_path).read_text(
        "utf-8"
    )
    assert bad not in page
    assert "<b>x" not in page


@pytest.mark.parametrize("gone", ["risk", "flow", "claims", "relief", "checks", "ledger", "statements", "no-rush"])
def test_a_study_with_a_part_missing_still_makes_a_page(tmp_path: Path, gone: str) -> None:
    study = fake_study.make_study(3)
    runs = dict(study.runs)
    if gone == "risk":
        import xarray as xr

        empty = xr.Dataset(coords={"year": np.zeros(0, int), "zone": np.zeros(0, str)})
        runs = {k: dataclasses.replace(r, risk=empty) for k, r in runs.items()}
    elif gone == "flow":
        runs = {k: dataclasses.replace(r, hourly=r.hourly.drop_vars("flow_mw")) for k, r in runs.items()}
    elif gone == "ledger":
        runs = {k: dataclasses.replace(r, ledger=r.ledger.iloc[:0]) for k, r in runs.items()}
    elif gone == "no-rush":
        del runs["no-rush"]
    elif gone == "statements":
        study = dataclasses.replace(study, case=fake_study.make_case(statements=(), events=(), ties=(), links=()))
    else:
        study = dataclasses.replace(study, **{gone: getattr(study, gone).iloc[:0]})
    page = build(dataclasses.replace(study, runs=runs), tmp_path).read_text("utf-8")
    assert Outline(page).open == []
    assert ("The evidence" in page) == (page.count('class="card"') > 0)


CLOSE_UPS = {
    "heat": "calendar-2021", "weeks": "worst-weeks", "headroom": "headroom-2021", "shocks": "contingencies",
    "replay": "replay", "rush": "rush", "stays": "break-even", "evidence": "evidence", "lessons": "lessons",
    "bands": "bands-eue-mwh", "sensitivity": "sensitivity-eue-mwh-as-it-was",
}  # fmt: skip


def _shown(study: Study) -> set[str]:
    return {figure.key for section in _sections(View(study)) for figure in _figures(section)}


@pytest.mark.parametrize(("table", "figure"), CLOSE_UPS.items())
def test_a_close_up_is_shown_where_the_study_has_it_and_left_out_where_not(table: str, figure: str) -> None:
    study = fake_study.make_study()
    rest = {k: v for k, v in study.gallery.items() if k != table}
    assert figure in _shown(study)
    assert figure not in _shown(dataclasses.replace(study, gallery=rest))


@pytest.mark.parametrize("part", ["builds", "cost_waterfall", "nuclear", "miners"])
def test_a_plan_without_one_of_its_answers_still_shows_the_others(part: str) -> None:
    figures = {"builds": "plan-builds", "cost_waterfall": "plan-cost", "nuclear": "plan-nuclear",
               "miners": "plan-regret"}  # fmt: skip
    study = fake_study.make_study()
    assert study.plan is not None
    shown = _shown(dataclasses.replace(study, plan={k: v for k, v in study.plan.items() if k != part}))
    assert {k: figure in shown for k, figure in figures.items()} == {k: k != part for k in figures}


def test_the_cost_of_a_plan_adds_up_in_its_table(folder: Path) -> None:
    table = pd.read_csv(folder / "tables" / "plan-cost.csv")
    lines = table["present value [M USD]"]
    assert lines.iloc[:-1].sum() == pytest.approx(lines.iloc[-1]) == pytest.approx(41_000)


def test_sorted_hours_keep_the_largest_and_smallest_of_the_year(folder: Path) -> None:
    study = fake_study.make_study()
    hours = next(iter(study.runs.values())).hourly.sel(time="2021")
    load = (hours["load_mw"] + hours["registered_mw"]).sum("zone")
    table = pd.read_csv(folder / "tables" / "load-duration.csv")
    column = table.columns[2]
    assert "2021" in column
    assert table[column].iloc[0] == pytest.approx(float(load.max()), abs=0.1)
    assert table[column].iloc[-1] == pytest.approx(float(load.min()), abs=0.1)
    assert table[column].is_monotonic_decreasing


def test_names_of_losses_read_as_words() -> None:
    view = View(fake_study.make_study())
    assert plain_loss("islanding of South", view) == "All of the North-South"
    assert plain_loss("one circuit of North-South (50% left)", view) == "One circuit of the North-South"
    assert plain_loss("loss of GRES unit 1, GRES unit 2", view) == "Two units of GRES at once"


def test_one_year_that_dwarfs_the_story_is_shown_on_a_scale_of_tens() -> None:
    plain, tens = Scale.of([0.6, 4.0], 4.0, least=0.1), Scale.of([0.6, 4.0, 1700.0], 4.0, least=0.1)
    assert plain.least == 0.0
    assert plain([4.0])[0] == 4.0
    assert tens([0.0, 0.1, 10.0]).tolist() == [0.0, 0.0, 2.0]
    assert tens.bounds([1700.0]) == (0.0, 5.0)
    assert [value for _, value in tens.ticks(4.0)] == pytest.approx([0.0, 1.0, 10.0, 100.0, 1000.0])


def test_a_single_year_makes_a_page(tmp_path: Path) -> None:
    page = build(fake_study.make_study(2, 2021, 2021), tmp_path).read_text("utf-8")
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL).lower().split()


def test_a_study_without_runs_is_refused(tmp_path: Path) -> None:
    empty = pd.DataFrame()
    with pytest.raises(ValueError, match="no runs"):
        build(Study(fake_study.make_case(), {}, empty, empty, empty), tmp_path)
    with pytest.raises(ValueError, match="at least one"):
        report([])


def test_a_report_on_runs_alone_is_saved_under_the_name_asked_for(tmp_path: Path) -> None:
    runs = list(fake_study.make_study(2).runs.values())
    path = report(runs, title="Two runs").save(tmp_path / "two.html")
    assert path == tmp_path / "two.html"
    assert '<h1 id="title">Two runs</h1>' in path.read_text("utf-8")
    assert not (tmp_path / "report.html").exists()
    assert not list(tmp_path.glob(".*part"))


def test_the_same_study_gives_the_same_bytes(tmp_path: Path, html: str) -> None:
    again = build(fake_study.make_study(), tmp_path).read_text("utf-8")
    assert again == html
