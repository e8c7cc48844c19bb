"""What the methods that retrieve have in common: the model is shown a picture of each concept."""

import asyncio
from collections.abc import Sequence
from typing import Final

from PIL.Image import Image

from memory_db import Concept
from services.assistant import prompts
from services.assistant.findings import Used
from services.assistant.memory import Memory, only_named
from services.assistant.prompts import Parts, Reference
from services.assistant.stages import Stages
from services.runtime.types import Answer, Limits, Turn

MAX_PICTURES: Final = 16
"""Pictures that a generation service takes, photos and references together."""


class Shown:
    """A method whose concepts are pictures in the prompt; a subclass says how they are laid out."""

    draws_on_memory = True

    @staticmethod
    def layout(photos: Sequence[Image], references: Sequence[Reference], question: str) -> Parts:
        """Of the first turn of a chat."""
        raise NotImplementedError

    def given(self, turns: Sequence[Turn], concepts: Sequence[Concept]) -> list[Used]:
        """See `Method.given`."""
        return [only_named(concept)._replace(there=True) for concept in concepts]

    def unlearned(self, concepts: Sequence[Concept]) -> list[Concept]:
        """See `Method.unlearned`: none, a picture is enough."""
        return []

    async def references(self, memory: Memory, used: Sequence[Used]) -> list[Reference]:
        """See `Method.references`: the view that each concept was first known by."""
        found: dict[str, list[Used]] = {}
        for one in used:
            found.setdefault(one.concept.id, []).append(one)
        references = []
        for best, *more in found.values():
            view = next(view for view in best.concept.views if view.id == best.view_id)
            seen_in = {u.image_index: u.box for u in (best, *more) if u.image_index is not None}
            if (photo := await memory.photo(view)) is not None:
                references.append(Reference(best.concept, photo, seen_in, best.there))
        return references

    def room(self, turns: Sequence[Turn]) -> int:
        """See `Method.room`."""
        return MAX_PICTURES - sum(len(prompts.photos_of(turn)) for turn in turns)

    async def ask(
        self,
        stages: Stages,
        turns: Sequence[Turn],
        references: Sequence[Reference],
        limits: Limits,
        cache_key: bytes,
    ) -> Answer:
        """See `Method.ask`."""
        laid_out = prompts.lay_out(turns, references, self.layout)
        shrunk = await asyncio.to_thread(prompts.shrunk, laid_out)
        return stages.generator.generate(shrunk, limits, cache_key)
