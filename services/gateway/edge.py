"""What holds for every request: whether it is let in, its id, and what a browser is told.

Where an operator has no tokens, whoever reaches the gateway is let in. Then a stranger's web page
must not reach it through the user's own browser: hence the checks of `Origin` and `Host`.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kith.errors import KithError, Overloaded, Refused
from services.gateway import errors
from services.runtime import hop

REQUEST_ID: Final = "x-request-id"
"""Header with the id under which every service that the request passes logs it."""

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

_UNCOUNTED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Who asks for these wants to know of a gateway that is busy, too."""

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
        host: The address the gateway listens on.
        hosts: Names it may be called by; empty for those of a loopback `host`, else for any.
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
        self._hosts = frozenset(hosts)
        if not hosts and _is_loopback(host):
            self._hosts = _LOOPBACK | {host}

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

        counts = scope["path"] not in _UNCOUNTED
        try:
            self._check(headers)
            if counts and self._calls >= self._most_calls:
                raise Overloaded(
                    f"{self._calls} requests are being served; try again in a second",
                    reason="SERVER_BUSY",
                )
        except KithError as error:
            await errors.response(error, scope["path"])(scope, receive, marked)
            return
        self._calls += counts
        try:
            await self._app(scope, receive, marked)
        finally:
            self._calls -= counts

    def _check(self, headers: Headers) -> None:
        host = headers.get("host", "")
        if self._hosts and _name(host) not in self._hosts:
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


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOOPBACK


def _name(host: str) -> str:
    """`host` of a header without its port."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
