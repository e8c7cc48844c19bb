"""Calls that look at the memory and edit it (`memory.proto`)."""
# ruff: noqa: N802, D102  (the contract names the calls and describes them)

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from kith.errors import Refused
from kith.v1 import memory_pb2, resources_pb2
from services.assistant import concepts
from services.assistant.pipeline import Assistant, Caller
from services.assistant.remember import Similar, Wish, check, remember
from services.assistant.views import Photo
from services.runtime.wire import read_box, read_image, read_images

Context = grpc.aio.ServicerContext[Any, Any]

TEXTS = ("display_name", "category", "description")


class MemoryCalls:
    """See `kith.v1.Assistant`. What only methods that train use is left unread."""

    assistant: Assistant

    async def Remember(
        self, request: memory_pb2.RememberRequest, context: Context
    ) -> operations_pb2.Operation:
        caller = await self.assistant.caller(request.parent)
        wish = Wish(
            request.concept.display_name,
            request.concept.category,
            request.concept.description,
            await read_photos(request.views),
            request.request_id,
        )
        if request.validate_only:
            similar = await check(self.assistant.stages, caller.store, wish)
            return checked(caller, request.concept, similar)
        made = await remember(self.assistant.stages, caller.store, wish)
        return _done(caller, caller.write.concept(made.concept), made.similar)

    async def TrainConcepts(
        self, request: memory_pb2.TrainConceptsRequest, context: Context
    ) -> operations_pb2.Operation:
        caller = await self.assistant.caller(request.parent)
        for name in request.concepts:
            await concepts.get(caller.store, caller.names.concept_id(name))
        raise Refused(
            f"method: {self.assistant.method.name!r} does not train; its concepts are ready as "
            "soon as they are remembered",
            reason="METHOD_DOES_NOT_TRAIN",
        )

    async def GetConcept(
        self, request: memory_pb2.GetConceptRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        return caller.write.concept(await concepts.get(caller.store, concept_id))

    async def ListConcepts(
        self, request: memory_pb2.ListConceptsRequest, context: Context
    ) -> memory_pb2.ListConceptsResponse:
        caller = await self.assistant.caller(request.parent)
        wanted = concepts.Filter(request.category, request.display_name, request.show_deleted)
        page = await concepts.list_page(caller.store, wanted, request.page_size, request.page_token)
        return memory_pb2.ListConceptsResponse(
            concepts=map(caller.write.concept, page.concepts), next_page_token=page.next_page_token
        )

    async def UpdateConcept(
        self, request: memory_pb2.UpdateConceptRequest, context: Context
    ) -> resources_pb2.Concept:
        new = request.concept
        caller = await self.assistant.caller(new.name)
        fields = request.update_mask.paths or [field for field in TEXTS if getattr(new, field)]
        texts = {field: getattr(new, field) for field in fields}
        concept = await concepts.update(
            caller.store,
            caller.names.concept_id(new.name),
            new.etag,
            name=texts.get("display_name"),
            category=texts.get("category"),
            description=texts.get("description"),
        )
        return caller.write.concept(concept)

    async def GetView(
        self, request: memory_pb2.GetViewRequest, context: Context
    ) -> resources_pb2.View:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        view_id = caller.names.view_id(request.name, concept_id)
        view, photo = await concepts.get_view(caller.store, concept_id, view_id)
        return caller.write.view(concept_id, view, photo)

    async def AddViews(
        self, request: memory_pb2.AddViewsRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept = await concepts.add_views(
            self.assistant.stages,
            caller.store,
            caller.names.concept_id(request.name),
            await read_photos(request.views),
            request.etag,
            request.request_id,
        )
        return caller.write.concept(concept)

    async def RemoveViews(
        self, request: memory_pb2.RemoveViewsRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        view_ids = [caller.names.view_id(name, concept_id) for name in request.views]
        concept = await concepts.remove_views(caller.store, concept_id, view_ids, request.etag)
        return caller.write.concept(concept)

    async def RejectMatch(
        self, request: memory_pb2.RejectMatchRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        box = read_box(request.box) if request.HasField("box") else None
        concept = await concepts.reject(
            self.assistant.method,
            self.assistant.stages,
            caller.store,
            caller.names.concept_id(request.name),
            Photo(await read_image(request.photo, field="photo"), box),
            request.request_id,
        )
        return caller.write.concept(concept)

    async def Forget(
        self, request: memory_pb2.ForgetRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        return caller.write.concept(await concepts.forget(caller.store, concept_id, request.etag))

    async def Unforget(
        self, request: memory_pb2.UnforgetRequest, context: Context
    ) -> resources_pb2.Concept:
        caller = await self.assistant.caller(request.name)
        concept_id = caller.names.concept_id(request.name)
        return caller.write.concept(await concepts.unforget(caller.store, concept_id))


async def read_photos(views: Sequence[resources_pb2.NewView]) -> list[Photo]:
    """The photos of a request with their boxes, decoded off the event loop.

    Raises:
        InvalidInput: One can't be read.
        Overloaded: Other requests' pictures fill the memory.
    """
    pictures = await read_images(
        {f"views[{number}].photo": view.photo for number, view in enumerate(views)}
    )
    boxes = [read_box(view.box) if view.HasField("box") else None for view in views]
    return [
        Photo(picture, box, f"views[{number}]")
        for number, (picture, box) in enumerate(zip(pictures, boxes, strict=True))
    ]


def checked(
    caller: Caller, wanted: resources_pb2.Concept, similar: Iterable[Similar]
) -> operations_pb2.Operation:
    """What is answered when a wish was only to be checked."""
    texts = {field: getattr(wanted, field) for field in TEXTS}
    return _done(caller, resources_pb2.Concept(**texts), similar)


def _done(
    caller: Caller, response: Message, similar: Iterable[Similar]
) -> operations_pb2.Operation:
    """An operation that is over as soon as it is there: nothing is trained."""
    operation = operations_pb2.Operation(name=f"operations/{uuid.uuid4()}", done=True)
    operation.response.Pack(response)
    operation.metadata.Pack(
        memory_pb2.RememberMetadata(similar_concepts=map(caller.write.similar, similar))
    )
    return operation
