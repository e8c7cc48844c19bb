"""My concepts: add, edit in place, forget and undo, and what others do meanwhile."""

import base64
import io
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.assistant.world import Thing, paint
from tests.gateway.web.conftest import Opener
from tests.gateway.web.hands import Hands
from tests.gateway.world import BO, CUP, id_of, photo, remember


def concepts(http: httpx.Client) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = http.get("/v1/concepts").json()["concepts"]
    return listed


def view_sent(hands: Hands) -> dict[str, Any]:
    """The view that the open dialog would have remembered."""
    sent: list[dict[str, Any]] = []

    def lose(route: Route) -> None:
        sent.append(dict(route.request.post_data_json or {}))
        route.abort()

    hands.page.route("**/v1/concepts", lose)
    hands.form.get_by_label("Name").fill("bo")
    hands.page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.form.get_by_role("alert")).to_contain_text("does not answer")
    (view,) = sent[0]["views"]
    return dict(view)


def photo_of(view: dict[str, Any]) -> Image.Image:
    """The photo that was sent with a view."""
    return Image.open(io.BytesIO(base64.b64decode(view["photo"]["data"])))


def test_an_empty_memory_says_what_to_do(page: Page) -> None:
    expect(page.get_by_text("give it a name")).to_be_visible()
    expect(page.locator("#cards > li")).to_have_count(0)


def test_a_photo_a_box_and_a_name_make_a_concept(hands: Hands, http: httpx.Client) -> None:
    page = hands.page
    hands.choose("Add a photo", hands.photo(BO, CUP))
    stage = page.locator(".stage").bounding_box()
    assert stage is not None
    scale = stage["width"] / 100  # the photo is 100 pixels wide
    page.mouse.move(stage["x"] + 60 * scale, stage["y"] + 8 * scale)
    page.mouse.down()
    page.mouse.move(stage["x"] + 95 * scale, stage["y"] + 42 * scale, steps=4)
    page.mouse.up()
    hands.form.get_by_label("Name").fill("cup")
    hands.form.get_by_label("Description").fill("The one with <b>flowers</b>.")
    page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.card("cup")).to_contain_text("The one with <b>flowers</b>.")
    expect(page.get_by_text("1 known by name")).to_be_visible()
    (made,) = concepts(http)
    assert made["category"] == "mug"  # seen by the detector
    (view,) = made["views"]
    box = view["box"]
    assert abs(box["x1"] - 60) < 3
    assert abs(box["y2"] - 42) < 3


def test_of_several_things_one_is_chosen(hands: Hands, http: httpx.Client) -> None:
    page = hands.page
    hands.choose("Add a photo", hands.photo(BO, CUP))
    hands.form.get_by_label("Name").fill("cup")
    page.get_by_role("button", name="Remember", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Several things")).to_be_visible()
    page.get_by_role("button", name="Take the box around mug").click()
    page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.card("cup")).to_be_visible()
    assert concepts(http)[0]["views"][0]["box"] == {"x1": 62, "y1": 10, "x2": 90, "y2": 40}


def test_a_box_is_corrected_by_its_corner(hands: Hands, http: httpx.Client) -> None:
    page = hands.page
    hands.choose("Add a photo", hands.photo(BO))
    page.get_by_role("button", name="Put a box").click()
    corner = page.locator(".edit-box [data-side=nw]")
    corner.drag_to(page.locator(".stage"), target_position={"x": 5, "y": 5}, force=True)
    hands.form.get_by_label("Name").fill("bo")
    page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.card("bo")).to_be_visible()
    box = concepts(http)[0]["views"][0]["box"]
    assert box["x1"] < 5
    assert box["x2"] == 75


def test_photos_are_dropped_on_the_page(hands: Hands) -> None:
    page = hands.page
    page.evaluate(
        """async (data) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(data)], "bo.png", { type: "image/png" }));
          const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
          document.body.dispatchEvent(new DragEvent("drop", how));
        }""",
        list(photo(BO)),
    )
    hands.form.get_by_label("Name").fill("bo")
    hands.form.get_by_label("Name").press("Enter")
    expect(hands.card("bo")).to_be_visible()


def test_the_camera_takes_a_photo(hands: Hands) -> None:
    page = hands.page
    page.get_by_role("button", name="Camera").first.click()
    page.get_by_role("button", name="Take the photo").click()
    expect(page.locator(".stage img")).to_have_js_property("complete", True)
    expect(page.get_by_role("dialog").get_by_role("heading", name="Remember")).to_be_visible()


def test_a_file_that_is_no_picture_is_told_of(hands: Hands, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not at all")
    hands.choose("Add a photo", tmp_path / "broken.png", hands.photo(BO))
    expect(hands.page.locator(".toast")).to_contain_text("Choose a JPEG, PNG or WebP file")
    expect(hands.form.get_by_label("Name")).to_be_visible()  # for the one that is a picture


def test_a_large_photo_is_made_smaller_and_its_box_with_it(hands: Hands, tmp_path: Path) -> None:
    paint(BO).resize((4000, 3200)).save(tmp_path / "large.png")
    hands.choose("Add a photo", tmp_path / "large.png")
    hands.page.get_by_role("button", name="Put a box").click()
    view = view_sent(hands)
    assert photo_of(view).size == (2048, 1638)
    assert view["box"] == {"x1": 512, "y1": 410, "x2": 1536, "y2": 1229}


def test_what_is_transparent_in_a_large_photo_is_white(hands: Hands, tmp_path: Path) -> None:
    Image.new("RGBA", (2100, 2100), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    hands.choose("Add a photo", tmp_path / "clear.png")
    assert photo_of(view_sent(hands)).getpixel((9, 9)) == (255, 255, 255)


def test_a_dialog_that_was_closed_meddles_with_no_other(hands: Hands, http: httpx.Client) -> None:
    page, held = hands.page, list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/v1/concepts", hold)
    hands.choose("Add a photo", hands.photo(BO))
    hands.form.get_by_label("Name").fill("bo")
    page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.form.get_by_text("Remembering…")).to_be_visible()
    page.keyboard.press("Escape")
    hands.choose("Add a photo", hands.photo(CUP))
    hands.form.get_by_label("Name").fill("cup")
    expect(page.get_by_role("button", name="Remember", exact=True)).to_be_enabled()
    held[0].continue_()
    expect(hands.card("bo")).to_have_count(1)
    expect(hands.form.get_by_label("Name")).to_have_value("cup")
    expect(hands.form.get_by_label("Name")).to_be_visible()


def test_what_goes_wrong_on_the_page_itself_is_told(hands: Hands) -> None:
    hands.page.evaluate(
        "FileReader.prototype.readAsDataURL = () => { throw new Error('The file is gone.'); }; 0"
    )
    hands.choose("Add a photo", hands.photo(BO))
    hands.form.get_by_label("Name").fill("bo")
    hands.page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.form.get_by_role("alert")).to_have_text("The file is gone.")


def test_a_taken_name_is_told_beside_its_field(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    hands.choose("Add a photo", hands.photo(CUP))
    hands.form.get_by_label("Name").fill("bo")
    hands.page.get_by_role("button", name="Remember", exact=True).click()
    expect(hands.page.get_by_role("alert").filter(has_text="another name")).to_be_visible()
    expect(hands.form.get_by_label("Name")).to_be_focused()


def test_a_photo_of_someone_known_may_become_a_view_of_them(
    hands: Hands, http: httpx.Client
) -> None:
    remember(http, "bo", BO)
    expect(hands.card("bo")).to_be_visible()
    hands.choose("Add a photo", hands.photo(Thing("dog", 12)))
    hands.page.get_by_role("button", name="Add it to bo instead").click()
    hands.page.get_by_role("button", name="Add to bo").click()
    expect(hands.page.get_by_text("Kith knows bo better now.")).to_be_visible()
    (bo,) = concepts(http)
    assert len(bo["views"]) == 2


def test_photos_that_become_views_keep_their_boxes(hands: Hands, http: httpx.Client) -> None:
    bo = remember(http, "bo", BO)
    expect(hands.card("bo")).to_be_visible()
    hands.choose("Add a photo", hands.photo(Thing("dog", 12)), hands.photo(Thing("dog", 14)))
    hands.form.get_by_label("Photo 2", exact=True).click()
    hands.page.get_by_role("button", name="Put a box").click()
    hands.form.get_by_label("Photo 1", exact=True).click()
    hands.page.get_by_role("button", name="Add it to bo instead").click()
    hands.page.get_by_role("button", name="Add to bo").click()
    expect(hands.page.get_by_text("Kith knows bo better now.")).to_be_visible()
    views = http.get(f"/v1/concepts/{id_of(bo)}").json()["views"]
    assert views[2]["box"] == {"x1": 25, "y1": 20, "x2": 75, "y2": 60}


def test_words_are_edited_in_place(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO)
    panel = hands.open("bo")
    name = panel.get_by_label("Name")
    name.fill("bobo")
    name.press("Enter")
    expect(panel.get_by_text("Saved.")).to_be_attached()
    panel.get_by_label("Description").fill("")
    with hands.page.expect_response(lambda answer: answer.request.method == "PATCH"):
        panel.get_by_label("Category").focus()
    expect(panel.get_by_label("Description")).to_have_value("")
    hands.page.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    expect(hands.card("bobo")).to_be_focused()
    (bobo,) = concepts(http)
    assert bobo["display_name"] == "bobo"
    assert bobo["description"] == ""


def test_escape_takes_back_what_was_typed_before_it_closes(
    hands: Hands, http: httpx.Client
) -> None:
    remember(http, "bo", BO)
    panel = hands.open("bo")
    panel.get_by_label("Name").fill("b")
    panel.get_by_label("Name").press("Escape")
    expect(panel.get_by_label("Name")).to_have_value("bo")
    expect(panel).to_be_visible()


def test_an_edit_that_crosses_another_one_asks_which_to_keep(
    hands: Hands, http: httpx.Client
) -> None:
    bo = remember(http, "bo", BO)
    panel = hands.open("bo")

    def cross(route: Route) -> None:
        http.patch(f"/v1/concepts/{id_of(bo)}", json={"description": "Theirs."})
        route.continue_()

    hands.page.route("**/v1/concepts/*", cross, times=1)
    panel.get_by_label("Description").fill("Mine.")
    panel.get_by_label("Name").focus()
    panel.get_by_role("button", name="Keep mine").click()
    expect(panel.get_by_text("Saved.")).to_be_visible()
    assert concepts(http)[0]["description"] == "Mine."


def test_a_view_is_taken_away_when_asked_for_twice(hands: Hands, http: httpx.Client) -> None:
    remember(http, "bo", BO, Thing("dog", 30))
    panel = hands.open("bo")
    remove = panel.get_by_role("button", name="Remove this view").first
    remove.click()
    assert len(concepts(http)[0]["views"]) == 2
    remove.click()
    expect(panel.get_by_role("button", name="Remove this view")).to_have_count(0)
    assert len(concepts(http)[0]["views"]) == 1


def test_what_is_forgotten_is_gone_at_once_and_can_be_brought_back(
    hands: Hands, http: httpx.Client
) -> None:
    remember(http, "bo", BO)
    hands.open("bo").get_by_role("button", name="Forget").click()
    expect(hands.card("bo")).to_have_count(0)
    assert concepts(http) == []
    undo = hands.page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.press("Enter")
    expect(hands.card("bo")).to_be_visible()
    assert len(concepts(http)) == 1


def test_the_list_follows_what_is_done_elsewhere(hands: Hands, http: httpx.Client) -> None:
    bo = remember(http, "bo", BO)
    expect(hands.card("bo")).to_be_visible()
    expect(hands.page.get_by_text("bo was added elsewhere")).to_be_visible()
    http.patch(f"/v1/concepts/{id_of(bo)}", json={"display_name": "bobo"})
    expect(hands.card("bobo")).to_be_visible()
    http.delete(f"/v1/concepts/{id_of(bo)}")
    expect(hands.page.locator("#cards > li")).to_have_count(0)
    http.post(f"/v1/concepts/{id_of(bo)}:unforget", json={})
    expect(hands.card("bobo")).to_be_visible()


def test_two_pages_of_one_user_stay_in_step(
    open_page: Opener, hands: Hands, tmp_path: Path, http: httpx.Client
) -> None:
    second = Hands(open_page(), tmp_path)
    remember(http, "bo", BO)
    panel = second.open("bo")
    hands.open("bo").get_by_label("Description").fill("Sleeps a lot.")
    hands.page.keyboard.press("Tab")
    expect(panel.get_by_label("Description")).to_have_value("Sleeps a lot.")
    expect(panel.get_by_text("Just changed elsewhere.")).to_be_visible()


def test_what_is_changed_elsewhere_while_one_types_is_not_written_over(
    hands: Hands, http: httpx.Client
) -> None:
    bo = remember(http, "bo", BO)
    panel = hands.open("bo")
    panel.get_by_label("Description").press_sequentially("Mine")
    http.patch(f"/v1/concepts/{id_of(bo)}", json={"description": "Theirs"})
    expect(panel.get_by_text("Just changed elsewhere.")).to_be_visible()
    hands.page.keyboard.press("Tab")
    panel.get_by_role("button", name="Take theirs").click()
    expect(panel.get_by_label("Description")).to_have_value("Theirs")
    assert http.get(f"/v1/concepts/{id_of(bo)}").json()["description"] == "Theirs"


def test_a_broken_connection_comes_back_by_itself(hands: Hands, http: httpx.Client) -> None:
    page = hands.page
    page.route("**/v1/watch", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("Reconnecting…")).to_be_visible()
    remember(http, "bo", BO)
    page.unroute("**/v1/watch")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(hands.card("bo")).to_be_visible()
    expect(page.get_by_text("Live", exact=True)).to_be_visible()


def test_a_page_that_lies_behind_others_catches_up(hands: Hands, http: httpx.Client) -> None:
    hands.lie_behind(True)
    expect(hands.page.get_by_text("Reconnecting…")).to_be_visible()
    remember(http, "bo", BO)
    hands.lie_behind(False)
    expect(hands.card("bo")).to_be_visible()
