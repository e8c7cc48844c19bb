"""Watching the edits: in order, resumable, bounded."""

from datetime import UTC, datetime

import pytest

from kith.errors import Refused
from memory_db.events import EditKind, EventLog

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def publish(log: EventLog, *concepts: str) -> None:
    for concept in concepts:
        log.publish(EditKind.UPDATED, concept, NOW)


def test_a_subscriber_sees_what_comes_after_it_subscribed() -> None:
    log = EventLog()
    publish(log, "before")
    watch = log.subscribe()
    publish(log, "a", "b")
    assert [edit.concept_id for edit in watch.poll()] == ["a", "b"]
    assert watch.poll() == []


def test_a_reader_resumes_after_the_last_edit_it_saw() -> None:
    log = EventLog()
    watch = log.subscribe()
    publish(log, "a")
    watch.poll()
    publish(log, "b", "c")
    resumed = log.subscribe(watch.revision)
    assert [edit.concept_id for edit in resumed.poll()] == ["b", "c"]
    assert resumed.revision == log.revision


def test_a_slow_reader_is_told_that_it_fell_behind() -> None:
    log = EventLog(history=3)
    watch = log.subscribe()
    publish(log, "a", "b", "c")
    start = watch.revision
    publish(log, "d")
    for late in (watch.poll, lambda: log.subscribe(start)):
        with pytest.raises(Refused, match="list the concepts again") as caught:
            late()
        assert caught.value.reason == "WATCH_FELL_BEHIND"
    assert [edit.concept_id for edit in log.subscribe(start + 1).poll()] == ["b", "c", "d"]


def test_a_revision_of_another_process_is_never_taken_for_one_of_this() -> None:
    log = EventLog()
    for foreign in (0, log.revision - 1, log.revision + 1):
        with pytest.raises(Refused):
            log.subscribe(foreign)
