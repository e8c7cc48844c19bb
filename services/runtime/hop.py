"""What is known of the call being served: its id, how long its caller waits, whether to stop.

The first two are handed on to the calls it makes in turn.
"""

import asyncio
import re
import secrets
import time
from contextvars import ContextVar
from typing import Final, NamedTuple

REQUEST_ID_KEY: Final = "kith-request-id"
"""Metadata with the id under which every service that a request passes logs it. A caller may bring
one; the answer's trailing metadata holds the one that was used."""

MARGIN_S: Final = 0.1
"""Kept back of the time a caller waits, to tell it what was too slow before it gives up."""

KEEPALIVE_MS: Final = 10_000
"""A connection on which a call waits is asked so often whether its other end is still there. Both
ends know it: a server hangs up on who asks more often than it allows."""

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Hop(NamedTuple):
    """The call being served."""

    request_id: str
    deadline: float | None
    """On the monotonic clock; None when its caller waits for ever."""
    stopping: asyncio.Event | None
    """Set once the server is to stop; None where nothing that is served goes on without an end."""


_current: ContextVar[Hop | None] = ContextVar("kith_hop", default=None)


def enter(
    request_id: str, time_left_s: float | None, stopping: asyncio.Event | None = None
) -> None:
    """Serves the rest of this task as part of this request."""
    deadline = None if time_left_s is None else time.monotonic() + time_left_s
    _current.set(Hop(request_id, deadline, stopping))


def current_request_id() -> str | None:
    """The id of the request being served; None outside a call."""
    hop = _current.get()
    return hop and hop.request_id


def is_stopping() -> bool:
    """Whether a call without an end should end, since the server waits for it to stop."""
    hop = _current.get()
    return bool(hop and hop.stopping and hop.stopping.is_set())


def time_for(wanted_s: float | None) -> float | None:
    """Seconds that a call to another service may take: `wanted_s`, or less if its caller leaves.

    None stands for no limit, on both sides.
    """
    hop = _current.get()
    if hop is None or hop.deadline is None:
        return wanted_s
    left_s = max(0.0, hop.deadline - time.monotonic() - MARGIN_S)
    return left_s if wanted_s is None else min(wanted_s, left_s)


def valid_request_id(brought: str | bytes | None) -> str:
    """The id a caller brought if it may stand in a log, else a new one."""
    if isinstance(brought, str) and _REQUEST_ID.fullmatch(brought):
        return brought
    return secrets.token_hex(8)
