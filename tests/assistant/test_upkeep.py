"""Memories are mended, and moved to another embedder, for everybody or for one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kith.errors import Refused
from memory_db import Concept, ConceptStore, Kept
from memory_db.names import folder_name
from memory_db.reindex import Moved
from memory_db.upkeep import Repaired
from services.assistant import upkeep
from services.assistant.settings import AssistantSettings
from services.assistant.stages import Stages
from tests.assistant.world import Bench, PaintEmbedder, Thing, open_store

PAINT = (PaintEmbedder.name, PaintEmbedder.dim)
ME, YOU = folder_name("me"), folder_name("you")


class FinePaint(PaintEmbedder):
    """The embedder to move to."""

    name = "fine-paint"
    dim = 12


@pytest.fixture
async def concepts(tmp_path: Path, stages: Stages) -> list[Concept]:
    """My bo and cup, and your rex."""
    with open_store(tmp_path, "me") as mine, open_store(tmp_path, "you") as yours:
        return [
            await Bench(stages, mine).remember("bo", Thing("dog", 0), Thing("dog", 9)),
            await Bench(stages, mine).remember("cup", Thing("mug", 3)),
            await Bench(stages, yours).remember("rex", Thing("dog", 50)),
        ]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AssistantSettings:
    @asynccontextmanager
    async def fine(_: AssistantSettings) -> AsyncIterator[PaintEmbedder]:
        yield FinePaint()

    monkeypatch.setattr(upkeep, "embedder_of", fine)
    return AssistantSettings(memory=tmp_path)


def fine_store(folder: Path, user: str) -> ConceptStore:
    return ConceptStore.open(folder, user=user, model=FinePaint.name, dim=FinePaint.dim)


def folders(place: Path, user: str) -> list[Path]:
    return list(place.glob(f"users/{user}/*"))


async def test_all_memories_move_and_nothing_of_the_old_ones_stays(
    settings: AssistantSettings, concepts: list[Concept], tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    done = await upkeep.move(
        settings, None, None, lambda memory, *counted: told.append((memory.user, *counted))
    )
    assert sorted(done) == [
        (Kept(ME, *PAINT), "fine-paint", Moved(2, 3, ())),
        (Kept(YOU, *PAINT), "fine-paint", Moved(1, 1, ())),
    ]
    assert [one for one in told if one[0] == ME] == [(ME, 0, 2), (ME, 1, 2), (ME, 2, 2)]
    assert len(folders(tmp_path, "*")) == 2
    for user, expected in (("me", concepts[:2]), ("you", concepts[2:])):
        with fine_store(tmp_path, user) as store:
            assert list(store.list().concepts) == expected
    assert await upkeep.move(settings, None, None, lambda *_: None) == []


async def test_one_users_memory_moves_alone(
    settings: AssistantSettings, concepts: list[Concept], tmp_path: Path
) -> None:
    (done,) = await upkeep.move(settings, "you", None, lambda *_: None)
    assert done.memory.user == YOU
    with open_store(tmp_path, "me") as store:
        assert list(store.list().concepts) == concepts[:2]


async def test_a_memory_that_is_open_is_refused(
    settings: AssistantSettings, concepts: list[Concept], tmp_path: Path
) -> None:
    with open_store(tmp_path, "you"):
        with pytest.raises(Refused) as refused:
            await upkeep.move(settings, "you", None, lambda *_: None)
        with pytest.raises(Refused):
            upkeep.mend(settings, "you")
    assert refused.value.reason == "MEMORY_LOCKED"


async def test_of_several_old_embedders_one_has_to_be_named(
    settings: AssistantSettings, concepts: list[Concept], tmp_path: Path
) -> None:
    ConceptStore.open(tmp_path, user="me", model="ancient", dim=3).close()
    with pytest.raises(Refused, match="ancient, paint"):
        await upkeep.move(settings, None, None, lambda *_: None)
    done = await upkeep.move(settings, None, "paint", lambda *_: None)
    assert {one.memory.user for one in done} == {ME, YOU}


def test_memories_are_mended_for_everybody_or_for_one(
    settings: AssistantSettings, concepts: list[Concept], tmp_path: Path
) -> None:
    for user in (ME, YOU):
        (folder,) = folders(tmp_path, user)
        (folder / "photos/f00d").write_bytes(b"of a call that was cut short")
    (mine,) = upkeep.mend(settings, "me")
    assert mine == (Kept(ME, *PAINT), Repaired(1, 0, 0))
    collected = {one.memory.user: one.repaired[0] for one in upkeep.mend(settings, None)}
    assert collected == {ME: 0, YOU: 1}
    assert upkeep.mend(settings, "nobody") == []
