"""All of it on one port: real classes and files, an engine, a server, clients of every kind."""

import asyncio
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from PIL import Image

from kith import AsyncClient, Client
from kith.errors import Refused
from kith.v1 import (
    common_pb2,
    detection_pb2,
    detection_pb2_grpc,
    embedding_pb2,
    embedding_pb2_grpc,
    generation_pb2,
    generation_pb2_grpc,
)
from services.assistant import wiring
from services.assistant.serve import serve
from services.assistant.settings import AssistantSettings
from services.runtime import images
from services.runtime.calls import open_channel
from services.runtime.profile import Profile


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 80, 3), np.uint8)
    return images.encode(Image.fromarray(pixels))


async def session(address: str) -> None:
    async with AsyncClient(address) as kith:
        bo = await kith.remember("bo", picture(1), description="<bo> barks.")
        assert bo.category
        cup = await kith.remember("cup", picture(2), category="mug", boxes=[(5, 5, 40, 40)])
        assert cup.views[0].box == (5, 5, 40, 40)
        assert cup.category == "mug"
        found = await kith.retrieve(picture(1))
        assert (found.width, found.height) == (80, 60)
        recognized = await kith.recognize(picture(2), ["cup", "bo"])
        assert [one.concept for one in recognized] == ["cup", "bo"]
        answer = await kith.ask("Is <bo> here?")
        assert [one.concept for one in answer.concepts] == ["bo"]
        again = await kith.ask("Is <bo> here?")
        assert answer.text == again.text
        capabilities = await kith.capabilities()
        if capabilities.method == "kith":
            await kith.reject("bo", picture(3))
        else:
            with pytest.raises(Refused):
                await kith.reject("bo", picture(3))
        await kith.forget("cup")
        assert [one.display_name for one in await kith.list_concepts()] == ["bo"]
        models = {one.stage: one.name for one in capabilities.models}
        assert models == {"detection": "detector", "embedding": "tiny", "generation": "llava"}


async def every_stage(channel: grpc.aio.Channel) -> None:
    image = common_pb2.Image(data=picture(4))
    detection = detection_pb2_grpc.DetectionStub(channel)
    detected = await detection.Detect(detection_pb2.DetectRequest(image=image, categories=["dog"]))
    assert {region.category for region in detected.regions} <= {"dog"}
    embedding = embedding_pb2_grpc.EmbeddingStub(channel)
    embedded = await embedding.EmbedImages(embedding_pb2.EmbedImagesRequest(images=[image]))
    assert np.linalg.norm(embedded.vectors[0].values) == pytest.approx(1, abs=1e-5)
    generation = generation_pb2_grpc.GenerationStub(channel)
    model = await generation.GetGenerationModel(generation_pb2.GetGenerationModelRequest())
    assert (model.name, model.context_tokens) == ("llava", 256)


def run_with(monkeypatch: pytest.MonkeyPatch, profile: Profile) -> None:
    monkeypatch.setattr(wiring.Profile, "load", lambda *_: profile)


def reflected(address: str) -> list[str]:
    with grpc.insecure_channel(address) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        names = [name for name in database.get_services() if name.startswith("kith.")]
        for name in names:
            assert DescriptorPool(database).FindServiceByName(name).methods
    return names


@pytest.mark.parametrize("kind", ["fixed_profile", "open_profile"])
@pytest.mark.parametrize("method", ["kith", "rap"])
async def test_the_whole_of_kith_runs_on_one_port(
    kind: str,
    method: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile: Profile = request.getfixturevalue(kind)
    run_with(monkeypatch, profile)
    told: asyncio.Queue[str] = asyncio.Queue()
    settings = AssistantSettings(memory=tmp_path, method=method, port=0, grace_s=0)
    serving = asyncio.create_task(serve(settings, told.put_nowait))
    address = (await told.get()).removeprefix("listening on ")
    async with open_channel(address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        check = health_pb2.HealthCheckRequest(service="kith.v1.Generation")
        assert (await health.Check(check)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await told.get() == "ready"
        assert (await health.Check(check)).status == health_pb2.HealthCheckResponse.SERVING
        await session(address)
        await every_stage(channel)
    assert sorted(await asyncio.to_thread(reflected, address)) == [
        f"kith.v1.{name}" for name in ("Assistant", "Detection", "Embedding", "Generation")
    ]
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving


def test_the_whole_of_kith_runs_in_a_program_without_a_server(
    tmp_path: Path, fixed_profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, fixed_profile)
    for _ in range(2):  # what the first program remembers the second one knows
        with Client(memory=tmp_path) as kith:
            if not kith.list_concepts():
                kith.remember("bo", picture(1), description="<bo> barks.")
            assert [one.concept for one in kith.ask("Is <bo> here?").concepts] == ["bo"]
            prints = {one.fingerprint for one in kith.capabilities().models}
            assert len(prints) == 3
            assert all(len(one) == 64 for one in prints)
