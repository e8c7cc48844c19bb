"""What an operator sees of each request; never what a user wrote."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import Scope

from kith.errors import KithError
from services.runtime.observe import Outcome, observed

_VERBS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@contextmanager
def watched(scope: Scope, request_id: str) -> Iterator[Outcome]:
    """Logs, counts and times a request until its answer has been sent."""
    with observed("unknown", dict(Headers(scope=scope)), request_id) as outcome:
        scope.setdefault("state", {})["outcome"] = outcome
        try:
            yield outcome
        finally:
            outcome.method = _method(scope)


def failed(request: Request, error: KithError) -> None:
    """Writes down how a request ended; who tells of it in a stream says so here."""
    # A health check is not watched.
    if outcome := getattr(request.state, "outcome", None):
        outcome.code, outcome.reason = error.status, error.reason


def _method(scope: Scope) -> str:
    """Of the route that was found: a path holds ids, and a stranger's words have no end."""
    if scope["method"] not in _VERBS or "endpoint" not in scope:
        return "unknown"
    # FastAPI tells of its own routes only; the others are a folder, or paths without ids.
    path = scope["route"].path if "route" in scope else scope["root_path"] or scope["path"]
    return f"{scope['method']} {path}"
