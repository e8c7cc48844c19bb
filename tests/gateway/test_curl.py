"""Chats with plain curl, as a shell script has them."""

import json
import shutil
import subprocess

import httpx
import pytest

from tests.gateway.world import BO, Gateway, data_url, remember

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")

ASK = {
    "model": "kith",
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Who is it?"},
                {"type": "image_url", "image_url": {"url": data_url(BO)}},
            ],
        }
    ],
}


def curl(gateway: Gateway, user: str, *arguments: str, **body: object) -> str:
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--noproxy", "*"]
    command += ["--header", "Content-Type: application/json", "--header", f"Kith-User: {user}"]
    done = subprocess.run(
        [*command, *arguments, "--data", "@-", f"{gateway.url}/v1/chat/completions"],
        input=json.dumps(ASK | body),
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return done.stdout


def test_curl_gets_an_answer_with_its_concepts(
    gateway: Gateway, user: str, http: httpx.Client
) -> None:
    remember(http, "bo", BO)
    answer = json.loads(curl(gateway, user))
    message = answer["choices"][0]["message"]
    assert message["content"] == "A thing on black."
    assert [one["display_name"] for one in message["kith"]["concepts"]] == ["bo"]


def test_curl_reads_a_stream_line_by_line(gateway: Gateway, user: str) -> None:
    events = curl(gateway, user, stream=True).strip().split("\n\n")
    assert all(event.startswith("data: ") for event in events)
    assert events[-1] == "data: [DONE]"
    chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
    said = "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)
    assert said == "A thing on black."


def test_curl_is_told_to_name_json(gateway: Gateway) -> None:
    answer = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        content=b'{"model": "kith", "messages": []}',
        headers={"Content-Type": "application/x-www-form-urlencoded"},  # as by `curl -d`
    )
    assert answer.status_code == 415
    assert "send application/json" in answer.json()["error"]["message"]


def test_curl_is_told_what_is_wrong(gateway: Gateway, user: str) -> None:
    answer = curl(gateway, user, "--write-out", "%{http_code}", model="gpt-4o")
    assert answer.endswith("404")
    error = json.loads(answer.removesuffix("404"))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["code"] == "model_not_found"
