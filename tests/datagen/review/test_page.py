"""The review page in Chromium: keys, undo, and two reviewers."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from datagen.cleaning import clean
from datagen.finished import open_finished
from datagen.journal import read_journal
from datagen.regions import Eyes
from datagen.review.app import HOST, review_app
from datagen.review.desk import Desk
from datagen.review.opinions import REVIEWS
from tests.datagen.drawn import Counting
from tests.datagen.small import commission, finish
from tests.gateway.web.conftest import PATIENCE_MS, browser, listen

__all__ = ["browser"]  # a fixture


@pytest.fixture
def out(tmp_path: Path) -> Path:
    finish(commission(tmp_path / "out"))
    clean(open_finished(tmp_path / "out"), Eyes("colours", Counting().embed, lambda _: []))
    return tmp_path / "out"


@pytest.fixture
def page(browser: Browser, out: Path) -> Iterator[Page]:
    config = uvicorn.Config(review_app(Desk(out)), host=HOST, port=0, log_level="warning")
    server, listening = uvicorn.Server(config), config.bind_socket()
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
    thread.start()
    complaints: list[str] = []
    url = f"http://{HOST}:{listening.getsockname()[1]}/"
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    listen(opened, url, complaints)
    opened.goto(url)
    yield opened
    context.close()
    server.should_exit = True
    thread.join()
    listening.close()
    assert complaints == []


def begin(page: Page, name: str) -> None:
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#who")).to_have_text(name)


def test_pictures_are_judged_by_keys_and_a_word_can_be_taken_back(page: Page, out: Path) -> None:
    begin(page, "Ann")
    expect(page.locator("#grid > li")).to_have_count(11)
    page.locator("#grid button").first.click()
    expect(page.locator("#seeds img").first).to_be_visible()
    expect(page.locator("#proposal")).to_contain_text("Proposal:")
    page.keyboard.press("k")
    page.keyboard.press("5")
    expect(page.locator("#progress")).to_contain_text("2 of 11 judged, ")
    expect(page.locator("#file")).to_have_text("train/0003.jpg")
    page.screenshot(path=out.parent / "zoom.png")
    page.keyboard.press("z")
    expect(page.locator("#progress")).to_contain_text("1 of 11 judged")
    expect(page.locator("#file")).to_have_text("train/0002.jpg")
    page.keyboard.press("Escape")
    said = [(one["decision"], one["cause"]) for one in read_journal(out / REVIEWS)]
    assert said == [("keep", ""), ("reject", "ANATOMY_WRONG"), ("withdrawn", "")]
    page.get_by_label("Show").select_option("open")
    expect(page.locator("#grid > li")).to_have_count(10)
    page.screenshot(path=out.parent / "grid.png")
    page.reload()  # the name is asked once, and what was said is there
    expect(page.locator("#progress")).to_contain_text("1 of 11 judged")
    page.locator("#who").click()
    begin(page, "Bob")
    expect(page.locator("#progress")).to_contain_text("0 of 11 judged")
    page.locator("#grid button").first.click()
    expect(page.locator("#others")).to_have_text("Ann: keep")
