"""What the tests of the service share: a small layout in place of the shipped ones, and servers."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from datagen import identities, layout_files, playroom_engine
from datagen.engines import Drawn
from datagen.plan import Job
from datagen.service import servicer
from datagen.service.material import Material
from datagen.service.serve import books_of
from datagen.service.settings import DatagenSettings
from services.runtime.worker import ModelWorker
from tests.datagen.service.calling import Caller
from tests.datagen.small import small_layout
from tests.runtime.serving import served
from tests.tokens import write_tokens

Serving = Callable[..., AbstractAsyncContextManager[Caller]]


@pytest.fixture(autouse=True)
def _small_layouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only split is `small`: five concepts of two views, eleven pictures, all of them small."""
    monkeypatch.setattr(identities, "VIEWS", 2)
    for module in (identities, playroom_engine):
        monkeypatch.setattr(module, "SIZE", 96)
    folder = tmp_path / "layouts"
    folder.mkdir()
    small_layout(folder)
    monkeypatch.setattr(layout_files, "FOLDER", folder)


@pytest.fixture
def _slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each picture takes so long that a call surely comes between two."""
    draw = playroom_engine.PlayroomEngine.draw

    def slow(engine: playroom_engine.PlayroomEngine, job: Job, attempt: int) -> Drawn:
        time.sleep(0.03)
        return draw(engine, job, attempt)

    monkeypatch.setattr(playroom_engine.PlayroomEngine, "draw", slow)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def serving(root: Path, tmp_path: Path) -> Serving:
    """Serves the folder, with two users; every call of it is another process to the folder."""
    tokens = write_tokens(tmp_path / "tokens", ann="ann", bob="bob")

    @asynccontextmanager
    async def serve(*, draws: bool = True, **settings: Any) -> AsyncIterator[Caller]:  # noqa: ANN401
        chosen = DatagenSettings(datagen_dir=root, **settings)
        books = books_of(chosen)
        material, unpacking = Material(chosen), ModelWorker("seed sets")
        await material.get_ready()
        if draws:
            books.workshop.open()
        both = servicer.services(books, material, unpacking)
        try:
            async with served(*both, tokens_file=tokens) as channel:
                yield Caller(channel, "ann")
        finally:
            books.workshop.close()
            material.close()
            unpacking.close()

    return serve
