"""A chat in the form of the OpenAI API, with what lets vLLM keep it for its own user only."""

import asyncio
import base64
import hmac
import secrets
from collections.abc import Sequence
from typing import Any

from PIL.Image import Image

from services.generation.prompt import safe_parts
from services.runtime import images
from services.runtime.types import Turn


class Cache:
    """Names under which vLLM keeps what it computed; no other key gives the same names.

    Args:
        key: A secret of the user. Empty: names that are never given again.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key or secrets.token_bytes(32)
        self.salt = self._name(b"cache_salt")
        """Goes into the hash of every prompt: a block of it is found again under this salt only."""

    def uuid(self, picture: bytes) -> str:
        """The name of an encoded picture."""
        return self._name(b"picture" + picture)

    def _name(self, what: bytes) -> str:
        return hmac.new(self._key, what, "sha256").hexdigest()


async def write_chat(turns: Sequence[Turn], cache: Cache | None = None) -> list[Any]:
    """The `messages` of a request: texts neutralised, pictures as data URLs where they stand."""
    return [
        {
            "role": turn.role,
            "content": [
                {"type": "text", "text": part} if isinstance(part, str) else await _url(part, cache)
                for part in safe_parts(turn)
            ],
        }
        for turn in turns
    ]


async def _url(picture: Image, cache: Cache | None) -> dict[str, object]:
    data = await asyncio.to_thread(images.encode, picture)
    kind = "png" if data.startswith(b"\x89PNG") else "jpeg"
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
    named = {"uuid": cache.uuid(data)} if cache else {}
    return {"type": "image_url", "image_url": {"url": url}, **named}
