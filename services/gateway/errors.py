"""A failed request's answer: the HTTP status and one JSON body that names reason and field.

Requests of the OpenAI API are answered in OpenAI's own form, all others with
`{"error": {"status", "reason", "message", "field"}}`.
"""

import itertools
import logging
import math
import secrets
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from kith.errors import InvalidInput, KithError, NotFound, Overloaded, Unauthenticated
from services.gateway import bodies, observe

_OPENAI_PATHS: Final = ("/v1/chat/", "/v1/models")

_CODES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "INVALID_ARGUMENT": 400,
        "FAILED_PRECONDITION": 400,
        "UNAUTHENTICATED": 401,
        "NOT_FOUND": 404,
        "ALREADY_EXISTS": 409,
        "ABORTED": 409,
        "RESOURCE_EXHAUSTED": 429,
        "UNAVAILABLE": 503,
        "CANCELLED": 499,
    }
)
"""HTTP status by that of gRPC, as google.rpc.Code maps them; 500 for any other."""

_NARROWER: Final[Mapping[str, int]] = MappingProxyType(
    {
        "ORIGIN_FORBIDDEN": 403,
        "METHOD_NOT_ALLOWED": 405,
        "BODY_SILENT": 408,
        "BODY_TOO_LARGE": 413,
        "MEDIA_TYPE_UNSUPPORTED": 415,
        "HOST_UNKNOWN": 421,
    }
)
"""HTTP status by reason, where HTTP has a word of its own."""

_TYPES: Final[Mapping[int, str]] = MappingProxyType({401: "authentication_error"})
"""OpenAI's type of an error where its status does not tell."""

_log = logging.getLogger(__name__)


def http_status(error: KithError) -> int:
    """The HTTP status that stands for `error`."""
    return _NARROWER.get(error.reason) or _CODES.get(error.status, 500)


def rest_body(error: KithError) -> dict[str, Any]:
    """`error` as REST tells it."""
    return {
        "error": {
            "status": error.status,
            "reason": error.reason,
            "message": str(error),
            "field": error.field,
        }
    }


def openai_body(error: KithError) -> dict[str, Any]:
    """`error` as OpenAI's clients expect it."""
    status = http_status(error)
    kind = "server_error" if status >= 500 else "invalid_request_error"
    if status == 429:
        kind = "rate_limit_error"
    return {
        "error": {
            "message": str(error),
            "type": _TYPES.get(status, kind),
            "param": error.field,
            "code": error.reason.lower(),
        }
    }


def response(error: KithError, path: str) -> Response:
    """The answer to a request of `path` that failed with `error`."""
    headers = {}
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(math.ceil(error.retry_after_s))
    body = openai_body(error) if path.startswith(_OPENAI_PATHS) else rest_body(error)
    return JSONResponse(body, http_status(error), headers)


def too_large() -> InvalidInput:
    """The refusal of a body with too many bytes."""
    return InvalidInput(
        "body: too many bytes; send smaller photos, or upload them one by one",
        reason="BODY_TOO_LARGE",
        field="body",
    )


def unexpected(error: Exception, path: str) -> KithError:
    """What a caller is told of a bug of ours: its text may hold user content, so its type."""
    incident = secrets.token_hex(4)
    # uvicorn logs the traceback as soon as the answer is on its way.
    _log.error("incident %s in %s, traceback follows", incident, path)
    return KithError(
        f"Kith failed ({type(error).__name__}); the gateway's log has it as incident {incident}",
        reason="INTERNAL",
    )


def known(error: Exception, request: Request) -> KithError | None:
    """What a caller is told of `error`; None when it is a bug of ours."""
    path: str = request.scope["path"]
    match error:
        case KithError():
            return error
        case RequestValidationError():
            return _first(error)
        # Where FastAPI reads the body itself, it takes this for a body that is malformed.
        case ClientDisconnect() | HTTPException(__cause__=ClientDisconnect()):
            return bodies.broken_off(request.scope)
        case HTTPException(status_code=405):
            what = f"{request.method} is not for {path}; see /docs"
            return InvalidInput(what, reason="METHOD_NOT_ALLOWED")
        case HTTPException(status_code=404):
            what = f"there is nothing at {path[:200]}; see /docs"
            return NotFound(what, reason="PATH_NOT_FOUND")
        case HTTPException(status_code=413):
            return too_large()
        case HTTPException():
            return InvalidInput(str(error.detail), reason="REQUEST_INVALID")
    return None


def handle_errors(app: FastAPI) -> None:
    """Gives every failed request of `app` its answer."""

    def answer(request: Request, error: Exception) -> Response:
        path: str = request.scope["path"]
        told = known(error, request) or unexpected(error, path)
        observe.failed(request, told)
        return response(told, path)

    for kind in (KithError, RequestValidationError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, answer)


def _first(error: RequestValidationError) -> InvalidInput:
    """The first problem of a request that FastAPI refuses."""
    problem = error.errors()[0]
    # The first says only where: body, path or query. One that repeats is the kind of a part.
    path = [part for part, _ in itertools.groupby(problem["loc"][1:])]
    field = ""
    for part in path:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    if problem["type"] == "json_invalid":
        return InvalidInput("body: not JSON; send an object", reason="BODY_INVALID", field="body")
    what = problem["msg"].removeprefix("Value error, ")
    if problem["type"] != "value_error" and isinstance(problem["input"], str | int | float | None):
        what += f", not {problem['input']!r:.80}"
    name = field or "body"
    return InvalidInput(f"{name}: {what}", reason="FIELD_INVALID", field=name)
