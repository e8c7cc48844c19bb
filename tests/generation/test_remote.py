"""A generator behind an address answers as the one in this process does."""

import asyncio

import pytest
from PIL import Image

from kith.errors import InvalidInput
from kith.v1 import common_pb2, generation_pb2, generation_pb2_grpc
from services.generation.engine import EngineGenerator
from services.generation.llava import LlavaGenerator
from services.generation.remote import RemoteGenerator
from services.generation.servicer import service
from services.runtime.calls import calling
from services.runtime.types import Answer, Limits, Turn
from tests.runtime.serving import served

from .fake_engine import FakeEngine

RED, BLUE = Image.new("RGB", (50, 40), "red"), Image.new("RGB", (20, 60), "blue")
CHATS = [
    [Turn("user", ("Is <bo> here?",))],
    [Turn("user", (RED, "\n[1.", BLUE, "\n Name: <bo>]", "", "Is <bo> in this picture?"))],
    [Turn("user", (RED, "\nWho?")), Turn("assistant", ("<bo>.",)), Turn("user", ("Sure?",))],
]


async def read(answer: Answer) -> list[str]:
    return [piece async for piece in answer]


@pytest.mark.parametrize("turns", CHATS)
@pytest.mark.parametrize("limits", [Limits(12), Limits(30, stop=("a", "SIS"))])
async def test_local_and_remote_write_the_same_in_the_same_pieces(
    generator: LlavaGenerator, turns: list[Turn], limits: Limits
) -> None:
    async with served(service(generator)) as channel:
        remote = await RemoteGenerator.connect(channel)
        assert (remote.name, remote.context_tokens) == (generator.name, generator.context_tokens)
        here, there = generator.generate(turns, limits), remote.generate(turns, limits)
        assert await read(there) == await read(here)
        assert there.ending == here.ending
        assert here.ending is not None


async def test_errors_are_the_same_here_and_there(generator: LlavaGenerator) -> None:
    turns = [Turn("user", (*[RED] * 14, "words " * 500))]
    async with served(service(generator)) as channel:
        remote = await RemoteGenerator.connect(channel)
        refusals = []
        for each in (generator, remote):
            with pytest.raises(InvalidInput) as refusal:
                await read(each.generate(turns, Limits()))
            refusals.append(refusal.value)
    here, there = refusals
    assert (there.reason, there.field, there.metadata) == (here.reason, here.field, here.metadata)
    assert str(there) == str(here)


async def test_a_client_that_goes_away_frees_the_model(generator: LlavaGenerator) -> None:
    async with served(service(generator)) as channel:
        remote = await RemoteGenerator.connect(channel)
        for _ in range(40):  # more than may wait at once, were they not dropped
            answer = remote.generate(CHATS[1], Limits(60))
            await anext(answer)
            await answer.aclose()
        await asyncio.wait_for(read(remote.generate(CHATS[0], Limits(2))), 10)


async def test_a_bad_picture_is_named_by_its_place(generator: LlavaGenerator) -> None:
    turn = common_pb2.Turn(role=common_pb2.ROLE_USER)
    turn.parts.add(text="Who?")
    turn.parts.add(image=common_pb2.Image(data=b"GIF89a"))
    async with served(service(generator)) as channel:
        stub = generation_pb2_grpc.GenerationStub(channel)
        request = generation_pb2.GenerationGenerateRequest(turns=[turn])
        with pytest.raises(InvalidInput) as refusal, calling("generation"):
            await stub.Generate(request).read()
    assert refusal.value.field == "turns[0].parts[1].image"
    assert "GIF" in str(refusal.value)


async def test_the_cache_key_reaches_the_model_elsewhere() -> None:
    engine = FakeEngine()
    async with engine.up():
        model = await EngineGenerator.connect(engine.url)
        async with served(service(model)) as channel:
            remote = await RemoteGenerator.connect(channel)
            for key in (b"anna", b"anna", b"ben"):
                assert "".join(await read(remote.generate(CHATS[1], Limits(), key)))
        await model.close()
    first, again, other = [request["cache_salt"] for request in engine.asked]
    assert first == again != other
