"""Sizes of encoded pictures, and a blank in place of one."""

import io
from functools import lru_cache

from PIL import Image, ImageOps

from kith.messages import Box


def whole(photo: bytes) -> Box:
    """The box of all of a picture, in pixels of the upright one."""
    width, height = size(photo)
    return Box(0, 0, width, height)


def size(photo: bytes) -> tuple[int, int]:
    """Width and height of a picture when it is upright."""
    with Image.open(io.BytesIO(photo)) as image:
        return ImageOps.exif_transpose(image).size


def blank(photo: bytes) -> bytes:
    """A grey PNG as large as a picture."""
    return _grey(size(photo))


@lru_cache(maxsize=16)
def _grey(extent: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", extent, (128, 128, 128)).save(buffer, "PNG")
    return buffer.getvalue()
