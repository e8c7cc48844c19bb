"""Questions about new photos with so many references."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice

from PIL.Image import Image

from memory_db import Concept
from services.assistant.prompts import Reference
from tests.generation.chats import NAMES, photos

QUESTION = "Who is in this photo?"
KNOWN = (*NAMES, "rocket", "tom", "kim", "lu")


def references(number: int) -> list[Reference]:
    """Concepts with a picture each."""
    now = datetime.now(UTC)
    return [
        Reference(Concept(name, name, "thing", f"<{name}> is mine.", "", now, now, ()), photo)
        for name, photo in islice(zip(KNOWN, photos(), strict=False), number)
    ]


def new_photos() -> Iterator[Image]:
    """Photos of which no two are the same."""
    for number in count():
        photo = photos()[-2].copy()
        photo.putpixel((number % 256, number // 256), (255, 0, 255))
        yield photo
