"""The generator: a LLaVA in process, from a folder as transformers publishes it."""

from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import aclosing

from PIL import Image

from services.generation.llava_model import Inputs, LlavaModel
from services.generation.prompt import render
from services.runtime.profile import GeneratorSpec
from services.runtime.types import Answer, Ending, Limits, Turn
from services.runtime.worker import ModelWorker


class LlavaGenerator:
    """Answers a chat of texts and pictures, token by token. Safe to share between tasks.

    Answers are written one after another on the model's own thread; one whose reader goes away
    ends at its next token.

    Args:
        spec: The folder. Loading it blocks for seconds.
        device: A torch device.

    Raises:
        Refused: The folder is missing, or is not a whole LLaVA in safetensors.
    """

    def __init__(self, spec: GeneratorSpec, device: str = "cpu") -> None:
        self.name = spec.directory.name
        self._llava = LlavaModel(spec, device)
        self._special = self._llava.special
        self.context_tokens = self._llava.context_tokens
        """Most tokens of prompt and answer together."""
        self._worker = ModelWorker("generator")

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer to `turns`, in pieces of text; pictures stand where they are in the turns.

        Texts are data: nothing in them becomes a special token or opens a turn.

        Args:
            turns: The chat so far; the last turn is the user's.
            limits: Where the answer ends; at most the profile's `max_new_tokens`.
            cache_key: Not used: nothing of a prompt outlives its answer here.

        Raises (on reading the first piece):
            InvalidInput: The prompt fills the model's context; the error says by how much.
            Overloaded: Too many calls wait for the model.
        """
        return Answer(self._events(turns, limits))

    async def warm_up(self) -> None:
        """Writes one token, so that the first caller doesn't pay for the first run."""
        turn = Turn("user", (Image.new("RGB", (64, 64)), "hello"))
        async for _ in self.generate([turn], Limits(max_tokens=1)):
            pass

    def close(self) -> None:
        """Ends the worker thread."""
        self._worker.close()

    async def _events(
        self, turns: Sequence[Turn], limits: Limits
    ) -> AsyncGenerator[str | Ending, None]:
        async with aclosing(self._worker.stream(self._write, turns, limits)) as events:
            async for event in events:
                if event != "":
                    yield event

    def _write(self, turns: Sequence[Turn], limits: Limits) -> Generator[str | Ending, None, None]:
        """Runs on the worker's thread; yields after every token, so that it can be stopped."""
        yield from self._llava.write(self._read(turns), limits)

    def _read(self, turns: Sequence[Turn]) -> Inputs:
        messages, images = render(turns, self._special)
        return self._llava.read([self._llava.prompt(messages)], images)
