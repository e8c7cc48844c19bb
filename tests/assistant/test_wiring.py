"""The same assistant over stages in this process, over stages elsewhere, and without any."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kith import AsyncClient, Client
from kith.errors import InvalidInput, Refused, Unavailable
from services.assistant.serve import serve
from services.assistant.settings import AloneSettings, AssistantSettings
from services.assistant.wiring import assembled, embedder_of, local_server
from services.detection import servicer as detection
from services.embedding import servicer as embedding
from services.generation import servicer as generation
from services.runtime import images
from services.runtime.calls import open_channel
from services.runtime.profile import Profile
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.world import PaintDetector, PaintEmbedder, Parrot, Thing, paint
from tests.generation.fake_engine import FakeEngine
from tests.ports import free_port

POCKET = Profile.load("pocket").embedder


class NamedDetector(PaintDetector):
    name = "paint"


class PocketEmbedder(PaintEmbedder):
    """Takes the place of the profile's embedder."""

    name = POCKET.name
    dim = POCKET.dim


class NamedParrot(Parrot):
    name = "parrot"
    context_tokens = 1000


@asynccontextmanager
async def stages_elsewhere(
    embedder: PaintEmbedder, memory: Path
) -> AsyncIterator[AssistantSettings]:
    services = [
        detection.service(NamedDetector()),
        embedding.service(embedder),
        generation.service(NamedParrot()),
    ]
    async with Server(ServerSettings(port=0, grace_s=0), services) as server:
        address = f"127.0.0.1:{server.port}"
        yield AssistantSettings(
            memory=memory,
            port=0,
            grace_s=0,
            detection=address,
            embedding=address,
            generation=address,
        )


async def remember_and_ask(address: str) -> str:
    async with AsyncClient(address) as kith:
        await kith.remember("bo", images.encode(paint(Thing("dog", 10))))
        answer = await kith.ask("Who?", images.encode(paint(Thing("dog", 12))))
    assert [one.concept for one in answer.concepts] == ["bo"]
    return answer.text


async def test_stages_behind_addresses_do_as_well(tmp_path: Path) -> None:
    async with (
        stages_elsewhere(PocketEmbedder(), tmp_path) as settings,
        assembled(settings) as assembly,
        Server(settings, assembly.services) as server,
    ):
        # What runs elsewhere is not served here.
        assert [each.descriptor.name for each in assembly.services] == ["Assistant"]
        await assembly.load()
        assert await remember_and_ask(f"127.0.0.1:{server.port}") == "A thing on black."


async def test_an_engine_answers_in_place_of_the_profiles_model(tmp_path: Path) -> None:
    engine = FakeEngine()
    async with engine.up(), stages_elsewhere(PocketEmbedder(), tmp_path) as elsewhere:
        chosen = {"generation": None, "generation_url": engine.url, "generation_key": "secret"}
        settings = AssistantSettings(**elsewhere.model_dump() | chosen)
        async with assembled(settings) as assembly, Server(settings, assembly.services) as server:
            await assembly.load()
            assert await remember_and_ask(f"127.0.0.1:{server.port}") == "Yes, <bo> is here."
    assert set(engine.keys) == {"bearer secret"}
    assert "secret" not in repr(settings)


async def test_an_embedder_the_memory_was_not_made_for_is_refused(tmp_path: Path) -> None:
    async with (
        stages_elsewhere(PaintEmbedder(), tmp_path) as settings,
        assembled(settings) as assembly,
    ):
        with pytest.raises(Refused, match="paint") as refused:
            await assembly.load()
    assert refused.value.reason == "EMBEDDER_MISMATCH"


async def test_a_stage_that_can_not_be_reached_is_looked_for_again(tmp_path: Path) -> None:
    async with stages_elsewhere(PocketEmbedder(), tmp_path) as elsewhere:
        away = AssistantSettings(**elsewhere.model_dump() | {"generation": "127.0.0.1:1"})
        async with assembled(away) as assembly, Server(away, assembly.services) as server:
            await assembly.load()
            with pytest.raises(Unavailable, match="generation: the service can't be reached"):
                await remember_and_ask(f"127.0.0.1:{server.port}")
    settings = AloneSettings(memory=tmp_path, port=0, grace_s=0)
    assert (settings.detection, settings.embedding) == ("127.0.0.1:7451", "127.0.0.1:7452")


async def test_serve_tells_when_it_is_ready_and_stops_when_asked(tmp_path: Path) -> None:
    told: asyncio.Queue[str] = asyncio.Queue()
    async with stages_elsewhere(PocketEmbedder(), tmp_path) as settings:
        serving = asyncio.create_task(serve(settings, told.put_nowait))
        said = await told.get()
        assert said.startswith("listening on 127.0.0.1:")
        address = said.removeprefix("listening on ")
        assert await told.get() == "ready"
        async with open_channel(address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            answer = await health.Check(health_pb2.HealthCheckRequest(service="kith.v1.Assistant"))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert await remember_and_ask(address) == "A thing on black."
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 60)
        async with open_channel(address) as channel:
            with pytest.raises(grpc.aio.AioRpcError):
                await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())


async def test_another_method_over_the_same_memory_has_a_port_of_its_own(tmp_path: Path) -> None:
    port = free_port()
    told: asyncio.Queue[str] = asyncio.Queue()
    async with stages_elsewhere(PocketEmbedder(), tmp_path) as elsewhere:
        settings = AssistantSettings(**elsewhere.model_dump() | {"further_methods": f"rap={port}"})
        serving = asyncio.create_task(serve(settings, told.put_nowait))
        address = (await told.get()).removeprefix("listening on ")
        assert await told.get() == "ready"
        async with AsyncClient(address) as ours, AsyncClient(f"127.0.0.1:{port}") as rap:
            assert [(await each.capabilities()).method for each in (ours, rap)] == ["kith", "rap"]
            await ours.remember("bo", images.encode(paint(Thing("dog", 10))))
            answer = await rap.ask("Who?", images.encode(paint(Thing("dog", 12))))
            assert [one.concept for one in answer.concepts] == ["bo"]
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(serving, 60)
    with pytest.raises(InvalidInput, match="oracle"):
        async with assembled(AssistantSettings(further_methods={"oracle": 1})):
            pass


async def test_a_caller_is_not_told_where_a_memory_lies_that_is_open_elsewhere(
    tmp_path: Path,
) -> None:
    async with (
        stages_elsewhere(PocketEmbedder(), tmp_path) as settings,
        assembled(settings) as first,
        assembled(settings) as second,
        Server(settings, first.services) as one,
        Server(settings, second.services) as other,
    ):
        await remember_and_ask(f"127.0.0.1:{one.port}")
        with pytest.raises(Refused, match="another process of the server's machine") as refused:
            await remember_and_ask(f"127.0.0.1:{other.port}")
    assert refused.value.reason == "MEMORY_LOCKED"
    assert str(tmp_path) not in str(refused.value)
    assert refused.value.metadata == {}


async def test_a_model_that_does_not_warm_up_is_closed_and_loaded_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[PocketEmbedder] = []
    closed: list[PocketEmbedder] = []

    class Clip(PocketEmbedder):
        def __init__(self, *_: object) -> None:
            made.append(self)

        async def warm_up(self) -> None:
            if len(made) == 1:
                raise RuntimeError("out of memory")

        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr("services.embedding.clip.ClipEmbedder", Clip)
    async with embedder_of(AssistantSettings()) as embedder:
        picture = paint(Thing("dog", 0))
        with pytest.raises(RuntimeError, match="out of memory"):
            await embedder.embed_images([picture])
        assert len(await embedder.embed_images([picture])) == 1
        assert closed == made[:1]
    assert closed == made


async def test_serve_ends_when_a_model_can_not_be_loaded(tmp_path: Path) -> None:
    settings = AssistantSettings(memory=tmp_path, weights=tmp_path, port=0, grace_s=0)
    with pytest.raises(Refused, match=r"detector\.pt"):
        await asyncio.wait_for(serve(settings, lambda _: None), 60)


def test_a_client_without_a_server_needs_no_model_to_look_at_its_memory(tmp_path: Path) -> None:
    with Client(memory=tmp_path / "memory", weights=tmp_path) as kith:
        assert kith.list_concepts() == []
        assert kith.capabilities().method == "kith"
        with pytest.raises(Refused, match=r"detector\.pt") as refused:
            kith.remember("bo", images.encode(paint(Thing("dog", 0))))
    assert refused.value.reason == "WEIGHTS_MISSING"


async def test_the_same_in_an_event_loop(tmp_path: Path) -> None:
    async with AsyncClient(memory=tmp_path / "memory", weights=tmp_path) as kith:
        assert await kith.list_concepts() == []


def test_what_surrounds_a_server_does_not_reach_one_in_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("you " + "0" * 64 + "\n", encoding="utf-8")
    monkeypatch.setenv("KITH_TOKENS_FILE", str(tokens))
    monkeypatch.setenv("KITH_DETECTION", "127.0.0.1:1")
    with local_server(tmp_path / "memory", user="ann") as address, Client(address) as kith:
        assert address.startswith("unix:")
        assert kith.list_concepts() == []


def test_only_this_user_of_the_machine_reaches_a_server_in_process(tmp_path: Path) -> None:
    with local_server(tmp_path / "memory") as address:
        folder = Path(address.removeprefix("unix:")).parent
        assert folder.stat().st_mode & 0o077 == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"method": "magic"}, InvalidInput),
        ({"profile": "huge"}, InvalidInput),
        ({"profile": "full"}, Refused),
        ({"user": "no/body"}, InvalidInput),
    ],
)
def test_a_server_in_process_that_can_not_start_says_why(
    tmp_path: Path, options: dict[str, str], error: type[Exception]
) -> None:
    with pytest.raises(error), local_server(tmp_path / "memory", **options):  # type: ignore[arg-type]
        pass


async def test_an_assistant_whose_models_run_elsewhere_needs_none_of_their_files(
    tmp_path: Path,
) -> None:
    async with assembled(AloneSettings(memory=tmp_path, profile="full")) as assembly:
        assert [each.descriptor.name for each in assembly.services] == ["Assistant"]
