"""One browser for all pages, and pages that may neither ask elsewhere nor make noise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from browsing import CHROMIUM, Open, settled


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    with playwright.sync_playwright() as p:
        found = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def visit(browser: Any, address: str) -> Iterator[Open]:
    """Open the module's `address`; `refused` where the test sends what the server is to refuse."""
    contexts, noise, asked = [], [], []

    def heard(text: str, refused: bool) -> None:
        if "unsafe-eval" not in text and not (refused and "422" in text):  # the driver's own expressions
            noise.append(text)

    def visit(
        query: str = "", *, width: int = 1280, theme: str = "light", wait: bool = True, refused: bool = False
    ) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme, locale="en-US")
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda e: noise.append(str(e)))
        page.on("console", lambda m: heard(m.text, refused) if m.type == "error" else None)
        page.on("request", lambda r: asked.append(r.url))
        page.goto(address + query)
        if wait:
            settled(page)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert not noise, noise
    assert not [u for u in asked if not u.startswith((address, "data:", "blob:"))]
