"""A method that trains, as the assistant sees it: what the model has learned in place of pictures.

What it can't do is refused with the reason: to retrieve, to draw on a concept that is not trained,
to be told of more concepts at once than the method allows, and without text-only questions, to
speak of a concept that no photo is shown with.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from PIL import Image

from kith.errors import Refused
from memory_db import Concept
from services.assistant import prompts
from services.assistant.capabilities import Capabilities
from services.assistant.findings import Recognition, Retrieval, Used
from services.assistant.memory import Memory, only_named
from services.assistant.prompts import Reference
from services.assistant.recall import train_hint
from services.assistant.stages import Stages
from services.baselines.known import Known
from services.baselines.learner import Learner
from services.baselines.methods.base import Finding, Learned
from services.baselines.tokens import MAX_CONCEPTS
from services.runtime.identity import current_user
from services.runtime.types import Answer, Limits, Turn

_NO_PICTURE: Final = Image.new("RGB", (1, 1))
"""Where other methods have a picture of a concept to show to the model."""


class Personal:
    """A `services.assistant.methods.Method` that is made of one that trains.

    Args:
        known: What is known of the concepts.
        learner: Gives the base model.
    """

    heeds_rejections = False
    draws_on_memory = True

    def __init__(self, known: Known, learner: Callable[[], Awaitable[Learner]]) -> None:
        self._known = known
        self._learner = learner

    @property
    def name(self) -> str:
        """See `Method.name`."""
        return self.capabilities.method

    @property
    def capabilities(self) -> Capabilities:
        """See `Method.capabilities`."""
        return self._known.method.capabilities

    @property
    def at_once(self) -> int:
        """Most concepts that one question can be about."""
        return self.capabilities.max_concepts_at_once or MAX_CONCEPTS

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image.Image) -> Retrieval:
        """Refuses."""
        raise Refused(
            f"method: {self.name!r} retrieves nothing; recognize the concepts by their names, or "
            "ask a server that runs kith or rap",
            reason="METHOD_HAS_NO_RETRIEVAL",
        )

    async def recognize(
        self, memory: Memory, stages: Stages, photo: Image.Image, concepts: Sequence[Concept]
    ) -> list[Recognition]:
        """Asks the model for each; as many as it can be told of at once.

        Raises:
            Refused: One of them is not trained, or for another base model.
        """
        self._require_learned(concepts)
        learner, user = await self._learner(), current_user()
        found = await self._looked_for(learner, user, photo, concepts)
        return [
            Recognition(concept, one.present, one.score, one.box, "")
            for concept, one in zip(concepts, found, strict=True)
        ]

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """The concepts that the user's texts name, as `<bo>` or, where none stands so, as a word.

        Where they are more than the model can be told of at once, those of the last question count.
        In a chat that names none they are those that its photos show, as `recognize` would say, the
        most certain ones if they are too many: told of somebody who is not there, a model sees them
        all the same. Of more than `MAX_CONCEPTS` trained ones none is looked for.
        """
        asked = [prompts.text_of(turn) for turn in turns if turn.role == "user"]
        named = _named(memory, "\n".join(asked))
        if len(named) > self.at_once:
            named = _named(memory, asked[-1])
        if named:
            self._require_possible(turns, named)
            return list(map(only_named, named))
        photos = [photo for turn in turns for photo in prompts.photos_of(turn)]
        return await self._seen(memory, photos)

    def given(self, turns: Sequence[Turn], concepts: Sequence[Concept]) -> list[Used]:
        """See `Method.given`."""
        self._require_possible(turns, concepts)
        self._require_learned(concepts)
        return list(map(only_named, concepts))

    def unlearned(self, concepts: Sequence[Concept]) -> list[Concept]:
        """See `Method.unlearned`."""
        user = current_user()
        return [concept for concept in concepts if not self._known.is_learned(user, concept)]

    async def references(self, memory: Memory, used: Sequence[Used]) -> list[Reference]:
        """See `Method.references`: no pictures, the model has learned what they show."""
        return [Reference(one.concept, _NO_PICTURE) for one in used]

    def room(self, turns: Sequence[Turn]) -> int:
        """See `Method.room`."""
        return self.at_once

    async def ask(
        self,
        stages: Stages,
        turns: Sequence[Turn],
        references: Sequence[Reference],
        limits: Limits,
        cache_key: bytes,
    ) -> Answer:
        """See `Method.ask`. Without a concept the plain model answers."""
        learner = await self._learner()
        shrunk = await asyncio.to_thread(prompts.shrunk, turns)
        if not references:
            return learner.generate(shrunk, limits)
        concepts = [reference.concept for reference in references]
        return learner.answer(self._known, current_user(), concepts, shrunk, limits)

    async def _seen(self, memory: Memory, photos: Sequence[Image.Image]) -> list[Used]:
        """The trained concepts that photos show, each where that is most certain."""
        user = current_user()
        learned = [one for one in memory.concepts if self._known.is_learned(user, one)]
        if not photos or not 0 < len(learned) <= MAX_CONCEPTS:
            return []
        learner, best = await self._learner(), dict[str, Used]()
        for index, photo in enumerate(photos):
            found = await self._looked_for(learner, user, photo, learned)
            for concept, one in zip(learned, found, strict=True):
                before = best.get(concept.id)
                if one.present and (before is None or one.score > before.score):
                    best[concept.id] = Used(concept, "", index, one.box, one.score)
        likely = sorted(best.values(), key=lambda used: -used.score)[: self.at_once]
        # Tokens keep the order in which they were trained.
        return [best[one.id] for one in learned if best.get(one.id) in likely]

    async def _looked_for(
        self, learner: Learner, user: str, photo: Image.Image, concepts: Sequence[Concept]
    ) -> list[Finding]:
        """Whether a photo shows each of these; as many are asked for together as can be."""
        found: list[Finding] = []
        for start in range(0, len(concepts), self.at_once):
            part = concepts[start : start + self.at_once]
            found += await learner.run(self._find, learner, user, photo, part)
        return found

    def _find(
        self, learner: Learner, user: str, photo: Image.Image, concepts: Sequence[Concept]
    ) -> list[Finding]:
        """On the model's thread."""
        base = learner.models.base
        learned: list[Learned] = [self._known.load(user, one, base) for one in concepts]
        return self._known.method.recognize(learner.models, photo, learned)

    def _require_learned(self, concepts: Sequence[Concept]) -> None:
        if unlearned := self.unlearned(concepts):
            raise Refused(
                f"concepts: not trained yet: {_tags(unlearned)}; wait for the training, or train "
                f"{'it' if len(unlearned) == 1 else 'them'}: {train_hint(unlearned)}",
                reason="CONCEPT_NOT_TRAINED",
                field="concepts",
                metadata={"concepts": " ".join(concept.id for concept in unlearned)},
            )

    def _require_possible(self, turns: Sequence[Turn], concepts: Sequence[Concept]) -> None:
        if len(concepts) > self.at_once:
            raise Refused(
                f"turns: they are about {_tags(concepts)}, and {self.name} can be told of "
                f"{self.at_once} at once; ask about each on its own",
                reason="TOO_MANY_CONCEPTS",
                field="turns",
            )
        if not self.capabilities.text_only_qa and not any(map(prompts.photos_of, turns)):
            raise Refused(
                f"turns: {self.name} knows {_tags(concepts)} by sight only; ask about a photo",
                reason="METHOD_HAS_NO_TEXT_ONLY_QA",
                field="turns",
            )


def _named(memory: Memory, text: str) -> list[Concept]:
    return memory.in_brackets(text) or memory.mentioned(text)


def _tags(concepts: Sequence[Concept]) -> str:
    return ", ".join(f"<{concept.name}>" for concept in concepts)
