"""The concept store: one user's memory under one embedding model."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from kith.errors import AlreadyExists, InvalidInput, Refused, Stale
from memory_db import upkeep
from memory_db.events import EditKind, EventLog, Subscription
from memory_db.index import Point, VectorIndex, Where
from memory_db.names import clean_category, clean_description, clean_name, folder_name
from memory_db.photos import PhotoStore
from memory_db.place import Kept, MemoryPlace
from memory_db.reader import ConceptReader, not_found
from memory_db.records import Kind, new_etag, new_id, record_point, removed_point, view_point
from memory_db.schema import Concept, NewView, View
from memory_db.upkeep import Purged, Repaired

_KEPT_REQUESTS = 64
"""Retries come soon: of a concept's many requests the last ones are enough."""


class ConceptStore(ConceptReader):
    """Remembers, finds and forgets the concepts of one user. Safe to call from many threads.

    Every call blocks for milliseconds: from an event loop, use `asyncio.to_thread`. An edit is on
    disk, and seen by every later call, when its method returns. Each memory is open in one
    process; on a server, edits of one user from several processes are not serialised.

    Args:
        index: Where the points are.
        photos: Where the images are.
        now: The clock, for tests of the undo window.
    """

    def __init__(
        self,
        index: VectorIndex,
        photos: PhotoStore,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(index, photos)
        self._now = now
        self._events = EventLog()
        # Held over every edit: names stay unique, etags are compared and swapped, events come in
        # order, and no photo is purged while a view that shares it is being written.
        self._editing = threading.RLock()
        self.awaits_purge = True
        """Whether something may be there that `purge_expired` has yet to delete."""

    @classmethod
    def open(cls, place: MemoryPlace | Path, *, user: str, model: str, dim: int) -> Self:
        """Open a user's memory, or make an empty one.

        Raises:
            Refused, Unavailable: As `MemoryPlace.open`.
        """
        if isinstance(place, Path):
            place = MemoryPlace(place)
        parts = place.open(Kept(folder_name(user), model, dim))
        return cls(parts.index, parts.photos)

    def close(self) -> None:
        """Let other processes in."""
        self._index.close()

    @property
    def closer(self) -> Callable[[], None]:
        """`close`, without holding the store: for whoever waits until nobody else does."""
        return self._index.close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def subscribe(self, from_revision: int | None = None) -> Subscription:
        """Watch edits made through this store; see `EventLog.subscribe`."""
        return self._events.subscribe(from_revision)

    def remember(
        self,
        name: str,
        category: str,
        description: str,
        views: Sequence[NewView],
        request_id: str = "",
    ) -> Concept:
        """Make a concept with its views.

        Args:
            name: Unique a user; cleaned as `names.clean_name` says.
            category: The word for the detector; may be empty.
            description: May be empty.
            views: At least one that is not negative.
            request_id: The same id again returns the concept it made, and makes none.

        Raises:
            InvalidInput: A text or a vector can't be kept, there is no positive view, or
                `request_id` made a concept of another name.
            AlreadyExists: The name is taken; the message names the holder.
            NotFound: A retry, and the concept was forgotten since.
        """
        now = self._now()
        concept = Concept(
            id=new_id(),
            name=clean_name(name),
            category=clean_category(category),
            description=clean_description(description),
            etag="",
            created=now,
            updated=now,
            views=(),
        )
        request = _request("remember", request_id)
        with self._editing:
            if request and (made := self._made_by(request)):
                return _same_wish(self.get(made), concept.name)
            self._require_free(concept.name)
            return self._save(concept, EditKind.REMEMBERED, views, request)

    def update(
        self,
        concept_id: str,
        etag: str = "",
        *,
        name: str | None = None,
        category: str | None = None,
        description: str | None = None,
    ) -> Concept:
        """Change texts; None leaves one as it is.

        Raises:
            NotFound, InvalidInput, AlreadyExists: As elsewhere.
            Stale: `etag` is given and the concept changed since it was read.
        """
        with self._editing:
            old = self._current(concept_id, etag)
            new = replace(
                old,
                name=old.name if name is None else clean_name(name),
                category=old.category if category is None else clean_category(category),
                description=(
                    old.description if description is None else clean_description(description)
                ),
            )
            if new.name != old.name:
                self._require_free(new.name)
            return self._save(new, EditKind.UPDATED)

    def add_views(
        self, concept_id: str, views: Sequence[NewView], etag: str = "", request_id: str = ""
    ) -> Concept:
        """Add reference photos; the same `request_id` again adds nothing.

        Raises:
            NotFound, Stale, InvalidInput: As elsewhere.
        """
        request = _request("add", request_id)
        with self._editing:
            concept = self.get(concept_id)
            if request in concept.requests:
                return concept
            _require_current(concept, etag)
            return self._save(concept, EditKind.VIEWS_ADDED, views, request)

    def reject(self, concept_id: str, view: NewView, request_id: str = "") -> Concept:
        """Keep a picture as one that is *not* this concept; a repeated `request_id` adds nothing.

        Raises:
            NotFound, InvalidInput: As elsewhere.
        """
        request = _request("reject", request_id)
        with self._editing:
            concept = self.get(concept_id)
            if request in concept.requests:
                return concept
            negative = replace(view, negative=True)
            return self._save(concept, EditKind.REJECTED, [negative], request)

    def remove_views(self, concept_id: str, view_ids: Iterable[str], etag: str = "") -> Concept:
        """Take views away, positive or rejected ones; there is no undo.

        Raises:
            NotFound: No such concept, or it has no such view.
            Refused: No positive view would be left (`LAST_VIEW`); forget the concept instead.
            Stale: As elsewhere.
        """
        with self._editing:
            concept = self._current(concept_id, etag)
            leaving = set(view_ids)
            if unknown := leaving - {view.id for view in concept.views}:
                raise not_found(f"view {min(unknown)[:80]} of concept {concept_id}")
            kept = tuple(view for view in concept.views if view.id not in leaving)
            if all(view.negative for view in kept):
                raise Refused(
                    f"<{concept.name}> would have no view left; "
                    "add another view first, or forget the concept",
                    reason="LAST_VIEW",
                )
            removed = [
                removed_point(view.id, view.blob) for view in concept.views if view.id in leaving
            ]
            return self._save(replace(concept, views=kept), EditKind.VIEWS_REMOVED, points=removed)

    def forget(self, concept_id: str, etag: str = "") -> Concept:
        """Forget a concept at once; until its `undo_until`, `undo_forget` can bring it back.

        Raises:
            NotFound, Stale: As elsewhere.
        """
        with self._editing:
            concept = replace(self._current(concept_id, etag), forgotten=self._now())
            return self._save(concept, EditKind.FORGOTTEN)

    def undo_forget(self, concept_id: str) -> Concept:
        """Bring a forgotten concept back, whole; one in use is returned as it is.

        Raises:
            NotFound: It was never there, or the time to undo has passed.
            AlreadyExists: Its name was given to another concept since.
        """
        with self._editing:
            concept = self.get(concept_id, forgotten_too=True)
            if concept.undo_until is None:
                return concept
            if concept.undo_until <= self._now():
                raise not_found(f"concept {concept_id} any more")
            self._require_free(concept.name)
            return self._save(replace(concept, forgotten=None), EditKind.RESTORED)

    def announce(self, concept_id: str) -> Concept:
        """Tell those who watch that what is known of a concept beside the memory has changed.

        Raises:
            NotFound: There is no such concept.
        """
        with self._editing:
            concept = self.get(concept_id)
            self._events.publish(EditKind.UPDATED, concept_id, self._now(), concept)
            return concept

    # Upkeep, for a background task

    def purge_expired(self) -> Purged:
        """Delete for good what was forgotten longer ago than the undo window, and removed views."""
        with self._editing:
            now = self._now()
            purged = upkeep.purge(self._index, self._photos, now)
            for concept_id in purged.concepts:
                self._events.publish(EditKind.PURGED, concept_id, now)
            self._snapshots.refresh()
            self.awaits_purge = purged.waiting > 0
            return purged

    def repair(self) -> Repaired:
        """Collect what a crash or a lost file left behind, so that all that is served is whole."""
        with self._editing:
            return upkeep.repair(self._index, self._photos)

    # How it is done

    def _current(self, concept_id: str, etag: str) -> Concept:
        concept = self.get(concept_id)
        _require_current(concept, etag)
        return concept

    def _made_by(self, request: str) -> str | None:
        where: Where = {"kind": [Kind.CONCEPT, Kind.FORGOTTEN], "request": [request]}
        points, _ = self._index.scroll(where, None, 1)
        return points[0].id if points else None

    def _require_free(self, name: str) -> None:
        if holder := self._first(name=name):
            raise AlreadyExists(
                f"display_name {name!r} is the name of concept {holder.id} already; "
                "choose another name, or add views to that concept",
                reason="NAME_TAKEN",
                field="display_name",
                metadata={"concept": holder.id},
            )

    def _save(
        self,
        concept: Concept,
        kind: EditKind,
        new_views: Sequence[NewView] = (),
        request: str = "",
        *,
        points: Sequence[Point] = (),
    ) -> Concept:
        """Write an edit: photos first, then the points in one operation, the record last."""
        now = self._now()
        if all(old.negative for old in concept.views) and all(new.negative for new in new_views):
            raise InvalidInput(
                "a concept needs at least one view that is not negative; add a photo of it",
                reason="VIEW_REQUIRED",
                field="views",
            )
        vectors = [self._unit(view.vector[None])[0] for view in new_views]
        if new_views:
            self._index.require_room()  # else photos would be left of an edit that is refused
        added = [
            View(new_id(), self._photos.put(new.image), new.box, new.negative, now)
            for new in new_views
        ]
        requests = (*concept.requests, request) if request else concept.requests
        concept = replace(
            concept,
            etag=new_etag(),
            updated=now,
            views=(*concept.views, *added),
            requests=requests[-_KEPT_REQUESTS:],
        )
        fresh = [view_point(concept, *pair) for pair in zip(added, vectors, strict=True)]
        self.awaits_purge |= kind in (EditKind.FORGOTTEN, EditKind.VIEWS_REMOVED)
        self._index.upsert([*points, *fresh, record_point(concept)])
        self._snapshots.edited(concept)
        self._events.publish(kind, concept.id, now, concept)
        return concept


def _request(verb: str, request_id: str) -> str:
    """What a retry of a call is known by: the same id in another verb is another call."""
    return request_id and f"{verb}:{request_id}"


def _same_wish(made: Concept, name: str) -> Concept:
    if made.name != name:
        raise InvalidInput(
            f"request_id has made <{made.name}> already; give <{name}> an id of its own",
            reason="REQUEST_ID_REUSED",
            field="request_id",
        )
    return made


def _require_current(concept: Concept, etag: str) -> None:
    if etag and etag != concept.etag:
        raise Stale(
            f"<{concept.name}> was changed since you read it; read it again and retry",
            reason="ETAG_STALE",
            field="etag",
        )
