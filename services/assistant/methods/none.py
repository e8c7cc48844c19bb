"""`none`: the plain model, without any memory; what every method has to beat."""

from collections.abc import Sequence

from PIL.Image import Image

from kith.errors import Refused
from memory_db import Concept
from services.assistant import prompts
from services.assistant.findings import Recognition, Retrieval, Used
from services.assistant.memory import Memory
from services.assistant.stages import Stages
from services.runtime.types import Turn


class NoMemory:
    """Concepts can be remembered, but nothing is ever drawn from them."""

    name = "none"
    layout = staticmethod(prompts.plain)
    heeds_rejections = False

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image) -> Retrieval:
        """Refuses."""
        raise _refusal()

    async def recognize(
        self, memory: Memory, stages: Stages, photo: Image, concepts: Sequence[Concept]
    ) -> list[Recognition]:
        """Refuses."""
        raise _refusal()

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """Nothing."""
        return []


def _refusal() -> Refused:
    return Refused(
        "method: 'none' retrieves nothing; ask a server that runs kith or rap",
        reason="METHOD_HAS_NO_RETRIEVAL",
    )
