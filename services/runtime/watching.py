"""Telling a caller how far something is, while whoever works on it may be another process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

from kith.errors import Unavailable
from services.runtime.hop import is_stopping
from services.runtime.identity import check_admission
from services.runtime.operations import LOOK_EVERY_S

T = TypeVar("T")


async def watched(
    look: Callable[[], tuple[bool, T]], news: Callable[[T], object]
) -> AsyncIterator[T]:
    """How far something is: now, whenever there is news, and for the last time once it is over.

    Args:
        look: Says whether somebody works on it, and then how far it is: the last is then how it
            ended. It may block.
        news: Of how far it is, what a change of is worth telling. The time left is not: it changes
            all the time.

    Raises:
        Unavailable: The server stops.
        Unauthenticated: The caller's token is not valid any more.
    """
    told = None
    while True:
        check_admission()
        goes_on, now = await asyncio.to_thread(look)
        if told is None or news(now) != news(told):
            yield now
        told = now
        if not goes_on:
            return
        if is_stopping():
            raise Unavailable(
                "the server stops; it goes on at its next start, watch then",
                reason="SERVER_STOPPING",
            )
        await asyncio.sleep(LOOK_EVERY_S)
