"""A user's memory as one question sees it."""

import asyncio
import re
from collections.abc import Callable
from functools import cached_property
from typing import Self

from PIL.Image import Image

from kith.errors import NotFound
from memory_db import Concept, ConceptStore, Neighbour, Vectors, View
from memory_db.names import clean_text
from services.assistant.findings import Used
from services.runtime import images

Rows = list[list[Neighbour]]
"""Neighbours, a row a query vector, nearest first."""

_PAGE = 1000
_FIRST_ASKED = 32


class Memory:
    """The concepts as they were when a question came in, and the store behind them.

    Every edit acknowledged before is in it; one made meanwhile changes nothing for this question,
    except that a photo purged since is gone.

    Args:
        store: Of the user who asks.
        concepts: The oldest first.
    """

    def __init__(self, store: ConceptStore, concepts: tuple[Concept, ...]) -> None:
        self.concepts = concepts
        self._store = store
        self._by_id = {concept.id: concept for concept in concepts}

    @classmethod
    async def read(cls, store: ConceptStore) -> Self:
        """The memory as it is now."""
        return cls(store, await asyncio.to_thread(all_concepts, store))

    @cached_property
    def views(self) -> dict[str, int]:
        """How many views show a concept, by its id."""
        return {concept.id: len(positive_views(concept)) for concept in self.concepts}

    @property
    def categories(self) -> tuple[str, ...]:
        """The words for the detector, each once, in the order they came into the memory."""
        return tuple(dict.fromkeys(c.category for c in self.concepts if c.category))

    def get(self, concept_id: str) -> Concept | None:
        """The concept with this id; None when there is none."""
        return self._by_id.get(concept_id)

    def named(self, name: str) -> Concept:
        """The concept of this display name or id.

        Raises:
            NotFound: There is none.
        """
        concept = self._by_id.get(name) or self._by_name.get(clean_text(name).strip("<>"))
        if concept is None:
            raise NotFound(
                f"concepts: there is no {name[:80]!r}; list the concepts to see which there are",
                reason="CONCEPT_NOT_FOUND",
                field="concepts",
            )
        return concept

    def in_brackets(self, text: str) -> list[Concept]:
        """The concepts written as `<bo>` in `text`, the oldest first."""
        return [concept for concept in self.concepts if f"<{concept.name}>" in text]

    def mentioned(self, text: str) -> list[Concept]:
        """The concepts in `text`, as `<bo>` or as the word bo, letter for letter."""
        return [
            concept
            for concept in self.concepts
            # Most names are not in it at all, which is told a hundred times faster.
            if concept.name in text and re.search(rf"(?<!\w){re.escape(concept.name)}(?!\w)", text)
        ]

    async def nearest(self, vectors: Vectors, k: int, keep: Callable[[Neighbour], bool]) -> Rows:
        """The `k` nearest views that `keep` holds for, a row a vector."""
        return await self._ask(
            vectors,
            lambda row: [view for view in row if keep(view)][:k],
            lambda row: sum(map(keep, row)) >= k,
        )

    async def within(self, vectors: Vectors, distance: float) -> Rows:
        """All views nearer than `distance`, rejected ones too, and some beyond; nearest first."""
        return await self._ask(vectors, lambda row: row, lambda row: row[-1].distance >= distance)

    async def photo(self, view: View) -> Image | None:
        """The picture of a view; None when its concept was forgotten meanwhile."""
        try:
            data = await asyncio.to_thread(self._store.photo, view.blob)
        except NotFound:
            return None
        return await asyncio.to_thread(images.decode, data, field="photo")

    async def _ask(
        self,
        vectors: Vectors,
        take: Callable[[list[Neighbour]], list[Neighbour]],
        suffices: Callable[[list[Neighbour]], bool],
    ) -> Rows:
        """Asks for more and more neighbours until each row suffices or the memory has no more."""
        asked = _FIRST_ASKED
        while True:
            rows = await asyncio.to_thread(self._store.search, vectors, asked)
            if all(len(row) < asked or suffices(row) for row in rows):
                return [take([view for view in row if self._knows(view)]) for row in rows]
            asked *= 4

    def _knows(self, neighbour: Neighbour) -> bool:
        concept = self._by_id.get(neighbour.concept_id)
        return concept is not None and any(v.id == neighbour.view_id for v in concept.views)

    @cached_property
    def _by_name(self) -> dict[str, Concept]:
        return {concept.name: concept for concept in self.concepts}


def all_concepts(store: ConceptStore, *, forgotten_too: bool = False) -> tuple[Concept, ...]:
    """Every concept of a store, the oldest first. Blocks."""
    concepts: list[Concept] = []
    token = ""
    while True:
        page = store.list(_PAGE, token, forgotten_too=forgotten_too)
        concepts += page.concepts
        token = page.next_page_token
        if not token:
            return tuple(concepts)


def positive_views(concept: Concept) -> list[View]:
    """The views that show the concept, the oldest first; at least one."""
    return [view for view in concept.views if not view.negative]


def only_named(concept: Concept) -> Used:
    """A concept that a question is about whether or not a photo shows it: by its first view."""
    return Used(concept, positive_views(concept)[0].id, None, None, 0.0)
