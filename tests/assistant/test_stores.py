import asyncio
import random
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from kith.errors import NotFound, Refused, Unavailable
from memory_db import ConceptStore, NewView, schema
from memory_db.durable import FolderLock
from memory_db.edge import EdgeIndex
from memory_db.names import folder_name
from services.assistant import stores
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.assistant.watch import watch
from tests.assistant.world import Bench, PaintEmbedder, Thing, open_store

USERS = ("ann", "bob", "cem", "dot")


@pytest.fixture
def town(memory_folder: Path) -> Iterator[Path]:
    """An empty memory for each of `USERS`; none is open in the end."""
    for user in USERS:
        me, other = place(memory_folder, "me").parent, place(memory_folder, user).parent
        subprocess.run(["cp", "-r", "--sparse=always", me, other], check=True)
    yield memory_folder
    assert open_ones(memory_folder) == []


def place(folder: Path, user: str) -> Path:
    """Where a user's memory lies."""
    return folder / "users" / folder_name(user) / folder_name(PaintEmbedder.name)


def open_ones(folder: Path) -> list[str]:
    """The users whose memories somebody has open."""
    found = []
    for user in USERS:
        try:
            FolderLock(place(folder, user)).release()
        except Refused:
            found.append(user)
    return found


def view(number: int) -> NewView:
    vector = np.zeros(PaintEmbedder.dim, np.float32)
    vector[number % PaintEmbedder.dim] = 1
    return NewView(f"photo {number}".encode(), vector)


async def test_a_store_is_opened_once_and_closed_in_the_end(memory_folder: Path) -> None:
    opened: list[str] = []

    def open_counted(user: str) -> ConceptStore:
        opened.append(user)
        return open_store(memory_folder, user)

    held = Stores(open_counted)
    first, second = await asyncio.gather(held.of("me"), held.of("me"))
    assert first is second
    assert opened == ["me"]
    await held.close()
    open_store(memory_folder).close()  # nobody holds it any more


async def test_a_memory_that_another_process_holds_is_refused_until_it_is_free(
    memory_folder: Path,
) -> None:
    held = Stores(lambda user: open_store(memory_folder, user))
    with open_store(memory_folder), pytest.raises(Refused) as refused:
        await held.of("me")
    assert refused.value.reason == "MEMORY_LOCKED"
    assert await held.of("me")
    await held.close()


async def test_what_is_forgotten_is_purged_in_the_background(
    memory_folder: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stores, "PURGE_INTERVAL_S", 0.02)
    monkeypatch.setattr(schema, "UNDO_WINDOW_S", 0.0)
    held = Stores(lambda user: open_store(memory_folder, user))
    store = await held.of("me")
    bo = await Bench(stages, store).remember("bo", Thing("dog", 0))
    purging = asyncio.create_task(held.keep_purging())
    store.forget(bo.id)
    async with asyncio.timeout(10):
        while True:
            try:
                store.get(bo.id, forgotten_too=True)
            except NotFound:
                break
            await asyncio.sleep(0.02)
    purging.cancel()
    await held.close()


async def test_what_ran_out_while_nobody_looked_is_purged_on_opening(
    memory_folder: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(memory_folder) as store:
        bo = await Bench(stages, store).remember("bo", Thing("dog", 0))
        store.forget(bo.id)
    monkeypatch.setattr(schema, "UNDO_WINDOW_S", 0.0)
    held = Stores(lambda user: open_store(memory_folder, user))
    with pytest.raises(NotFound):
        (await held.of("me")).get(bo.id, forgotten_too=True)
    await held.close()


async def test_a_memory_that_can_not_be_purged_is_open_all_the_same(
    memory_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: ConceptStore) -> None:
        raise Unavailable("photos: the place of the photos fails", reason="PHOTOS_UNREACHABLE")

    monkeypatch.setattr(ConceptStore, "purge_expired", fail)
    held = Stores(lambda user: open_store(memory_folder, user))
    assert (await held.of("me")).list().concepts == ()
    assert "could not be purged: photos" in caplog.text
    await held.close()


async def test_beyond_the_limit_those_asked_for_longest_ago_are_closed(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=2)
    await held.of("ann")
    await held.of("bob")
    await held.of("ann")
    await held.of("cem")
    assert open_ones(town) == ["ann", "cem"]
    await held.of("bob")
    assert open_ones(town) == ["bob", "cem"]
    await held.close()


async def test_a_closed_memory_is_opened_again_with_everything_there(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    for number, user in enumerate(USERS):
        (await held.of(user)).remember(f"thing of {user}", "mug", "", [view(number)])
    for user in USERS:
        (concept,) = (await held.of(user)).snapshot().concepts
        assert concept.name == f"thing of {user}"
    assert open_ones(town) == [USERS[-1]]
    await held.close()


async def test_a_memory_in_use_stays_open_beyond_the_limit(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    store = await held.of("ann")
    for user in ("bob", "cem"):
        await held.of(user)
    assert open_ones(town) == ["ann", "cem"]
    assert await held.of("ann") is store
    store.remember("bo", "dog", "", [view(0)])
    del store
    await held.of("bob")
    assert open_ones(town) == ["bob"]
    await held.close()


async def test_a_memory_is_in_use_in_a_thread_whose_caller_has_gone(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def slowly(store: ConceptStore) -> None:
        begun.set()
        go_on.wait(10)
        store.remember("bo", "dog", "", [view(0)])
        ended.set()

    async def call() -> None:
        await asyncio.to_thread(slowly, await held.of("ann"))

    calling = asyncio.create_task(call())
    await asyncio.to_thread(begun.wait, 10)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    del calling
    await held.of("bob")
    assert open_ones(town) == ["ann", "bob"]
    go_on.set()
    async with asyncio.timeout(10):
        await asyncio.to_thread(ended.wait)
    assert [c.name for c in (await held.of("ann")).snapshot().concepts] == ["bo"]
    await held.close()


async def test_a_watched_memory_stays_open(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    seen = watch(await held.of("ann"))
    await anext(seen)
    await held.of("bob")
    (await held.of("ann")).remember("bo", "dog", "", [view(0)])
    edit = await anext(seen)
    assert edit.concept
    assert edit.concept.name == "bo"
    await seen.aclose()
    await held.close()


async def test_a_memory_with_something_to_purge_stays_open_until_it_is_purged(
    town: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    store = await held.of("ann")
    store.forget(store.remember("bo", "dog", "", [view(0)]).id)
    del store
    await held.of("bob")
    await held.of("cem")
    assert open_ones(town) == ["ann", "cem"]
    monkeypatch.setattr(stores, "PURGE_INTERVAL_S", 0.02)
    monkeypatch.setattr(schema, "UNDO_WINDOW_S", 0.0)
    purging = asyncio.create_task(held.keep_purging())
    async with asyncio.timeout(10):
        while True:
            if not (await held.of("ann")).awaits_purge:
                break
            await asyncio.sleep(0.02)
    purging.cancel()
    await held.of("dot")
    assert open_ones(town) == ["dot"]
    await held.close()


async def test_many_callers_of_more_memories_than_may_be_open(town: Path) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=2)
    rng = random.Random(0)
    kept: dict[str, list[str]] = {user: [] for user in USERS}

    async def edit(number: int) -> None:
        user = rng.choice(USERS[:3])
        await asyncio.sleep(rng.random() / 5)
        store = await held.of(user)
        await asyncio.sleep(rng.random() / 50)
        made = await asyncio.to_thread(store.remember, f"n{number}", "", "", [view(number)])
        kept[user].append(made.name)
        there = (await asyncio.to_thread(store.snapshot)).concepts
        assert made.name in {concept.name for concept in there}

    await asyncio.gather(*map(edit, range(40)))
    for user, names in kept.items():
        there = (await held.of(user)).snapshot().concepts
        assert sorted(names) == sorted(concept.name for concept in there)
    await held.of("dot")
    assert len(open_ones(town)) == 2
    await held.close()


async def test_a_memory_that_can_not_be_closed_keeps_nobody_from_theirs(
    town: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    held = Stores(lambda user: open_store(town, user), most_open=1)
    await held.of("ann")
    close = EdgeIndex.close

    def close_and_fail(index: EdgeIndex) -> None:
        close(index)
        raise OSError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(EdgeIndex, "close", close_and_fail)
        await held.of("bob")
    assert open_ones(town) == ["bob"]
    assert "a memory could not be closed" in caplog.text
    await held.close()
