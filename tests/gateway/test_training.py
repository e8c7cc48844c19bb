"""A gateway to an assistant that trains: REST and MCP say so, and go on working."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.rpc import code_pb2

from tests.baselines.service import BO
from tests.baselines.steps import Steps
from tests.gateway.mcp_clients import done, over_http
from tests.gateway.training import training_gateway
from tests.gateway.world import picture, wait_until

CHAT = {"model": "yollava-s", "messages": [{"role": "user", "content": "Who is <bo>?"}]}


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def url(tmp_path: Path, steps: Steps) -> Iterator[str]:
    with training_gateway(tmp_path, steps) as url:
        yield url


def wish() -> dict[str, Any]:
    views = [{"photo": picture(thing)} for thing in BO]
    return {"concept": {"display_name": "bo", "category": "dog"}, "views": views}


def test_rest_gives_the_concept_in_training(url: str, steps: Steps) -> None:
    steps.may_go.let(1)
    with httpx.Client(base_url=url, timeout=30) as http:
        answer = http.post("/v1/concepts", json=wish())
        assert answer.status_code == 200
        assert answer.json()["state"] == "STATE_TRAINING"
        told = http.post("/v1/chat/completions", json=CHAT).json()["choices"][0]["message"]
        assert told["kith"]["degradation"]["loss"] == "training"
        assert told["content"].startswith("Not all names here are trained yet")
        steps.may_go.set()
        wait_until(lambda: _state(http) == "STATE_READY")
        told = http.post("/v1/chat/completions", json=CHAT).json()["choices"][0]["message"]
        assert [one["display_name"] for one in told["kith"]["concepts"]] == ["bo"]
        refused = http.post("/v1/retrieve", json={"images": [picture(BO[0])]})
        assert refused.json()["error"]["reason"] == "METHOD_HAS_NO_RETRIEVAL"


def test_rest_trains_what_has_changed_anew(url: str, steps: Steps) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:
        made = http.post("/v1/concepts", json=wish()).json()
        wait_until(lambda: _state(http) == "STATE_READY")
        view = made["views"][0]["name"].split("/")
        http.delete(f"/v1/concepts/{view[3]}/views/{view[5]}")
        assert _state(http) == "STATE_OUTDATED"
        steps.may_go.let(1)
        answer = http.post("/v1/concepts:train", json={"concepts": [made["name"]]})
        (trained,) = answer.json()["concepts"]
        assert (trained["name"], trained["state"]) == (made["name"], "STATE_TRAINING")
        wait_until(lambda: len(steps.steps) == 5)  # the pace is known from the second step on
        again = http.post("/v1/concepts:train", json={"concepts": [made["name"]]})
        assert int(again.headers["Retry-After"]) >= 0
        steps.may_go.set()
        wait_until(lambda: _state(http) == "STATE_READY")
        assert len(steps.trained) == 2
        nobody = http.post("/v1/concepts:train", json={"concepts": ["users/me/concepts/x"]})
        assert nobody.status_code == 404


def test_rest_lists_trainings_and_ends_one(url: str, steps: Steps) -> None:
    steps.may_go.clear()
    with httpx.Client(base_url=url, timeout=30) as http:
        made = http.post("/v1/concepts", json=wish())
        path = f"/v1/{made.headers['Kith-Operation']}"
        (listed,) = http.get("/v1/operations").json()["operations"]
        assert (f"/v1/{listed['name']}", listed["done"]) == (path, False)
        assert http.get(path).json()["metadata"]["training"]["concepts"] == [made.json()["name"]]
        assert http.post(f"{path}:cancel").status_code == 200
        steps.may_go.set()
        wait_until(lambda: bool(http.get(path).json()["done"]))
        assert http.get(path).json()["error"]["code"] == code_pb2.CANCELLED
        assert _state(http) == "STATE_UNTRAINED"
        again = http.post(f"{path}:cancel")  # what is over stays as it is
        assert (again.status_code, again.json()["done"]) == (200, True)


def test_trainings_that_can_not_be_asked_for_are_refused_by_name(url: str) -> None:
    with httpx.Client(base_url=url, timeout=30) as http:
        made = http.post("/v1/concepts", json=wish())
        path = f"/v1/{made.headers['Kith-Operation']}"
        bob = {"Kith-User": "bob"}
        assert http.get("/v1/operations", headers=bob).json()["operations"] == []
        for verb, there, status, reason in (
            ("GET", path, 404, "RESOURCE_NOT_FOUND"),
            ("POST", f"{path}:cancel", 404, "RESOURCE_NOT_FOUND"),
            ("POST", "/v1/operations/none:cancel", 404, "RESOURCE_NOT_FOUND"),
            ("GET", "/v1/operations/a.b", 400, "FIELD_INVALID"),
            ("GET", "/v1/operations?page_size=-1", 400, "PAGE_SIZE_INVALID"),
            ("DELETE", path, 405, "METHOD_NOT_ALLOWED"),
        ):
            refused = http.request(verb, there, headers=bob)
            assert (refused.status_code, refused.json()["error"]["reason"]) == (status, reason)


def test_a_method_that_does_not_train_has_no_trainings(http: httpx.Client) -> None:
    for verb, path in (("GET", ""), ("GET", "/none"), ("POST", "/none:cancel")):
        refused = http.request(verb, f"/v1/operations{path}")
        assert refused.status_code == 400
        assert refused.json()["error"]["reason"] == "METHOD_DOES_NOT_TRAIN"


async def test_a_model_is_told_when_a_concept_will_be_known(url: str, steps: Steps) -> None:
    steps.may_go.clear()
    async with over_http(url) as client:
        images = [picture(thing) for thing in BO]
        made = await done(client, "remember_concept", name="bo", images=images)
        assert made["note"].startswith("training: not known before that is over")
        (listed,) = (await done(client, "list_concepts"))["concepts"]
        assert listed["note"] == "training: not known before that is over"


def _state(http: httpx.Client) -> str:
    return str(http.get("/v1/concepts").json()["concepts"][0]["state"])
