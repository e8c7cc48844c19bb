"""REST on trainings: which wait or run, how far each is, and an end to one.

They are the operations of the assistant, as google.longrunning has them.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from fastapi.responses import Response
from google.longrunning import operations_pb2
from google.protobuf.message import Message

from kith.v1 import query_pb2
from kith.verbs.training import require_training
from services.gateway.openapi import asks, gives
from services.gateway.rest import Call, Called, reply

router = APIRouter(tags=["trainings"])

OperationId = Annotated[
    str, Path(pattern="^[A-Za-z0-9-]{1,64}$", description="The last part of `operations/{id}`.")
]


@router.get(
    "/v1/operations",
    openapi_extra=asks(operations_pb2.ListOperationsRequest, "page_size", "page_token"),
    responses=gives(operations_pb2.ListOperationsResponse),
)
async def list_operations(call: Called) -> Response:
    """A page of trainings: those that wait or run, and the last ones that are over."""
    request = call.query(operations_pb2.ListOperationsRequest)
    request.name = "operations"
    return await reply(await _ask(call, "ListOperations", request))


@router.get("/v1/operations/{operation}", responses=gives(operations_pb2.Operation))
async def get_operation(call: Called, operation: OperationId) -> Response:
    """One training: how far it is, or what came of it."""
    return await reply(await _find(call, operation))


@router.post("/v1/operations/{operation}:cancel", responses=gives(operations_pb2.Operation))
async def cancel_operation(call: Called, operation: OperationId) -> Response:
    """End a training, at once or after the step in hand; one that is over stays as it is.

    Its concepts stay, and are known again once they are trained.
    """
    request = operations_pb2.CancelOperationRequest(name=_name(operation))
    await _ask(call, "CancelOperation", request)
    return await reply(await _find(call, operation))


async def _find(call: Call, operation: str) -> operations_pb2.Operation:
    request = operations_pb2.GetOperationRequest(name=_name(operation))
    found: operations_pb2.Operation = await _ask(call, "GetOperation", request)
    return found


async def _ask(call: Call, rpc: str, request: Message) -> Any:  # noqa: ANN401 - as the call answers
    """The answer of the assistant's operations.

    Raises:
        Refused: Its method does not train, so that it has none.
    """
    require_training(await call.ask("GetCapabilities", query_pb2.GetCapabilitiesRequest()))
    return await call.ask(rpc, request, service="Operations")


def _name(operation: str) -> str:
    return f"operations/{operation}"
