"""MCP over streamable HTTP, at /mcp of the gateway.

Every request is served by itself, in the name of the credential in its own headers: there is no
session that a second user could enter.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from fastapi import FastAPI
from google.protobuf.message import Message
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from kith.aio import AsyncVerbs
from kith.errors import KithError, NotFound, Unauthenticated
from kith.v1 import query_pb2
from kith.verbs.calls import Call
from services.gateway import bodies
from services.gateway.assistant import Assistant
from services.gateway.caller import Caller
from services.gateway.gateway import Gateway
from services.gateway.mcp import tools
from services.gateway.mcp.photos import SourceKind
from services.gateway.mcp.server import mcp_server
from services.gateway.uploads import Uploads


def add_mcp(app: FastAPI, gateway: Gateway) -> StreamableHTTPSessionManager:
    """Serves MCP at /mcp of `app` while the returned manager's `run()` is entered."""

    def caller(request: Request) -> tools.Caller:
        who = Caller.of(request.headers)
        return tools.Caller(
            _Verbs(gateway.assistant, who),
            _Uploaded(gateway.uploads, who),
        )

    manager = StreamableHTTPSessionManager(
        mcp_server("upload", caller),
        stateless=True,
        max_request_body_size=gateway.settings.max_message_mib * 1024 * 1024,
    )
    # Only answers: a standing stream would carry nothing, and hold up a stop.
    served = _Known(StreamableHTTPASGIApp(manager), gateway.assistant)
    app.router.routes.append(Route("/mcp", served, methods=["POST"]))
    return manager


class _Known:
    """Lets in whom the assistant knows: a chat program asks for a token when it is told 401."""

    def __init__(self, app: ASGIApp, assistant: Assistant) -> None:
        self._app = app
        self._assistant = assistant

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        try:
            caller = Caller.of(Headers(scope=scope))
            await self._assistant.call(
                caller, "GetCapabilities", query_pb2.GetCapabilitiesRequest()
            )
        except Unauthenticated:
            raise
        except KithError:
            pass  # which a tool tells in words that a model can use
        await self._app(scope, bodies.to_its_end(receive), send)


class _Verbs(AsyncVerbs):
    """The client's verbs, over the gateway's connection, in the name of a caller."""

    def __init__(self, assistant: Assistant, caller: Caller) -> None:
        self._assistant = assistant
        self._caller = caller

    async def _answer(self, call: Call) -> Any:  # noqa: ANN401 - a message
        assert call.service == "Assistant"  # no tool waits for a training
        return await self._assistant.call(self._caller, call.method, _message(call))

    async def _answers(self, call: Call) -> AsyncGenerator[Any, None]:
        answers = self._assistant.stream(self._caller, call.method, _message(call))
        async with aclosing(answers):
            async for answer in answers:
                yield answer


class _Uploaded:
    """The photos that a caller uploaded."""

    kind: SourceKind = "upload"

    def __init__(self, uploads: Uploads, caller: Caller) -> None:
        self._uploads = uploads
        self._caller = caller

    async def fetch(self, handle: str, *, field: str) -> bytes:
        """See `photos.Source`."""
        try:
            return self._uploads.take(self._caller, handle)
        except NotFound as error:
            said = str(error).removeprefix("upload")
            raise NotFound(f"{field}{said}", reason=error.reason, field=field) from error


def _message(call: Call) -> Message:
    assert isinstance(call.request, Message)  # only an import sends a stream, and no tool imports
    return call.request
