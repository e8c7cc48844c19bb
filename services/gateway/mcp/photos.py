"""A photo as a tool is given it, to the bytes that travel."""

import base64
from collections.abc import Mapping
from typing import Final, Literal, Protocol

from pydantic import Field

from kith.errors import InvalidInput
from services.gateway.mcp.forms import Box, Form

MAX_INLINE_BYTES: Final = 4 * 1024 * 1024
"""What a photo inside a message may have; a larger one comes by its source."""

SourceKind = Literal["upload", "path"]


_HINTS: Final[Mapping[SourceKind, str]] = {
    "upload": "send the file to POST /v1/uploads and give upload instead",
    "path": "give the file's path instead",
}


class Photo(Form):
    """A JPEG, PNG or WebP picture, given in exactly one way."""

    data: str = Field("", description="The file in base64, up to 4 MiB of it.")
    upload: str = Field(
        "",
        description="What POST /v1/uploads of this server answered for the file, up to 20 MiB.",
    )
    path: str = Field(
        "",
        description="Where the file lies on the user's machine, in full, up to 20 MiB.",
    )


class PlacedPhoto(Photo):
    """A JPEG, PNG or WebP picture, given in exactly one way, and where in it to look."""

    box: Box | None = Field(
        None,
        description="[x1, y1, x2, y2] in pixels: where in the picture it is. find_concepts gives "
        "boxes. Left out, the one thing that stands out is taken; if several do, the error lists "
        "their boxes.",
    )


class Source(Protocol):
    """Where photos lie that are too large for a message."""

    kind: SourceKind

    async def fetch(self, handle: str, *, field: str) -> bytes:
        """The file behind a handle.

        Raises:
            InvalidInput, NotFound: There is none, or it may not be read; `field` names it.
        """


async def photo_bytes(photo: Photo, source: Source, *, field: str) -> bytes:
    """The encoded bytes of a photo.

    Args:
        photo: As it was given.
        source: Where large ones lie.
        field: The argument it came in, for errors.

    Raises:
        InvalidInput: It is given in no way, in several, or in one that is not to be had here; it
            is no base64 or too large.
    """
    ways = {"data": photo.data, "upload": photo.upload, "path": photo.path}
    given = [way for way, value in ways.items() if value]
    if given == ["data"]:
        return _decoded(photo.data, source.kind, field=f"{field}.data")
    if given == [source.kind]:
        return await source.fetch(ways[source.kind], field=f"{field}.{source.kind}")
    said = " and ".join(given) or "nothing"
    raise InvalidInput(
        f"{field}: {said} given; give exactly one of data and {source.kind}",
        reason="PHOTO_SOURCE_INVALID",
        field=field,
    )


def _decoded(data: str, other: SourceKind, *, field: str) -> bytes:
    if data.startswith("data:") and ";base64," in data[:80]:  # a data URL, as some clients send
        data = data.partition(",")[2]
    text = "".join(data.split())
    size = len(text) * 3 // 4 - text[-2:].count("=")
    if size > MAX_INLINE_BYTES:
        raise InvalidInput(
            f"{field}: {size} bytes, at most {MAX_INLINE_BYTES} are taken in a message; "
            f"{_HINTS[other]}",
            reason="IMAGE_TOO_MANY_BYTES",
            field=field,
        )
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidInput(
            f"{field}: {len(text)} characters that are no base64; send the file's bytes in base64",
            reason="NOT_BASE64",
            field=field,
        ) from error
