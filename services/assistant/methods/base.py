"""What the pipeline needs of a method."""

from collections.abc import Sequence
from typing import Protocol

from PIL.Image import Image

from memory_db import Concept
from services.assistant.capabilities import Capabilities
from services.assistant.findings import Recognition, Retrieval, Used
from services.assistant.memory import Memory
from services.assistant.prompts import Reference
from services.assistant.stages import Stages
from services.runtime.types import Answer, Limits, Turn


class Method(Protocol):
    """Decides which concepts a question is about, and has it answered with what is known of them.

    Memory and stages come with each question.
    """

    @property
    def name(self) -> str:
        """As `GetCapabilities` gives it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it needs and can do."""

    @property
    def heeds_rejections(self) -> bool:
        """Whether a region that was rejected is found no more."""

    @property
    def draws_on_memory(self) -> bool:
        """Whether it ever recalls anything."""

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
            Refused: The method recognizes nothing, or one of them not yet.
        """

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """The concepts a chat is about, in the order in which the model is told of them.

        Raises:
            Refused: The model can't be told of them in this chat.
        """

    def given(self, turns: Sequence[Turn], concepts: Sequence[Concept]) -> list[Used]:
        """The same, when the caller says which concepts the chat is about.

        Raises:
            Refused: As `recall`; or the method has no use for them.
        """

    def unlearned(self, concepts: Sequence[Concept]) -> list[Concept]:
        """Those of `concepts` that the method can't draw on before they are trained."""

    async def references(self, memory: Memory, used: Sequence[Used]) -> list[Reference]:
        """What the model is shown of each concept, in the order of `used`; each concept once."""

    def room(self, turns: Sequence[Turn]) -> int:
        """How many references a chat has room for, before anybody has counted its tokens."""

    async def ask(
        self,
        stages: Stages,
        turns: Sequence[Turn],
        references: Sequence[Reference],
        limits: Limits,
        cache_key: bytes,
    ) -> Answer:
        """Has a chat answered with what is known of the concepts in `references`.

        Raises (on reading the answer's first piece):
            InvalidInput: All that is too long for the model (`PROMPT_TOO_LONG`).
            Unavailable: The model can't be reached.
        """
