"""Room for the pictures that requests bring, all of them together.

A file of a kilobyte may be a picture of 150 MB, and hundreds of requests are served at once. Each
process has a room of its own; what it decodes of its own, as the views of a memory, is not counted.
"""

import os
import threading
import weakref
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from PIL.Image import Image

from kith.errors import Overloaded
from services.runtime import images

_SHARE: Final = 4
"""A quarter of the memory is for pictures; models, answers and pictures in the making have the
rest."""

_BYTES_PER_PIXEL: Final = 3

_CGROUP_LIMITS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

_request: ContextVar[object] = ContextVar("request")
"""Stands for the request that is being served, whose own pictures don't stand in its way."""


class Room:
    """Counts the pixels of decoded pictures for as long as anybody holds them. Safe on any thread.

    Args:
        pixels: Most that are held at once. A request of more is let in when no other holds any.
    """

    def __init__(self, pixels: int) -> None:
        self._most = pixels
        self._held = Counter[object]()
        # Reentrant: pictures may be let go of wherever Python collects what nobody holds.
        self._mutex = threading.RLock()

    def decode_all(self, files: Mapping[str, bytes], request: object) -> list[Image]:
        """Pictures of a request, each as `images.decode` gives it.

        Args:
            files: The encoded files, by the request fields they came in.
            request: Whose they are; see `this_request`.

        Raises:
            InvalidInput: As `images.decode` and `images.pixels_of`.
            Overloaded: Other requests hold too many pixels.
        """
        if not files:
            return []
        pixels = images.pixels_of(files)
        self._take(pixels, request)
        try:
            pictures = [images.decode(data, field=field) for field, data in files.items()]
        except BaseException:
            self._give_back(pixels, request)
            raise
        for picture in pictures:
            weakref.finalize(picture, self._give_back, picture.width * picture.height, request)
        return pictures

    def _take(self, pixels: int, request: object) -> None:
        with self._mutex:
            held = self._held.total()
            if held > self._held[request] and held + pixels > self._most:
                raise Overloaded(
                    f"pictures of {_mega(held)} megapixels are being looked at, and there is "
                    f"memory for {_mega(self._most)}; try again in a second, or with smaller "
                    f"pictures than {_mega(pixels)} megapixels",
                    reason="PICTURES_FILL_MEMORY",
                )
            self._held[request] += pixels

    def _give_back(self, pixels: int, request: object) -> None:
        with self._mutex:
            self._held[request] -= pixels
            if not self._held[request]:
                del self._held[request]


def this_request() -> object:
    """Stands for the request that is being served; each call of gRPC has a context of its own."""
    try:
        return _request.get()
    except LookupError:
        _request.set(request := object())
        return request


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:,.0f}"


def _memory() -> int:
    """Bytes of memory that this process may use: the container's, or the machine's."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUP_LIMITS:
        with suppress(OSError, ValueError):  # no control groups, or "max"
            limits.append(int(file.read_text()))
    return min(limits)


ROOM: Final = Room(_memory() // _SHARE // _BYTES_PER_PIXEL)
"""Of this process."""
