"""The review's server: what the page gets, and what it may say."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from datagen.cleaning import clean
from datagen.finished import open_finished
from datagen.journal import read_journal
from datagen.regions import Eyes
from datagen.review.app import HOST, review_app, serve
from datagen.review.desk import Desk
from datagen.review.opinions import REVIEWS
from kith.errors import InvalidInput
from tests.datagen.drawn import Counting
from tests.datagen.small import commission, finish

FILE = "multi/0001.jpg"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("made") / "out"
    finish(commission(out, limit=4))
    clean(open_finished(out), Eyes("colours", Counting().embed, lambda _: []))
    return out


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


@pytest.fixture
def page(out: Path) -> Iterator[TestClient]:
    with TestClient(review_app(Desk(open_finished(out))), base_url="http://127.0.0.1") as client:
        yield client


def pictures(page: TestClient) -> dict[str, Any]:
    return {one["file_name"]: one for one in page.get("/dataset").json()["pictures"]}


def say(**changed: object) -> dict[str, Any]:
    return {"file_name": FILE, "reviewer": "ann", "decision": "keep", "cause": ""} | changed


def test_the_page_comes_whole_and_asks_nobody_else(page: TestClient) -> None:
    index = page.get("/")
    assert "default-src 'self'" in index.headers["content-security-policy"]
    assert "://" not in index.text
    for name in ("main.js", "store.js", "grid.js", "zoom.js", "dom.js", "review.css", "icon.svg"):
        assert page.get(f"/static/{name}").status_code == 200


def test_every_picture_comes_with_its_score_and_seeds(page: TestClient) -> None:
    told = page.get("/dataset").json()
    assert len(told["pictures"]) == 4
    for picture in told["pictures"]:
        assert picture["score"]["proposal"] in ("keep", "reject")
        assert picture["opinions"] == {}
        assert page.get(f"/files/{picture['file_name']}").headers["content-type"] == "image/jpeg"
        for concept in picture["concepts"]:
            assert page.get(f"/files/{told['seeds'][concept][0]}").status_code == 200


@pytest.mark.parametrize("file", ["plan.json", "../out/plan.json", "%2e%2e/x", ".work/seeds.json"])
def test_no_other_file_is_given_away(page: TestClient, file: str) -> None:
    assert page.get(f"/files/{file}").status_code == 404


def test_what_is_said_is_on_the_disk_and_there_after_a_restart(page: TestClient, out: Path) -> None:
    told = page.post("/opinions", json=say(decision="reject", cause="SUBJECT_CUT")).json()
    assert told == {"ann": {"decision": "reject", "cause": "SUBJECT_CUT"}}
    told = page.post("/opinions", json=say(reviewer="bob")).json()
    assert set(told) == {"ann", "bob"}
    assert [one["reviewer"] for one in read_journal(out / REVIEWS)] == ["ann", "bob"]
    anew = TestClient(review_app(Desk(open_finished(out))), base_url="http://127.0.0.1")
    assert pictures(anew)[FILE]["opinions"] == told
    told = page.post("/opinions", json=say(decision="withdrawn")).json()
    assert set(told) == {"bob"}
    assert pictures(page)[FILE]["opinions"] == told


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (say(file_name="train/9999.jpg"), 404),
        (say(decision="perhaps"), 400),
        (say(decision="reject"), 400),
        (say(decision="reject", cause="UGLY"), 400),
        (say(cause="BLURRED"), 400),
        (say(reviewer=" "), 400),
        ({}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_kept(
    page: TestClient, out: Path, said: dict[str, Any], status: int
) -> None:
    answer = page.post("/opinions", json=said)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)
    assert not (out / REVIEWS).exists()


def test_other_sites_can_say_nothing(page: TestClient, out: Path) -> None:
    sent = page.post("/opinions", content="{}", headers={"content-type": "text/plain"})
    assert sent.status_code == 415
    assert page.get("/dataset", headers={"host": "evil.example"}).status_code == 400
    assert not (out / REVIEWS).exists()


def test_over_a_network_a_browser_is_let_in_by_the_whole_address_and_then_by_its_cookie(
    out: Path,
) -> None:
    app = review_app(Desk(open_finished(out)), "right")
    with TestClient(app, base_url="http://review.lan:7461") as stranger:
        for path in ("/", "/?token=", "/?token=wrong", "/?token=%C3%A9", "/dataset?token=right"):
            answer = stranger.get(path)
            assert (answer.status_code, answer.json()["error"][:6]) == (401, "token:")
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert stranger.get(f"/files/{FILE}").status_code == 401
        assert stranger.get("/static/main.js").status_code == 401
        assert stranger.post("/opinions", json=say()).status_code == 401
        assert not (out / REVIEWS).exists()
    with TestClient(app, base_url="http://review.lan:7461") as ann:
        page = ann.get("/?token=right")
        assert "<title>Review</title>" in page.text
        assert page.url == "http://review.lan:7461/"  # the token does not stay in sight
        (cookie,) = page.history[0].headers.get_list("set-cookie")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert ann.post("/opinions", json=say()).status_code == 200
        assert pictures(ann)[FILE]["opinions"] == {"ann": {"decision": "keep", "cause": ""}}


def test_many_reviewers_at_once_are_all_written_down_whole(page: TestClient, out: Path) -> None:
    def review(name: str) -> list[str]:
        said = []
        for file in pictures(page):
            told = page.post("/opinions", json=say(file_name=file, reviewer=name)).json()
            said.append(told[name]["decision"])
        return said

    names = [f"reviewer {number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(review, names)) == [["keep"] * 4] * len(names)
    journal = read_journal(out / REVIEWS)
    assert len(journal) == len((out / REVIEWS).read_text("utf-8").splitlines()) == 4 * len(names)
    assert all(set(one["opinions"]) == set(names) for one in pictures(page).values())


def test_scores_of_a_picture_that_is_no_more_are_not_shown(out: Path) -> None:
    (out / FILE).write_bytes((out / "train" / "0001.jpg").read_bytes())
    anew = TestClient(review_app(Desk(open_finished(out))), base_url="http://127.0.0.1")
    assert pictures(anew)[FILE]["score"] is None
    assert pictures(anew)["train/0001.jpg"]["score"] is not None


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no dataset"):
        serve(tmp_path, HOST, 0, print)
    assert not list(tmp_path.iterdir())
