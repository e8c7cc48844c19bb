import asyncio
from pathlib import Path

import pytest

from kith.errors import NotFound, Refused, Unavailable
from memory_db import ConceptStore, schema
from services.assistant import stores
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from tests.assistant.world import Bench, Thing, open_store


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
