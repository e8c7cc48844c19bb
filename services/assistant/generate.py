"""Generate: an answer that draws on the memory, streamed, and the concepts it rests on."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from kith.errors import InvalidInput, Unavailable
from services.assistant import prompts
from services.assistant.findings import Used
from services.assistant.memory import is_spoken_of
from services.assistant.methods import METHODS, Method
from services.assistant.prompts import Reference
from services.assistant.recall import Degradation, Loss, OpenStore, Recalled, recall
from services.assistant.stages import Stages
from services.runtime.types import Ending, Limits, Turn

_PLAIN: Final = METHODS["none"]

_NOTICES: Final = {
    Loss.MEMORY: "The memory is away, so nobody is known by name for now.\n",
    Loss.PHOTOS: "The photos can't be searched for known concepts now: who is there is a guess.\n",
    Loss.TRAINING: "Not all names here are trained yet, and those mean nothing for now.\n",
}
"""What an answer begins with that had to do without: a chat client shows its words and no more."""


@dataclass(frozen=True)
class Question:
    """A chat that waits for an answer."""

    turns: Sequence[Turn]
    """The last one is the user's."""
    limits: Limits
    given: Sequence[str] | None = None
    """Names or ids of the only concepts to draw on; None lets the method find them."""
    cache_key: bytes = b""
    """Whose earlier questions the engine may have kept something of; see `Generator.generate`."""


@dataclass(frozen=True)
class End:
    """What comes after the last piece of an answer."""

    concepts: Sequence[Used]
    """What the model was told of, the most certain first."""
    ending: Ending | None
    degradation: Degradation | None = None
    """What it had to do without."""


async def generate(
    method: Method, stages: Stages, open_store: OpenStore, question: Question
) -> AsyncGenerator[str | End, None]:
    """The answer in pieces, then its `End`. Closing the generator stops the model.

    When not all references fit into the model's context, the least certain are left out. When the
    model can't be reached, who was found in the photos is listed instead. An answer without the
    memory, or without a look at the photos, says so first.

    Raises:
        InvalidInput: The chat alone is too long for the model.
        Unavailable: The model can't be reached, and nobody was found; or it went away in an answer.
        NotFound, Refused, Overloaded: As `recall`, and for a given concept also Unavailable.
    """
    recalled = await recall(method, stages, open_store, question.turns, question.given)
    answer, begun = _in_words(method, stages, question, recalled), False
    try:
        async with aclosing(answer):
            async for piece in answer:
                if not begun and recalled.degradation is not None:
                    yield _NOTICES[recalled.degradation.loss]
                begun = True
                yield piece
    except Unavailable as error:
        seen = [one for one in _most_certain(recalled.used) if one.image_index is not None]
        if begun or not seen:
            raise
        yield _listed(seen)
        yield End(seen, None, Degradation(Loss.WORDS, error))


async def _in_words(
    method: Method, stages: Stages, question: Question, recalled: Recalled
) -> AsyncGenerator[str | End, None]:
    used, references = recalled.used, recalled.references
    # Without the memory the plain model answers, whatever the method says when it finds nobody.
    asked = _PLAIN if question.given is not None and not question.given else method
    room = asked.room(question.turns)
    said = prompts.text_of(question.turns[-1])
    while True:
        shown = _most_needed(references, used, room, said)
        answer = await asked.ask(stages, question.turns, shown, question.limits, question.cache_key)
        try:
            async with aclosing(answer):
                async for piece in answer:
                    yield piece
            break
        except InvalidInput as error:  # raised before the first piece, or never
            if error.reason != "PROMPT_TOO_LONG" or not shown:
                raise
            room = len(shown) - 1
    ids = {reference.concept.id for reference in shown}
    drawn_on = [one for one in _most_certain(used) if one.concept.id in ids]
    yield End(drawn_on, answer.ending, recalled.degradation)


def _most_certain(used: Sequence[Used]) -> list[Used]:
    return sorted(used, key=lambda one: -one.score)


def _listed(seen: Sequence[Used]) -> str:
    names = ", ".join(dict.fromkeys(f"<{one.concept.name}>" for one in seen))
    return f"Seen here: {names}. The language model is away, so there is no more to say for now."


def _most_needed(
    references: Sequence[Reference], used: Sequence[Used], room: int, said: str
) -> list[Reference]:
    """As many `references` as there is room for, in their order: the least certain are left out.

    Whom the question speaks of comes first, then what was only named: nothing else speaks of it.
    """

    def place(one: Used) -> tuple[bool, bool, float]:
        return (
            not is_spoken_of(one.concept.name, said),
            one.image_index is not None,
            -one.score,
        )

    by_need = sorted(used, key=place)
    there = {reference.concept.id for reference in references}
    ids = dict.fromkeys(one.concept.id for one in by_need if one.concept.id in there)
    fitting = set(list(ids)[: max(0, room)])
    return [reference for reference in references if reference.concept.id in fitting]
