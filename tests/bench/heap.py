"""Memories of synthetic views, as large as one likes: what looks alike is near, as with photos."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np

from memory_db import Concept, ConceptStore, Vectors, View
from memory_db.names import folder_name
from memory_db.place import Kept, MemoryPlace
from memory_db.records import new_id, record_point, view_point
from services.runtime.profile import Profile

VIEWS_A_CONCEPT: Final = 10
KINDS: Final = 50
"""Things of one kind are nearer to each other than to others."""
APART: Final = 0.7
"""How far concepts of a kind are from its middle, before all is brought to unit length."""
UNLIKE: Final = 0.4
"""The same of the views of a concept."""

MODEL: Final = Profile.load("pocket").embedder
CATEGORIES: Final = [f"kind {number}" for number in range(KINDS)]
_PAGE: Final = 100
"""Concepts written in one operation."""


@dataclass
class Heap:
    """A memory of one user, and the vectors of its views beside it."""

    folder: Path
    store: ConceptStore
    vectors: Vectors
    """Of the views, float32 [n, dim]."""
    ids: list[str]
    """Of the views, in the same order."""

    def queries(self, number: int) -> Vectors:
        """New views of concepts that are known, float32 [number, dim]."""
        rng = np.random.default_rng(1)
        chosen = rng.choice(len(self.vectors), number)
        return _near(self.vectors[chosen], UNLIKE, rng)

    def close(self) -> None:
        """Closes the memory; again does nothing."""
        self.store.close()

    def reopen(self) -> None:
        """Opens the memory, which must be closed."""
        self.store = opened(self.folder)

    def bytes_on_disk(self) -> int:
        """What the index takes of the disk, without photos."""
        files = (file for file in self.folder.rglob("*") if "photos" not in file.parts)
        return sum(file.stat().st_blocks * 512 for file in files)


def opened(folder: Path, user: str = "me") -> ConceptStore:
    """The memory in `folder`."""
    return ConceptStore.open(folder, user=user, model=MODEL.name, dim=MODEL.dim)


def heap(folder: Path, views: int) -> Heap:
    """A new memory of so many views. Photos are left out: a search looks at none.

    It is written below the store, many concepts at once: the store brings each edit to disk.
    """
    rng = np.random.default_rng(0)
    concepts = views // VIEWS_A_CONCEPT
    kinds = _near(np.zeros((KINDS, MODEL.dim), np.float32), 1, rng)
    kind_of = rng.integers(KINDS, size=concepts)
    middles = _near(kinds[kind_of], APART, rng)
    vectors = _near(np.repeat(middles, VIEWS_A_CONCEPT, axis=0), UNLIKE, rng)
    made = _concepts(kind_of.tolist())
    index = MemoryPlace(folder).open(Kept(folder_name("me"), MODEL.name, MODEL.dim)).index
    ids: list[str] = []
    while page := list(islice(made, _PAGE)):
        points = []
        for concept in page:
            for view in concept.views:
                points.append(view_point(concept, view, vectors[len(ids)]))
                ids.append(view.id)
        index.upsert([*points, *map(record_point, page)])
    index.close()
    return Heap(folder, opened(folder), vectors, ids)


def _concepts(kind_of: list[int]) -> Iterator[Concept]:
    now = datetime.now(UTC)
    for number, kind in enumerate(kind_of):
        views = tuple(
            View(new_id(), f"{number}-{place}", (1.0, 2.0, 30.0, 40.0), False, now)
            for place in range(VIEWS_A_CONCEPT)
        )
        name = f"thing{number}"
        about = f"<{name}> is of {CATEGORIES[kind]}."
        yield Concept(new_id(), name, CATEGORIES[kind], about, f"{number:016x}", now, now, views)


def _near(middles: Vectors, distance: float, rng: np.random.Generator) -> Vectors:
    """A unit vector near each row: a step of this length in some direction, drawn back to one."""
    steps = rng.standard_normal(middles.shape, np.float32)
    rows = middles + distance * steps / np.linalg.norm(steps, axis=1, keepdims=True)
    unit: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
