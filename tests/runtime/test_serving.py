"""The life of a service's process, as those see it who keep it running."""

import asyncio
import os
import signal
from http.client import HTTPConnection
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kith.errors import Refused, Unavailable
from kith.v1 import embedding_pb2, embedding_pb2_grpc
from services.runtime.calls import open_channel
from services.runtime.probe import is_ready
from services.runtime.server import Server
from services.runtime.serving import once_there, serve
from services.runtime.settings import CallerSettings, ServerSettings
from tests.ports import free_port
from tests.runtime.echo import EMBEDDING_SERVICE, Echo, embedding_of, whoami

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class Held(Echo):
    """Answers a text when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def EmbedTexts(  # noqa: N802
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        self.entered.set()
        await self.go.wait()
        return embedding_pb2.EmbedTextsResponse()


def fetched(port: int) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    body = connection.getresponse().read().decode()
    connection.close()
    return body


async def test_a_service_from_its_first_moment_to_its_last() -> None:
    held, loaded = Held(), asyncio.Event()
    told: asyncio.Queue[str] = asyncio.Queue()

    async def load(server: Server) -> None:
        await loaded.wait()
        server.add(embedding_of(held))

    metrics = free_port()
    settings = ServerSettings(port=0, grace_s=10, metrics_port=metrics)
    running = asyncio.create_task(serve(settings, [EMBEDDING_SERVICE], load, told.put_nowait))
    address = (await told.get()).removeprefix("listening on ")
    async with open_channel(address) as channel:
        # While the model is loaded it says so, and refuses.
        assert not await is_ready(address, CallerSettings())
        with pytest.raises(Unavailable, match="starting"):
            await whoami(channel)
        loaded.set()
        assert await told.get() == "ready"
        assert await is_ready(address, CallerSettings())
        assert "kith_calls_total" in await asyncio.to_thread(fetched, metrics)

        health: Any = health_pb2_grpc.HealthStub(channel)
        watch = health.Watch(health_pb2.HealthCheckRequest(service="kith.v1.Embedding"))
        assert (await watch.read()).status == SERVING
        request = embedding_pb2.EmbedTextsRequest(texts=["a"])
        call = embedding_pb2_grpc.EmbeddingStub(channel).EmbedTexts(request)
        await held.entered.wait()
        os.kill(os.getpid(), signal.SIGTERM)
        # First it says that it is going, and it goes once what was begun is done.
        assert (await asyncio.wait_for(watch.read(), 60)).status == NOT_SERVING
        watch.cancel()
        assert not running.done()
        held.go.set()
        await asyncio.wait_for(call, 60)
    await asyncio.wait_for(running, 60)
    assert not await is_ready(address, CallerSettings())


async def test_a_start_that_fails_ends_the_service() -> None:
    async def load(_: Server) -> None:
        raise Refused("weights: no file", reason="WEIGHTS_MISSING")

    settings = ServerSettings(port=0, grace_s=0)
    with pytest.raises(Refused, match="no file"):
        await serve(settings, [EMBEDDING_SERVICE], load, lambda _: None)


async def test_what_is_not_there_yet_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runtime.serving._RETRY_S", 0.01)
    asked = []

    async def make() -> str:
        asked.append(1)
        if len(asked) < 3:
            raise Unavailable("embedding: away", reason="SERVICE_UNREACHABLE")
        return "there"

    assert await once_there(make) == "there"
    assert len(asked) == 3


async def test_a_page_is_ready_when_it_answers_with_200() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        status = b"200 OK" if b"/readyz" in line else b"503 Service Unavailable"
        writer.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await is_ready(f"{url}/readyz", CallerSettings())
        assert not await is_ready(f"{url}/other", CallerSettings())
    assert not await is_ready(f"{url}/readyz", CallerSettings())
