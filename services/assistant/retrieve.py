"""Retrieve: the concepts that photos show, and where; no language model is asked."""

from collections.abc import Sequence

from PIL.Image import Image

from memory_db import ConceptStore
from services.assistant.findings import Retrieval
from services.assistant.memory import Memory
from services.assistant.methods import Method
from services.assistant.stages import Stages


async def retrieve(
    method: Method, stages: Stages, store: ConceptStore, photos: Sequence[Image]
) -> list[Retrieval]:
    """What `method` finds in each of `photos`.

    Raises:
        Refused: The method retrieves nothing.
    """
    memory = await Memory.read(store)
    # One after the other: a caller with many photos must not crowd the others out of the queues.
    return [await method.retrieve(memory, stages, photo) for photo in photos]
