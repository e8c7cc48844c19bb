"""A value made on first use, whoever comes first."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Makes a value on first use and keeps it; after a failure the next use tries again.

    Belongs to one event loop.

    Args:
        make: Makes the value.
    """

    def __init__(self, make: Callable[[], Awaitable[T]]) -> None:
        self._make = make
        self._making: asyncio.Future[T] | None = None

    async def get(self) -> T:
        """The value. Raises what making it raises."""
        if self._making is None or _failed(self._making):
            # Two first users share one making: neither's cancellation ends it for the other, and
            # neither's context, with the deadline and the name in it, is that of the making.
            self._making = asyncio.create_task(self._started(), context=Context())
        return await asyncio.shield(self._making)

    async def _started(self) -> T:
        return await self._make()

    @property
    def made(self) -> T | None:
        """The value if it is there already."""
        making = self._making
        return None if making is None or not making.done() or _failed(making) else making.result()


def _failed(making: "asyncio.Future[T]") -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)
