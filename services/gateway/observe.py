"""What an operator sees of each request; never what a user wrote."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from kith.errors import KithError
from services.runtime import hop
from services.runtime.observe import observed

router = APIRouter(tags=["operation"])


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
        try:
            yield
        except KithError as error:
            outcome.code, outcome.reason = error.status, error.reason
            raise
        except RequestValidationError:
            outcome.code, outcome.reason = "INVALID_ARGUMENT", "FIELD_INVALID"
            raise
        except Exception:
            outcome.code, outcome.reason = "INTERNAL", "INTERNAL"
            raise
