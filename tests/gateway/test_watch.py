"""The edits of a memory as server-sent events."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import generate_latest

from services.assistant.background import in_background
from services.runtime.metrics import CALLS_RUNNING
from tests.assistant.world import PaintDetector
from tests.gateway.world import (
    BO,
    CUP,
    Gateway,
    Talker,
    answering,
    gateway_to,
    id_of,
    light_stages,
    remember,
    wait_until,
)


def events(answer: httpx.Response) -> Iterator[dict[str, Any]]:
    """The events as they come: `data` read as JSON, and the `id`."""
    event: dict[str, Any] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if name == "data":
            event["data"] = json.loads(value)
        elif name == "id":
            event["id"] = value
        elif not line and event:
            yield event
            event = {}


def test_a_watcher_sees_what_others_do(gateway: Gateway, user: str, http: httpx.Client) -> None:
    with gateway.client(user) as watcher, watcher.stream("GET", "/v1/watch") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        seen = events(answer)
        assert next(seen)["data"]["edit"] == "EDIT_NONE"
        made = remember(http, "bo", BO)
        edit = next(seen)["data"]
        assert (edit["edit"], edit["concept"]["name"]) == ("EDIT_REMEMBERED", made["name"])
        http.delete(f"/v1/concepts/{id_of(made)}")
        assert next(seen)["data"]["edit"] == "EDIT_FORGOTTEN"


def test_a_watcher_goes_on_where_it_broke_off(
    gateway: Gateway, user: str, http: httpx.Client
) -> None:
    with gateway.client(user) as watcher:
        with watcher.stream("GET", "/v1/watch") as answer:
            last = next(events(answer))["id"]
        remember(http, "bo", BO)
        remember(http, "cup", CUP)
        with watcher.stream("GET", "/v1/watch", headers={"Last-Event-ID": last}) as answer:
            seen = events(answer)
            edits = [next(seen)["data"] for _ in range(3)]
        names = [edit["concept"]["display_name"] for edit in edits[1:]]
        assert names == ["bo", "cup"]


def test_a_token_that_is_none_is_refused_before_the_stream_begins(http: httpx.Client) -> None:
    answer = http.get("/v1/watch", params={"resume_token": "yesterday"})
    assert answer.status_code == 400
    assert answer.json()["error"]["reason"] == "RESUME_TOKEN_INVALID"


def test_a_watch_that_breaks_says_so(tmp_path: Path) -> None:
    stages = light_stages(PaintDetector(), Talker())
    with ExitStack() as assistant:
        address = assistant.enter_context(in_background(lambda: answering(tmp_path, stages)))
        with (
            in_background(lambda: gateway_to(address)) as url,
            httpx.stream("GET", f"{url}/v1/watch") as answer,
        ):
            lines = answer.iter_lines()
            assert "EDIT_NONE" in next(line for line in lines if line.startswith("data"))
            assistant.close()
            assert "event: failed" in list(lines)
            ended = 'code="UNAVAILABLE",method="GET /v1/watch"'
            wait_until(lambda: ended in generate_latest().decode())


def test_a_watcher_that_leaves_is_listened_to_no_more(gateway: Gateway, user: str) -> None:
    def running() -> float:
        return float(next(iter(CALLS_RUNNING.collect())).samples[0].value)

    wait_until(lambda: running() == 0)
    with gateway.client(user) as watcher:
        with watcher.stream("GET", "/v1/watch") as answer:
            seen = events(answer)
            next(seen)
            assert running() == 2  # of the gateway and of the assistant, in one process here
        wait_until(lambda: running() == 0)
