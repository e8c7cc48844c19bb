"""A service whose method trains, over painted photos: a server on a free port, and who calls it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from google.longrunning import operations_pb2, operations_pb2_grpc
from google.longrunning.operations_pb2 import Operation
from google.protobuf.duration_pb2 import Duration
from PIL import Image

from kith.v1 import assistant_pb2_grpc, common_pb2, memory_pb2, query_pb2, resources_pb2
from services.assistant.once import Once
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.baselines import servicer
from services.baselines.gathering import Gathering
from services.baselines.known import Known
from services.baselines.learner import Learner
from services.baselines.learning import Learning
from services.baselines.methods.base import Method
from services.baselines.personal import Personal
from services.baselines.pipeline import TrainedAssistant
from services.baselines.pool import Pool
from services.baselines.trainings import Limits, Trainings
from services.runtime.calls import calling
from services.runtime.profile import GeneratorSpec
from tests.assistant.calling import PARENT, picture, turn
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
    open_store,
    paint,
)
from tests.runtime.serving import served

BO = [Thing("dog", 10 + 2 * number) for number in range(5)]
LINA = [Thing("cat", 40 + 2 * number) for number in range(5)]
OTHERS = [Thing("mug", 5 * number) for number in range(6)]


class Caller(NamedTuple):
    """One user's way to the server. Every failed call raises its `KithError`."""

    assistant: assistant_pb2_grpc.AssistantStub
    operations: operations_pb2_grpc.OperationsStub
    user: str
    served: TrainedAssistant

    async def __call__(self, call: str, request: Any) -> Any:  # noqa: ANN401 - of any call
        of_operations = type(request).DESCRIPTOR.file.package == "google.longrunning"
        stub: Any = self.operations if of_operations else self.assistant
        with calling("assistant"):
            return await getattr(stub, call)(request, metadata=self.metadata)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("kith-user", self.user),)

    def by(self, user: str) -> "Caller":
        return self._replace(user=user)

    async def remember(self, name: str, things: list[Thing], **more: Any) -> Operation:  # noqa: ANN401
        operation: Operation = await self("Remember", wish(name, things, **more))
        return operation

    async def learn(self, name: str, things: list[Thing], **more: Any) -> resources_pb2.Concept:  # noqa: ANN401
        """Remembers, waits and gives the concept."""
        over = await self.over(await self.remember(name, things, **more))
        assert not over.HasField("error"), over.error
        concept = resources_pb2.Concept()
        assert over.response.Unpack(concept)
        return concept

    async def over(self, operation: Operation, timeout_s: int = 60) -> Operation:
        wait = operations_pb2.WaitOperationRequest(
            name=operation.name, timeout=Duration(seconds=timeout_s)
        )
        told: Operation = await self("WaitOperation", wait)
        assert told.done
        return told

    async def train(self, *names: str, **more: Any) -> Operation:  # noqa: ANN401
        request = memory_pb2.TrainConceptsRequest(parent=PARENT, concepts=names, **more)
        operation: Operation = await self("TrainConcepts", request)
        return operation

    async def get(self, concept: resources_pb2.Concept | str) -> resources_pb2.Concept:
        name = concept if isinstance(concept, str) else concept.name
        found: resources_pb2.Concept = await self(
            "GetConcept", memory_pb2.GetConceptRequest(name=name)
        )
        return found

    async def named(self, name: str) -> resources_pb2.Concept:
        request = memory_pb2.ListConceptsRequest(parent=PARENT, display_name=name)
        (found,) = (await self("ListConcepts", request)).concepts
        concept: resources_pb2.Concept = found
        return concept

    async def named_after(self, request: memory_pb2.RememberRequest) -> resources_pb2.Concept:
        """What a wish has become, once it is trained."""
        await self.over(await self("Remember", request))
        return await self.named(request.concept.display_name)

    async def ask(self, *parts: Any, **more: Any) -> tuple[str, query_pb2.GenerateEnd]:  # noqa: ANN401
        request = query_pb2.GenerateRequest(parent=PARENT, turns=[turn(*parts)], **more)
        with calling("assistant"):
            call = self.assistant.Generate(request, metadata=self.metadata)
            *pieces, last = [response async for response in call]
        return "".join(piece.text for piece in pieces), last.end

    async def recognize(self, photo: Image.Image, *names: str) -> list[query_pb2.Recognition]:
        request = query_pb2.RecognizeRequest(parent=PARENT, image=picture(photo), concepts=names)
        return list((await self("Recognize", request)).recognitions)


def wish(name: str, things: list[Thing], **more: Any) -> memory_pb2.RememberRequest:  # noqa: ANN401
    """Whole photos of a thing, and negatives unless the test has its own."""
    more.setdefault("negatives", [picture(paint(one)) for one in OTHERS])
    return memory_pb2.RememberRequest(
        parent=PARENT,
        concept=resources_pb2.Concept(display_name=name, category=things[0].category),
        views=[resources_pb2.NewView(photo=picture(paint(thing))) for thing in things],
        **more,
    )


def progress(operation: Operation) -> memory_pb2.TrainingProgress:
    remembering, training = memory_pb2.RememberMetadata(), memory_pb2.TrainingProgress()
    if operation.metadata.Unpack(remembering):
        return remembering.training
    assert operation.metadata.Unpack(training)
    return training


@asynccontextmanager
async def trained(
    folder: Path,
    spec: GeneratorSpec,
    method: Method,
    *,
    pool: Path | None = None,
    limits: Limits = Limits(8, 4),  # noqa: B008 - frozen
) -> AsyncIterator[TrainedAssistant]:
    """An assistant with its memory and artefacts in `folder`; each is another process to it."""
    stages = Stages(PaintDetector(), PaintEmbedder(), Parrot(), STRANGER_DISTANCE, 0.1)
    known = Known(folder / "artefacts", method, PaintEmbedder.name)
    stores = Stores(lambda user: open_store(folder, user), known.tidy)
    loop = asyncio.get_running_loop()

    async def load() -> Learner:
        embed = stages.embedder.embed_images
        return await asyncio.to_thread(Learner, spec, "cpu", method, embed, loop)

    learner = Once(load)
    place = pool and Pool(pool, stages.embedder, folder / "artefacts" / "pools")
    gathering = Gathering(stages, place, method.capabilities)
    learning = Learning(known, learner.get, gathering, stores)
    trainings = Trainings(known, learning, stores, limits)
    trainings.start()
    try:
        yield TrainedAssistant(
            Personal(known, learner.get),
            stages,
            stores,
            known=known,
            trainings=trainings,
            gathering=gathering,
        )
    finally:
        await trainings.close()
        if (made := learner.made) is not None:
            await asyncio.to_thread(made.close)
        await stores.close()


@asynccontextmanager
async def serving(
    folder: Path,
    spec: GeneratorSpec,
    method: Method,
    *,
    pool: Path | None = None,
    limits: Limits = Limits(8, 4),  # noqa: B008 - frozen
    **settings: Any,  # noqa: ANN401
) -> AsyncIterator[Caller]:
    """The same behind its contract; `settings` are the server's."""
    async with (
        trained(folder, spec, method, pool=pool, limits=limits) as assistant,
        served(*servicer.services(assistant), **settings) as channel,
    ):
        yield Caller(
            assistant_pb2_grpc.AssistantStub(channel),  # type: ignore[arg-type]
            operations_pb2_grpc.OperationsStub(channel),
            "me",
            assistant,
        )


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Waits until something holds."""
    for _ in range(int(seconds / 0.02)):
        if await holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came")


def image_of(thing: Thing) -> common_pb2.Image:
    return picture(paint(thing))
