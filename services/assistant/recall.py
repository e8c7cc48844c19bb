"""What an answer may draw on: the concepts a question is about, each with a picture of it.

What can't be reached is done without, and said: an answer that knows less is better than none.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from kith.errors import Refused, Unavailable
from memory_db import ConceptStore
from services.assistant import prompts
from services.assistant.capabilities import TABLE
from services.assistant.findings import Used
from services.assistant.memory import Memory, only_named
from services.assistant.methods import Method
from services.assistant.prompts import Reference
from services.assistant.stages import Stages
from services.runtime.types import Turn

OpenStore = Callable[[], Awaitable[ConceptStore]]
"""The user's store. Raises `Unavailable` when what keeps it can't be reached."""


class Loss(Enum):
    """What an answer had to do without."""

    MEMORY = "memory"
    """The memory: nothing is recalled."""
    PHOTOS = "photos"
    """The look at the photos: what the text names is recalled, and nothing else."""
    WORDS = "words"
    """The language model: who was found in the photos is listed, and no more."""


class Degradation(NamedTuple):
    """What an answer had to do without, and why."""

    loss: Loss
    error: Unavailable


@dataclass(frozen=True)
class Recalled:
    """What the memory gives for a question."""

    used: Sequence[Used] = ()
    references: Sequence[Reference] = ()
    """One picture a concept, in the order of `used`."""
    degradation: Degradation | None = None


async def recall(
    method: Method,
    stages: Stages,
    open_store: OpenStore,
    turns: Sequence[Turn],
    given: Sequence[str] | None,
) -> Recalled:
    """What to tell the model of.

    Args:
        method: Finds the concepts.
        stages: The models that it finds them with.
        open_store: Where to look.
        turns: The chat.
        given: Names or ids of the only concepts to recall; None lets the method find them.

    Raises:
        NotFound: A given concept is not there.
        Refused: Concepts are given to a method that has no use for them.
        Unavailable: Concepts are given, and the memory can't be reached.
        Overloaded: A stage has too much to do: asking again is better than an answer without it.
    """
    if not given and (given is not None or not TABLE[method.name].retrieval):
        return Recalled()
    lost = None
    try:
        memory = await Memory.read(await open_store())
        if given:
            used = _given(method, memory, given)
        else:
            try:
                used = await method.recall(memory, stages, turns)
            except Unavailable as error:
                lost = Degradation(Loss.PHOTOS, error)
                blind = [prompts.without_photos(turn) for turn in turns]
                used = await method.recall(memory, stages, blind)
        return Recalled(used, await _references(memory, used), lost)
    except Unavailable as error:
        if given:
            raise
        return Recalled(degradation=Degradation(Loss.MEMORY, error))


def _given(method: Method, memory: Memory, names: Sequence[str]) -> list[Used]:
    if not TABLE[method.name].retrieval:
        raise Refused(
            "given_concepts: the method 'none' draws on no concept; leave them out",
            reason="METHOD_HAS_NO_RETRIEVAL",
            field="given_concepts",
        )
    wanted = {memory.named(name).id for name in names}
    return [only_named(concept) for concept in memory.concepts if concept.id in wanted]


async def _references(memory: Memory, used: Sequence[Used]) -> list[Reference]:
    best: dict[str, Used] = {}
    for one in used:
        best.setdefault(one.concept.id, one)
    references = []
    for one in best.values():
        view = next(view for view in one.concept.views if view.id == one.view_id)
        if (photo := await memory.photo(view)) is not None:
            references.append(Reference(one.concept, photo))
    return references
