"""Work on pictures, kept off the event loop where it takes long."""

import asyncio
import os
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, TypeVar

from PIL.Image import Image

_FEW: Final = 100_000
"""Pixels whose cutting out or scaling takes well below a millisecond: on a busy machine it takes
longer to wake a thread and to be woken by it."""

_THREADS: Final = 4
"""That work on the pictures of one call, where there are as many cores."""

T = TypeVar("T")


async def aside(work: Callable[[], T], *pictures: Image) -> T:
    """What `work` makes of `pictures`: at once where they are small, else in a thread."""
    return work() if _pixels(pictures) <= _FEW else await asyncio.to_thread(work)


async def each_aside(work: Callable[[Image], T], pictures: Sequence[Image], made: int) -> list[T]:
    """What `work` makes of each of `pictures`: at once where it is little, else in threads.

    Args:
        work: Its work on pixels is done outside Python, where threads do not wait for each other.
        pictures: It is given one at a time.
        made: Pixels of what it makes of one.
    """
    if max(_pixels(pictures), len(pictures) * made) <= _FEW:
        return [work(picture) for picture in pictures]
    size = -(-len(pictures) // min(_THREADS, os.cpu_count() or 1))
    shares = (pictures[first : first + size] for first in range(0, len(pictures), size))
    parts = await asyncio.gather(*(asyncio.to_thread(list, map(work, share)) for share in shares))
    return list(chain.from_iterable(parts))


def _pixels(pictures: Sequence[Image]) -> int:
    return sum(picture.width * picture.height for picture in pictures)
