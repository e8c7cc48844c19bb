"""A photo as a caller has it, to the bytes that travel."""

import io
import os
from pathlib import Path
from typing import Protocol

from kith.channel import MAX_MESSAGE_BYTES
from kith.errors import InvalidInput


class Saveable(Protocol):
    """What we need of a `PIL.Image.Image`, so that Pillow stays optional."""

    def save(self, fp: io.BytesIO, format: str) -> None:
        """Write the picture to `fp`."""


Photo = str | os.PathLike[str] | bytes | Saveable
"""A path, the bytes of a JPEG, PNG or WebP file, or a `PIL.Image.Image`."""


def photo_bytes(photo: Photo) -> bytes:
    """The encoded bytes of `photo`; a `PIL.Image.Image` becomes a PNG.

    Raises:
        InvalidInput: The file can't be read, is empty, or is larger than a message may be.
    """
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, str | os.PathLike):
        return _file_bytes(Path(photo))
    buffer = io.BytesIO()
    photo.save(buffer, "PNG")
    return buffer.getvalue()


def _file_bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_MESSAGE_BYTES:
            raise InvalidInput(
                f"image: {path} has {size} bytes, at most {MAX_MESSAGE_BYTES} can be sent; "
                "send a smaller photo",
                reason="IMAGE_TOO_MANY_BYTES",
                field="image",
            )
        if size == 0:
            raise InvalidInput(
                f"image: {path} is empty; name a JPEG, PNG or WebP file",
                reason="IMAGE_EMPTY",
                field="image",
            )
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"image: can't read {path}: {error.strerror or error}; name a JPEG, PNG or WebP file",
            reason="FILE_UNREADABLE",
            field="image",
        ) from error
