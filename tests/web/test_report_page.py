"""The report in a browser: from disk, in both themes, by mouse and by keyboard, from phone to wall screen."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Literal

import pytest
from browsing import violations
from playwright import sync_api

from gridrush.report import build

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "report"))
import fake_study

pytestmark = pytest.mark.web


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return build(fake_study.make_study(), tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture
def page(browser: sync_api.Browser, address: str) -> Iterator[sync_api.Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    asked: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda r: asked.append(r.url))
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if m.type == "error" else None)
    page.goto(address)
    yield page
    assert [u for u in asked if not u.startswith(("file:", "data:"))] == []
    assert wrong == []
    context.close()


@pytest.mark.parametrize("width", [360, 390, 768, 1280, 2560])
def test_nothing_sticks_out_sideways(page: sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.locator("#fig-mining .wide").is_visible()
    assert wide is (width > 600)
    assert page.locator("#fig-mining .narrow").is_visible() is not wide


@pytest.mark.parametrize("width", [360, 1280])
def test_words_in_drawings_are_large_enough_to_read(page: sync_api.Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    sizes = page.evaluate(
        """[...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().width > 0)
        .map(s => 11 * s.getBoundingClientRect().width / s.viewBox.baseVal.width)"""
    )
    assert min(sizes) >= 9


def test_the_theme_is_kept_when_the_page_is_opened_again(page: sync_api.Page) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark theme").click()
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    assert page.evaluate(paper) == dark
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"


def test_the_page_follows_the_theme_of_the_system(browser: sync_api.Browser, address: str) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        context = browser.new_context(color_scheme=scheme)
        page = context.new_page()
        page.goto(address)
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        context.close()
    assert len(seen) == 2


def test_choosing_a_week_changes_supply_and_flow_together(page: sync_api.Page) -> None:
    week = page.locator("#pick-weeks")
    names = week.locator("option").all_inner_texts()
    assert len(names) > 1
    week.select_option(label=names[1])
    shown = [o.get_attribute("data-name") for o in page.locator("#week .option:visible").all()]
    assert shown == [names[1], names[1]]


def test_a_chart_can_be_walked_with_the_keyboard(page: sync_api.Page) -> None:
    chart = page.locator("#fig-mining .wide svg")
    chart.focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("#tip")
    first = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert "2019" in first
    assert tip.inner_text() != first
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_pointing_at_a_chart_shows_the_value_of_the_table(page: sync_api.Page) -> None:
    chart = page.locator("#fig-risk-main .wide svg")
    chart.scroll_into_view_if_needed()
    chart.focus()
    page.keyboard.press("Home")
    shown = re.search(r"Mean\s+([\d.]+)", page.locator("#tip").inner_text())
    page.locator("#fig-risk-main summary").click()
    cells = page.locator("#fig-risk-main tbody tr").first.locator("td").all_inner_texts()
    assert shown is not None
    assert float(shown.group(1)) == pytest.approx(float(cells[1]), rel=0.01)


def test_everything_that_can_be_used_has_a_name(page: sync_api.Page) -> None:
    nameless = page.evaluate(
        """[...document.querySelectorAll("button,select,summary,a[href],[tabindex='0']")].filter(e =>
        !(e.getAttribute("aria-label") || e.innerText?.trim() || e.textContent.trim()
          || document.querySelector(`label[for="${e.id}"]`))).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert nameless == []


def test_on_paper_charts_are_shown_and_controls_are_not(page: sync_api.Page) -> None:
    page.emulate_media(media="print")
    assert page.locator("#fig-mining .wide svg").is_visible()
    assert page.locator("#theme").is_hidden()
    assert page.locator("#pick-weeks").is_hidden()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: sync_api.Browser, address: str, theme: Literal["light", "dark"]) -> None:
    page = browser.new_page(color_scheme=theme, reduced_motion="reduce")
    page.goto(address)
    page.evaluate("document.querySelectorAll('details.twin').forEach((d, i) => { d.open = i < 3; })")
    assert violations(page) == []
    page.close()


def test_from_a_figure_to_its_facts_and_from_a_fact_to_its_source(page: sync_api.Page) -> None:
    page.locator("#fig-map .source a").first.click()
    rows = page.locator("details:has(#table-units)")
    assert rows.get_attribute("open") is not None
    rows.locator("tbody a").first.click()
    assert "Nobody's yearbook" in page.locator("li:target").inner_text()


def test_without_scripts_every_week_is_there(browser: sync_api.Browser, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#week figure").count() > 2
    assert all(f.is_visible() for f in page.locator("#week figure").all())
    context.close()


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [0, 1, 2])
def test_words_stand_out_from_their_ground(theme: int) -> None:
    style = resources.files("gridrush.report").joinpath("template", "report.css").read_text("utf-8")
    blocks = re.findall(r":root[^{]*\{([^}]*--paper:#[^}]*--heat7[^}]*)\}", style)
    assert len(blocks) == 3
    colours = dict(re.findall(r"--([\w-]+):(#[0-9a-f]{6})", blocks[theme]))
    for word in ("ink", "muted", "accent", "alarm", "good", "kind-trade"):
        for ground in ("paper", "card"):
            a, b = sorted((_luminance(colours[word]), _luminance(colours[ground])))
            assert (b + 0.05) / (a + 0.05) >= 4.5, (word, ground)

    # numbers in the cells of the heat map: ink below the fifth class, white or near black from there on
    strong = "#ffffff" if theme == 0 else "#1b1512"
    for i in range(8):
        word = colours["ink"] if i < 5 else "#ffffff" if i == 5 else strong
        a, b = sorted((_luminance(word), _luminance(colours[f"heat{i}"])))
        assert (b + 0.05) / (a + 0.05) >= 4.5, f"heat{i}"
