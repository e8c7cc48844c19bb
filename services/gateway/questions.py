"""REST on questions to the memory that no language model answers."""

from fastapi import APIRouter
from fastapi.responses import Response

from kith.v1 import query_pb2
from services.gateway.openapi import gives, takes
from services.gateway.rest import Called, reply

router = APIRouter(tags=["questions"])


@router.post(
    "/v1/retrieve",
    openapi_extra=takes(query_pb2.RetrieveRequest),
    responses=gives(query_pb2.RetrieveResponse),
)
async def retrieve(call: Called) -> Response:
    """Find the concepts that photos show, and where."""
    return await reply(await call.look("Retrieve", await call.read(query_pb2.RetrieveRequest)))


@router.post(
    "/v1/recognize",
    openapi_extra=takes(query_pb2.RecognizeRequest),
    responses=gives(query_pb2.RecognizeResponse),
)
async def recognize(call: Called) -> Response:
    """Say of each concept whether the photo shows it."""
    return await reply(await call.look("Recognize", await call.read(query_pb2.RecognizeRequest)))


@router.get("/v1/capabilities", responses=gives(query_pb2.Capabilities))
async def capabilities(call: Called) -> Response:
    """What the method behind the assistant needs and can do."""
    return await reply(await call.ask("GetCapabilities", query_pb2.GetCapabilitiesRequest()))
