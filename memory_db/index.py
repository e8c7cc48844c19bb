"""What the memory needs from a vector database: points in, points and neighbours out."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from memory_db.schema import Vectors

VECTOR = "view"
"""Name of the one vector a point may have; a point without it is nobody's neighbour."""

INDEXED_FIELDS = ("kind", "name", "category", "request", "blob")
"""Payload fields that `Where` may ask about."""

_PAGE = 500

Where = Mapping[str, Collection[str]]
"""Every named field holds one of the given words."""


@dataclass(frozen=True, slots=True)
class Point:
    """A row: a UUID, JSON fields, and a unit vector or None."""

    id: str
    payload: Mapping[str, Any]
    vector: Vectors | None = None


class Hit(NamedTuple):
    """A point near a query, with the L2 distance of the two unit vectors."""

    point: Point
    distance: float


class VectorIndex(Protocol):
    """The points of one user under one embedding model. Safe to call from many threads."""

    @property
    def dim(self) -> int:
        """Length of the vectors."""

    @property
    def writes(self) -> int | None:
        """How often it was written to, failed writes included; None where others write unseen."""

    def require_room(self) -> None:
        """Raise what an edit would raise where nothing can be written, before anything is."""

    def upsert(self, points: Sequence[Point]) -> None:
        """Write points whole, replacing those with the same id; durable on return.

        Embedded, all of them are written or none. A server may be met between two points, so the
        one that makes the others count comes last.
        """

    def get(self, ids: Collection[str], *, with_vectors: bool = False) -> list[Point]:
        """The points with these ids, in no order; unknown ids are left out."""

    def scroll(
        self,
        where: Where,
        start: str | None,
        limit: int,
        *,
        only: Sequence[str] | None = None,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        """Up to `limit` points in order of id, from id `start` on; and the id to go on from.

        With `only`, of their payloads these fields.
        """

    def search(self, vectors: Vectors, k: int, where: Where) -> list[list[Hit]]:
        """The `k` nearest points for each row of `vectors` [n, dim], nearest first."""

    def count(self, where: Where) -> int:
        """How many points there are."""

    def purge(self, ids: Collection[str]) -> None:
        """Delete points so that nothing of them, or of any earlier edit, is left in the files.

        Embedded, that is proved; a server does it when it next compacts its segments. Without ids,
        what an earlier call that failed has left.
        """

    def close(self) -> None:
        """Release files and connections."""


def pages(
    index: VectorIndex, where: Where, *, only: Sequence[str] | None = None
) -> Iterator[Point]:
    """Every point that matches, in order of id; with `only`, of their payloads these fields."""
    start = None
    while True:
        points, start = index.scroll(where, start, _PAGE, only=only)
        yield from points
        if start is None:
            return
