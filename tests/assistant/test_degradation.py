"""What can't be reached: an answer does without it and says so; everything else is UNAVAILABLE."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kith.errors import Overloaded, Unavailable
from kith.v1 import assistant_pb2_grpc, memory_pb2, query_pb2
from memory_db import ConceptStore
from services.assistant import prompts, servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from tests.assistant.calling import PARENT, Caller, picture, wish
from tests.assistant.world import Parrot, Thing, open_store, paint
from tests.runtime.serving import served

DOG, MUG = Thing("dog", 10, (0, 0, 20, 20)), Thing("mug", 20, (60, 0, 80, 20))
Degradation = query_pb2.Degradation


def unreachable(what: str) -> Unavailable:
    return Unavailable(f"{what}: can't be reached; start it", reason="SERVICE_UNREACHABLE")


@dataclass
class Outage:
    """What is down at the moment."""

    monkeypatch: pytest.MonkeyPatch
    stages: Stages
    memory: Unavailable | None = None
    stores: list[ConceptStore] = field(default_factory=list)

    def of_stage(self, stage: str, error: Exception) -> None:
        async def fail(*_: object) -> None:
            raise error

        if stage == "detection":
            self.monkeypatch.setattr(self.stages.detector, "detect", fail)
            self.monkeypatch.setattr(self.stages.detector, "vocabulary", fail)
        else:
            self.monkeypatch.setattr(self.stages.embedder, "embed_images", fail)

    def of_open_memories(self) -> None:
        """The server that keeps them goes away under stores that are open."""

        def fail(*_: object, **__: object) -> None:
            raise unreachable("memory")

        for store in self.stores:
            for name in ("get", "scroll", "search", "count", "upsert", "purge"):
                self.monkeypatch.setattr(store._index, name, fail)

    def is_over(self) -> None:
        self.monkeypatch.undo()
        self.memory = None


@pytest.fixture
def outage(monkeypatch: pytest.MonkeyPatch, stages: Stages) -> Outage:
    return Outage(monkeypatch, stages)


@pytest.fixture(params=["kith", "rap"])
async def me(
    memory_folder: Path, stages: Stages, outage: Outage, request: pytest.FixtureRequest
) -> AsyncIterator[Caller]:
    def open_unless_out(user: str) -> ConceptStore:
        if outage.memory:
            raise outage.memory
        outage.stores.append(open_store(memory_folder, user))
        return outage.stores[-1]

    stores = Stores(open_unless_out)
    assistant = Assistant(method(request.param), stages, stores)
    async with served(servicer.service(assistant)) as channel:
        yield Caller(assistant_pb2_grpc.AssistantStub(channel), "me")
    outage.is_over()
    await stores.close()


async def test_nothing_is_said_to_be_missing_when_nothing_is(me: Caller) -> None:
    await me.remember("bo", DOG)
    _, end = await me.ask(paint(DOG), "Who?")
    assert [one.display_name for one in end.concepts] == ["bo"]
    assert not end.HasField("degradation")


@pytest.mark.parametrize("opened", [False, True])
async def test_without_the_memory_the_plain_model_answers_and_says_so(
    me: Caller, outage: Outage, parrot: Parrot, opened: bool
) -> None:
    if opened:
        await me.remember("bo", DOG)
        outage.of_open_memories()
    else:
        outage.memory = unreachable("memory")
    text, end = await me.ask(paint(DOG), "Is <bo> here?")
    assert text == "The memory is away, so nobody is known by name for now.\nA thing on black."
    assert not end.concepts
    assert end.degradation.loss == Degradation.LOSS_MEMORY
    assert end.degradation.reason == "SERVICE_UNREACHABLE"
    assert end.degradation.message == "memory: can't be reached; start it"
    pictures = [part for part in parrot.asked[-1][0].parts if not isinstance(part, str)]
    assert len(pictures) == 1

    outage.is_over()
    if not opened:
        await me.remember("bo", DOG)
    _, end = await me.ask(paint(DOG), "Is <bo> here?")
    assert [one.display_name for one in end.concepts] == ["bo"]
    assert not end.HasField("degradation")


@pytest.mark.parametrize("stage", ["detection", "embedding"])
async def test_without_a_look_at_the_photo_what_the_text_names_is_drawn_on(
    me: Caller, outage: Outage, parrot: Parrot, stage: str
) -> None:
    await me.remember("bo", DOG)
    await me.remember("cup", MUG)
    outage.of_stage(stage, unreachable(stage))
    text, end = await me.ask(paint(DOG), "Who?")
    assert text.startswith("The photos can't be searched for known concepts now: ")
    assert not end.concepts
    assert end.degradation.loss == Degradation.LOSS_PHOTOS
    assert end.degradation.message.startswith(stage)
    _, end = await me.ask(paint(DOG), "Where could <cup> be?")
    assert [one.display_name for one in end.concepts] == ["cup"]
    parrot.asked.clear()
    await me.ask(paint(DOG), "Describe what <cup> is doing.")
    words = prompts.text_of(parrot.asked[0][0])
    assert (len(parrot.asked), "een here" in words) == (1, False)  # nor is it asked on about
    _, end = await me.ask("Where is <cup>?")  # nothing to look at, so nothing is missing
    assert not end.HasField("degradation")


async def test_an_answer_without_the_memory_by_wish_lacks_nothing(
    me: Caller, outage: Outage
) -> None:
    outage.memory = unreachable("memory")
    text, end = await me.ask("Hello?", given_concepts=query_pb2.GivenConcepts())
    assert text
    assert not end.HasField("degradation")


async def test_concepts_that_are_asked_for_by_name_are_never_left_out_silently(
    me: Caller, outage: Outage
) -> None:
    outage.memory = unreachable("memory")
    with pytest.raises(Unavailable):
        await me.ask("Who?", given_concepts=query_pb2.GivenConcepts(concepts=["bo"]))


async def test_a_stage_with_too_much_to_do_is_asked_again_later(me: Caller, outage: Outage) -> None:
    await me.remember("bo", DOG)
    full = Overloaded("detector: full", reason="MODEL_QUEUE_FULL", retry_after_s=2)
    outage.of_stage("detection", full)
    with pytest.raises(Overloaded) as refused:
        await me.ask(paint(DOG), "Who?")
    assert refused.value.retry_after_s == 2


async def test_without_the_memory_all_other_calls_are_unavailable(
    me: Caller, outage: Outage
) -> None:
    outage.memory = unreachable("memory")
    retrieve = query_pb2.RetrieveRequest(parent=PARENT, images=[picture(paint(DOG))])
    for call, request in (
        ("Retrieve", retrieve),
        ("Remember", wish("bo", DOG)),
        ("ListConcepts", memory_pb2.ListConceptsRequest(parent=PARENT)),
    ):
        with pytest.raises(Unavailable):
            await me(call, request)


async def test_without_the_language_model_who_is_seen_is_listed(me: Caller, parrot: Parrot) -> None:
    await me.remember("bo", DOG)
    parrot.error = unreachable("generation")
    text, end = await me.ask(paint(DOG), "Who?")
    assert text.startswith("Seen here: <bo>.")
    assert [one.display_name for one in end.concepts] == ["bo"]
    assert end.degradation.loss == Degradation.LOSS_WORDS
    assert end.degradation.message == "generation: can't be reached; start it"
    parrot.error = None
    text, end = await me.ask(paint(DOG), "Who?")
    assert not text.startswith("Seen here")
    assert not end.HasField("degradation")


async def test_without_the_language_model_and_with_nobody_seen_there_is_no_answer(
    me: Caller, parrot: Parrot
) -> None:
    await me.remember("bo", DOG)
    parrot.error = unreachable("generation")
    with pytest.raises(Unavailable):
        await me.ask("Where could <bo> be?")
