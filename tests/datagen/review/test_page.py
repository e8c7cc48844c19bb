"""The review page in Chromium: keys, undo, and two reviewers."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from datagen.cleaning import clean
from datagen.finished import open_finished
from datagen.journal import read_journal
from datagen.proposals import SCORES, read_scores
from datagen.regions import Eyes
from datagen.review.app import HOST, review_app
from datagen.review.desk import Desk
from datagen.review.opinions import REVIEWS
from tests.datagen.drawn import Counting
from tests.datagen.small import commission, finish
from tests.gateway.web.conftest import PATIENCE_MS, browser, listen

__all__ = ["browser"]  # a fixture


@pytest.fixture
def out(tmp_path: Path, box: list[float] | None) -> Path:
    finish(commission(tmp_path / "out"))
    clean(open_finished(tmp_path / "out"), Eyes("colours", Counting().embed, lambda _: []))
    first, *others = read_journal(tmp_path / "out" / SCORES)
    first["subjects"][0]["box"] = box
    lines = [json.dumps(score) + "\n" for score in (first, *others)]
    (tmp_path / "out" / SCORES).write_text("".join(lines), encoding="utf-8")
    return tmp_path / "out"


@pytest.fixture
def box() -> list[float] | None:
    """Where the first picture's subject is said to be."""
    return [0.25, 0.25, 0.75, 0.75]


@pytest.fixture
def page(browser: Browser, out: Path) -> Iterator[Page]:
    config = uvicorn.Config(
        review_app(Desk(open_finished(out))), host=HOST, port=0, log_level="warning"
    )
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
    score = read_scores(out)["train/0001.jpg"]
    expect(page.locator("#proposal")).to_contain_text(f"evenness {score['evenness']} (photo")
    expect(page.locator("#proposal")).to_contain_text("blocking 1")
    expect(page.locator("#causes kbd")).to_have_text(list("1234567890-="))
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


def test_two_browsers_review_at_once_and_hear_of_each_other(
    page: Page, browser: Browser, out: Path
) -> None:
    begin(page, "Ann")
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    bob = context.new_page()
    bob.goto(page.url)
    begin(bob, "Bob")  # another browser knows no name yet
    for one, key in ((page, "k"), (bob, "5")):
        one.locator("#grid button").first.click()
        one.keyboard.press(key)
        expect(one.locator("#progress")).to_contain_text("1 of 11 judged")
    bob.keyboard.press("ArrowLeft")
    expect(bob.locator("#others")).to_have_text("Ann: keep")
    said = [(one["reviewer"], one["decision"]) for one in read_journal(out / REVIEWS)]
    assert said == [("Ann", "keep"), ("Bob", "reject")]
    context.close()


def seen(page: Page) -> list[float]:
    """The part of the picture on the stage: x1, y1, x2, y2 in shares of it; beyond 0..1, a band."""
    shares: list[float] = page.evaluate("""() => {
      const stage = document.getElementById("stage").getBoundingClientRect();
      const image = document.getElementById("picture");
      const box = image.getBoundingClientRect();
      return [
        (stage.left - box.left) / box.width, (stage.top - box.top) / box.height,
        (stage.right - box.left) / box.width, (stage.bottom - box.top) / box.height,
        image.naturalWidth / image.naturalHeight - box.width / box.height,
      ];
    }""")
    assert shares.pop() == pytest.approx(0, abs=0.01)  # nothing is stretched or letterboxed
    assert min(shares) >= -0.01
    assert max(shares) <= 1.01
    return shares


@pytest.mark.parametrize("size", [(1280, 800), (700, 1000)], ids=["wide", "tall"])
@pytest.mark.parametrize(
    ("box", "centre"),
    [([0.5, 0.3, 0.7, 0.7], (0.6, 0.5)), ([0.0, 0.0, 0.1, 0.1], None), (None, (0.5, 0.5))],
    ids=["inside", "corner", "unknown"],
)
def test_magnified_the_subject_is_in_the_middle_and_the_arrows_move_it(
    page: Page,
    out: Path,
    size: tuple[int, int],
    box: list[float] | None,
    centre: tuple[float, float] | None,
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    begin(page, "Ann")
    page.locator("#grid button").first.click()
    expect(page.locator("#picture")).to_have_js_property("complete", True)
    page.keyboard.press("+")
    page.screenshot(path=out.parent / "magnified.png")
    x1, y1, x2, y2 = seen(page)
    if centre is None:
        assert (x1, y1) == pytest.approx((0, 0), abs=0.01)
    else:
        assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx(centre, abs=0.01)
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    moved = seen(page)
    assert moved[0] - x1 == pytest.approx((x2 - x1) / 4, abs=0.02)
    assert moved[1] - y1 == pytest.approx((y2 - y1) / 4, abs=0.02)
    expect(page.locator("#file")).to_have_text("train/0001.jpg")
