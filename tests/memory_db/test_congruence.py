"""The embedded index and the server's give the same answers, whatever was done to them."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from kith.errors import KithError
from memory_db import ConceptStore
from memory_db.photos import PhotoStore
from tests.memory_db.conftest import Clock, MakeIndex
from tests.memory_db.making import vector, view

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

TOLERANCE = 1e-3
"""Of a distance: local mode takes the root of a rounded difference for vectors that are equal."""

NAMES = [f"n{number}" for number in range(6)]
CATEGORIES = ["dog", "cup", "", "person"]


def act(rng: random.Random) -> Callable[[ConceptStore], object]:
    """A random edit or read, told apart by names, since ids differ from store to store."""
    name, other = rng.choice(NAMES), rng.choice(NAMES)
    word, category = f"w{rng.randrange(12)}", rng.choice(CATEGORIES)
    position, count = rng.randrange(3), rng.randrange(1, 6)

    def concept_id(store: ConceptStore) -> str:
        listed = store.list(forgotten_too=True).concepts
        return next((c.id for c in reversed(listed) if c.name == name), "none")

    def remember(store: ConceptStore) -> object:
        views = [view(f"{name} {number}") for number in range(count)]
        return facts(store, store.remember(name, category, word, views).id)

    def update(store: ConceptStore) -> object:
        made = store.update(concept_id(store), name=other, category=category)
        return facts(store, made.id)

    def add(store: ConceptStore) -> object:
        return facts(store, store.add_views(concept_id(store), [view(word, near=name)]).id)

    def reject(store: ConceptStore) -> object:
        return facts(store, store.reject(concept_id(store), view(word, near=name)).id)

    def remove(store: ConceptStore) -> object:
        views = store.get(concept_id(store)).views
        chosen = [v.id for v in views[position : position + 2]]
        return facts(store, store.remove_views(concept_id(store), chosen).id)

    def forget(store: ConceptStore) -> object:
        return store.forget(concept_id(store)).undo_until

    def undo(store: ConceptStore) -> object:
        return facts(store, store.undo_forget(concept_id(store)).id)

    def purge(store: ConceptStore) -> object:
        purged = store.purge_expired()
        return (len(purged.concepts), purged.photos)

    def search(store: ConceptStore) -> object:
        query = vector(word, near=name)[None]
        (row,) = store.search(query, count)
        blobs = {v.id: v.blob for c in store.list().concepts for v in c.views}
        return [
            (blobs[n.view_id], n.negative, pytest.approx(n.distance, abs=TOLERANCE)) for n in row
        ]

    def listing(store: ConceptStore) -> object:
        page = store.list(count, category=category)
        found = store.find(name)
        return (
            [c.name for c in page.concepts],
            bool(page.next_page_token),
            found and facts(store, found.id),
        )

    return rng.choice(
        [
            remember,
            remember,
            update,
            add,
            reject,
            remove,
            forget,
            undo,
            purge,
            search,
            search,
            listing,
            lambda store: store.repair(),
        ]
    )


def facts(store: ConceptStore, concept_id: str) -> object:
    """What two stores must agree on."""
    concept = store.get(concept_id)
    views = [(v.blob, v.box, v.negative) for v in concept.views]
    return concept.name, concept.category, concept.description, views


def outcome(store: ConceptStore, action: Callable[[ConceptStore], object]) -> object:
    try:
        return action(store)
    except KithError as error:
        return type(error), error.reason


@pytest.mark.parametrize(
    ("seed", "server"), [*((seed, "server") for seed in range(8)), (8, "served"), (9, "served")]
)
def test_both_indexes_answer_a_random_history_alike(
    seed: int, server: str, make_edge: MakeIndex, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    make_server: MakeIndex = request.getfixturevalue(f"make_{server}")
    rng = random.Random(seed)
    clock = Clock()
    stores = [
        ConceptStore(make("me"), PhotoStore(str(tmp_path / folder)), now=lambda: clock.time)
        for make, folder in ((make_edge, "a"), (make_server, "b"))
    ]
    for step in range(60):
        action = act(rng)
        embedded, served = (outcome(store, action) for store in stores)
        assert embedded == served, f"step {step}: {action.__qualname__}"
        clock.skip(rng.choice([1, 1, 1, 400]))


def test_the_nearest_views_are_the_same_among_many(
    make_edge: MakeIndex, make_server: MakeIndex, tmp_path: Path
) -> None:
    stores = [
        ConceptStore(make("me"), PhotoStore(str(tmp_path / "photos")))
        for make in (make_edge, make_server)
    ]
    for store in stores:
        for number in range(4):
            words = [f"{number} {side}" for side in range(50)]
            store.remember(f"n{number}", "", "", [view(word) for word in words])
    for query in range(40):
        rows = [store.search(vector(f"q{query}")[None], 10)[0] for store in stores]
        blobs = [{v.id: v.blob for c in s.list().concepts for v in c.views} for s in stores]
        found = [[names[n.view_id] for n in row] for names, row in zip(blobs, rows, strict=True)]
        assert found[0] == found[1], f"query {query}"
        assert [n.distance for n in rows[0]] == pytest.approx(
            [n.distance for n in rows[1]], abs=TOLERANCE
        )
