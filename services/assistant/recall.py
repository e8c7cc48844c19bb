"""What an answer may draw on: the concepts a question is about, each as the model is told of it.

What can't be reached is done without, and said: an answer that knows less is better than none.
"""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from kith.errors import Unavailable
from memory_db import Concept, ConceptStore
from services.assistant import prompts
from services.assistant.findings import Used
from services.assistant.memory import Memory
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
    TRAINING = "training"
    """Concepts that are not trained: the model is told nothing of them."""
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
    """What the model is shown of each concept, in the order of `used`."""
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
        Refused: The method has no use for given concepts, or the model can't be told of what the
            chat is about.
        Unavailable: Concepts are given, and the memory can't be reached.
        Overloaded: A stage has too much to do: asking again is better than an answer without it.
    """
    if not given and (given is not None or not method.draws_on_memory):
        return Recalled()
    lost = None
    try:
        memory = await Memory.read(await open_store())
        if given:
            wanted = {memory.named(name).id for name in given}
            used = method.given(turns, [c for c in memory.concepts if c.id in wanted])
        else:
            try:
                found = await method.recall(memory, stages, turns)
            except Unavailable as error:
                lost = Degradation(Loss.PHOTOS, error)
                blind = [prompts.without_photos(turn) for turn in turns]
                found = await method.recall(memory, stages, blind)
            unlearned = method.unlearned([one.concept for one in found])
            used = [one for one in found if one.concept not in unlearned]
            lost = lost or (_untrained(unlearned) if unlearned else None)
        return Recalled(used, await method.references(memory, used), lost)
    except Unavailable as error:
        if given:
            raise
        return Recalled(degradation=Degradation(Loss.MEMORY, error))


def train_hint(concepts: Sequence[Concept]) -> str:
    """How to train concepts, for whoever reads an error: on the command line, or by the API."""
    return f"kith train {shlex.join(concept.name for concept in concepts)}, or TrainConcepts"


def _untrained(concepts: Sequence[Concept]) -> Degradation:
    names = ", ".join(f"<{concept.name}>" for concept in concepts)
    error = Unavailable(
        f"not trained yet, and unknown to the model: {names}; ask again when the training is over, "
        f"or train {'it' if len(concepts) == 1 else 'them'}: {train_hint(concepts)}",
        reason="CONCEPT_NOT_TRAINED",
    )
    return Degradation(Loss.TRAINING, error)
