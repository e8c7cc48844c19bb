"""A server as its callers see it: health, reflection, who asks, what is valid, what went wrong."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from kith.errors import InvalidInput, KithError, NotFound, Overloaded, Refused, Unauthenticated
from kith.v1 import (
    common_pb2,
    embedding_pb2,
    embedding_pb2_grpc,
    generation_pb2,
    generation_pb2_grpc,
)
from services.runtime.calls import calling, open_channel
from services.runtime.identity import current_user
from services.runtime.server import Server, Service
from services.runtime.settings import ServerSettings

from .serving import served


class Echo(embedding_pb2_grpc.EmbeddingServicer, generation_pb2_grpc.GenerationServicer):
    """Answers with the caller's name, or fails as the text says."""

    async def EmbedTexts(  # noqa: N802
        self, request: embedding_pb2.EmbedTextsRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedTextsResponse:
        await _fail(request.texts)
        return embedding_pb2.EmbedTextsResponse()

    async def GetEmbeddingModel(  # noqa: N802
        self, request: embedding_pb2.GetEmbeddingModelRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbeddingModel:
        return embedding_pb2.EmbeddingModel(name=current_user())

    async def Generate(  # noqa: N802
        self, request: generation_pb2.GenerationGenerateRequest, context: grpc.ServicerContext
    ) -> AsyncIterator[generation_pb2.GenerationGenerateResponse]:
        yield generation_pb2.GenerationGenerateResponse(text=current_user())
        await _fail([request.turns[0].parts[0].text])
        yield generation_pb2.GenerationGenerateResponse(text="done")

    async def EmbedImages(  # noqa: N802
        self, request: embedding_pb2.EmbedImagesRequest, context: grpc.ServicerContext
    ) -> embedding_pb2.EmbedImagesResponse:
        raise NotImplementedError

    async def GetGenerationModel(  # noqa: N802
        self, request: generation_pb2.GetGenerationModelRequest, context: grpc.ServicerContext
    ) -> generation_pb2.GenerationModel:
        raise NotImplementedError


async def _fail(texts: Sequence[str]) -> None:
    match texts[0]:
        case "missing":
            raise NotFound("concept: no such concept", reason="CONCEPT_UNKNOWN")
        case "busy":
            raise Overloaded("full", reason="FULL", retry_after_s=3)
        case "bug":
            raise RuntimeError("the user's secret diary")
        case "slow":
            await asyncio.sleep(30)


Replies = AsyncIterable[generation_pb2.GenerationGenerateResponse]
EMBEDDING = Service(
    embedding_pb2.DESCRIPTOR.services_by_name["Embedding"],
    embedding_pb2_grpc.add_EmbeddingServicer_to_server,
    Echo(),
)
GENERATION = Service(
    generation_pb2.DESCRIPTOR.services_by_name["Generation"],
    generation_pb2_grpc.add_GenerationServicer_to_server,
    Echo(),
)


async def say(channel: grpc.aio.Channel, text: str, **metadata: str) -> None:
    stub = embedding_pb2_grpc.EmbeddingStub(channel)
    request = embedding_pb2.EmbedTextsRequest(texts=[text])
    with calling("echo"):
        await stub.EmbedTexts(request, metadata=tuple(metadata.items()))


async def whoami(channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...] = ()) -> str:
    stub = embedding_pb2_grpc.EmbeddingStub(channel)
    request = embedding_pb2.GetEmbeddingModelRequest()
    with calling("echo"):
        return (await stub.GetEmbeddingModel(request, metadata=metadata)).name


def chat(text: str) -> generation_pb2.GenerationGenerateRequest:
    turn = common_pb2.Turn(role=common_pb2.ROLE_USER, parts=[common_pb2.Part(text=text)])
    return generation_pb2.GenerationGenerateRequest(turns=[turn])


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
        assert await whoami(channel, (("kith-user", "ann"),)) == "ann"
        with pytest.raises(InvalidInput):
            await whoami(channel, (("kith-user", "../ann"),))


async def test_callers_at_the_same_time_keep_their_names() -> None:
    names = [f"user{n}" for n in range(30)]
    async with served(EMBEDDING) as channel:
        answers = await asyncio.gather(*(whoami(channel, (("kith-user", n),)) for n in names))
    assert list(answers) == names


async def test_a_server_with_tokens_knows_only_them(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    digest = hashlib.sha256(b"secret").hexdigest()
    tokens.write_text(f"ann {digest}\n", encoding="utf-8")
    async with served(EMBEDDING, GENERATION, tokens_file=tokens) as channel:
        assert await whoami(channel, (("authorization", "Bearer secret"),)) == "ann"
        for metadata in ((), (("kith-user", "ann"),), (("authorization", "Bearer x"),)):
            with pytest.raises(Unauthenticated):
                await whoami(channel, metadata)
        with pytest.raises(Unauthenticated):
            await read_into([], generation_pb2_grpc.GenerationStub(channel).Generate(chat("hello")))


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


async def test_reflection_names_the_services() -> None:
    async def asked() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        yield reflection_pb2.ServerReflectionRequest(list_services="")

    async with served(EMBEDDING) as channel:
        stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)  # type: ignore[arg-type]
        replies = [reply async for reply in stub.ServerReflectionInfo(asked())]
    names = {service.name for service in replies[0].list_services_response.service}
    assert {"kith.v1.Embedding", "grpc.health.v1.Health"} <= names


async def test_a_port_that_is_taken_is_refused_in_one_line() -> None:
    async with Server(ServerSettings(port=0), [EMBEDDING]) as server:
        with pytest.raises(Refused, match=f"{server.port}; is another server running"):
            async with Server(ServerSettings(port=server.port), [GENERATION]):
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
