"""A request's body on its way here, from a caller who may fall silent or leave."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from kith.errors import InvalidInput, KithError
from services.gateway.streaming import CallerLeftError

SILENCE_S: Final = 10.0
"""Seconds without a byte after which a body is given up. A phone that changes cells needs a few of
them; all the while its request is one of those that are served at once."""


def unless_silent(scope: Scope, receive: Receive) -> Receive:
    """`receive` of a request, for which a caller who sends nothing more of a body has left."""
    # Nobody here reads a body of GET, whose answer may well go on for longer.
    coming, silent = scope["method"] != "GET", False

    async def piece() -> Message:
        nonlocal coming, silent
        if silent:
            return {"type": "http.disconnect"}
        try:
            async with asyncio.timeout(SILENCE_S if coming else None):
                message = await receive()
        except TimeoutError:
            silent = scope["state"]["silent"] = True
            return {"type": "http.disconnect"}
        coming = coming and message.get("more_body", False)
        return message

    return piece


def to_its_end(receive: Receive) -> Receive:
    """`receive` for an app that would log a body that breaks off as a bug of its own.

    Raises:
        ClientDisconnect: It breaks off; Starlette's own requests raise it too.
    """
    coming = True

    async def piece() -> Message:
        nonlocal coming
        message = await receive()
        if coming and message["type"] == "http.disconnect":
            raise ClientDisconnect
        coming = message.get("more_body", False)
        return message

    return piece


def broken_off(scope: Scope) -> KithError:
    """Why a request's body did not come to its end."""
    if "silent" not in scope["state"]:
        return CallerLeftError()
    return InvalidInput(
        f"body: nothing more of it came for {SILENCE_S:g} s; send it again",
        reason="BODY_SILENT",
        field="body",
    )
