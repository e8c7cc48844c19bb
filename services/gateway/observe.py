"""What an operator sees of each request; never what a user wrote."""

from collections.abc import AsyncIterator
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kith.errors import KithError
from services.gateway import errors
from services.runtime import hop
from services.runtime.observe import Outcome, observed

router = APIRouter(tags=["operation"])

_BUG: Final = KithError("", reason="INTERNAL")


@router.get("/metrics", response_class=Response)
def metrics() -> Response:
    """Counts and times for Prometheus."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


async def watched(request: Request) -> AsyncIterator[None]:
    """Logs, counts and times the request until its answer has been sent."""
    # By the route, since a path holds ids and there would be no end of them.
    method = f"{request.method} {request.scope['route'].path}"
    request_id = hop.current_request_id() or ""
    with observed(method, dict(request.headers), request_id) as outcome:
        request.state.outcome = outcome
        try:
            yield
        except Exception as error:
            failed(request, errors.known(error, request) or _BUG)
            raise


def failed(request: Request, error: KithError) -> None:
    """Writes down how a watched request ended; who tells of it in a stream says so here."""
    outcome: Outcome = request.state.outcome
    outcome.code, outcome.reason = error.status, error.reason
