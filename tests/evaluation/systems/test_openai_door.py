"""A system behind the OpenAI chat API: what it is shown, and what it is not asked."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evaluation import results
from evaluation.datasets import read
from evaluation.plan import Settings
from evaluation.run import Progress, run
from evaluation.samples import Control, Task
from evaluation.systems import openai_door
from evaluation.systems.system import Memory
from kith.errors import InvalidInput, KithError, Refused, Unavailable
from tests.evaluation.systems.api import Api, listening
from tests.ports import free_port


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with listening() as server:
        yield server


def told(asked: dict[str, Any]) -> list[str | bytes]:
    """The parts of a message: words, and the bytes of pictures."""
    parts: list[str | bytes] = []
    for part in asked["messages"][0]["content"]:
        if part["type"] == "text":
            parts.append(part["text"])
        else:
            head, _, content = part["image_url"]["url"].partition(",")
            assert head == "data:image/png;base64"
            parts.append(base64.b64decode(content))
    return parts


def test_concepts_are_shown_then_the_photo_then_the_question(api: Api, world: Path) -> None:
    memory = Memory(read(world).concepts)
    photo = (world / "bo" / "0.png").read_bytes()
    with openai_door.opened(api.url, "gpt/x") as system:
        assert (system.name, system.told) == ("openai:gpt-x", True)
        with system.session(memory, lambda done, of: None) as session:
            answer = session.ask("Can you see <bo>?", photo, ["bo", "lina"])
            session.ask("Who?", None, [])
    assert (answer.text, answer.usage.prompt_tokens, answer.usage.answer_tokens) == ("Yes.", 7, 1)
    views = {one.name: one.views[0].read_bytes() for one in memory.concepts}
    assert told(api.asked[0]) == [
        views["bo"],
        "This is <bo>.",
        views["lina"],
        "This is <lina>.",
        photo,
        "Can you see <bo>?",
    ]
    assert told(api.asked[1]) == ["Who?"]
    assert (api.asked[0]["model"], api.asked[0]["temperature"]) == ("gpt/x", 0)


def test_tokens_that_are_not_told_are_none(api: Api) -> None:
    choice = {"message": {"content": "Yes."}, "finish_reason": "stop"}
    told = {"prompt_tokens": None, "completion_tokens": 3}
    api.content = json.dumps({"choices": [choice], "usage": told}).encode()
    with (
        openai_door.opened(api.url, "m") as system,
        system.session(Memory(()), lambda done, of: None) as session,
    ):
        usage = session.ask("Who?", None, []).usage
    assert (usage.prompt_tokens, usage.answer_tokens) == (0, 3)


def test_what_it_can_not_do_is_left_out_and_told(
    api: Api, settings: Settings, tmp_path: Path
) -> None:
    chosen = replace(settings, methods=("openai:gpt-x",), memory_sizes=())
    opening = partial(openai_door.opened, api.url, "gpt/x")
    found = run(chosen, tmp_path, {"openai:gpt-x": opening}, lambda progress: None)
    with opening() as system, system.session(Memory(()), lambda done, of: None) as session:
        for call in (
            lambda: session.retrieve(b""),
            lambda: session.recognize(b"", ["bo"]),
            lambda: session.rename("bo", "lina"),
        ):
            with pytest.raises(Refused):
                call()
    assert found.complete
    assert {one.task for one in found.figures} == {Task.RECOGNITION, Task.CAPTIONING}
    left_out = found.methods["openai:gpt-x"]["left_out"]
    assert left_out["retrieval"] == "it finds no concept by itself"
    assert left_out["strangers"] == "it finds no concept by itself"
    assert found.methods["openai:gpt-x"]["told_concepts"] is True
    # It is shown those who are asked for, and nobody else; nobody at all without a memory.
    shown = [[part for part in told(one) if str(part).startswith("This is")] for one in api.asked]
    assert {len(names) for names in shown} == {0, 1, 2, 3}


def test_errors_are_told_as_ours(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.status = 400
    with pytest.raises(KithError, match=rf"openai_url: {api.url}.*: Error code: 400"):
        ask(api.url)
    monkeypatch.setattr(openai_door, "_RETRIES", 0)
    away = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(Unavailable, match=f"nobody answers at {away}"):
        ask(away)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(InvalidInput, match="set OPENAI_API_KEY"):
        ask(api.url)


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (401, "does not take the key in OPENAI_API_KEY: Error code: 401"),
        (403, "does not take the key in OPENAI_API_KEY: Error code: 403"),
        (404, "does the address end with /v1, and is --openai-model one of its models?"),
    ],
)
def test_what_every_question_would_end_in_ends_the_run_and_keeps_the_answers(
    api: Api, settings: Settings, tmp_path: Path, status: int, said: str
) -> None:
    chosen = replace(settings, methods=("openai:m",), memory_sizes=(), tasks=(Task.RECOGNITION,))
    chosen = replace(chosen, controls=(Control.NOTHING,), concurrency=1)

    def stop(progress: Progress) -> None:
        if progress.done >= 3:
            api.status = status

    with pytest.raises(KithError) as caught:
        run(chosen, tmp_path, {"openai:m": partial(openai_door.opened, api.url, "m")}, stop)
    assert said in str(caught.value)
    assert api.url in str(caught.value)
    kept = [*results.answers(tmp_path)]
    assert 3 <= len(kept) < 6
    assert len(api.asked) < 9


def test_a_page_in_place_of_an_answer_names_the_address_and_its_end(api: Api) -> None:
    api.content, api.kind = b"<!doctype html>\n<title>Ollama</title>", "text/html; charset=utf-8"
    with pytest.raises(Unavailable) as caught:
        ask(api.url)
    assert api.url in str(caught.value)
    assert "with a page, '<!doctype html> <title>Ollama</title>'" in str(caught.value)
    assert "does the address end with /v1" in str(caught.value)
    assert caught.value.reason == "OPENAI_UNAVAILABLE"  # a run ends there


@pytest.mark.parametrize(
    "content",
    [
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [{"index": 0, "mess',
        b'{"choices": [{"message": null, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": [{"type": "text"}]}, "finish_reason": "stop"}]}',
        b'{"choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}], "usage": {'
        b'"prompt_tokens": "many", "completion_tokens": 1}}',
        b'{"error": "no such model"}',
        b"[]",
        b"17",
        b"\xff\xfe",
        b"",
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_what_is_no_chat_completion_is_told(api: Api, content: bytes, kind: str) -> None:
    api.content, api.kind = content, kind
    with pytest.raises(KithError) as caught:
        ask(api.url)
    assert api.url in str(caught.value)
    assert repr(content.decode(errors="replace")) in str(caught.value)
    assert "which is no chat completion; look into that server's log" in str(caught.value)
    assert caught.value.reason == "OPENAI_FAILED"


@pytest.mark.parametrize(
    "url", ["foo", "", "127.0.0.1:8123/v1", "ftp://host/v1", "http://", "http://host:port/v1"]
)
def test_what_is_no_address_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with pytest.raises(InvalidInput) as caught, openai_door.opened(url, "m"):
        pass
    assert str(caught.value) == (
        f"openai_url: {url!r} is no address; give it as in http://127.0.0.1:8123/v1"
    )


def ask(url: str) -> None:
    with (
        openai_door.opened(url, "m") as system,
        system.session(Memory(()), lambda done, of: None) as session,
    ):
        session.ask("Who?", None, [])


@pytest.mark.parametrize("model", ["kith", "none", "a/b", ".."])
def test_a_model_is_never_called_as_a_method_of_ours(model: str) -> None:
    name = openai_door.name_of(model)
    assert name.startswith("openai:")
    assert "/" not in name
