"""Moving a memory to another embedding model: its photos stay, its vectors are made anew."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from memory_db.index import Point, Where, pages
from memory_db.place import Parts
from memory_db.records import Kind, concept_of, record_point, removed_point, view_point
from memory_db.schema import Concept, Vectors
from memory_db.upkeep import purge, repair

Embed = Callable[[Sequence[bytes]], Vectors]
"""Stored photos to unit vectors of the new model, a row each."""

_KINDS = (Kind.CONCEPT, Kind.FORGOTTEN)

_PHOTOS = 16
"""Embedded at once; bounds the memory they take."""


class Moved(NamedTuple):
    """What came of a move."""

    concepts: int
    views: int
    left: tuple[str, ...]
    """Names of concepts that stay in the old memory: another concept of the new one has theirs."""


def reindex(
    old: Parts, new: Parts, embed: Embed, tell: Callable[[int, int], None] = lambda *_: None
) -> Moved:
    """Move every concept, those that can still be brought back among them.

    Each is in one of the two memories at any time, and in both for a moment; killed at any point,
    the next call goes on. What has moved leaves nothing behind. Nobody else may be writing to
    either memory meanwhile.

    Args:
        old: From where.
        new: To where; concepts that it has already stay as they are.
        embed: The new model.
        tell: Told how many concepts are done, and how many there are.
    """
    repair(old.index, old.photos)
    purge(old.index, old.photos, datetime.now(UTC))
    points = list(pages(old.index, {"kind": _KINDS}))
    moved, views, left = 0, 0, []
    for done, concept in enumerate(map(concept_of, points)):
        tell(done, len(points))
        if _is_taken(new, concept):
            left.append(concept.name)
            continue
        if not new.index.get([concept.id]):  # else the last call was cut short right after
            _copy(old, new, concept, embed)
        gone = [removed_point(view.id, view.blob) for view in concept.views]
        old.index.upsert([*gone, removed_point(concept.id, "")])
        moved, views = moved + 1, views + len(concept.views)
    purge(old.index, old.photos, datetime.now(UTC))
    tell(len(points), len(points))
    return Moved(moved, views, tuple(left))


def is_empty(memory: Parts) -> bool:
    """Whether nothing is left of a memory, not even what waits to be purged."""
    return not memory.index.count({}) and not memory.photos.names()


def _is_taken(new: Parts, concept: Concept) -> bool:
    where: Where = {"kind": [Kind.CONCEPT], "name": [concept.name]}
    holders, _ = new.index.scroll(where, None, 1)
    return concept.forgotten is None and any(point.id != concept.id for point in holders)


def _copy(old: Parts, new: Parts, concept: Concept, embed: Embed) -> None:
    """Photos first, then the points, the record last: as `ConceptStore` writes an edit."""
    points: list[Point] = []
    for start in range(0, len(concept.views), _PHOTOS):
        some = concept.views[start : start + _PHOTOS]
        photos = [old.photos.get(view.blob) for view in some]
        for photo in photos:
            new.photos.put(photo)
        rows = zip(some, embed(photos), strict=True)
        points += [view_point(concept, view, row) for view, row in rows]
    new.index.upsert([*points, record_point(concept)])
