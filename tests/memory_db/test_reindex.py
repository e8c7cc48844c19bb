"""A memory moves to another embedding model whole, however often the move is cut short."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from memory_db import Concept, ConceptStore, Kept, MemoryPlace, NewView, Vectors
from memory_db.names import folder_name
from memory_db.reindex import Moved, is_empty, reindex
from tests.memory_db.making import DIM, image, vector, view

ME = folder_name("me")
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

OLD, NEW = Kept(ME, "old-clip", DIM), Kept(ME, "new-clip", DIM // 2)


class KilledError(Exception):
    """Stands for the end of the process."""


class NewModel:
    """Half as many numbers, told by the photo; dies before the photo it is told to die at."""

    def __init__(self, dies_at: bytes = b"") -> None:
        self.dies_at = dies_at
        self.seen: list[bytes] = []

    def __call__(self, photos: Sequence[bytes]) -> Vectors:
        if self.dies_at in photos:
            raise KilledError
        self.seen += photos
        rows = np.stack([vector(photo.decode("latin-1"))[: DIM // 2] for photo in photos])
        unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
        return unit


@pytest.fixture
def place(tmp_path: Path) -> MemoryPlace:
    return MemoryPlace(tmp_path)


def fill(place: MemoryPlace) -> list[Concept]:
    """bo with three views (one rejected), mug, and a forgotten lamp."""
    parts = place.open(OLD)
    store = ConceptStore(parts.index, parts.photos)
    bo = store.remember("bo", "dog", "<bo> barks.", [view("bo 1"), view("bo 2")], request_id="r")
    bo = store.reject(bo.id, view("not bo"))
    mug = store.remember("mug", "cup", "", [view("mug")])
    lamp = store.remember("lamp", "", "", [view("lamp")])
    store.forget(lamp.id)
    lamp = store.get(lamp.id, forgotten_too=True)
    store.close()
    return [bo, mug, lamp]


def move(place: MemoryPlace, model: NewModel) -> tuple[Moved, list[tuple[int, int]]]:
    old, new = place.open(OLD), place.open(NEW)
    told: list[tuple[int, int]] = []
    try:
        return reindex(old, new, model, lambda done, of: told.append((done, of))), told
    finally:
        old.index.close()
        new.index.close()


def opened(place: MemoryPlace, memory: Kept) -> ConceptStore:
    parts = place.open(memory)
    return ConceptStore(parts.index, parts.photos)


def listed(place: MemoryPlace, memory: Kept) -> list[Concept]:
    with opened(place, memory) as store:
        return list(store.list(forgotten_too=True).concepts)


def test_every_concept_moves_as_it_was_with_vectors_of_the_new_model(place: MemoryPlace) -> None:
    concepts = fill(place)
    model = NewModel()
    moved, told = move(place, model)
    assert moved == Moved(concepts=3, views=5, left=())
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    with opened(place, NEW) as store:
        assert list(store.list(forgotten_too=True).concepts) == concepts
        (query,) = NewModel()([image("not bo")])
        (nearest, *_) = store.search(query[None], 9)[0]
        assert (nearest.view_id, nearest.negative) == (concepts[0].views[2].id, True)
        assert nearest.distance == pytest.approx(0, abs=1e-3)
        assert store.photo(concepts[1].views[0].blob) == image("mug")
        retried = store.remember("bo", "dog", "", [], request_id="r")  # finds itself
        assert retried.id == concepts[0].id
        assert store.undo_forget(concepts[2].id).name == "lamp"


def test_nothing_of_what_moved_is_left_behind(place: MemoryPlace, tmp_path: Path) -> None:
    fill(place)
    move(place, NewModel())
    old = place.open(OLD)
    assert is_empty(old)
    old.index.close()
    folder = tmp_path / "users" / ME / folder_name("old-clip")
    left = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    assert b"barks" not in left
    place.discard(OLD)
    assert not folder.exists()
    assert place.kept() == [NEW]


@pytest.mark.parametrize("word", ["bo 1", "mug", "lamp"])
def test_a_move_that_was_cut_short_goes_on_where_it_was(place: MemoryPlace, word: str) -> None:
    concepts = fill(place)
    cut = NewModel(dies_at=image(word))
    with pytest.raises(KilledError):
        move(place, cut)
    both = [*listed(place, OLD), *listed(place, NEW)]
    assert sorted(concept.name for concept in both) == ["bo", "lamp", "mug"]
    rest = NewModel()
    move(place, rest)
    assert listed(place, NEW) == concepts
    assert not set(cut.seen) & set(rest.seen)


def test_a_move_cut_short_between_the_two_memories_moves_nothing_twice(
    place: MemoryPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    concepts = fill(place)

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr("memory_db.reindex.removed_point", die)
        with pytest.raises(KilledError):
            move(place, NewModel())
    again = NewModel()
    assert move(place, again)[0].concepts == 3
    assert image("bo 1") not in again.seen
    assert listed(place, NEW) == concepts


def test_a_name_that_the_new_memory_has_given_stays_behind_and_is_told(place: MemoryPlace) -> None:
    fill(place)
    with opened(place, NEW) as store:
        other = store.remember("mug", "", "", [NewView(image("x"), vector("x")[: DIM // 2])])
    moved, _ = move(place, NewModel())
    assert moved == Moved(concepts=2, views=4, left=("mug",))
    assert [concept.name for concept in listed(place, OLD)] == ["mug"]
    with opened(place, NEW) as store:
        store.update(other.id, name="cup")
    assert move(place, NewModel())[0] == Moved(concepts=1, views=1, left=())


def test_what_is_forgotten_for_good_does_not_move(place: MemoryPlace) -> None:
    fill(place)
    parts = place.open(OLD)
    late = datetime.now(UTC) - timedelta(days=1)
    store = ConceptStore(parts.index, parts.photos, now=lambda: late)
    store.forget(store.remember("long gone", "", "", [view("long gone")]).id)
    store.close()
    model = NewModel()
    move(place, model)
    assert image("long gone") not in model.seen
    assert "long gone" not in {concept.name for concept in listed(place, NEW)}


def test_the_move_works_between_collections_of_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    monkeypatch.setattr("memory_db.server.connect", lambda *_: client)
    place = MemoryPlace(tmp_path, server_url="http://stands.for.one:6333")
    concepts = fill(place)
    you = Kept(folder_name("you"), *OLD[1:])
    with opened(place, you) as store:
        yours = store.remember("bo", "dog", "", [view("yours")])
    assert set(place.kept()) == {OLD, you}
    move(place, NewModel())
    assert listed(place, NEW) == concepts
    assert listed(place, you) == [yours]
    assert set(place.kept()) == {NEW, you}
    assert is_empty(place.open(OLD))
    place.discard(OLD)  # a server keeps nothing of it in a folder
    place.close()
