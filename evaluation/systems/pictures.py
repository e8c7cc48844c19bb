"""Sizes of encoded pictures, and a blank in place of one."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from PIL import Image, ImageFile, ImageOps

from kith.errors import InvalidInput
from kith.messages import Box


@contextmanager
def opened(photo: bytes) -> Iterator[ImageFile.ImageFile]:
    """An encoded picture, for as long as the block.

    Raises:
        InvalidInput: It is none, or not whole.
    """
    try:
        with Image.open(io.BytesIO(photo)) as image:
            yield image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            "image: no whole JPEG, PNG or WebP picture; kith evaluate check tells of all such",
            reason="IMAGE_DAMAGED",
            field="image",
        ) from error


def whole(photo: bytes) -> Box:
    """The box of all of a picture, in pixels of the upright one."""
    width, height = size(photo)
    return Box(0, 0, width, height)


def size(photo: bytes) -> tuple[int, int]:
    """Width and height of a picture when it is upright.

    Raises:
        InvalidInput: See `opened`.
    """
    with opened(photo) as image:
        return ImageOps.exif_transpose(image).size


def blank(photo: bytes) -> bytes:
    """A grey PNG as large as a picture."""
    return _grey(size(photo))


@lru_cache(maxsize=16)
def _grey(extent: tuple[int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", extent, (128, 128, 128)).save(buffer, "PNG")
    return buffer.getvalue()
