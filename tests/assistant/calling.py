"""The assistant over its own contract: a server on a free port, and stubs to call it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from kith.v1 import (
    assistant_pb2_grpc,
    common_pb2,
    memory_pb2,
    query_pb2,
    resources_pb2,
)
from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime import images
from services.runtime.calls import calling
from tests.assistant.world import Thing, open_store, paint
from tests.runtime.serving import served

PARENT = "users/me"


class Caller(NamedTuple):
    """One user's way to the server. Every failed call raises its `KithError`."""

    stub: assistant_pb2_grpc.AssistantStub
    user: str

    async def __call__(self, call: str, request: Any) -> Any:  # noqa: ANN401 - of any call
        with calling("assistant"):
            return await getattr(self.stub, call)(request, metadata=self.metadata)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("kith-user", self.user),)

    def by(self, user: str) -> "Caller":
        return self._replace(user=user)

    async def remember(self, name: str, *things: Thing, **more: Any) -> resources_pb2.Concept:  # noqa: ANN401
        operation = await self("Remember", wish(name, *things, **more))
        assert operation.done
        concept = resources_pb2.Concept()
        assert operation.response.Unpack(concept)
        return concept

    async def first(self, call: str, request: Any) -> Any:  # noqa: ANN401 - of any stream
        with calling("assistant"):
            return await anext(aiter(getattr(self.stub, call)(request, metadata=self.metadata)))

    async def ask(self, *parts: Any, **more: Any) -> tuple[str, query_pb2.GenerateEnd]:  # noqa: ANN401
        request = query_pb2.GenerateRequest(parent=PARENT, turns=[turn(*parts)], **more)
        return await self.ask_request(request)

    async def ask_request(
        self, request: query_pb2.GenerateRequest
    ) -> tuple[str, query_pb2.GenerateEnd]:
        with calling("assistant"):
            call = self.stub.Generate(request, metadata=self.metadata)
            *pieces, last = [response async for response in call]
        return "".join(piece.text for piece in pieces), last.end


@asynccontextmanager
async def answering(folder: Path, stages: Stages, by: str = "kith") -> AsyncIterator[Caller]:
    """An assistant whose memories lie in `folder`."""
    stores = Stores(lambda user: open_store(folder, user))
    async with served(servicer.service(Assistant(method(by), stages, stores))) as channel:
        yield Caller(assistant_pb2_grpc.AssistantStub(channel), "me")
    await stores.close()


def picture(photo: Image.Image) -> common_pb2.Image:
    return common_pb2.Image(data=images.encode(photo))


def new_view(thing: Thing) -> resources_pb2.NewView:
    x1, y1, x2, y2 = thing.box
    return resources_pb2.NewView(
        photo=picture(paint(thing)), box=common_pb2.Box(x1=x1, y1=y1, x2=x2, y2=y2)
    )


def wish(name: str, *things: Thing, **more: Any) -> memory_pb2.RememberRequest:  # noqa: ANN401
    concept = resources_pb2.Concept(
        display_name=name, category=things[0].category, description=f"<{name}> is a thing."
    )
    views = [new_view(thing) for thing in things]
    return memory_pb2.RememberRequest(parent=PARENT, concept=concept, views=views, **more)


def turn(*parts: str | Image.Image) -> common_pb2.Turn:
    return common_pb2.Turn(
        role=common_pb2.ROLE_USER,
        parts=[
            common_pb2.Part(text=part)
            if isinstance(part, str)
            else common_pb2.Part(image=picture(part))
            for part in parts
        ],
    )
