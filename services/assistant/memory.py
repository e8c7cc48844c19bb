"""A user's memory as one question sees it."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Self

from PIL.Image import Image

from kith.errors import NotFound
from memory_db import Concept, ConceptStore, Neighbour, Snapshot, Vectors, View
from memory_db.names import clean_text
from services.assistant.findings import Used
from services.assistant.prompts import MAX_SIDE
from services.runtime import images

Rows = list[list[Neighbour]]
"""Neighbours, a row a query vector, nearest first."""

_FIRST_ASKED = 32


class Memory:
    """The concepts as they were when a question came in, and the store behind them.

    Every edit acknowledged before is in it; one made meanwhile changes nothing for this question,
    except that a view removed since, and the photo of a forgotten one, are gone.

    Args:
        store: Of the user who asks.
        snapshot: Its concepts.
    """

    def __init__(self, store: ConceptStore, snapshot: Snapshot) -> None:
        self._store = store
        self._snapshot = snapshot

    @classmethod
    async def read(cls, store: ConceptStore) -> Self:
        """The memory as it is now."""
        snapshot = store.current_snapshot()
        if snapshot is None:
            snapshot = await asyncio.to_thread(store.snapshot)
        return cls(store, snapshot)

    @property
    def concepts(self) -> tuple[Concept, ...]:
        """All of them, the oldest first."""
        return self._snapshot.concepts

    @property
    def views(self) -> Mapping[str, int]:
        """How many views show a concept, by its id."""
        return self._snapshot.views

    @property
    def categories(self) -> tuple[str, ...]:
        """The words for the detector, each once, in the order they came into the memory."""
        return self._snapshot.categories

    def get(self, concept_id: str) -> Concept | None:
        """The concept with this id; None when there is none."""
        return self._snapshot.get(concept_id)

    def named(self, name: str) -> Concept:
        """The concept of this display name or id.

        Raises:
            NotFound: There is none.
        """
        concept = self.get(name) or self._snapshot.named(clean_text(name).strip("<>"))
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
        return [concept for concept in self.concepts if is_spoken_of(concept.name, text)]

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
        """The picture of a view, as large as a model looks at (`prompts.MAX_SIDE`) at most.

        None when its concept was forgotten meanwhile.
        """
        try:
            return await asyncio.to_thread(self._decoded, view.blob)
        except NotFound:
            return None

    def _decoded(self, blob: str) -> Image:
        photo = images.decode(self._store.photo(blob), field="photo")
        return images.shrink(photo, MAX_SIDE)

    async def _ask(
        self,
        vectors: Vectors,
        take: Callable[[list[Neighbour]], list[Neighbour]],
        suffices: Callable[[list[Neighbour]], bool],
    ) -> Rows:
        """Asks for more and more neighbours until each row suffices or the memory has no more."""
        asked = _FIRST_ASKED
        while True:
            rows = await asyncio.to_thread(self._store.search, vectors, asked, self._snapshot)
            if all(len(row) < asked or suffices(row) for row in rows):
                return [take(row) for row in rows]
            asked *= 4


def is_spoken_of(name: str, text: str) -> bool:
    """Whether `text` holds `name` as a word, letter for letter, in brackets or not."""
    # Most names are not in it at all, which is told a hundred times faster.
    return name in text and bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))


def positive_views(concept: Concept) -> list[View]:
    """The views that show the concept, the oldest first; at least one."""
    return [view for view in concept.views if not view.negative]


def only_named(concept: Concept) -> Used:
    """A concept that a question is about whether or not a photo shows it: by its first view."""
    return Used(concept, positive_views(concept)[0].id, None, None, 0.0)
