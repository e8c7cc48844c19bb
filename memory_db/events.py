"""Every acknowledged edit, numbered, for those who watch the memory."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

from kith.errors import Refused

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


class EventLog:
    """The last edits of one store. Safe to call from many threads.

    It lives in memory. Revisions start at the clock's microseconds, so that one from before a
    restart is never taken for one of now: whoever resumes from it is told to read again.
    """

    def __init__(self, history: int = HISTORY) -> None:
        self._edits: deque[Edit] = deque(maxlen=history)
        self._first_revision = self._revision = time.time_ns() // 1000
        self._changed = threading.Condition()

    @property
    def revision(self) -> int:
        """The number of the newest edit."""
        with self._changed:
            return self._revision

    def publish(self, kind: EditKind, concept_id: str, when: datetime) -> None:
        """Number an edit and wake the subscribers; never waits for them."""
        with self._changed:
            self._revision += 1
            self._edits.append(Edit(self._revision, kind, concept_id, when))
            self._changed.notify_all()

    def subscribe(self, from_revision: int | None = None) -> "Subscription":
        """Edits after `from_revision`; from now on when it is None.

        Raises:
            Refused: Edits after that revision are no longer kept (`WATCH_FELL_BEHIND`).
        """
        subscription = Subscription(self, self.revision if from_revision is None else from_revision)
        self.after(subscription.revision, timeout_s=0)
        return subscription

    def after(self, revision: int, timeout_s: float) -> list[Edit]:
        """Edits after `revision`; waits up to `timeout_s` while there are none.

        Raises:
            Refused: Some of them are no longer kept (`WATCH_FELL_BEHIND`).
        """
        with self._changed:
            self._changed.wait_for(lambda: self._revision != revision, timeout_s)
            oldest = self._edits[0].revision - 1 if self._edits else self._first_revision
            if not oldest <= revision <= self._revision:
                raise Refused(
                    f"edits after revision {revision} are no longer kept; "
                    "list the concepts again and watch from now on",
                    reason="WATCH_FELL_BEHIND",
                )
            return [edit for edit in self._edits if edit.revision > revision]


class Subscription:
    """One reader's place in the log. Belongs to one thread, save for `close`."""

    def __init__(self, log: EventLog, revision: int) -> None:
        self._log = log
        self._closed = threading.Event()
        self.revision = revision
        """The last edit read: pass it to `subscribe` to resume."""

    def poll(self, timeout_s: float) -> list[Edit]:
        """The edits since the last call; waits up to `timeout_s`, then returns an empty list.

        Raises:
            Refused: The reader fell behind the kept history (`WATCH_FELL_BEHIND`).
        """
        edits = self._log.after(self.revision, timeout_s)
        if edits:
            self.revision = edits[-1].revision
        return edits

    def close(self) -> None:
        """End the iteration within a second."""
        self._closed.set()

    def __iter__(self) -> Iterator[Edit]:
        while not self._closed.is_set():
            yield from self.poll(timeout_s=0.5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
