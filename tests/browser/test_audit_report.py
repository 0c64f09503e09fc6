"""The report of an audit in headless Chromium: no error, nothing fetched, and it works."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.audit.conftest import HOSTILE, audited

__all__ = ["audited"]
_INSTALLED = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium if there is one (or $CHROMIUM), else Playwright's own."""
    place = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _INSTALLED)), None)
    # Root, as in containers, has no sandbox; the page is our own and has no network.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=place, args=options)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, audited: Path) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 900})
    said: list[str] = []
    opened.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    opened.on("pageerror", lambda error: said.append(f"error: {error}"))
    opened.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto((audited / "report.html").as_uri())
    yield opened
    assert said == []
    assert [url for url in asked if not url.startswith(("data:", "file:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1
    opened.close()


def names(page: Page) -> list[str]:
    return page.locator("#overview tbody tr:visible td:first-child").all_inner_texts()


def test_it_opens_without_a_word(page: Page) -> None:
    assert "Moons" in page.title()
    assert len(names(page)) == 4
    assert HOSTILE in names(page)
    assert page.locator("img[onerror]").count() == 0
    drawn = page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    assert drawn


def test_the_overview_filters(page: Page) -> None:
    page.get_by_label("Filter").fill("gemm square")
    assert names(page) == ["gemm_transB.onnx"]
    assert page.locator("#told").inner_text() == "1 of 4 rows"
    page.get_by_label("Filter").fill("")
    page.locator("#state").select_option("error")
    assert len(names(page)) == 2
    page.locator("#state").select_option("")
    assert len(names(page)) == 4


def test_the_overview_sorts_by_keyboard(page: Page) -> None:
    head = page.get_by_role("columnheader", name="regions")
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    first = names(page)
    page.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    second = names(page)
    # Rows without a number are last, either way.
    assert first[:2] == second[:2][::-1]
    assert set(first[2:]) == set(second[2:])


def test_a_keyboard_reaches_a_model_and_a_definition(page: Page) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#models")
    page.locator("section.model summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator("section.model details[open]").count() >= 1
    page.locator("section.model th a").first.click()
    assert "#def-" in page.url


def test_screen_readers_are_told(page: Page) -> None:
    told = page.locator("body").aria_snapshot()
    for words in ('heading "Overview"', "table", "searchbox", "Patterns by layer", "status"):
        assert words in told, words


def test_it_prints(page: Page, audited: Path) -> None:
    page.emulate_media(media="print")
    assert not page.locator(".controls").is_visible()
    printed = page.pdf(format="A4")
    assert printed.startswith(b"%PDF")
    # A page for the overview and at least one for each model.
    assert printed.count(b"/Type /Page\n") >= 5


def test_nothing_overflows_a_small_screen(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0
