"""The edits of a memory as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Final

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from kith.errors import KithError
from kith.v1 import memory_pb2
from services.gateway import errors, observe, schema
from services.gateway.openapi import asks
from services.gateway.rest import Called, as_json
from services.gateway.streaming import begun, until

router = APIRouter(tags=["memory"])

_FAREWELL_S: Final = 2.0
"""Given to a stream to end in order when the gateway stops."""

_EVENTS = {"text/event-stream": {"schema": schema.ref(memory_pb2.WatchConceptsResponse)}}


@router.get(
    "/v1/watch",
    openapi_extra=asks(memory_pb2.WatchConceptsRequest),
    responses={200: {"description": "Events; the data of each is an edit", "content": _EVENTS}},
    response_class=EventSourceResponse,
)
async def watch(call: Called) -> Response:
    """Follow the edits of the memory, whoever makes them. `Last-Event-ID` goes on after a break."""
    request = call.query(memory_pb2.WatchConceptsRequest)
    request.resume_token = call.request.headers.get("last-event-id", request.resume_token)
    edits = await begun(call.request, call.stream("WatchConcepts", request))
    stopping = anyio.Event()  # set as soon as the gateway is told to stop
    return EventSourceResponse(
        _events(call.request, until(stopping, edits)),
        shutdown_event=stopping,
        shutdown_grace_period=_FAREWELL_S,
    )


async def _events(
    request: Request, edits: AsyncIterator[memory_pb2.WatchConceptsResponse]
) -> AsyncIterator[ServerSentEvent]:
    try:
        async for edit in edits:
            yield ServerSentEvent(json.dumps(as_json(edit)), id=edit.resume_token)
    except KithError as error:
        observe.failed(request, error)
        yield ServerSentEvent(json.dumps(errors.rest_body(error)), event="failed")
