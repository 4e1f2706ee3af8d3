"""A PyPSA network on the page: by role and name, in four languages, both themes and four widths."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Open, figure, served, settled, violations

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")
pytest.importorskip("pypsa")
sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "study"))
import small_network  # noqa: E402 - after what it needs

VIEWS = ("start", "span", "week", "map", "room", "compare", "take")

pytestmark = [pytest.mark.web, pytest.mark.filterwarnings("ignore:.*legacy_string_dtype")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    path = small_network.week(tmp_path_factory.mktemp("net") / "week.nc")
    with served(str(path), "--workers", "1") as found:
        yield found


def turn_to(page: Any, view: str) -> None:
    page.locator("nav a").nth(VIEWS.index(view)).click()
    page.wait_for_selector("figure svg, .lede, pre, .facts", state="attached")


def test_the_start_page_says_what_the_network_is_and_what_is_absent(visit: Open) -> None:
    page = visit()
    assert page.get_by_role("heading", name="week.nc").is_visible()
    facts = page.locator(".facts").inner_text()
    assert "168" in facts
    assert "3, 1\u202f700\u202fMW" in facts
    assert "impedances" in page.locator("main").inner_text()
    assert page.get_by_role("heading", name="What is not here").is_visible()
    assert page.locator("nav a").all_inner_texts() == ["Start", "All hours", "Week", "Map", "Headroom", "Compare",
                                                      "Take away"]  # fmt: skip


def test_new_load_that_may_be_cut_leaves_the_others_served(visit: Open) -> None:
    page = visit("?view=span")
    before = figure(page, "unserved")
    page.get_by_label("New flat load, South", exact=True).evaluate(
        "(e) => { e.value = '200'; e.dispatchEvent(new Event('input', {bubbles: true})); }")  # fmt: skip
    settled(page)
    page.locator("[data-key=unserved] .delta .lever").wait_for(timeout=60_000)
    worse = figure(page, "unserved")
    assert worse != before
    page.get_by_label("Hours the new load may be cut", exact=True).evaluate(
        "(e) => { e.value = e.max; e.dispatchEvent(new Event('input', {bubbles: true})); }")  # fmt: skip
    settled(page)
    page.locator("[data-key=newcuth]").wait_for(timeout=60_000)
    assert figure(page, "newcuth") == "16\u202fh"
    assert figure(page, "unserved") != worse
    assert "load:South=200" in page.url
    page.get_by_role("button", name="Undo", exact=True).click()
    settled(page)
    assert figure(page, "unserved") == worse


def test_a_pasted_link_gives_the_same_screen(visit: Open) -> None:
    page = visit("?s=network~plant:South:gas=-600~link:transit=0.5&view=span&lang=ru")
    page.locator("[data-key=unserved] .delta").wait_for(timeout=60_000)
    shown = page.locator(".keys").inner_text()
    assert "−600" in page.locator(".differences").inner_text()
    page.reload()
    settled(page)
    page.locator("[data-key=unserved] .delta").wait_for(timeout=60_000)
    assert page.locator(".keys").inner_text() == shown


def test_controls_follow_the_zone_chosen(visit: Open) -> None:
    page = visit("?view=span")
    page.get_by_label("Zone", exact=True).select_option("North")
    assert page.get_by_label("New flat load, North", exact=True).is_visible()
    assert page.get_by_label("New flat load, South", exact=True).count() == 0
    assert page.get_by_label("Limit of transit").is_visible()


def test_a_story_is_one_click(visit: Open) -> None:
    page = visit()
    page.get_by_role("button", name="Without transit").click()
    settled(page)
    assert "link:transit=0" in page.url
    page.get_by_text("No: ", exact=False).first.wait_for(timeout=30_000)


def test_week_and_map_show_the_hours_of_the_file(visit: Open) -> None:
    page = visit("?view=map")
    page.wait_for_selector("#fig-map svg line", timeout=60_000)
    label = page.locator("#fig-map svg[role=img]").get_attribute("aria-label")
    assert re.search(r"North → South .*400.*MW, 100%", label)
    page.get_by_role("link", name="Week", exact=True).click()
    page.wait_for_selector("#fig-week svg path", timeout=60_000)
    assert "coal" in page.locator("#fig-week .legend").inner_text()
    page.get_by_role("button", name="next").click()  # the file ends with its only week
    assert "week=2030-01-07" in page.url


def test_headroom_and_risk_end_with_a_result(visit: Open) -> None:
    page = visit("?view=room")
    page.get_by_label("Risk allowed").select_option("100")
    page.get_by_role("button", name="Look for the room").click()
    page.locator("#fig-room meter").first.wait_for(timeout=180_000)
    assert "no unit fails" in page.locator("#fig-room").inner_text()
    turn_to(page, "span")
    page.get_by_role("button", name="Assess the risk").click()
    page.locator("#risk table").wait_for(timeout=120_000)


def test_networks_are_compared_and_taken_away(visit: Open) -> None:
    page = visit("?s=network~carbon=100&view=compare")
    page.get_by_label("Compare with").select_option(label="Demand up by 10%")
    page.locator("thead th", has_text="Demand up by 10%").first.wait_for(timeout=60_000)
    with page.expect_download() as download:
        page.get_by_role("region", name="Take this view away").get_by_role("button", name="PyPSA network").click()
    assert download.value.suggested_filename == "week-network-compare.pypsa.nc"
    turn_to(page, "take")
    playwright.expect(page.locator("pre")).to_contain_text("carbon_price_usd_per_t=100")


@pytest.mark.parametrize("language", ["en", "ru", "kk", "vi"])
def test_every_view_opens_in_every_language(visit: Open, language: str) -> None:
    page = visit(f"?s=network~load:South=100~cut=5~demand=1.1&lang={language}")
    for view in VIEWS:
        turn_to(page, view)
        text = page.locator("body").inner_text()
        raw = r"undefined|NaN|\[object|[^/]\{\w+\}|\b(control|net|key|view|panel|line|map)\.[a-z]"
        assert not re.search(raw, text), view


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(visit: Open, theme: str) -> None:
    page = visit("?s=network~load:South=100~cut=5~demand=1.1", theme=theme)
    page.locator(".delta").nth(5).wait_for(timeout=60_000)
    found = {}
    for view in VIEWS:
        turn_to(page, view)
        page.wait_for_timeout(200)
        found[view] = violations(page)
    assert found == {view: [] for view in VIEWS}


@pytest.mark.parametrize("width", [360, 768, 1440, 2560])
def test_nothing_hangs_over_the_side_in_any_view(visit: Open, width: int) -> None:
    page = visit("?s=network~load:South=100~cut=5&lang=ru", width=width)
    for view in VIEWS:
        turn_to(page, view)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view


def test_a_broken_network_lists_every_problem_in_place(browser: Any, tmp_path: Path) -> None:
    good = small_network.week(tmp_path / "good.nc")
    path = small_network.broken(tmp_path / "broken.nc")
    with served(str(path), "--workers", "1") as address:
        page = browser.new_page()
        page.goto(address)
        problems = page.get_by_role("alert").get_by_role("listitem")
        problems.first.wait_for()
        assert problems.count() == 3
        assert "generators[chp].bus: Nowhere" in page.get_by_role("alert").inner_text()
        path.write_bytes(good.read_bytes())
        page.get_by_role("button", name="Check again").click()
        page.get_by_role("heading", name="broken.nc").wait_for(timeout=60_000)
        page.close()
