"""Work on pictures, kept off the event loop where it takes long."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

from PIL.Image import Image

_FEW: Final = 100_000
"""Pixels whose cutting out or scaling takes well below a millisecond: on a busy machine it takes
longer to wake a thread and to be woken by it."""

T = TypeVar("T")


async def aside(work: Callable[[], T], *pictures: Image) -> T:
    """What `work` makes of `pictures`: at once where they are small, else in a thread."""
    pixels = sum(picture.width * picture.height for picture in pictures)
    return work() if pixels <= _FEW else await asyncio.to_thread(work)
