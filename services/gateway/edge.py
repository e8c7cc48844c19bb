"""What holds for every request: whether it is let in, its id, and what a browser is told.

Where an operator has no tokens, whoever reaches the gateway is let in. Then a stranger's web page
must not reach it through the user's own browser: hence the checks of `Origin` and `Host`. A
stranger's name may be made to lead to this address, but an address is what it is.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kith.errors import KithError, Overloaded, Refused
from services.gateway import bodies, errors, observe
from services.runtime import hop
from services.runtime.metrics import CALLS_RUNNING

REQUEST_ID: Final = "x-request-id"
"""Header with the id under which every service that the request passes logs it."""

_FOR_OPERATORS: Final = frozenset({"/healthz", "/readyz"})
"""Who asks for these comes by an address of the gateway's own, and again and again, also while it
is busy: they are let in, and not counted."""

_HEADERS: Final = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Edge:
    """The first thing a request meets.

    Args:
        app: What answers.
        host: Where the gateway listens: a name of its own.
        hosts: Further names it may be called by, besides localhost and any literal address.
        origins: Whose pages may call it besides its own.
        most_bytes: Of a body that tells its length; `app` counts those that don't.
        most_calls: Requests served at once.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        hosts: Sequence[str],
        origins: Sequence[str],
        most_bytes: int,
        most_calls: int,
    ) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._most_calls = most_calls
        self._calls = 0
        self._origins = frozenset(origins)
        self._hosts = frozenset({"localhost", host, *hosts})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        request_id = hop.valid_request_id(headers.get(REQUEST_ID))
        hop.enter(request_id, None)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered[REQUEST_ID] = request_id
                for name, value in _HEADERS.items():
                    answered.setdefault(name, value)
            await send(message)

        if scope["path"] in _FOR_OPERATORS:
            await self._app(scope, receive, marked)
            return
        with observe.watched(scope, request_id):
            try:
                self._check(headers)
            except KithError as error:
                observe.failed(Request(scope), error)
                await errors.response(error, scope["path"])(scope, receive, marked)
            else:
                await self._serve(scope, bodies.unless_silent(scope, receive), marked)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._calls += 1
        try:
            with CALLS_RUNNING.track_inprogress():
                await self._app(scope, receive, send)
        finally:
            self._calls -= 1

    def _check(self, headers: Headers) -> None:
        host = headers.get("host", "")
        name = _name(host)
        if name not in self._hosts and not _is_address(name):
            raise Refused(
                f"host: {host[:80]!r} is no name of this gateway; add it to KITH_HOSTS",
                reason="HOST_UNKNOWN",
                field="host",
            )
        origin = headers.get("origin")
        if origin and origin not in self._origins and origin.partition("://")[2] != host:
            raise Refused(
                f"origin: pages of {origin[:80]!r} may not call this gateway; add it to "
                "KITH_ORIGINS",
                reason="ORIGIN_FORBIDDEN",
                field="origin",
            )
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most_bytes:
            raise errors.too_large()
        if self._calls >= self._most_calls:
            raise Overloaded(
                f"{self._calls} requests are being served; try again in a second",
                reason="SERVER_BUSY",
            )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _name(host: str) -> str:
    """`host` of a header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
