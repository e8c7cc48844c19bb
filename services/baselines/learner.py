"""The base model of a process: one thread on which it answers and learns, a step at a time."""

import asyncio
import concurrent.futures
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import aclosing
from typing import Final, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Unavailable
from memory_db import Concept
from services.baselines.base_model import BaseModel, Worn
from services.baselines.known import Known
from services.baselines.methods.base import Method, Models
from services.baselines.words import with_slots
from services.generation.prompt import render
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Answer, Ending, Limits, Turn
from services.runtime.worker import ModelWorker

P = ParamSpec("P")
T = TypeVar("T")

_LOOK_S: Final = 0.2

EmbedImages = Callable[[Sequence[Image.Image]], Awaitable[NDArray[np.float32]]]


class Learner:
    """A base model, and the concepts that it is told of. Safe to share between tasks.

    Args:
        spec: Folder of the model. Loading it blocks for seconds.
        device: A torch device.
        method: How concepts are learned and told of.
        embed_images: The embedder, of the loop below.
        loop: Where the embedder runs.

    Raises:
        Refused: The folder is missing, or is not a whole LLaVA in safetensors.
    """

    def __init__(
        self,
        spec: GeneratorSpec,
        device: str,
        method: Method,
        embed_images: EmbedImages,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.name = spec.directory.name
        self.method = method
        self._embed_images = embed_images
        self._loop = loop
        self._base = BaseModel(spec, device, method.soft_tokens)
        self._special = self._base.special
        self.models = Models(self._base, self._embed)
        self.context_tokens = self._base.context_tokens
        """Most tokens of prompt and answer together."""
        self._worker = ModelWorker("baseline")
        self._closing = threading.Event()

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`fn(*args)` on the model's thread; what was asked before comes first.

        Raises:
            Overloaded: Too many calls wait for the model.
        """
        return await self._worker.run(fn, *args, **kwargs)

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """What the plain model answers, told of nobody; see `Generator.generate`."""
        return Answer(self._events(self._say, turns, limits))

    def answer(
        self,
        known: Known,
        user: str,
        concepts: Sequence[Concept],
        turns: Sequence[Turn],
        limits: Limits,
    ) -> Answer:
        """What the model answers that is told of a user's concepts.

        Raises (on reading the first piece):
            Refused: A concept was trained for another base model, or is not trained.
            InvalidInput: The prompt fills the model's context; the error says by how much.
            Overloaded: Too many calls wait for the model.
        """
        return Answer(self._events(self._say_knowing, known, user, concepts, turns, limits))

    async def warm_up(self) -> None:
        """Writes one token, so that the first caller doesn't pay for the first run."""
        turn = Turn("user", (Image.new("RGB", (64, 64)), "hello"))
        async for _ in self.generate([turn], Limits(max_tokens=1)):
            pass

    def close(self) -> None:
        """Ends the worker thread after the call it is at."""
        self._closing.set()
        self._worker.close()

    async def _events(
        self,
        say: Callable[P, Generator[str | Ending, None, None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> AsyncGenerator[str | Ending, None]:
        async with aclosing(self._worker.stream(say, *args, **kwargs)) as events:
            async for event in events:
                if event != "":
                    yield event

    def _say(self, turns: Sequence[Turn], limits: Limits) -> Generator[str | Ending, None, None]:
        """Runs on the worker's thread; yields after every token, so that it can be stopped."""
        messages, images = render(turns, self._special)
        yield from self._base.write(self._base.read([self._base.prompt(messages)], images), limits)

    def _say_knowing(
        self,
        known: Known,
        user: str,
        concepts: Sequence[Concept],
        turns: Sequence[Turn],
        limits: Limits,
    ) -> Generator[str | Ending, None, None]:
        learned = [known.load(user, concept, self._base) for concept in concepts]
        names = [one.name for one in learned]
        chat = with_slots(turns, names, self._base.slots, self._special)
        messages, images = self.method.tell(self.models, chat, learned)
        worn = Worn(self.method.rows(learned), tuple(names))
        yield from self._base.say(messages, images, limits, worn)

    def _embed(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Called on the worker's thread, answered in the loop."""

        async def asked() -> NDArray[np.float32]:
            return await self._embed_images(images)

        asking = asyncio.run_coroutine_threadsafe(asked(), self._loop)
        while True:
            try:
                return asking.result(_LOOK_S)
            except concurrent.futures.TimeoutError:
                if asking.done():
                    raise
                # The loop may be waiting for this thread to end, and will answer no more.
                if self._closing.is_set():
                    raise Unavailable("the service stops", reason="SERVER_STOPPING") from None
