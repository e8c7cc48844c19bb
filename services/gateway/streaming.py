"""Answers that come piece by piece, to callers who may leave at any time."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
from fastapi import Request

from kith.errors import KithError

T = TypeVar("T")


class CallerLeftError(KithError):
    """Nobody waits for the answer any more, so nobody will read this one."""

    status = "CANCELLED"

    def __init__(self) -> None:
        super().__init__("the connection was closed", reason="CALLER_LEFT")


async def unless_left(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives; it is cancelled as soon as nobody waits for it any more.

    Args:
        request: Its body has been read.
        work: What it asks for.

    Raises:
        CallerLeftError: The connection was closed before the work was done.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise CallerLeftError
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def begun(request: Request, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """`pieces`, once the first one is there: what fails before it can still be told as a status.

    Raises:
        CallerLeftError: As `unless_left`.
    """
    first = await unless_left(request, _next(pieces))

    async def all_of_them() -> AsyncGenerator[T, None]:
        async with aclosing(pieces):
            for piece in first:
                yield piece
            async for piece in pieces:
                yield piece

    return all_of_them()


async def until(stopping: anyio.Event, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """`pieces`, for as long as nobody stops."""
    stopped = asyncio.create_task(stopping.wait())
    async with aclosing(pieces):
        try:
            while True:
                coming = asyncio.create_task(_next(pieces))
                try:
                    await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done() or not (found := coming.result()):
                        return
                finally:
                    coming.cancel()
                    await asyncio.gather(coming, return_exceptions=True)
                yield found[0]
        finally:
            stopped.cancel()


async def _next(pieces: AsyncGenerator[T, None]) -> list[T]:
    """The next piece; none where there is none."""
    try:
        return [await anext(pieces)]
    except StopAsyncIteration:
        return []


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
