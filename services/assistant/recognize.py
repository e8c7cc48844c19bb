"""Recognize: whether a photo shows concepts that the caller names."""

from collections.abc import Sequence

from PIL.Image import Image

from memory_db import ConceptStore
from services.assistant.findings import Recognition
from services.assistant.memory import Memory
from services.assistant.methods import Method
from services.assistant.stages import Stages


async def recognize(
    method: Method, stages: Stages, store: ConceptStore, photo: Image, names: Sequence[str]
) -> list[Recognition]:
    """Whether `photo` shows each of the concepts of these display names or ids, in their order.

    Raises:
        NotFound: There is none of such a name.
        Refused: The method retrieves nothing.
    """
    memory = await Memory.read(store)
    concepts = [memory.named(name) for name in names]
    return await method.recognize(memory, stages, photo, concepts)
