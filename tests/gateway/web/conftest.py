"""Chromium on the page of the room's gateway; each test is a user of its own."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    expect,
    sync_playwright,
)

from tests.gateway.web.hands import Hands
from tests.gateway.world import Gateway

PATIENCE_MS = 30_000  # for a machine that has other things to do
expect.set_options(timeout=PATIENCE_MS)

Opener = Callable[..., Page]


@pytest.fixture(scope="module")  # while it is open, no other test can run an event loop
def browser() -> Iterator[Browser]:
    """The machine's own Chromium, with a camera that sees a test picture."""
    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    if not program:
        pytest.skip("no Chromium here; install the package chromium, or set CHROMIUM to one")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )


@pytest.fixture
def open_page(browser: Browser, gateway: Gateway, user: str) -> Iterator[Opener]:
    """Opens the page as the test's user; what Chromium had to complain of fails the test."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def opened(url: str = gateway.url, live: bool = True, **settings: Any) -> Page:  # noqa: ANN401
        context = browser.new_context(extra_http_headers={"Kith-User": user}, **settings)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        listen(page, url, complaints)
        page.goto(url)
        if live:
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def listen(page: Page, url: str, complaints: list[str]) -> None:
    """Notes down errors of the page, and requests to anyone but its own server."""

    def failed(error: object) -> None:
        complaints.append(str(error))

    def said(message: ConsoleMessage) -> None:
        # The page itself tells of a request that failed.
        if message.type == "error" and "Failed to load resource" not in message.text:
            complaints.append(message.text)

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "blob:", "data:")):
            complaints.append(f"asked elsewhere: {request.url}")

    page.on("pageerror", failed)
    page.on("console", said)
    page.on("request", asked)


@pytest.fixture
def page(open_page: Opener) -> Page:
    """The page on a desk."""
    return open_page()


@pytest.fixture
def hands(page: Page, tmp_path: Path) -> Hands:
    """What people do with the page again and again."""
    return Hands(page, tmp_path)
