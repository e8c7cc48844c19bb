"""Questions that no language model answers, and callers that do not wait for them."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.gateway.world import BO, Gateway, picture, remember, wait_until, wish

ASKED = {
    "/v1/retrieve": {"images": [picture(BO)]},
    "/v1/recognize": {"image": picture(BO), "concepts": ["bo"]},
    "/v1/concepts:check": {"concept": {"display_name": "x"}, "views": wish("x", BO)["views"]},
}


@pytest.mark.parametrize("path", ASKED)
def test_who_does_not_wait_for_the_answer_stops_the_models(
    gateway: Gateway, http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    remember(http, "bo", BO)
    ended: list[str] = []

    async def detect(*_: object) -> list[Any]:
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            ended.append("stopped")
            raise
        ended.append("worked on")
        return []

    monkeypatch.setattr(gateway.detector, "detect", detect)
    with pytest.raises(httpx.ReadTimeout):
        http.post(path, json=ASKED[path], timeout=1)
    wait_until(lambda: bool(ended))
    assert ended == ["stopped"]
