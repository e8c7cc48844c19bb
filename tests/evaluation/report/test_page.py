"""The page in Chromium: on a phone, in the dark, by keyboard."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from playwright.sync_api import Browser, Page, sync_playwright


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.skip("no Chromium here; install the package chromium, or set CHROMIUM to one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])


def opened(browser: Browser, out: Path, **settings: object) -> Page:
    page = browser.new_context(**settings).new_page()  # type: ignore[arg-type]
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url[:80]))
    page.goto(f"file://{out / 'report.html'}")
    assert complaints == []
    return page


def test_a_phone_scrolls_tables_and_never_the_page(browser: Browser, out: Path) -> None:
    page = opened(browser, out, viewport={"width": 390, "height": 844})
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert (wide, seen) == (390, 390)
    assert page.evaluate(
        "[...document.querySelectorAll('.picture img')].every(one => one.naturalWidth > 0)"
    )


def test_on_a_desk_no_table_is_cut_off(browser: Browser, out: Path) -> None:
    page = opened(browser, out, viewport={"width": 1300, "height": 900})
    cut = page.evaluate(
        "[...document.querySelectorAll('.wide')].filter(one => one.scrollWidth > one.clientWidth)"
        ".map(one => one.getAttribute('aria-labelledby'))"
    )
    assert cut == []


def test_on_paper_tables_fit_the_page_and_folds_are_open(browser: Browser, out: Path) -> None:
    page = opened(browser, out, viewport={"width": 703, "height": 990})
    page.emulate_media(media="print")
    wide, seen = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide == seen
    assert page.evaluate(
        "[...document.querySelectorAll('.wide')].every(one => one.firstElementChild.offsetWidth"
        " <= one.clientWidth)"
    )
    assert page.locator("details table").first.bounding_box()


def test_figures_follow_the_ground_of_the_page(browser: Browser, out: Path) -> None:
    brightness = []
    for scheme in ("light", "dark"):
        page = opened(browser, out, color_scheme=scheme)
        picture = page.locator(".picture img").first
        picture.scroll_into_view_if_needed()
        shot = out.parent / f"{scheme}.png"
        picture.screenshot(path=shot)
        with Image.open(shot) as image:
            brightness.append(ImageStat.Stat(image.convert("L")).median[0])
    assert brightness[0] > 240
    assert brightness[1] < 60


def test_tables_can_be_scrolled_and_folds_opened_by_keyboard(browser: Browser, out: Path) -> None:
    page = opened(browser, out)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the figures"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "headline"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "wide"
    fold = page.locator("summary").first
    fold.focus()
    page.keyboard.press("Enter")
    assert fold.evaluate("one => one.parentElement.open")
