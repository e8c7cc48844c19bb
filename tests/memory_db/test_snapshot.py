"""The snapshot that questions share: always what a whole new reading of the memory would give."""

import gc
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kith.errors import KithError
from memory_db import UNDO_WINDOW_S, Concept, ConceptStore, snapshot
from memory_db.edge import EdgeIndex
from memory_db.index import Point, VectorIndex
from memory_db.photos import PhotoStore
from memory_db.records import new_etag, record_point
from tests.memory_db.conftest import Clock, MakeIndex, MakeStore
from tests.memory_db.making import vector, view
from tests.memory_db.test_congruence import act

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


def read_anew(store: ConceptStore) -> tuple[Concept, ...]:
    return store.list(1000).concepts


@pytest.mark.parametrize("seed", range(3))
def test_every_edit_is_in_the_next_snapshot(make_store: MakeStore, seed: int) -> None:
    store, rng = make_store("me"), random.Random(seed)
    for step in range(60):
        with suppress(KithError):  # such as of a concept that is not there
            act(rng)(store)
        now = store.snapshot()
        assert now.concepts == read_anew(store), step
        for concept in now.concepts:
            assert now.get(concept.id) == now.named(concept.name) == concept
            assert now.views[concept.id] == sum(not one.negative for one in concept.views)


def test_an_earlier_snapshot_stays_as_it_was(store: ConceptStore) -> None:
    bo = store.remember("bo", "dog", "", [view("bo")])
    before = store.snapshot()
    store.update(bo.id, name="bello")
    store.remember("mug", "cup", "", [view("mug")])
    store.forget(bo.id)
    assert before.concepts == (bo,)
    assert before.named("bello") is None
    assert before.categories == ("dog",)
    (row,) = store.search(vector("bo")[None], 5, before)
    assert [one.concept_id for one in row] == [bo.id]
    assert [c.name for c in store.snapshot().concepts] == ["mug"]


def test_concepts_that_nobody_edited_are_not_read_again(store: ConceptStore) -> None:
    store.remember("bo", "dog", "", [view("bo")])
    mug = store.remember("mug", "cup", "", [view("mug")])
    (bo, _) = store.snapshot().concepts
    store.update(mug.id, description="Blue.")
    assert store.snapshot().concepts[0] is bo


@pytest.mark.parametrize("enabled", [True, False])
def test_reading_leaves_the_collector_as_it_was(
    make_store: MakeStore, monkeypatch: pytest.MonkeyPatch, enabled: bool
) -> None:
    store, seen = make_store("me"), []
    store.remember("bo", "dog", "", [view("bo")])

    def reading(point: Point) -> Concept:
        seen.append(gc.isenabled())
        raise ZeroDivisionError

    monkeypatch.setattr(snapshot, "concept_of", reading)
    try:
        (gc.enable if enabled else gc.disable)()
        with pytest.raises(ZeroDivisionError):
            store.snapshot()
        assert gc.isenabled() is enabled
        assert seen == [False]
    finally:
        gc.enable()


def test_nothing_is_read_where_nobody_wrote(
    make_edge: MakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ConceptStore(make_edge("me"), PhotoStore(str(tmp_path / "photos")))
    bo = store.remember("bo", "dog", "", [view("bo")])
    store.snapshot()
    bo = store.update(bo.id, description="A good dog.")
    monkeypatch.delattr(EdgeIndex, "scroll")
    monkeypatch.delattr(EdgeIndex, "get")
    assert store.snapshot() is store.snapshot() is store.current_snapshot()
    assert store.snapshot().concepts == (bo,)


@pytest.mark.parametrize("seed", range(3))
def test_edits_of_another_process_are_in_the_next_snapshot(
    make_server: MakeIndex, tmp_path: Path, seed: int
) -> None:
    photos, rng = PhotoStore(str(tmp_path / "photos")), random.Random(seed)
    stores = [ConceptStore(make_server("me"), photos) for _ in range(2)]
    for step in range(60):
        with suppress(KithError):
            act(rng)(rng.choice(stores))
        for store in stores:
            assert store.snapshot().concepts == read_anew(store), step


def test_what_another_process_purged_is_let_go_of(
    make_server: MakeIndex, tmp_path: Path, clock: Clock
) -> None:
    photos = PhotoStore(str(tmp_path / "photos"))
    ours, theirs = (ConceptStore(make_server("me"), photos, now=clock) for _ in range(2))
    bo = theirs.remember("bo", "dog", "", [view("bo")])
    assert ours.snapshot().concepts == (bo,)
    theirs.forget(bo.id)
    clock.skip(UNDO_WINDOW_S)
    theirs.purge_expired()
    ours.purge_expired()
    assert ours._snapshots._kept
    assert ours._snapshots._kept.snapshot.concepts == ()


def test_a_write_that_failed_half_way_is_looked_for(
    store: ConceptStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo = store.remember("bo", "dog", "", [view("bo")])
    store.snapshot()
    write = type(store._index).upsert

    def write_and_fail(index: VectorIndex, points: Sequence[Point]) -> None:
        write(index, points)
        raise OSError("the disk does not say whether it is there")

    with monkeypatch.context() as patch:
        patch.setattr(type(store._index), "upsert", write_and_fail)
        with pytest.raises(OSError, match="does not say"):
            store.update(bo.id, name="bello")
    store.remember("mug", "cup", "", [view("mug")])
    assert store.snapshot().concepts == read_anew(store)
    assert store.snapshot().named("bello")


def test_what_is_written_while_it_is_read_is_looked_for(
    make_edge: MakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ConceptStore(make_edge("me"), PhotoStore(str(tmp_path / "photos")))
    bo = store.remember("bo", "dog", "", [view("bo")])
    renamed = replace(bo, name="bello", etag=new_etag())
    read = EdgeIndex.scroll

    def read_and_write(index: EdgeIndex, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        rows = read(index, *args, **kwargs)
        index.upsert([record_point(renamed)])
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(EdgeIndex, "scroll", read_and_write)
        assert store.snapshot().concepts == (bo,)
    assert store.current_snapshot() is None
    assert store.snapshot().concepts == (renamed,)


def test_who_has_edited_finds_the_edit_whatever_others_do(
    make_edge: MakeIndex, tmp_path: Path
) -> None:
    store = ConceptStore(make_edge("me"), PhotoStore(str(tmp_path / "photos")))
    missing: list[str] = []

    def edit_and_ask(number: int) -> None:
        made = store.remember(f"n{number}", "dog", "", [view(f"{number}")])
        if store.snapshot().named(made.name) != made:
            missing.append(made.name)
        if number % 3:
            renamed = store.update(made.id, name=f"m{number}")
            if store.snapshot().get(made.id) != renamed:
                missing.append(renamed.name)
        else:
            store.forget(made.id)
            if store.snapshot().get(made.id):
                missing.append(f"not {made.name}")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(edit_and_ask, range(60)))
    assert missing == []
    assert store.snapshot().concepts == read_anew(store)
