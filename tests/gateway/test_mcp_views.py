import base64
from collections.abc import AsyncGenerator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kith.aio import AsyncVerbs
from kith.errors import NotFound
from kith.v1 import common_pb2, resources_pb2
from kith.verbs.calls import Call
from services.gateway.mcp.views import read_view, view_link, view_uri
from services.runtime import images

VIEW = "users/ada/concepts/01a2-b/views/0_9"
URI = "kith://concepts/01a2-b/views/0_9"


class OneView(AsyncVerbs):
    """Keeps one photo, and what it was asked."""

    def __init__(self, photo: bytes) -> None:
        self._photo = photo
        self.asked: list[str] = []

    async def _answer(self, call: Call) -> Any:  # noqa: ANN401 - a message
        request: Any = call.request
        self.asked.append(request.name)
        return resources_pb2.View(name=request.name, photo=common_pb2.Image(data=self._photo))

    def _answers(self, call: Call) -> AsyncGenerator[Any, None]:
        raise NotImplementedError


def noise(width: int, height: int) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return images.encode(Image.fromarray(pixels))


async def test_a_view_is_read_as_it_is_stored() -> None:
    photo = noise(40, 30)
    kith = OneView(photo)
    contents = await read_view(kith, view_uri(VIEW))
    assert (contents.uri, contents.mime_type) == (URI, "image/png")
    assert base64.b64decode(contents.blob) == photo
    assert kith.asked == ["users/me/concepts/01a2-b/views/0_9"]


async def test_a_large_view_is_scaled_to_what_every_client_takes() -> None:
    contents = await read_view(OneView(noise(1600, 800)), URI)
    assert contents.mime_type == "image/jpeg"
    assert len(contents.blob) < 2**20
    with_it = images.decode(base64.b64decode(contents.blob), field="photo")
    assert with_it.size == (1024, 512)


def test_a_link_says_what_it_leads_to() -> None:
    link = view_link(URI, "bo")
    assert (str(link.uri), link.name, link.description) == (URI, "bo", "A photo of <bo>.")


@pytest.mark.parametrize(
    "uri",
    [
        "kith://concepts/a",
        "kith://concepts/a/views/b/c",
        "kith://concepts/../views/b",
        "kith://users/ada/concepts/a/views/b",
        "file:///concepts/a/views/b",
        "kith://concepts/é/views/b",
        f"kith://concepts/{'a' * 65}/views/b",
        "",
    ],
)
async def test_no_other_address_reaches_the_memory(uri: str) -> None:
    kith = OneView(b"")
    with pytest.raises(NotFound, match="uri: there is no") as refused:
        await read_view(kith, uri)
    assert refused.value.field == "uri"
    assert kith.asked == []
