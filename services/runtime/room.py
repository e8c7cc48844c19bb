"""Room for the pictures that requests hold, all of them together.

A file of a kilobyte may be a picture of 150 MB, and hundreds of requests are served at once.
"""

import os
import threading
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from PIL.Image import Image

from kith.errors import Overloaded
from services.runtime import images

_SHARE: Final = 4
"""A quarter of the memory is for pictures; models, answers and pictures in the making have the
rest."""

_BYTES_PER_PIXEL: Final = 3

_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


class Room:
    """Counts the pixels of decoded pictures for as long as anybody holds them. Safe on any thread.

    Args:
        pixels: Most that are held at once. A request of more is let in when nothing else is held.
    """

    def __init__(self, pixels: int) -> None:
        self._most = pixels
        self._held = 0
        # Reentrant: pictures may be let go of wherever Python collects what nobody holds.
        self._mutex = threading.RLock()

    def decode_all(self, files: Mapping[str, bytes]) -> list[Image]:
        """The pictures of one request, each as `images.decode` gives it.

        Args:
            files: The encoded files, by the request fields they came in.

        Raises:
            InvalidInput: As `images.decode` and `images.pixels_of`.
            Overloaded: Other requests hold too many pixels.
        """
        pixels = images.pixels_of(files)
        self._take(pixels)
        try:
            pictures = [images.decode(data, field=field) for field, data in files.items()]
        except BaseException:
            self._give_back(pixels)
            raise
        for picture in pictures:
            weakref.finalize(picture, self._give_back, picture.width * picture.height)
        return pictures

    def _take(self, pixels: int) -> None:
        with self._mutex:
            if self._held and self._held + pixels > self._most:
                raise Overloaded(
                    f"pictures of {_mega(self._held)} megapixels are being looked at, and there is "
                    f"memory for {_mega(self._most)}; try again in a second, or with a smaller "
                    f"picture than one of {_mega(pixels)}",
                    reason="PICTURES_FILL_MEMORY",
                )
            self._held += pixels

    def _give_back(self, pixels: int) -> None:
        with self._mutex:
            self._held -= pixels


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:,.0f}"


def _memory() -> int:
    """Bytes of memory that this process may use: the container's, or the machine's."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(_CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):  # no control groups, or "max"
        return machine


ROOM: Final = Room(_memory() // _SHARE // _BYTES_PER_PIXEL)
"""Of this process."""
