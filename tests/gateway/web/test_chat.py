"""The chat: boxes and names over photos, names that lead somewhere, corrections that count."""

import json
import re

import httpx
import pytest
from playwright.sync_api import Page, expect

from kith.errors import Unavailable
from tests.assistant.world import Thing
from tests.gateway.web.hands import Hands
from tests.gateway.world import BO, CUP, Gateway, id_of, remember

OTHER_DOG = Thing("dog", 80, (62, 10, 90, 40))


@pytest.fixture(autouse=True)
def _what_it_says(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway.parrot, "says", "There sits <bo>, and <b>nobody</b> else.")


def names_told(gateway: Gateway) -> str:
    """All texts that the language model was last asked with."""
    parts = [part for turn in gateway.parrot.asked[-1] for part in turn.parts]
    return " ".join(part for part in parts if isinstance(part, str))


def test_names_stand_in_boxes_and_lead_to_their_concepts(hands: Hands, http: httpx.Client) -> None:
    bo = remember(http, "bo", BO)
    answer = hands.ask("Who is this?", hands.photo(BO))
    expect(answer.locator(".words")).to_have_text("There sits bo, and <b>nobody</b> else.")
    expect(answer.locator("b")).to_have_count(0)
    expect(answer.get_by_role("list", name="The answer rests on")).to_contain_text("bo")
    box = hands.box("bo").bounding_box()
    photo = hands.page.locator(".photo img").bounding_box()
    assert box is not None
    assert photo is not None
    scale = photo["width"] / 100
    assert abs(box["x"] - photo["x"] - 20 * scale) < 2
    assert abs(box["y"] + box["height"] - photo["y"] - 60 * scale) < 2
    link = answer.locator(".words").get_by_role("link", name="bo")
    link.hover()
    expect(hands.box("bo")).to_have_class(class_with("lit"))
    link.click()
    expect(hands.page.locator("#concept").get_by_label("Name")).to_have_value("bo")
    assert hands.page.url.endswith(f"#/concepts/{id_of(bo)}")
    hands.page.keyboard.press("Escape")
    expect(answer).to_be_visible()


def test_boxes_are_there_before_the_answer(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.page.route("**/v1/chat/completions", lambda route: None)  # never answered
    hands.page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    hands.choose("Photo", hands.photo(BO))
    hands.page.get_by_role("button", name="Ask", exact=True).click()
    expect(hands.box("bo")).to_be_visible()
    hands.page.get_by_role("button", name="Stop").click()
    expect(hands.page.get_by_text("Stopped.")).to_be_visible()


def test_not_this_one_holds_for_the_next_question(
    hands: Hands, http: httpx.Client, gateway: Gateway
) -> None:
    bo = remember(http, "bo", BO)
    alike = Thing("dog", 14)
    hands.ask("Who is this?", hands.photo(alike))
    assert "<bo>" in names_told(gateway)
    hands.box("bo").click()
    hands.page.get_by_role("button", name="Not bo").click()
    expect(hands.page.get_by_text("Noted: this is not bo.")).to_be_visible()
    expect(hands.box("bo")).to_have_count(0)
    expect(hands.box("dog?")).to_be_focused()
    views = http.get(f"/v1/concepts/{id_of(bo)}").json()["views"]
    assert [view["negative"] for view in views] == [False, True]
    answer = hands.ask("And now?")
    expect(answer.locator(".rests-on")).to_have_count(0)
    assert "<bo>" not in names_told(gateway)


def test_not_this_one_can_be_taken_back(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.ask("Who is this?", hands.photo(Thing("dog", 14)))
    hands.box("bo").click()
    hands.page.get_by_role("button", name="Not bo").click()
    hands.page.get_by_role("button", name="Undo").click()
    expect(hands.box("bo")).to_be_visible()


def test_this_is_someone_new(hands: Hands, http: httpx.Client, gateway: Gateway) -> None:
    remember(http, "bo", BO)
    hands.ask("Who are they?", hands.photo(BO, OTHER_DOG))
    hands.box("dog?").click()
    hands.page.get_by_label("This is").fill("rex")
    hands.page.get_by_label("This is").press("Enter")
    expect(hands.page.get_by_text("Kith knows rex now.")).to_be_visible()
    expect(hands.box("rex")).to_be_visible()
    answer = hands.ask("Once more: who are they?")
    expect(answer.get_by_role("list", name="The answer rests on")).to_contain_text("rex")
    assert "<rex>" in names_told(gateway)


def test_this_is_someone_known(hands: Hands, http: httpx.Client) -> None:
    rex = remember(http, "rex", Thing("dog", 40))
    hands.ask("Who is this?", hands.photo(OTHER_DOG))
    hands.box("dog?").click()
    hands.page.get_by_label("This is").fill("rex")
    hands.page.get_by_role("button", name="Add to rex").click()
    expect(hands.box("rex")).to_be_visible()
    assert len(http.get(f"/v1/concepts/{id_of(rex)}").json()["views"]) == 2


def test_what_was_overlooked_can_be_marked(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.ask("Who is this?", hands.photo(BO, CUP))  # no category of the memory finds the cup
    hands.page.get_by_role("button", name="Mark something").click()
    hands.page.get_by_role("button", name="Put a box").click()
    hands.form.get_by_label("Name").fill("cup")
    hands.form.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.page.locator("#cards")).to_contain_text("cup")


def test_a_name_given_elsewhere_reaches_the_boxes(hands: Hands, http: httpx.Client) -> None:
    bo = remember(http, "bo", BO)
    hands.ask("Who is this?", hands.photo(BO))
    http.patch(f"/v1/concepts/{id_of(bo)}", json={"display_name": "bobo"})
    expect(hands.box("bobo")).to_be_visible()
    http.delete(f"/v1/concepts/{id_of(bo)}")
    expect(hands.box("bobo")).to_have_count(0)


def test_a_question_needs_no_photo_and_the_chat_goes_on(
    hands: Hands, http: httpx.Client, gateway: Gateway
) -> None:
    remember(http, "bo", BO)
    hands.ask("What does <bo> look like?")
    hands.ask("Are you sure?")
    assert len([turn for turn in gateway.parrot.asked[-1] if turn.role == "user"]) == 2
    hands.page.get_by_role("button", name="New chat").click()
    expect(hands.page.locator(".turn")).to_have_count(0)
    hands.ask("Who are you?")
    assert len(gateway.parrot.asked[-1]) == 1


def test_a_new_chat_knows_nothing_of_an_answer_that_was_broken_off(
    hands: Hands, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.parrot, "pause_s", 0.2)
    monkeypatch.setattr(gateway.parrot, "says", "word " * 200)
    hands.page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    hands.page.get_by_label("Question").fill("Tell me a story.")
    hands.page.get_by_label("Question").press("Enter")
    expect(hands.page.locator(".answer")).to_contain_text("word")
    hands.page.get_by_role("button", name="New chat").click()
    monkeypatch.setattr(gateway.parrot, "pause_s", 0)
    hands.ask("Who are you?")
    assert len(gateway.parrot.asked[-1]) == 1


def test_boxes_catch_up_with_what_happened_behind_the_page(
    hands: Hands, http: httpx.Client
) -> None:
    bo = remember(http, "bo", BO)
    hands.ask("Who are they?", hands.photo(BO, OTHER_DOG))
    expect(hands.box("dog?")).to_be_visible()
    hands.lie_behind(True)
    expect(hands.page.get_by_text("Reconnecting…")).to_be_visible()
    http.patch(f"/v1/concepts/{id_of(bo)}", json={"display_name": "bobo"})
    hands.lie_behind(False)
    expect(hands.box("bobo")).to_be_visible()
    expect(hands.box("dog?")).to_be_visible()


@pytest.mark.parametrize(("more", "told"), [(0, 0), (1, 1)])
def test_photos_that_are_too_many_are_told_of(hands: Hands, more: int, told: int) -> None:
    hands.page.get_by_role("navigation").get_by_role("link", name="Ask").click()
    hands.choose("Photo", *(hands.photo(BO) for _ in range(8)))
    expect(hands.page.locator("#attached img")).to_have_count(8)
    if more:
        hands.choose("Photo", hands.photo(BO))
    expect(hands.page.get_by_text("at most 8 photos")).to_have_count(told)


def test_an_engine_that_is_down_is_told_and_tried_again(
    page: Page, hands: Hands, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    down = Unavailable("generation: nobody answers; start it", reason="GENERATION_UNREACHABLE")
    monkeypatch.setattr(gateway.parrot, "error", down)
    answer = hands.ask("Who is this?", hands.photo(BO))
    expect(answer.get_by_role("alert")).to_contain_text("start it")
    monkeypatch.setattr(gateway.parrot, "error", None)
    answer.get_by_role("button", name="Try again").click()
    expect(page.locator(".answer .words")).to_contain_text("There sits")
    expect(page.locator(".question")).to_have_count(1)


def test_what_an_answer_had_to_do_without_is_told(hands: Hands) -> None:
    without = {"loss": "MEMORY", "reason": "X", "message": "The memory is away; start it."}
    chunks = [
        {"choices": [{"delta": {"content": "A thing."}}]},
        {"choices": [{"delta": {}}], "kith": {"concepts": [], "degradation": without}},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    hands.page.route(
        "**/v1/chat/completions",
        lambda route: route.fulfill(content_type="text/event-stream", body=body),
    )
    answer = hands.ask("Who is this?")
    expect(answer).to_contain_text("A thing.")
    expect(answer.get_by_role("alert")).to_have_text("The memory is away; start it.")


def class_with(name: str) -> re.Pattern[str]:
    """Matches a class attribute that has `name`."""
    return re.compile(rf"\b{name}\b")


def wait_for_the_end(hands: Hands, wheel: int = 0) -> None:
    """Until the page is at its end, turning the wheel as long as it still grows.

    Asked from here, for the page may evaluate no strings.
    """
    for _ in range(100):
        hands.page.mouse.wheel(0, wheel)
        hands.page.wait_for_timeout(50)
        if hands.page.evaluate("innerHeight + scrollY >= document.body.scrollHeight - 1"):
            return
    raise AssertionError("the page is not at its end")


@pytest.mark.parametrize("width", [380, 1200])
def test_a_message_covers_neither_the_answer_nor_the_question(
    hands: Hands, http: httpx.Client, width: int
) -> None:
    remember(http, "bo", BO)
    hands.page.set_viewport_size({"width": width, "height": 720})
    hands.ask("Who is this?", hands.photo(Thing("dog", 14)))
    answer = hands.ask("And now?")
    hands.box("bo").first.click()
    hands.page.get_by_role("button", name="Not bo").click()
    expect(hands.page.get_by_text("Noted: this is not bo.")).to_be_visible()
    wait_for_the_end(hands, wheel=10_000)
    toast = hands.page.locator(".toast").bounding_box()
    said, composer = answer.bounding_box(), hands.page.locator("#composer").bounding_box()
    assert toast
    assert said
    assert composer
    assert said["y"] + said["height"] <= composer["y"] + 40  # which begins as a mere shade
    assert composer["y"] + composer["height"] <= toast["y"]
    hands.page.get_by_role("button", name="Dismiss").click()
    expect(hands.page.locator("#composer")).to_have_css("bottom", "0px")


def test_the_end_of_the_chat_stays_in_sight_when_a_message_comes(
    hands: Hands, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.parrot, "says", "word " * 300)
    hands.page.set_viewport_size({"width": 380, "height": 720})
    hands.ask("Tell me a story.")
    hands.page.evaluate("import('/static/toast.js').then(({ toast }) => toast('Hello.'))")
    expect(hands.page.locator("#composer")).not_to_have_css("bottom", "0px")
    wait_for_the_end(hands)


def test_each_view_is_found_where_it_was_left(
    hands: Hands, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.parrot, "says", "word " * 600)
    hands.ask("Tell me a story.")
    scroll = hands.page.evaluate("scrollY")
    assert scroll > 100
    views = hands.page.get_by_role("navigation")
    views.get_by_role("link", name="Concepts").click()
    heading = hands.page.get_by_role("heading", name="My concepts")
    expect(heading).to_be_in_viewport()
    assert hands.page.evaluate("scrollY") == 0
    views.get_by_role("link", name="Ask").click()
    expect(hands.page.locator("#composer")).to_be_visible()
    assert hands.page.evaluate("scrollY") == scroll


def test_of_a_stranger_nothing_can_be_denied(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.ask("Who is this?", hands.photo(OTHER_DOG))
    hands.box("dog?").click()
    expect(hands.page.get_by_text("Kith does not know this one.")).to_be_visible()
    expect(hands.page.locator("#box-reject")).to_have_text("")
