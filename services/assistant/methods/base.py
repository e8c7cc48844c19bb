"""What the pipeline needs of a method."""

from collections.abc import Sequence
from typing import Protocol

from PIL.Image import Image

from memory_db import Concept
from services.assistant.findings import Recognition, Retrieval, Used
from services.assistant.memory import Memory
from services.assistant.prompts import Layout
from services.assistant.stages import Stages
from services.runtime.types import Turn


class Method(Protocol):
    """Decides which concepts a photo shows, and lays them out for the language model.

    It has no state: memory and stages come with each question.
    """

    @property
    def name(self) -> str:
        """As `GetCapabilities` gives it."""

    @property
    def layout(self) -> Layout:
        """Of the first turn of a chat."""

    @property
    def heeds_rejections(self) -> bool:
        """Whether a region that was rejected is found no more."""

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image) -> Retrieval:
        """Regions, matches and what is kept of them.

        Raises:
            Refused: The method retrieves nothing.
        """

    async def recognize(
        self, memory: Memory, stages: Stages, photo: Image, concepts: Sequence[Concept]
    ) -> list[Recognition]:
        """Whether `photo` shows each of `concepts`, in their order.

        Raises:
            Refused: The method retrieves nothing.
        """

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """The concepts a chat is about, in the order in which the model is told of them."""
