"""What a question sees of the memory: all that was edited before it, and nothing after."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest

from memory_db import Concept, Vectors, schema
from services.assistant.memory import Memory
from services.assistant.stages import Stages
from tests.assistant.world import STRANGER_DISTANCE, Bench, Thing, open_store, paint

Edit = Callable[[Bench, Concept], Awaitable[object]]
Facts = tuple[list[str], int, list[tuple[str, bool]]]
"""The names, how many views bo has, and what is near a picture of a dog: its name, and whether it
is a rejected view."""


async def rename(bench: Bench, bo: Concept) -> None:
    bench.store.update(bo.id, name="bello")


async def add_a_view(bench: Bench, bo: Concept) -> None:
    bench.store.add_views(bo.id, await bench.new_views(Thing("dog", 3)))


async def remove_a_view(bench: Bench, bo: Concept) -> None:
    bench.store.remove_views(bo.id, [bo.views[0].id])


async def reject(bench: Bench, bo: Concept) -> None:
    (view,) = await bench.new_views(Thing("dog", 2))
    bench.store.reject(bo.id, view)


async def forget(bench: Bench, bo: Concept) -> None:
    bench.store.forget(bo.id)


async def forget_and_restore(bench: Bench, bo: Concept) -> None:
    bench.store.forget(bo.id)
    bench.store.undo_forget(bo.id)


async def remember_another(bench: Bench, bo: Concept) -> None:
    await bench.remember("rex", Thing("dog", 4))


BEFORE: Facts = (["bo", "mia"], 2, [("bo", False), ("bo", False)])


@pytest.mark.parametrize(
    ("edit", "after"),
    [
        (rename, (["bello", "mia"], 2, [("bello", False), ("bello", False)])),
        (add_a_view, (["bo", "mia"], 3, [("bo", False), ("bo", False), ("bo", False)])),
        (remove_a_view, (["bo", "mia"], 1, [("bo", False)])),
        (reject, (["bo", "mia"], 2, [("bo", False), ("bo", False), ("bo", True)])),
        (forget, (["mia"], 0, [])),
        (forget_and_restore, BEFORE),
        (remember_another, (["bo", "mia", "rex"], 2, [*BEFORE[2], ("rex", False)])),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
async def test_an_edit_is_seen_by_the_next_question_and_not_by_one_under_way(
    bench: Bench, edit: Edit, after: Facts
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0), Thing("dog", 1))
    await bench.remember("mia", Thing("cat", 0))
    under_way, beside_it = await Memory.read(bench.store), await Memory.read(bench.store)
    await edit(bench, bo)
    following = await Memory.read(bench.store)
    assert await seen(bench, following, bo) == after
    for memory in (under_way, beside_it):
        names, views, near = await seen(bench, memory, bo)
        assert (names, views) == BEFORE[:2]
        assert near == BEFORE[2] or edit is remove_a_view  # whose vector is gone


async def test_a_photo_of_a_forgotten_concept_is_gone_for_a_question_under_way(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    under_way = await Memory.read(bench.store)
    bench.store.forget(bo.id)
    assert await under_way.photo(bo.views[0]) is None
    monkeypatch.setattr(schema, "UNDO_WINDOW_S", 0.0)
    bench.store.purge_expired()
    assert await under_way.photo(bo.views[0]) is None


async def test_a_memory_that_was_opened_again_has_every_edit(
    stages: Stages, memory_folder: Path
) -> None:
    with open_store(memory_folder) as store:
        bo = await Bench(stages, store).remember("bo", Thing("dog", 0))
        await Memory.read(store)
        store.update(bo.id, name="bello")
    with open_store(memory_folder) as store:
        assert (await Memory.read(store)).named("bello").id == bo.id


async def test_many_questions_at_once_read_the_memory_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    bench.store._snapshots = type(bench.store._snapshots)(bench.store._index)  # as just opened
    read, asked = bench.store._index.scroll, 0

    def counted(*args: object, **kwargs: object) -> object:
        nonlocal asked
        asked += 1
        return read(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store._index, "scroll", counted)
    memories = await asyncio.gather(*(Memory.read(bench.store) for _ in range(8)))
    assert asked == 1
    assert all(memory.concepts is memories[0].concepts for memory in memories)


async def seen(bench: Bench, memory: Memory, bo: Concept) -> Facts:
    """What a question takes of the memory."""
    picture = paint(Thing("dog", 0)).crop((20, 20, 60, 60))
    vectors: Vectors = await bench.stages.embedder.embed_images([picture])
    (row,) = await memory.within(np.asarray(vectors), STRANGER_DISTANCE)
    near = []
    for found in row:
        concept = memory.get(found.concept_id)
        assert concept
        if found.distance < STRANGER_DISTANCE:
            near.append((concept.name, found.negative))
    return [one.name for one in memory.concepts], memory.views.get(bo.id, 0), near
