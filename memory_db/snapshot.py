"""All concepts of a memory at one moment, read once and kept for as long as nothing is written."""

import gc
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Final, NamedTuple

from memory_db.index import Point, VectorIndex, pages
from memory_db.records import Kind, concept_of
from memory_db.schema import Concept

_IN_USE: Final = {"kind": [Kind.CONCEPT]}
_BATCH: Final = 500


class Snapshot:
    """The concepts in use at one moment. Never changes, so that many questions may share it.

    Args:
        concepts: By their ids, the oldest first.
    """

    def __init__(self, concepts: dict[str, Concept]) -> None:
        self._by_id = concepts

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """All of them, the oldest first."""
        return tuple(self._by_id.values())

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Their categories, each once, in the order they came into the memory."""
        return tuple(dict.fromkeys(c.category for c in self.concepts if c.category))

    @cached_property
    def views(self) -> Mapping[str, int]:
        """How many views show a concept, by its id; rejected ones do not."""
        return MappingProxyType(
            {one.id: sum(not view.negative for view in one.views) for one in self.concepts}
        )

    def get(self, concept_id: str) -> Concept | None:
        """The concept with this id; None when there is none."""
        return self._by_id.get(concept_id)

    def named(self, name: str) -> Concept | None:
        """The concept of this display name; None when there is none."""
        return self._by_name.get(name)

    def with_edit(self, concept: Concept) -> "Snapshot":
        """What it is after an edit of one concept."""
        by_id = {**self._by_id, concept.id: concept}
        if concept.forgotten:
            del by_id[concept.id]
        youngest = next(reversed(self._by_id), "")
        is_in_order = concept.id in self._by_id or concept.id > youngest  # else: brought back
        return Snapshot(by_id if is_in_order else _oldest_first(by_id))

    @cached_property
    def _by_name(self) -> dict[str, Concept]:
        return {concept.name: concept for concept in self.concepts}


class _Kept(NamedTuple):
    """A snapshot, and the writes of the index when it was read."""

    snapshot: Snapshot
    writes: int | None


class Snapshots:
    """Gives the newest snapshot of a memory. Safe to call from many threads.

    An edit gives its concept a new etag, so only concepts whose etag is unknown are read again; and
    nothing at all where the index knows that nobody has written to it.

    Args:
        index: Of the memory.
    """

    def __init__(self, index: VectorIndex) -> None:
        self._index = index
        self._kept: _Kept | None = None
        # Held while the memory is read, so that two first questions read it once.
        self._mutex = threading.Lock()

    def current(self) -> Snapshot | None:
        """What is kept, if it is known to be the newest. Reads nothing and waits for nobody."""
        kept, writes = self._kept, self._index.writes
        return kept.snapshot if kept and writes is not None and kept.writes == writes else None

    def newest(self) -> Snapshot:
        """The memory as it is now: every edit that was acknowledged before is in it."""
        with self._mutex:
            if current := self.current():
                return current
            # Asked before reading: what is written meanwhile may be missed, and is looked for.
            writes = self._index.writes
            snapshot = self._brought_up_to_date(self._kept.snapshot) if self._kept else self._read()
            self._kept = _Kept(snapshot, writes)
            return snapshot

    def refresh(self) -> None:
        """Lets go of what is no longer in the memory, whoever has taken it out."""
        if self._kept is not None:
            self.newest()

    def edited(self, concept: Concept) -> None:
        """Takes over an edit, the last thing written to the index; nobody writes meanwhile."""
        with self._mutex:
            kept, writes = self._kept, self._index.writes
            if kept and kept.writes is not None and writes == kept.writes + 1:
                self._kept = _Kept(kept.snapshot.with_edit(concept), writes)

    def _read(self) -> Snapshot:
        with _nothing_collected():
            return Snapshot({one.id: concept_of(one) for one in pages(self._index, _IN_USE)})

    def _brought_up_to_date(self, known: Snapshot) -> Snapshot:
        listed = {
            record.id: record.payload["etag"]
            for record in pages(self._index, _IN_USE, only=["etag"])
        }
        by_id = {one.id: one for one in known.concepts if listed.get(one.id) == one.etag}
        for record in self._records(listed.keys() - by_id.keys()):
            if record.payload["kind"] == Kind.CONCEPT:  # it may be forgotten meanwhile
                by_id[record.id] = concept_of(record)
        return Snapshot(_oldest_first(by_id))

    def _records(self, ids: Collection[str]) -> Iterator[Point]:
        left = iter(ids)
        while batch := list(islice(left, _BATCH)):
            yield from self._index.get(batch)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Python looks for no cycles meanwhile.

    Concepts have none, and to look at them again and again is a third of the time that reading
    them takes.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _oldest_first(by_id: dict[str, Concept]) -> dict[str, Concept]:
    """The same, in order of the ids, as the index lists them."""
    return dict(sorted(by_id.items()))
