"""Every acknowledged edit, numbered, for those who watch the memory."""

import threading
import time
from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from kith.errors import Refused
from memory_db.schema import Concept

HISTORY = 1024
"""Edits kept for subscribers that resume or lag behind."""


class EditKind(StrEnum):
    """What happened to a concept."""

    REMEMBERED = "remembered"
    UPDATED = "updated"
    VIEWS_ADDED = "views_added"
    VIEWS_REMOVED = "views_removed"
    REJECTED = "rejected"
    FORGOTTEN = "forgotten"
    RESTORED = "restored"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Edit:
    """One acknowledged edit."""

    revision: int
    kind: EditKind
    concept_id: str
    time: datetime
    concept: Concept | None = None
    """As it was after the edit; None once it is purged, for what is purged is in no log."""


class EventLog:
    """The last edits of one store. Safe to call from many threads.

    It lives in memory. Revisions start at the clock's microseconds, so that one from before a
    restart is never taken for one of now: whoever resumes from it is told to read again.
    """

    def __init__(self, history: int = HISTORY) -> None:
        self._edits: deque[Edit] = deque(maxlen=history)
        self._first_revision = self._revision = time.time_ns() // 1000
        self._mutex = threading.Lock()

    @property
    def revision(self) -> int:
        """The number of the newest edit."""
        with self._mutex:
            return self._revision

    def publish(
        self, kind: EditKind, concept_id: str, when: datetime, concept: Concept | None = None
    ) -> None:
        """Number an edit; never waits for the subscribers."""
        with self._mutex:
            if kind is EditKind.PURGED:
                for place, edit in enumerate(self._edits):
                    if edit.concept_id == concept_id:
                        self._edits[place] = replace(edit, concept=None)
            self._revision += 1
            self._edits.append(Edit(self._revision, kind, concept_id, when, concept))

    def subscribe(self, from_revision: int | None = None) -> "Subscription":
        """Edits after `from_revision`; from now on when it is None.

        Raises:
            Refused: Edits after that revision are no longer kept (`WATCH_FELL_BEHIND`).
        """
        subscription = Subscription(self, self.revision if from_revision is None else from_revision)
        self.after(subscription.revision)
        return subscription

    def after(self, revision: int) -> list[Edit]:
        """Edits after `revision`.

        Raises:
            Refused: Some of them are no longer kept (`WATCH_FELL_BEHIND`).
        """
        with self._mutex:
            oldest = self._edits[0].revision - 1 if self._edits else self._first_revision
            if not oldest <= revision <= self._revision:
                raise Refused(
                    f"edits after revision {revision} are no longer kept; "
                    "list the concepts again and watch from now on",
                    reason="WATCH_FELL_BEHIND",
                )
            return [edit for edit in self._edits if edit.revision > revision]


class Subscription:
    """One reader's place in the log. Belongs to one thread."""

    def __init__(self, log: EventLog, revision: int) -> None:
        self._log = log
        self.revision = revision
        """The last edit read: pass it to `subscribe` to resume."""

    def poll(self) -> list[Edit]:
        """The edits since the last call.

        Raises:
            Refused: The reader fell behind the kept history (`WATCH_FELL_BEHIND`).
        """
        edits = self._log.after(self.revision)
        if edits:
            self.revision = edits[-1].revision
        return edits
