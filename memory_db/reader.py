"""The reading half of the concept store."""

from collections.abc import Iterable, Mapping

import numpy as np

from kith.errors import InvalidInput, NotFound
from memory_db.index import Hit, Point, VectorIndex, Where, pages
from memory_db.names import clean_name
from memory_db.photos import PhotoStore
from memory_db.records import VIEWS, Kind, concept_of, is_id
from memory_db.schema import Concept, Neighbour, Page, Vectors
from memory_db.snapshot import Snapshot, Snapshots

MAX_PAGE_SIZE = 1000

Neighbours = list[list[Neighbour]]
"""A row a query vector, nearest first."""


class ConceptReader:
    """Finds the concepts of one user. Safe to call from many threads.

    Args:
        index: Where the points are.
        photos: Where the images are.
    """

    def __init__(self, index: VectorIndex, photos: PhotoStore) -> None:
        self._index = index
        self._photos = photos
        self._snapshots = Snapshots(index)

    def snapshot(self) -> Snapshot:
        """Every concept as it is now; quick where little was written since the last call."""
        return self._snapshots.newest()

    def current_snapshot(self) -> Snapshot | None:
        """The same where nothing has to be read for it, so that it does not block; else None."""
        return self._snapshots.current()

    def get(self, concept_id: str, *, forgotten_too: bool = False) -> Concept:
        """One concept; with `forgotten_too`, also one that can still be brought back.

        Raises:
            NotFound: There is none with this id.
        """
        kinds = (Kind.CONCEPT, Kind.FORGOTTEN) if forgotten_too else (Kind.CONCEPT,)
        points = self._index.get([concept_id]) if is_id(concept_id) else []
        if not points or points[0].payload["kind"] not in kinds:
            raise not_found(f"concept {concept_id[:80]}")
        return concept_of(points[0])

    def find(self, name: str) -> Concept | None:
        """The concept of that name, written as `bo` or `<bo>`; None when there is none."""
        return self._first(name=clean_name(name))

    def list(
        self,
        page_size: int = 100,
        page_token: str = "",
        category: str = "",
        name: str = "",
        *,
        forgotten_too: bool = False,
    ) -> Page:
        """Concepts in the order they were made; of one category, of one name, or all.

        Raises:
            InvalidInput: The token is none of ours.
        """
        if page_token and not is_id(page_token):
            raise InvalidInput(
                "page_token was not given out by a list call; start without one",
                reason="PAGE_TOKEN_INVALID",
                field="page_token",
            )
        kinds = (Kind.CONCEPT, Kind.FORGOTTEN) if forgotten_too else (Kind.CONCEPT,)
        filters = {"category": category, "name": name}
        where: Where = {"kind": kinds} | {field: [word] for field, word in filters.items() if word}
        limit = max(1, min(page_size, MAX_PAGE_SIZE))
        points, following = self._index.scroll(where, page_token or None, limit)
        return Page(tuple(concept_of(point) for point in points), following or "")

    def search(self, vectors: Vectors, k: int, among: Snapshot | None = None) -> Neighbours:
        """The `k` nearest views for each row of `vectors` [n, dim], nearest first.

        Rejected views are among them.

        Args:
            vectors: Brought to unit length here.
            k: How many; fewer come back from a smaller memory.
            among: Whose views; None takes the concepts as they are now.
        """
        if not len(vectors) or k < 1:
            return [[] for _ in vectors]
        unit, asked = self._unit(vectors), k
        among = among or self.snapshot()
        while True:
            hits = self._index.search(unit, asked, {"kind": VIEWS})
            listed = _listed(among, (hit.point for row in hits for hit in row))
            rows = [_neighbours(row, listed) for row in hits]
            if all(len(row) >= k or len(hit) < asked for row, hit in zip(rows, hits, strict=True)):
                return [row[:k] for row in rows]
            asked *= 4  # nobody's views, or a forgotten concept's, are nearer

    def photo(self, blob: str) -> bytes:
        """The stored image of a view.

        Raises:
            NotFound: No view of a remembered concept has it.
        """
        views = pages(self._index, {"blob": [blob], "kind": VIEWS})
        if not any(self._shows(view.payload["concept"], blob) for view in views):
            raise NotFound("no view has this photo", reason="PHOTO_NOT_FOUND")
        return self._photos.get(blob)

    def _shows(self, concept_id: str, blob: str) -> bool:
        """Whether a photo is of a concept in use."""
        records = self._index.get([concept_id])
        in_use = [concept_of(one) for one in records if one.payload["kind"] == Kind.CONCEPT]
        return any(view.blob == blob for concept in in_use for view in concept.views)

    def _first(self, **fields: str) -> Concept | None:
        where: Where = {"kind": [Kind.CONCEPT], **{field: [word] for field, word in fields.items()}}
        points, _ = self._index.scroll(where, None, 1)
        return concept_of(points[0]) if points else None

    def _unit(self, vectors: Vectors) -> Vectors:
        """Rows of length one; refuses what has no direction, since it is near to nothing."""
        rows = np.asarray(vectors, dtype=np.float32)
        lengths = np.linalg.norm(rows, axis=-1, keepdims=True)
        sound = rows.ndim == 2 and np.isfinite(lengths).all() and (lengths > 0).all()
        if not sound or rows.shape[1] != self._index.dim:
            raise InvalidInput(
                f"vector of shape {rows.shape} is zero, not finite or not {self._index.dim} long; "
                "the embedding of this image failed",
                reason="VECTOR_INVALID",
                field="vector",
            )
        unit: Vectors = rows / lengths
        return unit


def _listed(among: Snapshot, views: Iterable[Point]) -> dict[str, tuple[str, bool]]:
    """The views that a concept lists: its id, and whether it rejects them.

    The points alone don't tell: a read may pass between two writes of an edit.
    """
    concepts = map(among.get, {view.payload["concept"] for view in views})
    return {
        view.id: (concept.id, view.negative)
        for concept in concepts
        if concept is not None
        for view in concept.views
    }


def _neighbours(row: Iterable[Hit], listed: Mapping[str, tuple[str, bool]]) -> list[Neighbour]:
    return [
        Neighbour(concept_id, hit.point.id, hit.distance, negative)
        for hit in row
        if hit.point.id in listed
        for concept_id, negative in [listed[hit.point.id]]
    ]


def not_found(what: str) -> NotFound:
    """The error for a concept or view that is not there, or not there any more."""
    return NotFound(
        f"there is no {what}; list the concepts to see which there are", reason="CONCEPT_NOT_FOUND"
    )
