"""What the store promises, on both memories."""

import itertools

import numpy as np
import pytest

from kith.errors import AlreadyExists, InvalidInput, NotFound, Refused, Stale
from memory_db import UNDO_WINDOW_S, Concept, ConceptStore, NewView
from memory_db.index import Point
from memory_db.records import new_id
from tests.memory_db.conftest import Clock, MakeStore
from tests.memory_db.making import DIM, image, vector, view

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


def remember(store: ConceptStore, name: str, category: str = "dog") -> Concept:
    return store.remember(name, category, f"<{name}> is mine", [view(name)])


def names_near(store: ConceptStore, word: str, k: int = 5) -> list[str]:
    (row,) = store.search(vector(word)[None], k)
    return [store.get(neighbour.concept_id).name for neighbour in row]


def test_a_remembered_concept_is_read_back_whole(store: ConceptStore) -> None:
    made = store.remember("bo", "Dog", "<bo> is  a\nShiba", [view("bo-1"), view("bo-2")])
    assert store.get(made.id) == store.find("bo") == store.find("<bo>") == made
    assert (made.name, made.category, made.description) == ("bo", "dog", "<bo> is a Shiba")
    assert [store.photo(v.blob) for v in made.views] == [image("bo-1"), image("bo-2")]
    assert made.views[0].box == (1.0, 2.0, 30.5, 40.0)


def test_the_very_next_query_sees_every_edit(store: ConceptStore) -> None:
    for step in range(5):
        bo = remember(store, "bo")
        assert names_near(store, "bo", 1) == ["bo"]
        store.add_views(bo.id, [view(f"other side {step}")])
        (row,) = store.search(vector(f"other side {step}")[None], 1)
        assert row[0].distance == pytest.approx(0, abs=1e-3)
        store.update(bo.id, name="bobo")
        assert names_near(store, "bo", 1) == ["bobo"]
        store.forget(bo.id)
        assert names_near(store, "bo", 1) == []


def test_distances_are_lengths_between_unit_vectors(store: ConceptStore) -> None:
    words = ["a1", "b2", "c3", "d4"]
    for word in words:
        remember(store, word)
    query = vector("somewhere")
    (row,) = store.search(query[None] * 7, 4)
    expected = sorted(float(np.linalg.norm(query - vector(word))) for word in words)
    assert [n.distance for n in row] == pytest.approx(expected, abs=1e-3)
    (opposite,) = store.search(-vector("a1")[None], 4)
    assert opposite[-1].distance == pytest.approx(2, abs=1e-3)


def test_many_vectors_are_searched_at_once_and_rows_keep_their_order(store: ConceptStore) -> None:
    for word in ("a1", "b2"):
        remember(store, word)
    rows = store.search(np.stack([vector("b2"), vector("a1"), vector("b2")]), 1)
    assert [store.get(row[0].concept_id).name for row in rows] == ["b2", "a1", "b2"]
    assert store.search(np.zeros((0, DIM), np.float32), 3) == []
    assert store.search(vector("a1")[None], 0) == [[]]


def test_a_concept_record_is_nobodys_neighbour(store: ConceptStore) -> None:
    remember(store, "bo")
    (row,) = store.search(vector("bo")[None], 10)
    assert len(row) == 1


def test_a_rejected_view_is_flagged(store: ConceptStore) -> None:
    bo = remember(store, "bo")
    store.reject(bo.id, view("twin", near="bo"))
    (row,) = store.search(vector("twin", near="bo")[None], 2)
    assert [n.negative for n in row] == [True, False]
    assert [v.negative for v in store.get(bo.id).views] == [False, True]


def test_a_name_is_unique_and_the_error_names_the_holder(store: ConceptStore) -> None:
    bo = remember(store, "bo")
    with pytest.raises(AlreadyExists, match=bo.id) as caught:
        remember(store, "<b\u200bo>")
    assert (caught.value.reason, caught.value.field) == ("NAME_TAKEN", "display_name")
    mug = remember(store, "mug")
    with pytest.raises(AlreadyExists):
        store.update(mug.id, name="bo")
    assert store.update(mug.id, name="mug").name == "mug"


def test_composed_and_decomposed_letters_are_one_name(store: ConceptStore) -> None:
    remember(store, "Zo\u00eb")
    with pytest.raises(AlreadyExists):
        remember(store, "Zoe\u0308")


def test_a_stale_etag_is_refused_and_changes_nothing(store: ConceptStore) -> None:
    old = remember(store, "bo")
    new = store.update(old.id, old.etag, category="cat")
    for edit in (
        lambda: store.update(old.id, old.etag, category="cow"),
        lambda: store.add_views(old.id, [view("x")], old.etag),
        lambda: store.remove_views(old.id, [old.views[0].id], old.etag),
        lambda: store.forget(old.id, old.etag),
    ):
        with pytest.raises(Stale, match="<bo>"):
            edit()
    assert store.get(old.id) == new
    assert new.updated > old.updated
    assert store.update(old.id, new.etag, description="").description == ""


def test_views_are_removed_but_never_the_last_positive_one(store: ConceptStore) -> None:
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    store.reject(bo.id, view("not bo"))
    left = store.remove_views(bo.id, [bo.views[0].id])
    with pytest.raises(NotFound):
        store.photo(bo.views[0].blob)
    assert len(store.search(vector("1")[None], 9)[0]) == 2
    with pytest.raises(Refused, match="<bo>"):
        store.remove_views(bo.id, [bo.views[1].id])
    with pytest.raises(NotFound, match="view"):
        store.remove_views(bo.id, [bo.views[0].id])
    assert store.get(bo.id) == left


def test_a_concept_needs_a_positive_view(store: ConceptStore) -> None:
    for views in ([], [view("x", negative=True)]):
        with pytest.raises(InvalidInput, match="not negative"):
            store.remember("bo", "dog", "", views)
    assert store.find("bo") is None


def test_a_forgotten_concept_is_gone_at_once_for_every_reader(store: ConceptStore) -> None:
    bo = remember(store, "bo")
    remember(store, "mug", "cup")
    store.forget(bo.id)
    for read in (
        lambda: store.get(bo.id),
        lambda: store.photo(bo.views[0].blob),
        lambda: store.update(bo.id, category="x"),
        lambda: store.add_views(bo.id, [view("y")]),
        lambda: store.reject(bo.id, view("y")),
        lambda: store.forget(bo.id),
    ):
        with pytest.raises(NotFound):
            read()
    assert store.find("bo") is None
    assert [c.name for c in store.list().concepts] == ["mug"]
    assert names_near(store, "bo") == ["mug"]
    assert store.get(bo.id, forgotten_too=True).undo_until is not None
    assert len(store.list(forgotten_too=True).concepts) == 2


def test_what_is_nobodys_or_forgotten_takes_no_place_among_the_nearest(
    store: ConceptStore,
) -> None:
    bo = remember(store, "bo")
    mug = store.remember("mug", "cup", "", [view("mug", near="bo")])
    twin = store.remember("twin", "", "", [view(f"{n}", near="bo") for n in range(9)])
    store.forget(twin.id)
    cut_short = {"kind": "view", "concept": mug.id, "blob": "of an edit that was cut short"}
    store._index.upsert([Point(new_id(), cut_short, vector("bo"))])
    assert names_near(store, "bo", 2) == ["bo", "mug"]
    assert [len(row) for row in store.search(np.stack([vector("bo"), vector("x")]), 3)] == [2, 2]
    with pytest.raises(NotFound):
        store.photo(twin.views[0].blob)
    assert store.photo(bo.views[0].blob) == image("bo")


def test_forgetting_is_undone_within_the_window_only(store: ConceptStore, clock: Clock) -> None:
    bo = remember(store, "bo")
    store.reject(bo.id, view("not bo"))
    forgotten = store.forget(bo.id)
    assert forgotten == store.get(bo.id, forgotten_too=True)
    assert forgotten.undo_until
    back = store.undo_forget(bo.id)
    assert names_near(store, "bo", 1) == ["bo"]
    assert [v.negative for v in back.views] == [False, True]
    assert store.photo(bo.views[0].blob) == image("bo")
    assert store.undo_forget(bo.id) == back
    store.forget(bo.id)
    clock.skip(UNDO_WINDOW_S)
    with pytest.raises(NotFound):
        store.undo_forget(bo.id)


def test_a_forgotten_name_is_free_and_undo_says_when_it_was_taken(store: ConceptStore) -> None:
    bo = remember(store, "bo")
    store.forget(bo.id)
    other = remember(store, "bo")
    with pytest.raises(AlreadyExists, match=other.id):
        store.undo_forget(bo.id)


def test_a_retry_with_the_same_request_id_changes_nothing(store: ConceptStore) -> None:
    made = store.remember("bo", "dog", "", [view("bo")], request_id="r-1")
    assert store.remember("bo", "dog", "", [view("bo")], request_id="r-1") == made
    more = store.add_views(made.id, [view("2")], request_id="r-2")
    assert store.add_views(made.id, [view("2")], request_id="r-2") == more
    less = store.reject(made.id, view("3"), request_id="r-3")
    assert store.reject(made.id, view("3"), request_id="r-3") == less
    assert len(store.get(made.id).views) == 3
    store.forget(made.id)
    with pytest.raises(NotFound):
        store.remember("bo", "dog", "", [view("bo")], request_id="r-1")


def test_an_id_counts_for_its_verb_and_for_its_name_only(store: ConceptStore) -> None:
    made = store.remember("bo", "dog", "", [view("bo")], request_id="r")
    store.add_views(made.id, [view("2")], request_id="r")
    assert len(store.reject(made.id, view("3"), request_id="r").views) == 3
    with pytest.raises(InvalidInput, match="<bo> already") as reused:
        store.remember("rex", "dog", "", [view("rex")], request_id="r")
    assert (reused.value.reason, reused.value.field) == ("REQUEST_ID_REUSED", "request_id")


def test_pages_go_through_all_concepts_in_order_of_age(store: ConceptStore) -> None:
    names = [f"n{number}" for number in range(7)]
    for number, name in enumerate(names):
        remember(store, name, "dog" if number % 2 else "cat")
    seen, token = [], ""
    for _ in range(4):
        page = store.list(2, token)
        seen += [concept.name for concept in page.concepts]
        token = page.next_page_token
    assert (seen, token) == (names, "")
    assert [c.name for c in store.list(category="dog").concepts] == names[1::2]
    assert [c.name for c in store.list(name="n3").concepts] == ["n3"]
    with pytest.raises(InvalidInput, match="page_token"):
        store.list(2, "nonsense")


def test_two_users_never_meet(make_store: MakeStore) -> None:
    mine, yours = make_store("me"), make_store("you")
    bo = remember(mine, "bo")
    assert yours.list().concepts == ()
    assert yours.search(vector("bo")[None], 5) == [[]]
    for read in (
        lambda: yours.get(bo.id),
        lambda: yours.forget(bo.id),
        lambda: yours.undo_forget(bo.id),
        lambda: yours.photo(bo.views[0].blob),
        lambda: yours.remove_views(bo.id, [bo.views[0].id]),
    ):
        with pytest.raises(NotFound):
            read()
    assert remember(yours, "bo").id != bo.id
    yours.forget(yours.list().concepts[0].id)
    yours.repair()
    assert mine.get(bo.id) == bo
    assert mine.photo(bo.views[0].blob) == image("bo")


@pytest.mark.parametrize("bad", [np.zeros(DIM), np.full(DIM, np.nan), np.ones(DIM + 1)])
def test_a_vector_without_direction_or_of_another_length_is_refused(
    store: ConceptStore, bad: np.ndarray
) -> None:
    remember(store, "bo")
    with pytest.raises(InvalidInput, match="vector"):
        store.remember("x", "dog", "", [NewView(image("x"), bad.astype(np.float32))])
    with pytest.raises(InvalidInput, match="vector"):
        store.search(bad.astype(np.float32)[None], 1)
    assert [c.name for c in store.list().concepts] == ["bo"]


@pytest.mark.parametrize(
    "unknown", ["", "nonsense", "0" * 500, "01a2059b-9061-74d2-be39-1443bc0187bd"]
)
def test_an_unknown_id_is_not_found(store: ConceptStore, unknown: str) -> None:
    with pytest.raises(NotFound):
        store.get(unknown)


def test_edits_are_published_in_order(store: ConceptStore, clock: Clock) -> None:
    watch = store.subscribe()
    bo = remember(store, "bo")
    store.update(bo.id, category="cat")
    store.forget(bo.id)
    clock.skip(UNDO_WINDOW_S + 1)
    store.purge_expired()
    edits = watch.poll()
    assert [edit.kind for edit in edits] == ["remembered", "updated", "forgotten", "purged"]
    assert {edit.concept_id for edit in edits} == {bo.id}
    assert all(b.revision == a.revision + 1 for a, b in itertools.pairwise(edits))


def test_an_edit_keeps_what_it_made_until_that_is_purged(store: ConceptStore, clock: Clock) -> None:
    watch, again = store.subscribe(), store.subscribe()
    bo = remember(store, "bo")
    new = store.update(bo.id, category="cat")
    assert [edit.concept for edit in watch.poll()] == [bo, new]
    store.forget(bo.id)
    clock.skip(UNDO_WINDOW_S + 1)
    store.purge_expired()
    assert [edit.concept for edit in again.poll()] == [None] * 4
