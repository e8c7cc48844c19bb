"""A gateway to an assistant that trains: REST and MCP say so, and go on working."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

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
