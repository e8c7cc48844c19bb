"""What goes along with a call from service to service, and what is refused on the way in."""

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty
from pydantic import SecretStr

from kith.errors import KithError, Overloaded, Unauthenticated, Unavailable
from kith.v1 import embedding_pb2, embedding_pb2_grpc
from services.runtime.calls import calling, open_channel
from services.runtime.hop import MARGIN_S, REQUEST_ID_KEY
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from services.runtime.worker import ModelWorker
from tests.reliability.proxy import Fault, Proxy
from tests.runtime.echo import (
    EMBEDDING_SERVICE,
    Echo,
    chat,
    embedding_of,
    generation_of,
    say,
    whoami,
)
from tests.runtime.serving import served


class Relay(embedding_pb2_grpc.EmbeddingServicer):
    """Has another service do it, and keeps what that one was told."""

    def __init__(self, onward: grpc.aio.Channel) -> None:
        self._stub = embedding_pb2_grpc.EmbeddingStub(onward)

    async def EmbedTexts(  # noqa: N802
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        with calling("embedding"):
            return await self._stub.EmbedTexts(request, timeout=60)


class Witness(Echo):
    """Keeps what came with the last call."""

    metadata: dict[str, str | bytes]
    time_left: float | None

    async def EmbedTexts(  # noqa: N802
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        self.metadata = dict(context.invocation_metadata())
        self.time_left = context.time_remaining()
        return await super().EmbedTexts(request, context)


@asynccontextmanager
async def relayed(witness: Witness, tokens: Path | None = None) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a service that calls another."""
    settings = ServerSettings(port=0, grace_s=0, tokens_file=tokens)
    async with (
        Server(settings, [embedding_of(witness)]) as inner,
        open_channel(f"127.0.0.1:{inner.port}", token=SecretStr("between-us")) as onward,
        served(embedding_of(Relay(onward))) as channel,
    ):
        yield channel


async def test_a_deadline_is_passed_on_with_a_margin() -> None:
    witness = Witness()
    async with relayed(witness) as channel:
        await say(channel, "hello", timeout_s=5)
        assert witness.time_left is not None
        assert 4 < witness.time_left < 5 - MARGIN_S / 2  # it travels rounded
        await say(channel, "hello")
        assert witness.time_left is not None
        assert 50 < witness.time_left < 61


async def test_who_called_is_told_what_was_too_slow_before_it_gives_up() -> None:
    async with relayed(Witness()) as channel:
        with pytest.raises(Unavailable, match="embedding: no answer in time") as slow:
            await say(channel, "slow", timeout_s=1)
    assert slow.value.reason == "SERVICE_TOO_SLOW"


async def test_a_caller_that_leaves_ends_the_work_of_every_service() -> None:
    witness = Witness()
    async with relayed(witness) as channel:
        leaving = asyncio.create_task(say(channel, "slow"))
        await witness.entered.wait()
        leaving.cancel()
        await asyncio.wait_for(witness.left.wait(), 60)


async def test_the_end_of_a_deadline_ends_the_work() -> None:
    echo = Echo()
    async with served(generation_of(echo)) as channel:
        stub = channel.unary_stream(
            "/kith.v1.Generation/Generate", type(chat("")).SerializeToString
        )
        with pytest.raises(grpc.aio.AioRpcError):
            async for _ in stub(chat("slow"), timeout=0.3):
                pass
        await asyncio.wait_for(echo.left.wait(), 60)


async def test_the_id_of_a_request_goes_along_and_comes_back() -> None:
    witness = Witness()
    request = embedding_pb2.EmbedTextsRequest(texts=["hello"])
    async with relayed(witness) as channel:
        call = embedding_pb2_grpc.EmbeddingStub(channel).EmbedTexts(
            request, metadata=((REQUEST_ID_KEY, "my-own-1"),)
        )
        await call
        assert witness.metadata[REQUEST_ID_KEY] == "my-own-1"
        assert dict(await call.trailing_metadata())[REQUEST_ID_KEY] == "my-own-1"
        await say(channel, "hello", **{REQUEST_ID_KEY: "no id at all"})
        assert len(str(witness.metadata[REQUEST_ID_KEY])) == 16


async def test_a_service_shows_its_own_token_and_never_its_callers(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    digest = hashlib.sha256(b"between-us").hexdigest()
    tokens.write_text(f"assistant {digest}\n", encoding="utf-8")
    witness = Witness()
    async with relayed(witness, tokens) as channel:
        await say(channel, "hello", authorization="Bearer the-users-own")
    assert witness.metadata["authorization"] == "Bearer between-us"


async def test_more_calls_than_the_limit_are_refused_and_told_when_to_come_back() -> None:
    echo = Echo()
    async with served(embedding_of(echo), max_calls=1) as channel:
        first = asyncio.create_task(say(channel, "slow"))
        await echo.entered.wait()
        with pytest.raises(Overloaded) as busy:
            await whoami(channel)
        assert (busy.value.reason, busy.value.retry_after_s) == ("SERVER_BUSY", 1)
        first.cancel()
        await echo.left.wait()
        await asyncio.sleep(0.05)
        for _ in range(3):
            assert await whoami(channel) == "me"


async def test_an_unknown_method_is_refused_with_a_reason() -> None:
    async with served(embedding_of(Echo())) as channel:
        for method in ("/kith.v1.Embedding/EmbedSounds", "/other.Service/Method"):
            call = channel.unary_unary(method, Empty.SerializeToString, Empty.FromString)
            with pytest.raises(KithError) as unknown, calling("echo"):
                await call(Empty())
            assert unknown.value.reason == "METHOD_UNKNOWN"


async def test_a_service_whose_model_is_loading_is_unavailable_and_then_there() -> None:
    async with (
        Server(ServerSettings(port=0, grace_s=0), [EMBEDDING_SERVICE]) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        with pytest.raises(Unavailable) as starting:
            await whoami(channel)
        assert starting.value.reason == "SERVICE_STARTING"
        server.add(embedding_of(Echo()))
        assert await whoami(channel) == "me"


async def test_a_stranger_is_refused_before_the_request_is_read(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("", encoding="utf-8")
    async with served(embedding_of(Echo()), tokens_file=tokens) as channel:
        # Not a message at all: who reads it fails with INTERNAL.
        call = channel.unary_unary("/kith.v1.Embedding/EmbedTexts")
        with pytest.raises(Unauthenticated), calling("echo"):
            await call(b"\xff\xff\xff")


async def test_a_call_that_waits_for_a_model_and_is_given_up_never_runs() -> None:
    worker = ModelWorker("echo")
    begun, gate = threading.Event(), threading.Event()
    ran: list[str] = []

    def compute(text: str) -> None:
        begun.set()
        gate.wait(10)
        ran.append(text)

    class Queued(Echo):
        async def EmbedTexts(  # noqa: N802
            self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
        ) -> embedding_pb2.EmbedTextsResponse:
            await worker.run(compute, request.texts[0])
            return embedding_pb2.EmbedTextsResponse()

    async with served(embedding_of(Queued())) as channel:
        first = asyncio.create_task(say(channel, "first"))
        await asyncio.to_thread(begun.wait, 5)
        with pytest.raises(Unavailable):
            await say(channel, "second", timeout_s=0.2)
        third = asyncio.create_task(say(channel, "third"))
        await asyncio.sleep(0.1)
        third.cancel()
        await asyncio.sleep(0.1)
        gate.set()
        await first
        await say(channel, "last")
    worker.close()
    assert ran == ["first", "last"]


async def test_a_service_that_was_away_is_found_again_within_seconds() -> None:
    settings = ServerSettings(port=0, grace_s=0)
    async with Server(settings, [embedding_of(Echo())]) as server:
        port = server.port
        channel = open_channel(f"127.0.0.1:{port}")
        assert await whoami(channel) == "me"
    with pytest.raises(Unavailable):
        await whoami(channel)
    await asyncio.sleep(1)
    async with Server(ServerSettings(port=port, grace_s=0), [embedding_of(Echo())]):
        back = time.monotonic() + 10
        while True:
            try:
                assert await whoami(channel) == "me"
                break
            except Unavailable:
                assert time.monotonic() < back
                await asyncio.sleep(0.1)
    await channel.close()


async def test_whoever_calls_while_a_service_stops_is_told_that_it_is_away() -> None:
    answered, busy = 0, asyncio.Event()

    async def call_on(channel: grpc.aio.Channel) -> KithError:
        nonlocal answered
        while True:
            try:
                await whoami(channel)
            except KithError as error:
                return error
            answered += 1
            if answered == 100:
                busy.set()

    async with AsyncExitStack() as held:
        async with Server(ServerSettings(port=0), [embedding_of(Echo())]) as server:
            address = f"127.0.0.1:{server.port}"
            channels = [await held.enter_async_context(open_channel(address)) for _ in range(8)]
            calling_on = [asyncio.create_task(call_on(channel)) for channel in channels]
            await busy.wait()
        ended = await asyncio.gather(*calling_on)
    assert [(type(error), error.reason) for error in ended] == [
        (Unavailable, "SERVICE_UNREACHABLE")
    ] * 8


async def test_a_service_that_went_away_without_a_word_is_looked_for_anew() -> None:
    # Left alone, gRPC would wait a minute for it, TCP a quarter of an hour.
    async with (
        Server(ServerSettings(port=0, grace_s=0), [embedding_of(Echo())]) as server,
        Proxy(f"127.0.0.1:{server.port}").up() as proxy,
        open_channel(proxy.address) as channel,
    ):
        assert await whoami(channel) == "me"
        proxy.suffer(Fault.SILENCE)
        asking = asyncio.ensure_future(whoami(channel))
        await asyncio.wait({asking}, timeout=1)
        await proxy.recover()
        async with asyncio.timeout(30):
            with pytest.raises(Unavailable):
                await asking
            while True:  # what is tried again at once may be too early
                with suppress(Unavailable):
                    assert await whoami(channel) == "me"
                    break
                await asyncio.sleep(0.1)
