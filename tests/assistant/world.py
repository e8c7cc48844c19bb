"""A world small enough to compute by hand: things are painted rectangles, and the stages read them.

A thing's colour says what it is: red its category, green its looks (an angle), blue how certain the
detector is. Things of one category are as far apart as their angles, 2 sin(difference / 2); things
of two categories are at right angles (1.41).
"""

import math
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from kith.errors import InvalidInput, KithError
from memory_db import Concept, ConceptStore, MemoryPlace, NewView
from services.assistant.remember import Wish, remember
from services.assistant.stages import Stages
from services.assistant.views import Photo, prepare
from services.runtime.types import Answer, Box, Detection, Ending, FinishReason, Limits, Turn

CATEGORIES = ("dog", "cat", "mug", "teapot")
STRANGER_DISTANCE = 0.5  # 29 degrees


class Thing(NamedTuple):
    """What is painted where."""

    category: str
    looks: int
    """In degrees, 0 to 90."""
    box: tuple[int, int, int, int] = (20, 20, 60, 60)
    certainty: float = 0.9


def paint(*things: Thing, size: tuple[int, int] = (100, 80)) -> Image.Image:
    """A photo of things on black; later ones hide earlier ones."""
    photo = Image.new("RGB", size)
    for thing in things:
        x1, y1, x2, y2 = thing.box
        red = 50 * (CATEGORIES.index(thing.category) + 1)
        colour = (red, thing.looks + 1, round(thing.certainty * 255))
        ImageDraw.Draw(photo).rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
    return photo


def apart(degrees: float) -> float:
    """The distance of two things of one category."""
    return 2 * math.sin(math.radians(degrees) / 2)


class PaintDetector:
    """Finds every rectangle of one colour."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    async def vocabulary(self) -> tuple[str, ...]:
        return CATEGORIES

    async def detect(self, image: Image.Image, categories: Sequence[str]) -> list[Detection]:
        self.asked.append(tuple(categories))
        pixels = np.asarray(image)
        found = []
        for colour in np.unique(pixels.reshape(-1, 3), axis=0):
            category = CATEGORIES[int(colour[0]) // 50 - 1]
            if not colour.any() or (categories and category not in categories):
                continue
            ys, xs = np.nonzero((pixels == colour).all(axis=2))
            box = (float(xs.min()), float(ys.min()), xs.max() + 1.0, ys.max() + 1.0)
            found.append(Detection(box, category, int(colour[2]) / 255))
        return sorted(found, key=lambda detection: -detection.score)


class PaintEmbedder:
    """The mean of what the painted pixels look like."""

    name = "paint"
    dim = 9

    async def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        return np.stack([self._vector(np.asarray(image)) for image in images])

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        raise NotImplementedError

    def _vector(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        vector = np.zeros(self.dim)
        vector[-1] = 1e-6  # what a photo of nothing looks like
        for red, green, _ in pixels.reshape(-1, 3)[pixels.reshape(-1, 3).any(axis=1)].astype(int):
            plane = 2 * (red // 50 - 1)
            angle = math.radians(green - 1)
            vector[plane : plane + 2] += math.cos(angle), math.sin(angle)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


@dataclass
class Parrot:
    """Says the same to everybody, and keeps what it was asked."""

    says: str = "A thing on black."
    asked: list[list[Turn]] = field(default_factory=list)
    limits: list[Limits] = field(default_factory=list)
    cache_keys: list[bytes] = field(default_factory=list)
    error: KithError | None = None
    most_pictures: int = 99
    closed: bool = False

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        self.asked.append(list(turns))
        self.limits.append(limits)
        self.cache_keys.append(cache_key)
        pictures = sum(not isinstance(part, str) for turn in turns for part in turn.parts)
        return Answer(self._events(pictures))

    async def _events(self, pictures: int) -> AsyncGenerator[str | Ending, None]:
        if self.error is not None:
            raise self.error
        if pictures > self.most_pictures:
            raise InvalidInput("turns: too long", reason="PROMPT_TOO_LONG", field="turns")
        words = self.says.split(" ")
        try:
            for number, word in enumerate(words):
                yield f" {word}" if number else word
            yield Ending(FinishReason.STOP, 7, len(words))
        finally:
            self.closed = True


def open_store(folder: Path | MemoryPlace, user: str = "me") -> ConceptStore:
    """A user's memory of painted things."""
    return ConceptStore.open(folder, user=user, model=PaintEmbedder.name, dim=PaintEmbedder.dim)


class Bench:
    """Shortens what most tests do first."""

    def __init__(self, stages: Stages, store: ConceptStore) -> None:
        self.stages = stages
        self.store = store

    async def remember(self, name: str, *things: Thing, description: str = "It is.") -> Concept:
        """A concept with a view of each of `things`, cropped to it."""
        photos = [Photo(paint(thing), floats(thing.box)) for thing in things]
        wish = Wish(name, things[0].category, description, photos)
        return (await remember(self.stages, self.store, wish)).concept

    async def new_views(self, *things: Thing) -> list[NewView]:
        """A view of each of `things`, not stored yet."""
        photos = [Photo(paint(thing), floats(thing.box)) for thing in things]
        return (await prepare(self.stages, photos, "dog")).views


def floats(box: tuple[int, int, int, int]) -> Box:
    x1, y1, x2, y2 = box
    return float(x1), float(y1), float(x2), float(y2)
