"""What an operator sees of the requests that come no further than the edge, and of a whole chat."""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client import generate_latest

from kith.errors import Refused
from services.assistant.background import in_background
from services.gateway import serve
from services.gateway.gateway import Gateway as Inside
from services.gateway.settings import GatewaySettings
from tests.gateway.test_operation import ASK
from tests.gateway.world import BODIES, Gateway, begun, gateway_to, running, wait_until
from tests.runtime.test_observe import Kept, count, kept

__all__ = ["kept"]  # a fixture

CHAT = "POST /v1/chat/completions"
TOLD = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "asked", "label"),
    [
        ("GET", "/v1/secret", {}, ("unknown", "NOT_FOUND", "PATH_NOT_FOUND")),
        (
            "PUT",
            "/v1/concepts",
            {},
            ("PUT /v1/concepts", "INVALID_ARGUMENT", "METHOD_NOT_ALLOWED"),
        ),
        ("SECRET", "/v1/models", {}, ("unknown", "INVALID_ARGUMENT", "METHOD_NOT_ALLOWED")),
        (
            "GET",
            "/",
            {"headers": {"Host": "secret.example"}},
            ("unknown", "FAILED_PRECONDITION", "HOST_UNKNOWN"),
        ),
        (
            "GET",
            "/",
            {"headers": {"Origin": "https://secret.example"}},
            ("unknown", "FAILED_PRECONDITION", "ORIGIN_FORBIDDEN"),
        ),
        (
            "POST",
            "/v1/chat/completions",
            {"content": b"secret", "headers": TOLD},
            (CHAT, "INVALID_ARGUMENT", "BODY_INVALID"),
        ),
        (
            "POST",
            "/v1/chat/completions",
            {"json": {"model": "kith", "messages": "secret"}},
            (CHAT, "INVALID_ARGUMENT", "FIELD_INVALID"),
        ),
        (
            "GET",
            "/static/secret.js",
            {},
            ("GET /static", "NOT_FOUND", "PATH_NOT_FOUND"),
        ),
    ],
)
def test_whatever_is_refused_is_counted_and_logged(
    http: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    method: str,
    path: str,
    asked: dict[str, object],
    label: tuple[str, str, str],
) -> None:
    caplog.set_level("INFO")
    labels = dict(zip(("method", "code", "reason"), label, strict=True))
    before = count("kith_calls_total", **labels)
    assert http.request(method, path, **asked).status_code >= 400  # type: ignore[arg-type]
    wait_until(lambda: "call" in caplog.messages)  # the last thing that is done of a request
    assert count("kith_calls_total", **labels) == before + 1
    said = [one for one in caplog.records if one.getMessage() == "call"]
    assert [vars(one)["reason"] for one in said] == [label[2]]
    assert "secret" not in str(vars(said[0])).lower()
    assert "secret" not in generate_latest().decode().lower()


@pytest.mark.parametrize(("route", "kind"), BODIES)
def test_who_leaves_amid_a_body_is_no_fault_of_ours(
    gateway: Gateway, caplog: pytest.LogCaptureFixture, route: str, kind: str
) -> None:
    caplog.set_level("INFO")
    with begun(gateway.url, route, kind):
        wait_until(lambda: "kith_calls_running 1.0" in generate_latest().decode())
    wait_until(lambda: "CALLER_LEFT" in {vars(one).get("reason") for one in caplog.records})
    (said,) = (one for one in caplog.records if vars(one).get("reason") == "CALLER_LEFT")
    assert vars(said)["code"] == "CANCELLED"
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_running_requests_are_told_and_one_too_many_is_counted(gateway: Gateway) -> None:
    def refused(code: str, reason: str) -> float:
        return count("kith_calls_total", method="unknown", code=code, reason=reason)

    busy, large = ("RESOURCE_EXHAUSTED", "SERVER_BUSY"), ("INVALID_ARGUMENT", "BODY_TOO_LARGE")
    before = refused(*busy), refused(*large)
    with (
        in_background(lambda: gateway_to(gateway.address, max_calls=1, max_message_mib=1)) as url,
        httpx.stream("GET", f"{url}/v1/watch") as watching,
    ):
        lines = watching.iter_lines()  # without a name it would end, and the watch with it
        next(lines)
        # Of the gateway and of the assistant, which are one process here.
        assert "kith_calls_running 2.0" in generate_latest().decode()
        assert httpx.get(f"{url}/v1/models").status_code == 429
        assert httpx.post(f"{url}/v1/retrieve", content=b"x" * 2**21).status_code == 413
    assert (refused(*busy), refused(*large)) == (before[0] + 1, before[1] + 1)


def test_nobody_counts_the_questions_of_operators(http: httpx.Client) -> None:
    for path in ("/healthz", "/readyz"):
        http.get(path)
    assert 'method="GET /readyz"' not in generate_latest().decode()


@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_is_one_trace_that_begins_at_the_gateway(
    http: httpx.Client, kept: Kept, stream: bool
) -> None:
    assert http.post("/v1/chat/completions", json=ASK | {"stream": stream}).status_code == 200
    wait_until(lambda: CHAT in {span.name for span in kept.spans})
    (root,) = (span for span in kept.spans if span.parent is None)
    assert (root.name, root.kind.name) == (CHAT, "SERVER")
    here = root.get_span_context()
    below = {
        span.name for span in kept.spans if span.parent and span.parent.span_id == here.span_id
    }
    assert below == {"kith.v1.Assistant/GetCapabilities", "kith.v1.Assistant/Generate"}
    assert {span.get_span_context().trace_id for span in kept.spans} == {here.trace_id}


def test_a_tool_is_a_part_of_its_request(http: httpx.Client, kept: Kept) -> None:
    asked = {"method": "tools/call", "params": {"name": "list_concepts", "arguments": {}}}
    headers = {"Accept": "application/json, text/event-stream"}
    http.post("/mcp", json={"jsonrpc": "2.0", "id": 1} | asked, headers=headers)
    wait_until(lambda: "POST /mcp" in {span.name for span in kept.spans})
    (root,) = (span for span in kept.spans if span.parent is None)
    assert root.name == "POST /mcp"
    assert "mcp list_concepts" in {span.name for span in kept.spans}


async def test_a_gateway_that_serves_sends_its_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def sent(service: str) -> Iterator[None]:
        raise Refused(f"{service} sends", reason="SENT")
        yield

    monkeypatch.setattr(serve, "traces_sent", sent)
    with pytest.raises(Refused, match="gateway sends"):
        await serve.serve(GatewaySettings(port=0), lambda _: None)


@pytest.mark.parametrize(
    ("host", "with_tokens", "warns"),
    [("0.0.0.0", False, True), ("0.0.0.0", True, False), ("127.0.0.1", False, False)],
)
async def test_who_is_open_to_everybody_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, host: str, with_tokens: bool, warns: bool
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ana {hashlib.sha256(b'x').hexdigest()}", encoding="utf-8")
    with running(tmp_path / "memories", tokens_file=tokens if with_tokens else None) as there:
        # Its own file tells nothing: the assistant decides.
        settings = GatewaySettings(host=host, assistant=there.address, tokens_file=tokens)
        async with Inside(settings) as inside:
            await inside.warn_if_open()
    said = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert ["anyone who can reach it" in one.getMessage() for one in said] == [True] * warns


def test_it_says_so_as_soon_as_it_is_started(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    with in_background(lambda: gateway_to(gateway.address, host="0.0.0.0")):
        wait_until(lambda: "anyone who can reach it" in caplog.text)
