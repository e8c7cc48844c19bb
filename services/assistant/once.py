"""A value made on first use, whoever comes first."""

import asyncio
from collections.abc import Awaitable, Callable
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
            # Two first users share one making, and neither's cancellation ends it for the other.
            self._making = asyncio.ensure_future(self._make())
        return await asyncio.shield(self._making)

    @property
    def made(self) -> T | None:
        """The value if it is there already."""
        making = self._making
        return None if making is None or not making.done() or _failed(making) else making.result()


def _failed(making: "asyncio.Future[T]") -> bool:
    return making.done() and (making.cancelled() or making.exception() is not None)
