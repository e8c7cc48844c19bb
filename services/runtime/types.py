"""The values that pass between the stages of the pipeline.

A leaf module: services share these types without importing one another, so it imports none of
them. Images inside Kith are upright RGB `PIL.Image.Image`s; bytes exist only at the edges.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Literal, NamedTuple, Self

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


class FinishReason(Enum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done, or a stop text came."""
    LENGTH = "length"
    """The token limit or the model's context was used up."""


class Ending(NamedTuple):
    """How an answer ended and what it cost."""

    reason: FinishReason
    prompt_tokens: int
    """Tokens read, pictures included."""
    completion_tokens: int
    """Tokens written."""
    cached_tokens: int = 0
    """Tokens read that the engine still knew from earlier."""


class Answer:
    """The pieces of a model's answer, as they come: `async for piece in answer`.

    Closing it early, or cancelling the task that reads it, stops the model.
    """

    def __init__(self, events: AsyncGenerator[str | Ending, None]) -> None:
        self._events = events
        self.ending: Ending | None = None
        """Set once the last piece has been read."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        event = await anext(self._events)
        if isinstance(event, Ending):
            self.ending = event
            await self._events.aclose()
            raise StopAsyncIteration
        return event

    async def aclose(self) -> None:
        """Stops the model, if it is still at work."""
        await self._events.aclose()
