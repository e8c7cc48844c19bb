"""A server as its callers see it: health, reflection, who asks, what is valid, what went wrong."""

import asyncio
import hashlib
import logging
import socket
from collections.abc import AsyncIterable, AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from kith.channel import MAX_MESSAGE_BYTES
from kith.errors import InvalidInput, KithError, NotFound, Overloaded, Refused, Unauthenticated
from kith.v1 import embedding_pb2, embedding_pb2_grpc, generation_pb2, generation_pb2_grpc
from services.runtime.calls import calling, open_channel
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.runtime.echo import Echo, chat, embedding_of, generation_of, say, whoami
from tests.runtime.serving import served

Replies = AsyncIterable[generation_pb2.GenerationGenerateResponse]
EMBEDDING, GENERATION = embedding_of(Echo()), generation_of(Echo())


async def test_errors_arrive_as_they_were_raised() -> None:
    async with served(EMBEDDING) as channel:
        with pytest.raises(NotFound) as missing:
            await say(channel, "missing")
        assert missing.value.reason == "CONCEPT_UNKNOWN"
        with pytest.raises(Overloaded) as busy:
            await say(channel, "busy")
        assert busy.value.retry_after_s == 3


async def read_into(seen: list[str], call: Replies) -> None:
    with calling("echo"):
        async for reply in call:
            seen.append(reply.text)


async def test_an_error_in_a_stream_arrives_after_what_was_sent() -> None:
    seen: list[str] = []
    async with served(GENERATION) as channel:
        stub = generation_pb2_grpc.GenerationStub(channel)
        with pytest.raises(NotFound):
            await read_into(seen, stub.Generate(chat("missing")))
    assert seen == ["me"]


async def test_bytes_that_are_no_message_are_refused_and_no_bug(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(EMBEDDING, GENERATION) as channel:
        one = channel.unary_unary("/kith.v1.Embedding/EmbedTexts")
        stream = channel.unary_stream("/kith.v1.Generation/Generate")
        for call in (lambda: one(b"\x0a\xff"), lambda: anext(aiter(stream(b"\x0a\xff")))):
            with caplog.at_level(logging.ERROR), pytest.raises(InvalidInput) as refused:
                await as_called(call())
            assert refused.value.reason == "REQUEST_UNREADABLE"
    assert not caplog.records


async def as_called(answer: Awaitable[object]) -> None:
    with calling("echo"):
        await answer


async def test_a_bug_is_logged_with_its_traceback_and_tells_the_caller_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with served(EMBEDDING, GENERATION) as channel:
        with caplog.at_level(logging.ERROR), pytest.raises(KithError) as failure:
            await say(channel, "bug")
        stub = generation_pb2_grpc.GenerationStub(channel)
        with pytest.raises(KithError) as in_stream:
            await read_into([], stub.Generate(chat("bug")))
    for error in (failure.value, in_stream.value):
        assert type(error) is KithError
        assert error.reason == "INTERNAL"
        assert "diary" not in str(error)
    record = next(r for r in caplog.records if r.name == "services.runtime.guard")
    assert record.exc_info is not None
    incident = record.getMessage().split()[1]
    assert incident in str(failure.value)


async def test_a_request_that_breaks_a_rule_never_reaches_the_servicer() -> None:
    async with served(EMBEDDING, GENERATION) as channel:
        stub = embedding_pb2_grpc.EmbeddingStub(channel)
        with pytest.raises(InvalidInput) as refusal, calling("echo"):
            await stub.EmbedTexts(embedding_pb2.EmbedTextsRequest(texts=["a", ""]))
        assert refusal.value.field == "texts[1]"
        assert str(refusal.value).startswith("texts[1]: ")
        request = chat("hello")
        request.limits.temperature = 9
        with pytest.raises(InvalidInput) as refusal:
            await read_into([], generation_pb2_grpc.GenerationStub(channel).Generate(request))
        assert refusal.value.field == "limits.temperature"


async def test_a_local_server_takes_the_users_word() -> None:
    async with served(EMBEDDING, user="zoe") as channel:
        assert await whoami(channel) == "zoe"
        assert await whoami(channel, ("kith-user", "ann")) == "ann"
        with pytest.raises(InvalidInput):
            await whoami(channel, ("kith-user", "../ann"))


async def test_callers_at_the_same_time_keep_their_names() -> None:
    names = [f"user{n}" for n in range(30)]
    async with served(EMBEDDING) as channel:
        answers = await asyncio.gather(*(whoami(channel, ("kith-user", n)) for n in names))
    assert list(answers) == names


async def test_a_server_with_tokens_knows_only_them(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    digest = hashlib.sha256(b"secret").hexdigest()
    tokens.write_text(f"ann {digest}\n", encoding="utf-8")
    async with served(EMBEDDING, GENERATION, tokens_file=tokens) as channel:
        assert await whoami(channel, ("authorization", "Bearer secret")) == "ann"
        for metadata in ((), (("kith-user", "ann"),), (("authorization", "Bearer x"),)):
            with pytest.raises(Unauthenticated):
                await whoami(channel, *metadata)
        with pytest.raises(Unauthenticated):
            await read_into([], generation_pb2_grpc.GenerationStub(channel).Generate(chat("hello")))


class Paused(Echo):
    """Goes on with an answer when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def Generate(  # noqa: N802
        self, request: generation_pb2.GenerationGenerateRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[generation_pb2.GenerationGenerateResponse]:
        for text in ("first", "second", "third"):
            yield generation_pb2.GenerationGenerateResponse(text=text)
            await self.go.wait()


async def test_a_stream_ends_before_its_next_message_once_its_token_is_withdrawn(
    tmp_path: Path,
) -> None:
    tokens, paused = tmp_path / "tokens", Paused()
    ann, bob = (hashlib.sha256(secret).hexdigest() for secret in (b"secret", b"other"))
    for withdrawn in (f"bob {bob}\n", f"bob {ann}\n"):  # or it is another user's now
        paused.go.clear()
        tokens.write_text(f"ann {ann}\n", encoding="utf-8")
        async with served(generation_of(paused), tokens_file=tokens) as channel:
            call = generation_pb2_grpc.GenerationStub(channel).Generate(
                chat("hello"), metadata=(("authorization", "Bearer secret"),)
            )
            first = await call.read()
            assert isinstance(first, generation_pb2.GenerationGenerateResponse)
            tokens.write_text(withdrawn, encoding="utf-8")
            paused.go.set()
            with pytest.raises(Unauthenticated) as ended, calling("echo"):
                await call.read()
        assert ended.value.reason == "TOKEN_UNKNOWN"


async def test_a_stream_goes_on_when_others_tokens_change(tmp_path: Path) -> None:
    tokens, paused = tmp_path / "tokens", Paused()
    line = f"ann {hashlib.sha256(b'secret').hexdigest()}\n"
    tokens.write_text(line, encoding="utf-8")
    seen: list[str] = []
    async with served(generation_of(paused), tokens_file=tokens) as channel:
        tokens.write_text(f"# only a word\n{line}", encoding="utf-8")
        paused.go.set()
        stub = generation_pb2_grpc.GenerationStub(channel)
        await read_into(
            seen, stub.Generate(chat("hello"), metadata=(("authorization", "Bearer secret"),))
        )
    assert seen == ["first", "second", "third"]


async def test_health_says_not_serving_until_ready() -> None:
    async with (
        Server(ServerSettings(port=0), [EMBEDDING]) as server,
        open_channel(f"127.0.0.1:{server.port}") as channel,
    ):
        check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]
        requests = [health_pb2.HealthCheckRequest(service=s) for s in ("", "kith.v1.Embedding")]
        before = [(await check(request)).status for request in requests]
        await server.ready()
        after = [(await check(request)).status for request in requests]
    assert before == [health_pb2.HealthCheckResponse.NOT_SERVING] * 2
    assert after == [health_pb2.HealthCheckResponse.SERVING] * 2


async def test_a_stopping_server_lets_running_calls_finish() -> None:
    async with Server(ServerSettings(port=0, grace_s=5), [GENERATION]) as server:
        channel = open_channel(f"127.0.0.1:{server.port}")
        call = generation_pb2_grpc.GenerationStub(channel).Generate(chat("hello"))
        first = await call.read()
    assert isinstance(first, generation_pb2.GenerationGenerateResponse)
    rest = await call.read()
    assert isinstance(rest, generation_pb2.GenerationGenerateResponse)
    assert (first.text, rest.text) == ("me", "done")
    await channel.close()


async def reflected(channel: grpc.aio.Channel) -> set[str]:
    async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
    replies = [reply async for reply in stub.ServerReflectionInfo(asked())]
    return {service.name for service in replies[0].list_services_response.service}


async def test_reflection_names_the_services() -> None:
    async with served(EMBEDDING) as channel:
        assert {"kith.v1.Embedding", "grpc.health.v1.Health"} <= await reflected(channel)


async def test_in_production_there_is_no_reflection() -> None:
    service = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"].full_name
    async with served(EMBEDDING, production=True) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            # One message and no stream: a stream may still be sending when it is refused.
            await channel.unary_unary(f"/{service}/ServerReflectionInfo")(b"")
        assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
        assert await whoami(channel) == "me"


async def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    async with Server(ServerSettings(port=0), [EMBEDDING]) as server:
        with pytest.raises(Refused, match=f"{server.port}; is another server running"):
            async with Server(ServerSettings(port=server.port), [GENERATION]):
                pass


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
async def test_an_ipv6_address_is_written_in_brackets() -> None:
    async with Server(ServerSettings(host="::1", port=0), [EMBEDDING]) as server:
        async with open_channel(f"[::1]:{server.port}") as channel:
            assert await whoami(channel) == "me"
        with pytest.raises(Refused, match=rf"\[::1\]:{server.port}; is another server running"):
            async with Server(ServerSettings(host="::1", port=server.port), [GENERATION]):
                pass


async def test_a_message_over_the_limit_is_refused() -> None:
    async with served(GENERATION, max_message_mib=1) as channel:
        request = chat("hello")
        request.turns[0].parts.add(image={"data": b"x" * 2_000_000})
        with pytest.raises(Overloaded):
            await read_into([], generation_pb2_grpc.GenerationStub(channel).Generate(request))


def test_settings_come_from_the_environment_and_nonsense_stops_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KITH_PORT", "7000")
    assert ServerSettings().port == 7000
    monkeypatch.setenv("KITH_PORT", "many")
    with pytest.raises(ValueError, match="port"):
        ServerSettings()


def test_no_message_may_be_larger_than_what_callers_send_and_take() -> None:
    limit = MAX_MESSAGE_BYTES // 1024**2
    assert ServerSettings(max_message_mib=limit).max_message_mib == limit
    with pytest.raises(ValueError, match=f"max_message_mib\n.*less than or equal to {limit}"):
        ServerSettings(max_message_mib=limit + 1)
