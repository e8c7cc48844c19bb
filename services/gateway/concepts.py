"""REST on the memory: remember, look up, edit, reject, forget."""

import asyncio
import math
from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response
from google.protobuf.field_mask_pb2 import FieldMask

from kith import replies
from kith.messages import Training
from kith.v1 import memory_pb2, resources_pb2
from kith.verbs.calls import PARENT
from services.gateway import schema
from services.gateway.openapi import asks, gives, takes, takes_schema
from services.gateway.rest import Called, ConceptId, ViewId, message_of, reply, result

router = APIRouter(tags=["memory"])

_WORDS: Final = ("display_name", "category", "description")
_EDITABLE: Final = (*_WORDS, "etag")

_edit: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        name: field
        for name, field in schema.fields(resources_pb2.Concept).items()
        if name in _EDITABLE
    },
}


@router.get(
    "/v1/concepts",
    openapi_extra=asks(memory_pb2.ListConceptsRequest),
    responses=gives(memory_pb2.ListConceptsResponse),
)
async def list_concepts(call: Called) -> Response:
    """A page of concepts, the oldest first."""
    return await reply(await call.ask("ListConcepts", call.query(memory_pb2.ListConceptsRequest)))


@router.post(
    "/v1/concepts",
    openapi_extra=takes(memory_pb2.RememberRequest),
    responses=gives(resources_pb2.Concept),
)
async def remember(call: Called) -> Response:
    """Remember a concept by one or more photos of it.

    One that has to be trained comes back in STATE_TRAINING. Kith-Operation names the training, as
    in `GET /v1/operations/{operation}`, and Retry-After tells when it will be over, in seconds, as
    far as that is known.
    """
    operation = await call.ask("Remember", await call.read(memory_pb2.RememberRequest))
    training = replies.training(operation)
    if training is None or operation.done:
        return await reply(result(operation, resources_pb2.Concept))
    request = memory_pb2.GetConceptRequest(name=training.concepts[0])
    return _in_training(await reply(await call.ask("GetConcept", request)), training)


@router.post(
    "/v1/concepts:train",
    openapi_extra=takes(memory_pb2.TrainConceptsRequest),
    responses=gives(memory_pb2.TrainConceptsResponse),
)
async def train(call: Called) -> Response:
    """Train concepts by the views they have now, where the method trains.

    They come back in STATE_TRAINING, with the headers that `POST /v1/concepts` has.
    """
    request = await call.read(memory_pb2.TrainConceptsRequest)
    operation = await call.ask("TrainConcepts", request)
    if operation.done:
        return await reply(result(operation, memory_pb2.TrainConceptsResponse))
    asked = [memory_pb2.GetConceptRequest(name=name) for name in request.concepts]
    found = [await call.ask("GetConcept", one) for one in asked]
    answer = await reply(memory_pb2.TrainConceptsResponse(concepts=found))
    return _in_training(answer, replies.training(operation))


@router.post(
    "/v1/concepts:check",
    openapi_extra=takes(memory_pb2.RememberRequest),
    responses=gives(memory_pb2.RememberMetadata),
)
async def check(call: Called) -> Response:
    """Say which concepts the photos look like already; nothing is remembered."""
    request = await call.read(memory_pb2.RememberRequest)
    request.validate_only = True
    operation = await call.look("Remember", request)
    metadata = memory_pb2.RememberMetadata()
    operation.metadata.Unpack(metadata)
    return await reply(metadata)


@router.get("/v1/concepts/{concept}", responses=gives(resources_pb2.Concept))
async def get(call: Called, concept: ConceptId) -> Response:
    """One concept, with its views but not their photos."""
    request = memory_pb2.GetConceptRequest(name=_name(concept))
    return await reply(await call.ask("GetConcept", request))


@router.patch(
    "/v1/concepts/{concept}",
    openapi_extra=takes_schema(_edit),
    responses=gives(resources_pb2.Concept),
)
async def update(call: Called, concept: ConceptId) -> Response:
    """Change the words that are given; with an etag, only if nobody was faster."""
    body = await call.json()
    wanted = await asyncio.to_thread(message_of, body, resources_pb2.Concept)
    wanted.name = _name(concept)
    fields = resources_pb2.Concept.DESCRIPTOR.fields_by_name
    given = [name for name in _WORDS if body.keys() & {name, fields[name].json_name}]
    request = memory_pb2.UpdateConceptRequest(concept=wanted, update_mask=FieldMask(paths=given))
    return await reply(await call.ask("UpdateConcept", request))


@router.delete(
    "/v1/concepts/{concept}",
    openapi_extra=asks(memory_pb2.ForgetRequest, "etag"),
    responses=gives(resources_pb2.Concept),
)
async def forget(call: Called, concept: ConceptId) -> Response:
    """Forget a concept at once; until its `purge_time` it can be brought back."""
    request = call.query(memory_pb2.ForgetRequest)
    request.name = _name(concept)
    return await reply(await call.ask("Forget", request))


@router.post("/v1/concepts/{concept}:unforget", responses=gives(resources_pb2.Concept))
async def unforget(call: Called, concept: ConceptId) -> Response:
    """Bring a forgotten concept back."""
    request = memory_pb2.UnforgetRequest(name=_name(concept))
    return await reply(await call.ask("Unforget", request))


@router.post(
    "/v1/concepts/{concept}:reject",
    openapi_extra=takes(memory_pb2.RejectMatchRequest),
    responses=gives(resources_pb2.Concept),
)
async def reject(call: Called, concept: ConceptId) -> Response:
    """Say that a photo, or the box in it, does not show the concept; it is heeded at once."""
    request = await call.read(memory_pb2.RejectMatchRequest)
    request.name = _name(concept)
    return await reply(await call.ask("RejectMatch", request))


@router.post(
    "/v1/concepts/{concept}/views",
    openapi_extra=takes(memory_pb2.AddViewsRequest),
    responses=gives(resources_pb2.Concept),
)
async def add_views(call: Called, concept: ConceptId) -> Response:
    """Add photos to a concept."""
    request = await call.read(memory_pb2.AddViewsRequest)
    request.name = _name(concept)
    return await reply(await call.ask("AddViews", request))


@router.delete(
    "/v1/concepts/{concept}/views/{view}",
    openapi_extra=asks(memory_pb2.RemoveViewsRequest, "etag"),
    responses=gives(resources_pb2.Concept),
)
async def remove_view(call: Called, concept: ConceptId, view: ViewId) -> Response:
    """Remove a view; one that shows the concept must remain."""
    request = call.query(memory_pb2.RemoveViewsRequest)
    request.name = _name(concept)
    request.views.append(f"{request.name}/views/{view}")
    return await reply(await call.ask("RemoveViews", request))


def _in_training(answer: Response, training: Training | None) -> Response:
    """The answer, saying which training to ask after, and when, as far as that is known."""
    if training is not None:
        answer.headers["Kith-Operation"] = training.operation
        if training.remaining_s is not None:
            answer.headers["Retry-After"] = str(math.ceil(training.remaining_s))
    return answer


def _name(concept: str) -> str:
    return f"{PARENT}/concepts/{concept}"
