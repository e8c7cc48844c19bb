"""Stages whose models are loaded on first use: `kith list` must not wait for a language model."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from kith.errors import Unavailable
from services.assistant.once import Once
from services.assistant.stages import Detector, Embedder, Generator
from services.runtime.types import Answer, Detection, Ending, Limits, Turn


class SizedGenerator(Generator, Protocol):
    """A generator that says how much it can read and write."""

    @property
    def context_tokens(self) -> int:
        """Most tokens of prompt and answer together."""


class LazyDetector:
    """A detector that is made on first use."""

    def __init__(self, name: str, make: Callable[[], Awaitable[Detector]]) -> None:
        self.name = name
        self.model = Once(make)

    async def detect(self, image: Image, categories: Sequence[str]) -> list[Detection]:
        """See `Detector.detect`."""
        return await (await self.model.get()).detect(image, categories)

    async def vocabulary(self) -> tuple[str, ...]:
        """See `Detector.vocabulary`."""
        return await (await self.model.get()).vocabulary()


class LazyEmbedder:
    """An embedder that is made on first use."""

    def __init__(self, name: str, dim: int, make: Callable[[], Awaitable[Embedder]]) -> None:
        self.name = name
        self.dim = dim
        self.model = Once(make)

    async def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """See `Embedder.embed_images`."""
        return await (await self.model.get()).embed_images(images)

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder.embed_texts`."""
        return await (await self.model.get()).embed_texts(texts)


class LazyGenerator:
    """A generator that is made on first use."""

    def __init__(self, name: str, make: Callable[[], Awaitable[SizedGenerator]]) -> None:
        self.name = name
        self.model = Once(make)

    @property
    def context_tokens(self) -> int:
        """See `SizedGenerator.context_tokens`.

        Raises:
            Unavailable: The model is still being loaded.
        """
        if (model := self.model.made) is None:
            raise Unavailable(
                f"generation: {self.name} is still being loaded; try again in a few seconds",
                reason="MODEL_LOADING",
            )
        return model.context_tokens

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """See `Generator.generate`."""
        return Answer(self._events(turns, limits, cache_key))

    async def _events(
        self, turns: Sequence[Turn], limits: Limits, cache_key: bytes
    ) -> AsyncGenerator[str | Ending, None]:
        answer = (await self.model.get()).generate(turns, limits, cache_key)
        async with aclosing(answer):
            async for piece in answer:
                yield piece
        if answer.ending is not None:
            yield answer.ending
