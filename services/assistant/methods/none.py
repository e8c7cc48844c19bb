"""`none`: the plain model, without any memory; what every method has to beat."""

from collections.abc import Sequence

from PIL.Image import Image

from kith.errors import Refused
from memory_db import Concept
from services.assistant import prompts
from services.assistant.capabilities import Capabilities
from services.assistant.findings import Recognition, Retrieval, Used
from services.assistant.memory import Memory
from services.assistant.methods.shown import Shown
from services.assistant.stages import Stages
from services.runtime.types import Turn


class NoMemory(Shown):
    """Concepts can be remembered, but nothing is ever drawn from them."""

    name = "none"
    capabilities = Capabilities(
        name,
        positives_min=1,  # Remember works as everywhere; it is only never drawn on
        positives_max=1,
        description=False,
        text_only_qa=False,
        retrieval=False,
    )
    layout = staticmethod(prompts.plain)
    heeds_rejections = False
    draws_on_memory = False

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

    def given(self, turns: Sequence[Turn], concepts: Sequence[Concept]) -> list[Used]:
        """Refuses."""
        raise Refused(
            "given_concepts: the method 'none' draws on no concept; leave them out",
            reason="METHOD_HAS_NO_RETRIEVAL",
            field="given_concepts",
        )


def _refusal() -> Refused:
    return Refused(
        "method: 'none' retrieves nothing; ask a server that runs kith or rap",
        reason="METHOD_HAS_NO_RETRIEVAL",
    )
