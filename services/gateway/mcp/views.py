"""Views as resources: `kith://concepts/{concept}/views/{view}` is a photo."""

import asyncio
import base64
import io
import re
from typing import Final

from mcp.types import BlobResourceContents, ResourceLink, ResourceTemplate

from kith.aio import AsyncVerbs
from kith.errors import NotFound
from services.runtime import images

TEMPLATE: Final = ResourceTemplate(
    uri_template="kith://concepts/{concept}/views/{view}",
    name="view",
    title="A photo of a concept",
    description="A remembered photo, cropped to the concept. Tools link to the one that matched.",
)

_MAX_BYTES: Final = 700_000
"""What is sent as it is. The official client reads events of at most 1 MiB, base64 included."""

_MAX_SIDE: Final = 1024
"""Pixels to which a larger photo is scaled: more than a language model looks at."""


def view_uri(view: str) -> str:
    """The resource of a view, from its name `users/{user}/concepts/{concept}/views/{view}`."""
    return f"kith://{view.split('/', 2)[2]}"


def view_link(uri: str, display_name: str) -> ResourceLink:
    """A link to a view."""
    return ResourceLink(uri=uri, name=display_name, description=f"A photo of <{display_name}>.")


async def read_view(kith: AsyncVerbs, uri: str) -> BlobResourceContents:
    """The photo of a view.

    Raises:
        NotFound: The caller has none of that name.
    """
    named = re.fullmatch(r"kith://(concepts/[\w-]{1,64}/views/[\w-]{1,64})", uri, re.ASCII)
    if not named:
        raise NotFound(
            f"uri: there is no {uri[:200]}; take one that a tool gave",
            reason="RESOURCE_NOT_FOUND",
            field="uri",
        )
    view = await kith.get_view(f"users/me/{named[1]}")
    photo = await asyncio.to_thread(_fitting, view.photo)
    return BlobResourceContents(
        uri=uri,
        mime_type="image/png" if photo.startswith(b"\x89PNG") else "image/jpeg",
        blob=base64.b64encode(photo).decode("ascii"),
    )


def _fitting(photo: bytes) -> bytes:
    if len(photo) <= _MAX_BYTES:
        return photo
    image = images.decode(photo, field="photo")
    image.thumbnail((_MAX_SIDE, _MAX_SIDE))
    scaled = io.BytesIO()
    image.save(scaled, "JPEG", quality=85)
    return scaled.getvalue()
