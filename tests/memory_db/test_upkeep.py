"""Deleting for good, and mending what a crash or a lost file left behind."""

from pathlib import Path

import pytest

from kith.errors import NotFound
from memory_db import UNDO_WINDOW_S, ConceptStore
from memory_db.names import folder_name
from memory_db.upkeep import Purged, Repaired
from tests.memory_db.conftest import Clock
from tests.memory_db.making import image, vector, view

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return tmp_path / folder_name("me") / "photos"


def test_purge_waits_for_the_undo_window(store: ConceptStore, clock: Clock, photos: Path) -> None:
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    store.forget(bo.id)
    assert store.purge_expired() == Purged((), 0, waiting=1)
    assert store.awaits_purge
    clock.skip(UNDO_WINDOW_S)
    assert store.purge_expired() == Purged((bo.id,), 2)
    assert list(photos.iterdir()) == []
    with pytest.raises(NotFound):
        store.get(bo.id, forgotten_too=True)
    assert store.purge_expired() == Purged((), 0)
    assert not store.awaits_purge


def test_purge_keeps_photos_that_others_use(store: ConceptStore, clock: Clock) -> None:
    bo = store.remember("bo", "dog", "", [view("both"), view("only bo")])
    mug = store.remember("mug", "cup", "", [view("both")])
    lost = store.remember("lost", "", "", [view("only bo")])
    store.forget(bo.id)
    clock.skip(UNDO_WINDOW_S)
    store.forget(lost.id)
    assert store.purge_expired() == Purged((bo.id,), 0, waiting=1)
    assert store.photo(mug.views[0].blob) == image("both")
    assert store.photo(store.undo_forget(lost.id).views[0].blob) == image("only bo")


def test_purge_takes_removed_views(store: ConceptStore, photos: Path) -> None:
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    store.purge_expired()
    store.remove_views(bo.id, [bo.views[0].id])
    assert store.awaits_purge
    assert store.purge_expired() == Purged((), 1)
    assert not store.awaits_purge
    assert [file.name for file in photos.iterdir()] == [bo.views[1].blob]
    assert [n.view_id for n in store.search(vector("1")[None], 5)[0]] == [bo.views[1].id]


def test_repair_finds_nothing_in_a_sound_memory(store: ConceptStore, photos: Path) -> None:
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    store.reject(bo.id, view("3"))
    store.remove_views(bo.id, [bo.views[0].id])
    mug = store.remember("mug", "cup", "", [view("1")])
    store.forget(mug.id)
    assert store.repair() == Repaired(0, 0, 0)
    assert len(list(photos.iterdir())) == 3
    store.undo_forget(mug.id)
    assert store.repair() == Repaired(0, 0, 0)


def test_repair_collects_photos_that_nothing_names(store: ConceptStore, photos: Path) -> None:
    store.remember("bo", "dog", "", [view("bo")])
    (photos / "f00d").write_bytes(b"of a remember that was cut short")
    assert store.repair() == Repaired(photos_collected=1, views_dropped=0, concepts_dropped=0)
    assert len(list(photos.iterdir())) == 1


def test_repair_drops_views_whose_photo_is_lost(store: ConceptStore, photos: Path) -> None:
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    (photos / bo.views[0].blob).unlink()
    assert store.repair() == Repaired(0, views_dropped=1, concepts_dropped=0)
    assert store.get(bo.id).views == bo.views[1:]
    assert len(store.search(vector("1")[None], 5)[0]) == 1
    assert store.repair() == Repaired(0, 0, 0)


def test_repair_drops_concepts_without_a_photo_of_them(store: ConceptStore, photos: Path) -> None:
    bo = store.remember("bo", "dog", "", [view("1")])
    store.reject(bo.id, view("2"))
    (photos / bo.views[0].blob).unlink()
    assert store.repair() == Repaired(photos_collected=1, views_dropped=2, concepts_dropped=1)
    assert store.list().concepts == ()
    assert store.search(vector("1")[None], 5) == [[]]
    assert store.remember("bo", "dog", "", [view("1")]).name == "bo"
