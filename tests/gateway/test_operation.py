"""What an operator sees of a gateway, and how it starts and stops."""

import asyncio
import os
import signal
import ssl
import threading
import tomllib
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import generate_latest
from sse_starlette.sse import AppStatus

from kith.errors import Refused, Unavailable
from services.assistant.background import in_background
from services.assistant.serve import serve as serve_assistant
from services.assistant.settings import AssistantSettings
from services.gateway.serve import serve
from services.gateway.settings import GatewaySettings
from services.runtime.calls import open_channel
from services.runtime.server import LIVE
from tests.assistant.test_wiring import PocketEmbedder, stages_elsewhere
from tests.assistant.world import PaintDetector
from tests.gateway.world import (
    BO,
    CUP,
    Gateway,
    Talker,
    answering,
    gateway_to,
    light_stages,
    photo,
    remember,
    wait_until,
)
from tests.ports import free_port
from tests.runtime.test_tls import authority

ASK = {"model": "kith", "messages": [{"role": "user", "content": "Who is <bo>?"}]}


def test_health_tells_the_gateway_from_the_assistant(http: httpx.Client) -> None:
    assert http.get("/healthz").json() == {"state": "live"}
    assert http.get("/readyz").json() == {"state": "ready"}
    with (
        in_background(lambda: gateway_to("127.0.0.1:1")) as url,
        httpx.Client(base_url=url) as alone,
    ):
        assert alone.get("/healthz").status_code == 200
        assert alone.get("/readyz").status_code == 503
        lost = alone.get("/v1/concepts")
        assert (lost.status_code, lost.json()["error"]["reason"]) == (503, "SERVICE_UNREACHABLE")
        lost = alone.post("/v1/chat/completions", json=ASK)
        assert (lost.status_code, lost.json()["error"]["type"]) == (503, "server_error")


async def test_a_gateway_lives_at_once_and_is_ready_when_its_assistants_models_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()

    class Clip(PocketEmbedder):
        def __init__(self, *_: object) -> None:
            assert loaded.wait(60)

        async def warm_up(self) -> None: ...

        def close(self) -> None: ...

    monkeypatch.setattr("services.embedding.clip.ClipEmbedder", Clip)
    told: asyncio.Queue[str] = asyncio.Queue()
    async with stages_elsewhere(PocketEmbedder(), tmp_path) as elsewhere:
        settings = AssistantSettings(**elsewhere.model_dump() | {"embedding": None})
        serving = asyncio.create_task(serve_assistant(settings, told.put_nowait))
        address = (await told.get()).removeprefix("listening on ")
        async with (
            open_channel(address) as channel,
            gateway_to(address) as url,
            httpx.AsyncClient(base_url=url) as http,
        ):
            health = health_pb2_grpc.HealthStub(channel)
            live = await health.Check(health_pb2.HealthCheckRequest(service=LIVE))
            assert live.status == health_pb2.HealthCheckResponse.SERVING
            assert (await http.get("/healthz")).status_code == 200
            assert (await http.get("/readyz")).status_code == 503
            loaded.set()
            assert await told.get() == "ready"
            assert (await http.get("/readyz")).status_code == 200
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving


def test_metrics_count_by_route_and_hold_nothing_that_a_user_wrote(http: httpx.Client) -> None:
    remember(http, "secretname", CUP._replace(category="teapot"))
    http.get("/v1/concepts", params={"category": "secretword"})
    http.get("/v1/concepts/secretid")
    assert 'method="GET /v1/concepts"' in generate_latest().decode()
    lost = 'code="NOT_FOUND",method="GET /v1/concepts/{concept}"'
    wait_until(lambda: lost in generate_latest().decode())
    assert "secret" not in generate_latest().decode()


async def test_metrics_have_a_port_of_their_own(gateway: Gateway) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    metrics = free_port()
    settings = GatewaySettings(port=0, assistant=gateway.address, metrics_port=metrics)
    serving = asyncio.create_task(serve(settings, told.put_nowait))
    public = (await told.get()).removeprefix("listening on ")
    assert await told.get() == "ready"
    with pytest.raises(Refused, match="metrics_port: can't listen"):
        await serve(settings, told.put_nowait)
    async with httpx.AsyncClient() as http:
        shown = await http.get(f"http://127.0.0.1:{metrics}/metrics")
        assert "kith_calls_total" in shown.text
        assert (await http.get(f"http://{public}/metrics")).status_code == 404
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_metrics_tell_why_a_request_failed(
    gateway: Gateway, http: httpx.Client, parrot: Talker
) -> None:
    parrot.breaks = Unavailable("the engine went away", reason="ENGINE_WENT")
    assert "engine_went" in http.post("/v1/chat/completions", json=ASK | {"stream": True}).text
    two = [("a", photo(BO)), ("b", photo(BO))]
    assert http.post("/v1/uploads", files=two).status_code == 400
    with in_background(lambda: gateway_to(gateway.address, max_message_mib=1)) as small:
        pieces = (b" " * 2**16 for _ in range(40))
        headers = {"Content-Type": "application/json"}
        refused = httpx.post(f"{small}/v1/retrieve", content=pieces, headers=headers)
        assert refused.status_code == 413
    for status, route, reason in (
        ("UNAVAILABLE", "POST /v1/chat/completions", "ENGINE_WENT"),
        ("INVALID_ARGUMENT", "POST /v1/uploads", "REQUEST_INVALID"),
        ("INVALID_ARGUMENT", "POST /v1/retrieve", "BODY_TOO_LARGE"),
    ):
        labels = f'code="{status}",method="{route}",reason="{reason}"'
        wait_until(lambda labels=labels: labels in generate_latest().decode())


def test_the_log_has_a_line_a_request_and_nothing_that_a_user_wrote(
    http: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    remember(http, "secretname", BO)
    http.get("/v1/concepts", params={"category": "secretword"})
    http.post("/v1/concepts", json={"concept": {"display_name": "secretname"}, "secretfield": 1})
    ours = [one for one in caplog.records if one.name.startswith("services.")]
    assert len([one for one in ours if one.getMessage() == "call"]) >= 3
    assert not [one for one in ours if "secret" in str(vars(one))]


def test_an_assistant_that_comes_back_is_found_again(tmp_path: Path) -> None:
    stages = light_stages(PaintDetector(), Talker())

    def assistant(port: int) -> AbstractContextManager[str]:
        return in_background(lambda: answering(tmp_path, stages, port=port))

    with assistant(0) as address:  # which tells a port that is free
        pass
    port = int(address.rpartition(":")[2])
    with in_background(lambda: gateway_to(address)) as url, httpx.Client(base_url=url) as http:
        with assistant(port):
            made = remember(http, "bo", BO)
        lost = http.get("/v1/concepts")
        assert (lost.status_code, http.get("/readyz").status_code) == (503, 503)
        with assistant(port):
            wait_until(lambda: http.get("/readyz").status_code == 200)
            assert http.get("/v1/concepts").json()["concepts"] == [made]


async def test_a_gateway_that_is_told_to_stop_finishes_its_answers(
    gateway: Gateway, user: str, parrot: Talker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AppStatus, "should_exit", False)  # which is left on by the signal
    parrot.says, parrot.pause_s = "word " * 20, 0.05
    told: asyncio.Queue[str] = asyncio.Queue()
    settings = GatewaySettings(port=0, assistant=gateway.address, grace_s=20)
    serving = asyncio.create_task(serve(settings, told.put_nowait))
    address = (await told.get()).removeprefix("listening on ")
    assert await told.get() == "ready"
    async with httpx.AsyncClient(
        base_url=f"http://{address}", headers={"Kith-User": user}, timeout=60
    ) as http:
        watching = asyncio.create_task(http.get("/v1/watch"))
        async with http.stream("POST", "/v1/chat/completions", json=ASK | {"stream": True}) as got:
            lines = got.aiter_lines()
            await anext(lines)
            os.kill(os.getpid(), signal.SIGTERM)
            rest = [line async for line in lines]
        assert rest[-2:] == ["data: [DONE]", ""]
        assert "EDIT_NONE" in (await watching).text  # a watch never ends by itself, so it is ended
        await serving
        with pytest.raises(httpx.ConnectError):
            await http.get("/healthz")


async def test_a_port_that_is_taken_is_told_in_one_line(gateway: Gateway) -> None:
    port = int(gateway.url.rpartition(":")[2])
    with pytest.raises(Refused, match=f"127.0.0.1:{port}"):
        await serve(GatewaySettings(port=port), print)


def test_a_gateway_with_a_certificate_speaks_https(gateway: Gateway, tmp_path: Path) -> None:
    ours = authority(tmp_path / "ours")
    pair = ours.pair("gateway")
    trust = ssl.create_default_context(cafile=ours.cert)
    options = {"tls_cert": pair.cert, "tls_key": pair.key}
    with in_background(lambda: gateway_to(gateway.address, **options)) as url:
        secure = url.replace("http:", "https:")
        assert httpx.get(f"{secure}/healthz", verify=trust).status_code == 200
        with pytest.raises(httpx.HTTPError):
            httpx.get(f"{url}/healthz")
    with (
        in_background(
            lambda: gateway_to(gateway.address, **options, tls_client_ca=ours.cert)
        ) as url,
        pytest.raises(httpx.HTTPError),
    ):
        httpx.get(f"{url.replace('http:', 'https:')}/healthz", verify=trust)


def test_a_certificate_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    settings = GatewaySettings(port=0, tls_cert=tmp_path / "none.pem", tls_key=tmp_path / "key")
    with pytest.raises(Refused, match=r"none\.pem"):
        asyncio.run(serve(settings, lambda _: None))


def test_an_installed_gateway_has_all_its_files() -> None:
    root = Path(__file__).resolve().parents[2]
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    packed = {
        Path(pattern).suffix for pattern in project["tool"]["setuptools"]["package-data"]["*"]
    }
    files = [file for file in (root / "services/gateway").rglob("*.*") if file.is_file()]
    assert {file.suffix for file in files} - {".py", ".pyc"} <= packed
