"""Remember: photos of a thing to a concept with its views."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from PIL.Image import Image

from kith.errors import AlreadyExists
from memory_db import Concept, ConceptStore, NewView
from memory_db.names import clean_category, clean_description, clean_name
from services.assistant import prompts
from services.assistant.memory import Memory
from services.assistant.stages import Stages
from services.assistant.views import Photo, Prepared, prepare, prepare_whole
from services.runtime.types import Limits, Turn

_DESCRIPTION: Final = Limits(max_tokens=64)


@dataclass(frozen=True)
class Wish:
    """What the user wants to be remembered; an empty text is made up from the photos."""

    name: str
    category: str
    description: str
    photos: Sequence[Photo]
    request_id: str = ""
    to_learn_from: bool = False
    """For a method that trains: a photo is a view as it is, and no description is made up."""


class Similar(NamedTuple):
    """A concept that new photos look like."""

    concept: Concept
    distance: float
    """Of the nearest views, 0 to 2."""


class Remembered(NamedTuple):
    """What came of a wish."""

    concept: Concept
    similar: list[Similar]
    """Concepts that were there already and look like it, the most alike first."""


async def remember(stages: Stages, store: ConceptStore, wish: Wish) -> Remembered:
    """Remembers a concept.

    Raises:
        AlreadyExists: The name is taken.
        InvalidInput: A text or a box can't be used, or a photo shows several things.
    """
    prepared = await _prepared(stages, wish)
    similar = await _similar(stages, store, prepared.views)
    description = wish.description
    if not description and not wish.to_learn_from:
        description = await describe(stages, prepared.crops[0])
    concept = await asyncio.to_thread(
        store.remember, wish.name, prepared.category, description, prepared.views, wish.request_id
    )
    return Remembered(concept, [other for other in similar if other.concept.id != concept.id])


async def check(stages: Stages, store: ConceptStore, wish: Wish) -> list[Similar]:
    """The concepts that a wish looks like already; nothing is remembered.

    Raises:
        AlreadyExists, InvalidInput: As `remember` would.
    """
    clean_description(wish.description)
    if holder := await asyncio.to_thread(store.find, wish.name):
        raise AlreadyExists(
            f"display_name {holder.name!r} is the name of another concept; choose another name, "
            "or add views to that concept",
            reason="NAME_TAKEN",
            field="display_name",
            metadata={"concept": holder.id},
        )
    return await _similar(stages, store, (await _prepared(stages, wish)).views)


async def describe(stages: Stages, crop: Image) -> str:
    """What the language model says of a picture, in a line of its own words."""
    turn = Turn("user", prompts.plain([crop], [], prompts.CAPTION))
    pieces = [piece async for piece in stages.generator.generate([turn], _DESCRIPTION)]
    return "".join(pieces).strip()


async def _prepared(stages: Stages, wish: Wish) -> Prepared:
    """The wish's views; its words are checked first, since models cost more than that."""
    clean_name(wish.name)
    category = clean_category(wish.category)
    if wish.to_learn_from:
        return await prepare_whole(stages, wish.photos, category)
    return await prepare(stages, wish.photos, category)


async def _similar(stages: Stages, store: ConceptStore, views: Sequence[NewView]) -> list[Similar]:
    """The concepts nearer than a stranger to any of `views`, the most alike first."""
    memory = await Memory.read(store)
    limit = stages.stranger_distance
    rows = await memory.within(np.stack([view.vector for view in views]), limit)
    nearest: dict[str, float] = {}
    for found in sorted((n for row in rows for n in row), key=lambda n: n.distance):
        if not found.negative and found.distance < limit:
            nearest.setdefault(found.concept_id, found.distance)
    return [
        Similar(concept, distance)
        for concept_id, distance in nearest.items()
        if (concept := memory.get(concept_id))
    ]
