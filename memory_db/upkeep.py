"""Work off the request path: deleting for good, and mending what a crash left behind."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from memory_db.index import VectorIndex, pages
from memory_db.photos import PhotoStore
from memory_db.records import VIEWS, Kind, concept_of, new_etag, record_point, removed_point

_BATCH: Final = 500


class Purged(NamedTuple):
    """What is now gone for good."""

    concepts: tuple[str, ...]
    """Ids of the concepts."""
    photos: int
    waiting: int = 0
    """Forgotten concepts that can still be brought back."""


class Repaired(NamedTuple):
    """What was mended; all zero in a sound memory."""

    photos_collected: int
    """Stored photos that nothing names."""
    views_dropped: int
    """Views without their photo or their vector, and vectors that no concept lists."""
    concepts_dropped: int
    """Concepts that had no positive view left."""


def purge(index: VectorIndex, photos: PhotoStore, now: datetime) -> Purged:
    """Delete concepts whose undo window has passed, and removed views, with their photos.

    Killed at any point, the next call finishes: what is to go is marked first, and the marks go
    last, after the photos.
    """
    forgotten = [concept_of(record) for record in pages(index, {"kind": [Kind.FORGOTTEN]})]
    concepts = [one for one in forgotten if one.undo_until is None or one.undo_until <= now]
    views = [removed_point(view.id, view.blob) for c in concepts for view in c.views]
    if concepts:
        index.upsert([*views, *(removed_point(concept.id, "") for concept in concepts)])
    removed = {point.id: point.payload["blob"] for point in pages(index, {"kind": [Kind.REMOVED]})}
    doomed = set(removed.values()) - {""}
    for blobs in _batches(sorted(doomed)):
        naming = pages(index, {"blob": blobs})
        doomed -= {point.payload["blob"] for point in naming if point.id not in removed}
    for blob in doomed:
        photos.delete(blob)
    index.purge(removed)  # where there is nothing, too: the last one may have failed
    gone = tuple(concept.id for concept in concepts)
    return Purged(gone, len(doomed), len(forgotten) - len(gone))


def _batches(blobs: list[str]) -> Iterator[list[str]]:
    """A few hundred at a time: one question for each would take most of the time of a purge."""
    for start in range(0, len(blobs), _BATCH):
        yield blobs[start : start + _BATCH]


def repair(index: VectorIndex, photos: PhotoStore) -> Repaired:
    """Make records, view points and photos agree again.

    A view counts when its record lists it and its vector and its photo are there; everything else
    is dropped. Nobody else may be writing to this memory meanwhile.
    """
    stored = photos.names()
    vectors = {point.id: point.payload["blob"] for point in pages(index, {"kind": VIEWS})}
    sound = {view_id for view_id, blob in vectors.items() if blob in stored}
    listed: set[str] = set()
    dropped: set[str] = set()
    missing = 0
    for point in list(pages(index, {"kind": [Kind.CONCEPT, Kind.FORGOTTEN]})):
        concept = concept_of(point)
        views = concept.views
        kept = tuple(view for view in views if view.id in sound)
        missing += sum(view.id not in vectors for view in views)
        if all(view.negative for view in kept):
            dropped.add(point.id)
            continue
        listed |= {view.id for view in kept}
        if kept != views:
            mended = replace(concept, views=kept, etag=new_etag())
            index.upsert([record_point(mended)])
    orphans = vectors.keys() - listed
    if dropped or orphans:
        index.purge(dropped | orphans)
    waiting = {point.payload["blob"] for point in pages(index, {"kind": [Kind.REMOVED]})}
    garbage = stored - {vectors[view_id] for view_id in listed} - waiting
    for blob in garbage:
        photos.delete(blob)
    return Repaired(len(garbage), len(orphans) + missing, len(dropped))
