"""The values that pass between the stages of the pipeline.

A leaf module: services share these types without importing one another, so it imports none of
them. Images inside Kith are upright RGB `PIL.Image.Image`s; bytes exist only at the edges.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

from PIL.Image import Image

Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels of the upright photo, x1 < x2 and y1 < y2."""

Role = Literal["user", "assistant"]


class Detection(NamedTuple):
    """A region of a photo that may hold a thing of `category`."""

    box: Box
    category: str
    score: float
    """The detector's confidence, 0 to 1."""


@dataclass(frozen=True)
class Turn:
    """One turn of a chat: text and images in the order in which the model reads them."""

    role: Role
    parts: tuple[str | Image, ...]


@dataclass(frozen=True)
class Limits:
    """How an answer is drawn and where it ends."""

    max_tokens: int = 128
    temperature: float = 0.0
    """0 takes the likeliest token each time; above, tokens are sampled."""
    stop: tuple[str, ...] = ()
    """The answer ends before the first of these texts, which is not part of it."""
