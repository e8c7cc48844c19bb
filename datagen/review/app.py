"""The server of the review page: it knows its reviewers by the names that they give.

On this machine alone it lets everybody in, over a network those who have its whole address.
"""

import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final, Literal

import uvicorn
from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from datagen.finished import opened_for
from datagen.review.admission import TOKEN, Admission
from datagen.review.desk import Desk
from datagen.review.opinions import CAUSES, Opinion
from kith.errors import KithError, NotFound, Refused

HOST: Final = "127.0.0.1"
_LOOPBACK: Final = (HOST, "localhost")
_WEB: Final = Path(__file__).with_name("web")
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class Said(BaseModel):
    """What the page sends when a reviewer decides."""

    file_name: str
    reviewer: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^\S(.*\S)?$")]
    decision: Literal["keep", "reject", "withdrawn"]
    cause: str = ""


def review_app(desk: Desk, token: str = "") -> Starlette:
    """The page and what it asks for.

    Args:
        desk: What is reviewed.
        token: What a browser has to bring, see `Admission`; empty lets in whoever calls this
            machine by its own name.
    """

    async def page(request: Request) -> Response:
        return FileResponse(_WEB / "index.html")

    async def dataset(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(desk.told))

    async def file(request: Request) -> Response:
        return FileResponse(desk.path(request.path_params["file"]))

    async def opinion(request: Request) -> Response:
        # Another site's page can send no JSON here: a browser asks us first, and we don't answer.
        if request.headers.get("content-type") != "application/json":
            return _problem("send application/json", 415)
        try:
            said = Said.model_validate_json(await request.body())
        except ValidationError as error:
            return _problem("; ".join(one["msg"] for one in error.errors()), 400)
        if (said.cause in CAUSES) != (said.decision == "reject"):
            return _problem(f"cause: one of {', '.join(CAUSES)} for a reject, else none", 400)
        given = Opinion(said.decision, said.cause)
        told = await run_in_threadpool(desk.record, said.file_name, said.reviewer, given)
        return JSONResponse(told)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/dataset", dataset),
            Route("/files/{file:path}", file),
            Route("/opinions", opinion, methods=["POST"]),
            Mount("/static", StaticFiles(directory=_WEB)),
        ],
        middleware=[
            Middleware(BaseHTTPMiddleware, dispatch=_guarded),
            Middleware(BaseHTTPMiddleware, dispatch=Admission(token))
            if token
            else Middleware(TrustedHostMiddleware, allowed_hosts=list(_LOOPBACK)),
        ],
        exception_handlers={KithError: _failed},
    )


def serve(out: Path, host: str, port: int, announce: Callable[[str], None]) -> None:
    """Serve the review of a dataset until Ctrl-C.

    Args:
        out: The dataset's folder.
        host: The address to listen at. Another than this machine's own wants a token of each
            browser: a new one each time, which stands in the page's address.
        port: 0 for a free one.
        announce: Called with the page's address once it can be asked for.

    Raises:
        InvalidInput: There is no dataset, or it is not finished.
        Refused: It is being made, cleaned or reviewed, or the address or port can't be had.
    """
    token = "" if host in _LOOPBACK else secrets.token_urlsafe(16)
    with opened_for("review", out) as dataset, _listening(host, port) as listening:
        config = uvicorn.Config(review_app(Desk(dataset), token), log_level="warning")
        called = socket.gethostname() if host == "0.0.0.0" else host
        address = f"http://{called}:{listening.getsockname()[1]}/"
        announce(f"{address}?{TOKEN}={token}" if token else address)
        uvicorn.Server(config).run([listening])


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise Refused(
            f"port: can't listen on {host}:{port}: {error.strerror}; name another port, 0 for a "
            "free one, or another host",
            reason="PORT_TAKEN",
            field="port",
        ) from error


async def _guarded(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    response = await call_next(request)
    response.headers.update(_HEADERS)
    return response


async def _failed(request: Request, error: Exception) -> Response:
    return _problem(str(error), 404 if isinstance(error, NotFound) else 500)


def _problem(what: str, status: int) -> Response:
    return JSONResponse({"error": what}, status)
