"""Several servers under one name: callers go to each in turn, and find those that came later."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kith.v1 import embedding_pb2, generation_pb2, generation_pb2_grpc
from services.runtime.calls import open_channel
from services.runtime.server import LIVE, Server
from services.runtime.settings import ServerSettings
from tests.runtime.echo import EMBEDDING_SERVICE, Echo, chat, embedding_of, generation_of, whoami
from tests.runtime.serving import served


class Peers(Echo):
    """Keeps where each call came from."""

    def __init__(self) -> None:
        super().__init__()
        self.peers: list[str] = []

    async def GetEmbeddingModel(  # noqa: N802
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbeddingModel:
        self.peers.append(context.peer())
        return await super().GetEmbeddingModel(request, context)


async def test_calls_go_in_turn_to_every_server_behind_a_name() -> None:
    first, second = (ServerSettings(port=0, grace_s=0, user=user) for user in ("ann", "bob"))
    async with (
        Server(first, [embedding_of(Echo())]) as one,
        Server(second, [embedding_of(Echo())]) as other,
        open_channel(f"ipv4:127.0.0.1:{one.port},127.0.0.1:{other.port}") as channel,
    ):
        await whoami(channel)
        await asyncio.sleep(0.2)  # until both are connected
        names = [await whoami(channel) for _ in range(10)]
    assert sorted(names) == ["ann"] * 5 + ["bob"] * 5


@pytest.mark.parametrize(("age_s", "anew"), [(0.3, True), (None, False)])
async def test_a_caller_connects_anew_once_its_connection_is_old(
    age_s: float | None, anew: bool
) -> None:
    peers = Peers()
    async with served(embedding_of(peers), max_connection_age_s=age_s) as channel:
        for _ in range(10):
            await whoami(channel)
            await asyncio.sleep(0.1)
    assert (len(set(peers.peers)) > 1) is anew


class Slow(Echo):
    """Takes longer for an answer than a connection may last."""

    async def Generate(  # noqa: N802
        self, request: generation_pb2.GenerationGenerateRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[generation_pb2.GenerationGenerateResponse]:
        for word in ("one", "two", "three"):
            yield generation_pb2.GenerationGenerateResponse(text=word)
            await asyncio.sleep(0.3)


async def test_an_answer_outlives_the_connection_it_began_on() -> None:
    async with served(generation_of(Slow()), max_connection_age_s=0.2) as channel:
        stub = generation_pb2_grpc.GenerationStub(channel)
        words = [reply.text async for reply in stub.Generate(chat("hello"))]
    assert words == ["one", "two", "three"]


async def test_a_server_that_loads_its_models_is_alive_and_not_ready() -> None:
    async with (
        Server(ServerSettings(port=0, grace_s=0), [EMBEDDING_SERVICE]) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        said = {
            name: (await check(health_pb2.HealthCheckRequest(service=name))).status
            for name in (LIVE, EMBEDDING_SERVICE.full_name, "")
        }
    serving, not_serving = (
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    )
    assert list(said.values()) == [serving, not_serving, not_serving]
