"""The policy simulator in a browser: by role and name, in four languages and both themes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import Open, figure, served, settled, violations

playwright = pytest.importorskip("playwright.sync_api")
pytest.importorskip("fastapi")

VIEWS = ("start", "years", "week", "map", "plants", "money", "room", "claims", "compare", "take")

pytestmark = pytest.mark.web


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as found:
        yield found


def slide(page: Any, label: str, value: float) -> None:
    page.get_by_label(label, exact=True).evaluate(
        "(e, v) => { Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, v);"
        " e.dispatchEvent(new Event('input', {bubbles: true})); }", str(value))  # fmt: skip


def test_the_start_page_answers_five_questions(visit: Open) -> None:
    page = visit()
    for question in ("How much load is there?", "What breaks?", "What closes the gap, and when?", "Who pays?",
                     "What if they leave?"):  # fmt: skip
        assert page.get_by_role("heading", name=question).is_visible()
    answer = page.locator("article", has_text="What closes the gap").locator(".answer").inner_text()
    assert "2022" in answer
    assert "2036" in answer
    page.get_by_role("button", name="Ban", exact=False).first.click()
    settled(page)
    assert "s=ban" in page.url


def test_a_lever_moves_the_figures_and_undo_brings_them_back(visit: Open) -> None:
    page = visit("?s=open-door&view=years&year=2023")
    before = figure(page, "miners")
    slide(page, "Mining fee", 20)
    settled(page)
    page.locator("[data-key=miners] .delta .lever").wait_for(timeout=60_000)
    assert figure(page, "miners") != before
    assert "fee=20" in page.url
    assert page.get_by_role("button", name="Back to the base: Mining fee").count() == 2
    assert "by levers" in page.locator("[data-key=miners] .delta").inner_text()
    page.get_by_role("button", name="Undo", exact=True).click()
    settled(page)
    assert figure(page, "miners") == before
    page.get_by_role("button", name="Redo", exact=True).click()
    settled(page)
    assert figure(page, "miners") != before


def test_levers_and_assumptions_are_told_apart(visit: Open) -> None:
    page = visit("?s=as-it-was~fee=9~growth=0.04&view=years&year=2030")
    page.wait_for_selector("[data-key=co2] .delta .assumption", timeout=60_000)
    assert page.locator("#fig-co2 .legend").inner_text().split("\n")[:2] == ["Base", "Levers alone"]


def test_twenty_fast_moves_end_on_the_last_value(visit: Open) -> None:
    page = visit("?s=open-door&view=years&year=2023")
    for value in range(1, 21):
        slide(page, "Mining fee", value)
    settled(page)
    last = figure(page, "miners")
    assert page.locator("output", has_text="20").count()
    again = visit("?s=open-door~fee=20&view=years&year=2023")
    assert figure(again, "miners") == last


def test_reload_back_and_a_pasted_link_give_the_same_screen(visit: Open) -> None:
    page = visit("?s=ban~found=0.2&view=money&year=2024&lang=vi")
    first = page.locator("main").inner_text()
    page.reload()
    settled(page)
    page.locator(".delta").nth(5).wait_for(timeout=60_000)
    shown = page.locator(".keys").inner_text()
    page.get_by_role("link", name="Bản đồ").click()
    page.go_back()
    settled(page)
    assert page.locator("[aria-current=page]").inner_text() == "Tiền"
    assert page.locator(".keys").inner_text() == shown
    assert "2024" in first


@pytest.mark.parametrize("language, word", [("en", "Years"), ("ru", "Годы"), ("kk", "Жылдар"), ("vi", "Các năm")])
def test_every_view_opens_in_every_language(visit: Open, language: str, word: str) -> None:
    page = visit(f"?lang={language}")
    assert page.locator("html").get_attribute("lang") == language
    assert page.get_by_role("link", name=word, exact=True).is_visible()
    for link in page.get_by_role("navigation").get_by_role("link").all():
        link.click()
        text = page.locator("body").inner_text()
        raw = r"undefined|NaN|\[object|[^/]\{\w+\}|\b(control|years|key|view|panel|q|choice)\.[a-z]"
        assert not re.search(raw, text), page.url


def test_a_chart_has_a_table_with_the_same_numbers(visit: Open) -> None:
    page = visit("?s=as-it-was&view=years")
    chart = page.locator("#fig-co2")
    chart.get_by_text("Table and downloads").click()
    rows = chart.get_by_role("row").all()
    assert len(rows) == 23
    want = page.evaluate("gridrush.state.result.annual.co2_mt[3]")
    assert float(rows[4].locator("td").inner_text().replace("\u202f", "")) == pytest.approx(want, rel=1e-3)
    with page.expect_download() as download:
        chart.get_by_role("button", name="CSV").click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("\n") == 22
    with page.expect_download() as download:
        chart.get_by_role("button", name="PNG").click()
    assert Path(download.value.path()).read_bytes()[:4] == b"\x89PNG"


def test_the_keyboard_reads_a_chart_and_moves_a_lever(visit: Open) -> None:
    page = visit("?s=as-it-was&view=years")
    page.locator("#fig-co2 svg[role=img]").focus()
    page.keyboard.press("Home")
    assert page.locator("#fig-co2 .tip b").inner_text() == "2019"
    page.keyboard.press("ArrowRight")
    assert page.locator("#fig-co2 .tip b").inner_text() == "2020"
    page.get_by_label("Mining fee", exact=True).focus()
    page.keyboard.press("ArrowRight")
    assert "fee=1.5" in page.url


def test_a_week_and_the_map_show_hours_that_add_up(visit: Open) -> None:
    page = visit("?s=as-it-was&view=map&week=2021-10-25&hour=19")
    page.wait_for_selector("#fig-map svg line", timeout=60_000)
    assert "%" in page.locator("#fig-map svg[role=img]").get_attribute("aria-label")
    page.get_by_role("link", name="Week", exact=True).click()
    assert page.get_by_role("heading", name="Who supplies, hour by hour").is_visible()
    page.get_by_role("button", name="1 day").click()
    page.get_by_role("button", name="next").click()
    page.wait_for_selector("#fig-week", timeout=60_000)
    assert "week=2021-11-01" in page.url


def test_a_job_shows_progress_and_its_result(visit: Open) -> None:
    page = visit("?s=as-it-was&view=years&year=2021")
    page.get_by_role("button", name="Assess the risk").click()
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled").wait_for(timeout=20_000)


def test_a_bad_address_gives_a_screen_and_no_error(visit: Open) -> None:
    page = visit("?s=nowhere~fee=9999~x=1&view=nothing&year=1&week=x&lang=xx", refused=True)
    assert page.get_by_role("alert").count() or page.get_by_role("heading", name="Miners rush onto a grid").is_visible()


def turn_to(page: Any, view: str) -> None:
    page.locator("nav a").nth(VIEWS.index(view)).click()
    page.wait_for_selector("figure svg, .lede, pre", state="attached")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(visit: Open, theme: str) -> None:
    page = visit("?s=nuclear~fee=5~growth=0.03", theme=theme)
    page.locator(".delta").nth(5).wait_for(timeout=60_000)
    found = {}
    for view in VIEWS:
        turn_to(page, view)
        found[view] = violations(page)
    assert found == {view: [] for view in VIEWS}


@pytest.mark.parametrize("width", [360, 390, 768, 2560])
def test_nothing_hangs_over_the_side_in_any_view(visit: Open, width: int) -> None:
    page = visit("?s=nuclear~fee=5&lang=ru", width=width)
    for view in VIEWS:
        turn_to(page, view)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, view


def test_the_start_page_says_whether_nuclear_would_have_helped_and_why(visit: Open) -> None:
    page = visit()
    answer = page.locator("section.nuclear")
    assert answer.get_by_role("heading", name="Would a nuclear plant have helped in 2022?").is_visible()
    assert answer.locator("strong").first.inner_text() == "No."
    assert "2036 at the earliest" in answer.inner_text()
    row = {}
    for name in ("Open door", "Nuclear", "Imports"):
        cells = answer.get_by_role("row", name=name).locator("td")
        playwright.expect(cells.nth(2)).not_to_have_text("…", timeout=120_000)
        row[name] = cells.all_inner_texts()
    assert row["Nuclear"][0] == "2037"
    assert row["Nuclear"][1:] == row["Open door"][1:]  # it is not there yet
    answer.get_by_role("button", name="Run the story Nuclear").click()
    settled(page)
    assert "s=nuclear" in page.url


def test_a_view_is_taken_away_and_the_page_frozen(visit: Open) -> None:
    page = visit("?s=ban&view=money&year=2023")
    with page.expect_download() as download:
        page.get_by_role("region", name="Take this view away").get_by_role("button", name="Excel").click()
    assert download.value.suggested_filename == "kazakhstan-ban-money.xlsx"
    turn_to(page, "take")
    with page.expect_download() as download:
        page.get_by_role("button", name="frozen").click()
    frozen = Path(download.value.path())
    text = frozen.read_text(encoding="utf-8")
    assert "<script" not in text
    assert not re.search(r"(src|href)=\"http", text)


def test_headroom_is_a_job_with_progress(visit: Open) -> None:
    page = visit("?s=as-it-was&view=room&year=2025")
    page.get_by_role("button", name="Look for the room").click()
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled").wait_for(timeout=20_000)


def test_a_job_goes_on_while_its_view_is_left(visit: Open) -> None:
    page = visit("?s=ban&view=room&year=2030")
    page.get_by_role("button", name="Look for the room").click()
    page.locator(".job").wait_for()
    page.get_by_role("link", name="Years", exact=True).click()
    settled(page)
    page.get_by_role("link", name="Headroom", exact=True).click()
    page.locator(".job, .bars").first.wait_for()
    page.locator(".bars").wait_for(timeout=120_000)
    assert page.locator(".job").count() == 0


def test_a_cap_grows_until_there_is_none(visit: Open) -> None:
    page = visit("?view=years")
    slide(page, "Quota of registered miners", 500)
    settled(page)
    assert "quota=500" in page.url
    slide(page, "Quota of registered miners", 3000)
    settled(page)
    assert "quota" not in page.url


def test_the_keyboard_alone_reaches_everything(visit: Open) -> None:
    page = visit("?s=as-it-was&view=years")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    reached = set()
    for _ in range(400):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.id || document.activeElement.closest('figure')?.id")
        reached.add(here)
        if here == "c-fee":
            break
    assert {"base", "fig-co2", "fig-miners", "c-fee"} <= reached


def test_print_and_reduced_motion(visit: Open) -> None:
    page = visit("?s=as-it-was&view=years")
    page.emulate_media(media="print", reduced_motion="reduce")
    assert not page.locator(".panels").is_visible()
    assert page.locator("#fig-co2").is_visible()
    moving = "[...document.querySelectorAll('*')].some(e => getComputedStyle(e).animationName !== 'none')"
    assert not page.evaluate(moving)
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
