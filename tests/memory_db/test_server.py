"""The index on a server, over its real protocol: what is sent, and what a failure is told as."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kith.errors import KithError, NotFound, Overloaded, Refused, Unavailable
from memory_db import ConceptStore, Kept, MemoryPlace
from memory_db.names import folder_name
from memory_db.server import ServerIndex, connect
from tests.memory_db.making import DIM, vector, view
from tests.memory_db.qdrant_server import FakeQdrant

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture
def qdrant() -> FakeQdrant:
    return FakeQdrant()


@pytest.fixture
def place(qdrant: FakeQdrant, tmp_path: Path) -> Iterator[MemoryPlace]:
    with qdrant.listening() as url, closing(MemoryPlace(tmp_path, url)) as place:
        yield place


def open_store(place: MemoryPlace, user: str = "me") -> ConceptStore:
    return ConceptStore.open(place, user=user, model="clip", dim=DIM)


def test_a_new_collection_is_strict_has_tenants_and_an_index_for_every_filter(
    place: MemoryPlace, qdrant: FakeQdrant
) -> None:
    open_store(place).close()
    sent = {url: body for method, url, body in qdrant.requests if method == "PUT"}
    collection = f"/collections/kith-{folder_name('clip')}"
    strict = sent[collection]["strict_mode_config"]
    assert strict["enabled"]
    assert not strict["unindexed_filtering_retrieve"]
    indexes = [body for _, url, body in qdrant.requests if url.startswith(f"{collection}/index")]
    tenants = {one["field_name"]: one["field_schema"]["is_tenant"] for one in indexes}
    assert tenants == {
        "user": True,
        **dict.fromkeys(["kind", "name", "category", "request", "blob"], False),
    }


def test_edits_wait_until_they_are_applied(place: MemoryPlace, qdrant: FakeQdrant) -> None:
    open_store(place).remember("bo", "dog", "", [view("bo")])
    edits = [url for method, url, _ in qdrant.requests if method == "PUT" and "/points" in url]
    assert edits
    assert all("wait=true" in url for url in edits)


def test_forgetting_and_undoing_it_are_one_write_that_nothing_can_cut_in_two(
    place: MemoryPlace, qdrant: FakeQdrant
) -> None:
    store = open_store(place)
    bo = store.remember("bo", "dog", "", [view("1"), view("2")])
    for edit in (store.forget, store.undo_forget):
        qdrant.requests.clear()
        edit(bo.id)
        (points,) = [body["points"] for method, _, body in qdrant.requests if method == "PUT"]
        assert [point["id"] for point in points] == [bo.id]


def test_users_of_one_collection_are_apart(place: MemoryPlace) -> None:
    mine, yours = open_store(place, "me"), open_store(place, "you")
    bo = mine.remember("bo", "dog", "", [view("bo")])
    assert yours.list().concepts == ()
    assert yours.search(vector("bo")[None], 5) == [[]]
    for ask in (lambda: yours.get(bo.id), lambda: yours.photo(bo.views[0].blob)):
        with pytest.raises(NotFound):
            ask()
    assert sorted(place.kept()) == [Kept(folder_name("me"), "clip", DIM)]


def test_nothing_of_another_user_leaves_the_server_whatever_id_is_asked_for(
    place: MemoryPlace, qdrant: FakeQdrant
) -> None:
    mine, yours = open_store(place, "me"), open_store(place, "you")
    bo = mine.remember("bo", "dog", "", [view("bo")])
    before = len(qdrant.requests)
    with pytest.raises(NotFound):
        yours.get(bo.id)
    for _, url, body in qdrant.requests[before:]:
        assert f'"any": ["{folder_name("you")}"]' in json.dumps(body), url


def test_who_was_killed_while_making_a_collection_is_finished_by_the_next(
    place: MemoryPlace, qdrant: FakeQdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(ServerIndex, "_index_fields", lambda *_: None)
        open_store(place)
    bo = open_store(place).remember("bo", "dog", "", [view("bo")])
    assert open_store(place).find("bo") == bo


def test_two_processes_may_make_a_collection_at_once(
    place: MemoryPlace, qdrant: FakeQdrant, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_store(place)
    monkeypatch.setattr("qdrant_client.QdrantClient.collection_exists", lambda *_: False)
    open_store(place)  # is told that it exists by now
    assert [body for method, _, body in qdrant.requests if "vectors" in body]


def test_vectors_of_another_length_are_refused(place: MemoryPlace) -> None:
    open_store(place)
    with pytest.raises(Refused) as refused:
        ConceptStore.open(place, user="you", model="clip", dim=DIM + 1)
    assert refused.value.reason == "MEMORY_OF_ANOTHER_MODEL"


def test_a_server_that_is_away_is_unavailable_until_it_is_back(
    qdrant: FakeQdrant, tmp_path: Path
) -> None:
    with ExitStack() as server:
        place = MemoryPlace(tmp_path, server.enter_context(qdrant.listening()))
        store = open_store(place)
        bo = store.remember("bo", "dog", "", [view("bo")])
    for use in (
        store.list,
        lambda: store.search(vector("bo")[None], 1),
        lambda: store.forget(bo.id),
        lambda: open_store(place, "you"),
        place.kept,
    ):
        with pytest.raises(Unavailable, match="KITH_MEMORY_URL") as away:
            use()
        assert away.value.reason == "MEMORY_UNREACHABLE"
    with qdrant.listening():
        assert store.list().concepts == (bo,)
        assert open_store(place, "you").list().concepts == ()
        place.close()


@pytest.mark.parametrize(
    ("status", "headers", "error", "reason"),
    [
        (500, {}, Unavailable, "MEMORY_FAILED"),
        (503, {}, Unavailable, "MEMORY_FAILED"),
        (429, {"retry-after": "7"}, Overloaded, "MEMORY_BUSY"),
        (429, {}, Overloaded, "MEMORY_BUSY"),
        (401, {}, Refused, "MEMORY_KEY_REFUSED"),
        (403, {}, Refused, "MEMORY_KEY_REFUSED"),
    ],
)
def test_what_the_server_answers_is_told_as_what_it_means(
    place: MemoryPlace,
    qdrant: FakeQdrant,
    status: int,
    headers: dict[str, str],
    error: type[KithError],
    reason: str,
) -> None:
    store = open_store(place)
    qdrant.fail_with = status, headers
    with pytest.raises(error) as failure:
        store.list()
    assert failure.value.reason == reason
    if isinstance(failure.value, Overloaded):
        assert failure.value.retry_after_s == float(headers.get("retry-after", 1))
    qdrant.fail_with = None
    assert store.list().concepts == ()


def test_what_is_no_url_is_refused_at_once() -> None:
    with pytest.raises(Refused, match="as in http"):
        connect("ftp://somewhere", None)
