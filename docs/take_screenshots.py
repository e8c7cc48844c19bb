"""Take the pictures of the web page that the README shows, anew: docs/images/web-*.webp.

The concepts, the pictures and the questions are those of `kith demo`; the answers are whatever the
models say. It wants Chromium, and looks best where the fonts Inter and TeX Gyre Pagella are there.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from kith import Client
from kith.demo.story import Scene, load
from services.runtime.probe import is_ready
from services.runtime.settings import CallerSettings

IMAGES = Path(__file__).with_name("images")
PORT = 7480
GATEWAY = f"http://127.0.0.1:{PORT + 10}"
PATIENCE_S = 600
DESK = (1280, 880)
PHONE = (390, 844)
GAP = 30
STORY = load()


@contextmanager
def whole_kith() -> Iterator[None]:
    """Kith, with the concepts of the story in a memory of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "kith.cli", "--memory", folder, "up", "--port", str(PORT)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
            try:
                until = time.monotonic() + PATIENCE_S
                while not asyncio.run(all_ready()):
                    if running.poll() is not None or time.monotonic() > until:
                        raise SystemExit("kith up does not come up; try it by itself")
                    time.sleep(0.5)
                with Client(f"127.0.0.1:{PORT}") as kith:
                    for one in STORY.concepts:
                        kith.remember(
                            one.name,
                            one.picture,
                            category=one.category,
                            description=one.description,
                        )
                yield
            finally:
                running.terminate()


async def all_ready() -> bool:
    """Whether all services have loaded their models."""
    services = (f"127.0.0.1:{PORT + number}" for number in range(4))
    places = (*services, f"{GATEWAY}/readyz")
    return all([await is_ready(place, CallerSettings()) for place in places])


def opened(browser: Browser, size: tuple[int, int], *, dark: bool = False) -> Page:
    """The page on a screen of that size."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        device_scale_factor=1 if size == DESK else 1.5,
        has_touch=size == PHONE,
        is_mobile=size == PHONE,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    page.goto(GATEWAY)
    page.get_by_text("Live", exact=True).wait_for()
    page.locator(".card img").last.wait_for()
    return page


def ask(page: Page, scene: Scene, question: str) -> None:
    """Asks about a picture of the story, and waits for the whole answer."""
    page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Photo", exact=True).click()
    chooser.value.set_files(scene.picture)
    page.locator("#attached img").wait_for()
    page.get_by_label("Question").fill(question)
    page.get_by_label("Question").press("Enter")
    page.mouse.move(0, 0)
    page.locator('.answer[aria-busy="false"]').last.wait_for()


def shot(page: Page) -> Image.Image:
    """What is seen now."""
    page.wait_for_timeout(500)  # photos fade in
    return Image.open(BytesIO(page.screenshot())).convert("RGB")


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Pictures of one size in a row, on white."""
    width, height = pictures[0].size
    row = Image.new("RGB", (len(pictures) * (width + GAP) - GAP, height), "white")
    for number, picture in enumerate(pictures):
        row.paste(picture, (number * (width + GAP), 0))
    return row


def main() -> None:
    """Take them all."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if program is None:
        raise SystemExit("no Chromium here; install it, or set CHROMIUM to one")
    scenes = {scene.title: scene for scene in STORY.scenes}
    with whole_kith(), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        desk = opened(browser, DESK)
        taken = {"web-gallery": shot(desk)}
        ask(desk, scenes["Mia beside a look-alike"], "Is <mia> in this picture?")
        taken["web-chat"] = shot(desk)
        day, night = opened(browser, PHONE), opened(browser, PHONE, dark=True)
        phones = [shot(day)]
        ask(night, scenes["Pip and a stranger"], "Is <pip> in this picture?")
        phones.append(shot(night))
        night.locator(".found").last.click()
        phones.append(shot(night))
        taken["web-phone"] = side_by_side(phones)
    for name, picture in taken.items():
        picture.save(IMAGES / f"{name}.webp", quality=85, method=6)


if __name__ == "__main__":
    main()
