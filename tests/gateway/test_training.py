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
