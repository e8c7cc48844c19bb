"""The forms that `--json` prints are fixed: other people's scripts read them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kith.v1 import query_pb2
from tests.kith.conftest import Run
from tests.kith.fake import FakeAssistant

Said = Callable[..., list[Any]]

NAME = "users/me/concepts/c1"
BO = {
    "name": NAME,
    "display_name": "bo",
    "category": "dog",
    "description": "mine",
    "views": 2,
    "state": "ready",
}
SHORT = BO | {"description": "a dog", "views": 1}
TIME = "2023-11-14T22:13:20+00:00"


@pytest.fixture
def said(kith: Run, capsys: pytest.CaptureFixture[str]) -> Said:
    """Run a command that has to succeed; return its lines, read as JSON."""

    def run(*arguments: object) -> list[Any]:
        code = kith("--json", *arguments)
        out, err = capsys.readouterr()
        assert (code, err) == (0, "")
        return [json.loads(line) for line in out.splitlines()]

    return run


def test_remember(said: Said, photo: Path) -> None:
    words = ["--category", "dog", "--description", "mine"]
    assert said("remember", "bo", photo, photo, *words) == [BO]
    assert list(said("show", "bo")[0])[:6] == list(BO)


def test_remember_with_a_box(said: Said, photo: Path) -> None:
    said("remember", "bo", photo, "--box", "1,2,30.5,40")
    (shown,) = said("show", "bo")
    assert shown == SHORT | {
        "views": [
            {
                "name": f"{NAME}/views/v0",
                "box": [1, 2, 30.5, 40],
                "negative": False,
                "created": TIME,
            }
        ],
        "created": TIME,
        "updated": TIME,
    }


def test_retrieve_prints_a_line_an_image(said: Said, photo: Path) -> None:
    nobody = {"box": [10.0, 20.0, 110.0, 140.5], "category": "dog", "score": 0.9, "matches": []}
    assert said("retrieve", photo) == [{"image": str(photo), "regions": [nobody], "accepted": []}]
    said("remember", "bo", photo)
    match = {"concept": "bo", "distance": 0.4, "accepted": True}
    found = {
        "image": str(photo),
        "regions": [nobody | {"matches": [match]}],
        "accepted": ["bo"],
    }
    assert said("retrieve", photo, photo) == [found, found]


def test_recognize(said: Said, photo: Path) -> None:
    said("remember", "bo", photo)
    said("remember", "mug", photo)
    there = {"concept": "bo", "present": True, "score": 0.93, "box": [10.0, 20.0, 110.0, 140.5]}
    absent = {"concept": "mug", "present": False, "score": 0.1, "box": None}
    assert said("recognize", photo, "--concept", "bo", "--concept", "mug") == [
        {"concepts": [there, absent]}
    ]


def test_ask(said: Said, photo: Path) -> None:
    used = {
        "concept": "bo",
        "view": f"{NAME}/views/v0",
        "box": [10.0, 20.0, 110.0, 140.5],
        "score": 0.93,
    }
    answer = {"answer": "Yes, <bo> sits there.", "concepts": [used], "degradation": None}
    assert said("ask", photo, "Is <bo> here?") == [answer]
    assert said("ask", "What is <bo>?") == [answer]


def test_ask_without_a_memory(said: Said, photo: Path, assistant: FakeAssistant) -> None:
    assistant.degradation = query_pb2.Degradation(
        loss=query_pb2.Degradation.LOSS_PHOTOS, reason="SERVICE_UNREACHABLE", message="start it"
    )
    (answer,) = said("ask", photo, "Is <bo> here?")
    assert answer["degradation"] == {
        "loss": "photos",
        "reason": "SERVICE_UNREACHABLE",
        "message": "start it",
    }


def test_list(said: Said, photo: Path) -> None:
    assert said("list") == [{"concepts": []}]
    said("remember", "bo", photo)
    assert said("list") == [{"concepts": [SHORT]}]
    assert said("list", "--category", "cat") == [{"concepts": []}]


def test_edit_add_view_and_reject_print_the_concept(said: Said, photo: Path) -> None:
    said("remember", "bo", photo)
    assert said("edit", "bo", "--name", "max", "--category", "cat") == [
        SHORT | {"display_name": "max", "category": "cat"}
    ]
    assert said("add-view", NAME, photo, photo)[0]["views"] == 3
    assert said("reject", NAME, photo, "--box", "0,0,5,5")[0]["views"] == 3


def test_forget_says_until_when_it_can_be_undone(said: Said, photo: Path) -> None:
    said("remember", "bo", photo)
    assert said("forget", "bo") == [{"name": NAME, "display_name": "bo", "purged": TIME}]
    gone = SHORT | {"state": "forgotten", "purged": TIME}
    assert said("list", "--forgotten") == [{"concepts": [gone]}]
    assert said("forget", "bo", "--undo") == [SHORT]


def test_watch_prints_a_line_an_edit(said: Said, photo: Path) -> None:
    said("remember", "bo", photo)
    assert said("watch") == [
        {"edit": "none", "concept": None, "resume_token": "0", "edited": TIME},
        {"edit": "remembered", "concept": SHORT, "resume_token": "1", "edited": TIME},
    ]


def test_import_and_export(said: Said, photo: Path, tmp_path: Path) -> None:
    target = tmp_path / "memory.tar"
    assert said("export", target) == [{"file": str(target), "bytes": 6}]
    assert target.read_bytes() == b"onetwo"
    assert sorted(tmp_path.iterdir()) == sorted([photo, target])
    problem = {"entry": "<sunny>", "reason": "PHOTO_MISSING", "message": "sunny.png is not there"}
    assert said("import", target) == [{"concepts": ["bo"], "problems": [problem]}]


def test_capabilities(said: Said) -> None:
    (can,) = said("capabilities")
    assert can["method"] == "kith"
    assert can["real_time_edit"] is True
    assert can["models"] == [{"stage": "detection", "name": "fake", "fingerprint": "00"}]
