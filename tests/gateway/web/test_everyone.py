"""By keyboard alone, on a phone, in the dark, without motion, with a token."""

import hashlib
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.gateway.web.conftest import Opener
from tests.gateway.web.hands import Hands
from tests.gateway.world import BO, CUP, remember, running

PHONE = {"width": 360, "height": 740}


def press_until(page: Page, key: str, wanted: Locator, most: int = 30) -> None:
    """Presses a key until the focus is where it is wanted."""
    for _ in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
    expect(wanted).to_be_focused()


def test_all_can_be_done_by_keyboard(hands: Hands, http: httpx.Client) -> None:
    page = hands.page
    # Chromium is told early: a key comes so fast that the chooser would be open before that.
    page.on("filechooser", lambda chooser: None)
    press_until(page, "Tab", page.get_by_role("button", name="Add a photo"))
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(hands.photo(BO, CUP))
    expect(hands.form.get_by_label("Name")).to_be_focused()
    page.keyboard.type("cup")
    press_until(page, "Shift+Tab", page.get_by_role("button", name="Put a box"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Box")).to_be_focused()
    for key, times in (("ArrowRight", 37), ("ArrowUp", 10), ("Shift+ArrowLeft", 22)):
        for _ in range(times):
            page.keyboard.press(key)
    press_until(page, "Tab", page.get_by_role("button", name="Remember", exact=True))
    page.keyboard.press("Enter")
    expect(hands.card("cup")).to_be_visible()
    (view,) = http.get("/v1/concepts").json()["concepts"][0]["views"]
    assert view["box"] == {"x1": 50, "y1": 10, "x2": 78, "y2": 50}

    press_until(page, "Tab", hands.card("cup"))
    page.keyboard.press("Enter")
    panel = page.locator("#concept")
    press_until(page, "Tab", panel.get_by_label("Category"))
    page.keyboard.type("teacup")
    page.keyboard.press("Enter")
    expect(hands.card("cup")).to_contain_text("teacup")
    page.keyboard.press("Escape")
    expect(hands.card("cup")).to_be_focused()


def test_a_box_is_corrected_by_keyboard(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.ask("Who is this?", hands.photo(BO))
    box = hands.box("bo")
    expect(box).to_be_visible()
    press_until(hands.page, "Shift+Tab", box)
    hands.page.keyboard.press("Enter")
    expect(hands.page.get_by_role("button", name="Not bo")).to_be_focused()
    hands.page.keyboard.press("Escape")
    expect(hands.page.locator("#box-menu")).to_be_hidden()
    expect(box).to_be_focused()


def test_the_focus_is_always_to_be_seen(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    expect(hands.card("bo")).to_be_visible()
    for _ in range(8):
        hands.page.keyboard.press("Tab")
        width = hands.page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
        assert float(width.removesuffix("px")) >= 2


def test_on_a_phone_nothing_sticks_out(
    open_page: Opener, http: httpx.Client, tmp_path: Path
) -> None:
    remember(http, "a name as long as names are ever going to be on such a page", BO)
    hands = Hands(open_page(viewport=PHONE, has_touch=True, is_mobile=True), tmp_path)
    page = hands.page

    def fits() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360

    expect(hands.card("a name")).to_be_visible()
    fits()
    panel = hands.open("a name")
    fits()
    width = panel.evaluate("element => [element.scrollWidth, element.clientWidth]")
    assert width[0] == width[1]
    page.keyboard.press("Escape")
    hands.ask("Who is this?", hands.photo(BO))
    fits()
    hands.box("a name").click()
    menu = page.locator("#box-menu").bounding_box()
    assert menu is not None
    assert (menu["x"], menu["width"]) == (0, 360)  # a sheet at the foot
    assert menu["y"] + menu["height"] == 740


def test_what_is_touched_is_large_enough(open_page: Opener) -> None:
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    for button in page.get_by_role("button").all():
        box = button.bounding_box()
        assert box is not None
        assert box["height"] >= 32


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_by_day_and_by_night(
    open_page: Opener, http: httpx.Client, scheme: str
) -> None:
    remember(http, "bo", BO)
    page = open_page(color_scheme=scheme)
    expect(page.locator(".card")).to_be_visible()
    for selector in ("h1", ".soft", ".card-name", ".card-text", "button.primary", ".live"):
        assert contrast(page, selector) >= 4.5, selector


def contrast(page: Page, selector: str) -> float:
    """WCAG's contrast of an element's text with what lies behind it."""
    ratio: float = page.locator(f"{selector} >> visible=true").first.evaluate(
        """(element) => {
          const canvas = new OffscreenCanvas(1, 1).getContext("2d");
          const light = (colour) => {
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((part) => part / 255)
              .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
          };
          let behind = element;
          while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") {
            behind = behind.parentElement;
          }
          const text = light(getComputedStyle(element).color);
          const ground = light(getComputedStyle(behind).backgroundColor);
          return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
        }"""
    )
    return ratio


def test_an_address_that_leads_nowhere_does_no_harm(page: Page) -> None:
    page.evaluate("location.hash = '#/concepts/%E0%A4%A'; location.reload()")
    expect(page.get_by_text("not there any more")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_nothing_moves_for_those_who_want_it_still(open_page: Opener, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    page = open_page(reduced_motion="reduce")
    expect(page.locator(".card")).to_be_visible()
    page.locator(".card").click()
    moving = "document.getAnimations().filter((one) => one.effect.getTiming().duration > 1).length"
    assert page.evaluate(moving) == 0


def test_a_server_with_tokens_asks_for_one(
    open_page: Opener, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tokens = tmp_path / "tokens"
    digest = hashlib.sha256(b"open sesame").hexdigest()
    tokens.write_text(f"ann {digest}\n", encoding="utf-8")
    with running(tmp_path_factory.mktemp("memories"), tokens_file=tokens) as guarded:
        with guarded.client(token="open sesame") as ann:
            remember(ann, "bo", BO)
        page = open_page(guarded.url, live=False)
        page.get_by_role("button", name="Not now").click()
        expect(page.get_by_text("Signed out")).to_be_visible()
        page.reload()
        page.get_by_label("Token").fill("a guess")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_text("does not know this token")).to_be_visible()
        page.get_by_label("Token").fill("open sesame")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".card")).to_contain_text("bo")
        photo = page.locator(".card img").last
        expect(photo).to_have_js_property("naturalWidth", 40)
        assert page.evaluate("localStorage.length") == 0
