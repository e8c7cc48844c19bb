"""An assistant whose memory is on a Qdrant server, while the server comes and goes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kith import AsyncClient
from kith.errors import Unavailable
from kith.messages import Answer
from services.assistant.settings import AssistantSettings
from services.assistant.wiring import assembled
from services.runtime import images
from services.runtime.server import Server
from tests.assistant.test_wiring import PocketEmbedder, stages_elsewhere
from tests.assistant.world import Thing, paint
from tests.memory_db.qdrant_server import FakeQdrant

pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")

BO = images.encode(paint(Thing("dog", 10)))


@asynccontextmanager
async def assistant(place: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[AsyncClient]:
    """What `KITH_MEMORY_URL` and `KITH_PHOTOS` say, served."""
    monkeypatch.setenv("KITH_PHOTOS", f"file://{place}/photos")
    async with stages_elsewhere(PocketEmbedder(), place / "memory") as stages:
        chosen = stages.model_dump(include={"memory", "port", "grace_s", *stages_names()})
        settings = AssistantSettings(**chosen)
        async with (
            assembled(settings) as assembly,
            Server(settings, assembly.services) as server,
            AsyncClient(f"127.0.0.1:{server.port}") as kith,
        ):
            yield kith


def stages_names() -> set[str]:
    return {"detection", "embedding", "generation"}


def told(answer: Answer) -> tuple[list[str], str | None]:
    """The concepts of an answer, and what it had to do without."""
    lost = answer.degradation
    return [one.concept for one in answer.concepts], lost.loss if lost else None


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_an_assistant_outlives_its_memory_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qdrant = FakeQdrant()
    with qdrant.listening() as url:
        monkeypatch.setenv("KITH_MEMORY_URL", url)
    async with assistant(tmp_path, monkeypatch) as kith:
        assert told(await kith.ask("Who?", BO)) == ([], "memory")
        with pytest.raises(Unavailable, match="KITH_MEMORY_URL"):
            await kith.remember("bo", BO)
        for outage in range(2):
            with qdrant.listening():
                if not outage:
                    await kith.remember("bo", BO)
                assert told(await kith.ask("Who?", BO)) == (["bo"], None)
                assert [one.display_name for one in await kith.list_concepts()] == ["bo"]
            assert told(await kith.ask("Who?", BO)) == ([], "memory")
            with pytest.raises(Unavailable):
                await kith.list_concepts()
    assert len(files_below(tmp_path / "photos")) == 1
    assert not files_below(tmp_path / "memory")
