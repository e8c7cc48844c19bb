"""`kith memory repair` and `kith memory reindex` say what they did."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kith.cli import main
from memory_db import ConceptStore, NewView, Vectors
from services.assistant import upkeep
from services.runtime import images
from tests.kith.conftest import Run

ME = "me-2744ccd10c7533bd"


class NewEmbedder:
    """Knows three directions."""

    name = "new"
    dim = 3

    async def embed_images(self, pictures: Sequence[Image.Image]) -> Vectors:
        return np.eye(3, dtype=np.float32)[: len(pictures)]


def open_store(folder: Path, model: str, dim: int) -> ConceptStore:
    return ConceptStore.open(folder, user="me", model=model, dim=dim)


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """bo, with two views of an old embedder."""

    @asynccontextmanager
    async def new(_: object) -> AsyncIterator[NewEmbedder]:
        yield NewEmbedder()

    monkeypatch.setattr(upkeep, "embedder_of", new)
    folder = tmp_path / "memory"
    with open_store(folder, "old", 2) as store:
        photos = [images.encode(Image.new("RGB", (8, 8), colour)) for colour in ("red", "blue")]
        vector = np.array([1, 0], np.float32)
        store.remember("bo", "dog", "", [NewView(photo, vector) for photo in photos])
    return folder


def test_reindex_moves_and_says_so(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--memory", str(memory), "--json", "memory", "reindex"]) == 0
    out, err = capsys.readouterr()
    moved = {"user": ME, "model": "old", "to": "new", "concepts": 1, "views": 2, "left": []}
    assert json.loads(out) == {"memories": [moved]}
    assert err.strip() == ""
    with open_store(memory, "new", 3) as store:
        assert [concept.name for concept in store.list().concepts] == ["bo"]
    assert main(["--memory", str(memory), "memory", "reindex"]) == 0
    assert capsys.readouterr().out == "There is nothing to move.\n"


def test_reindex_names_what_could_not_move(
    memory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(memory, "new", 3) as store:
        store.remember("bo", "", "", [NewView(b"", np.array([1, 0, 0], np.float32))])
    assert main(["--memory", str(memory), "memory", "reindex"]) == 0
    said = capsys.readouterr().out
    assert "old   new  0         0      bo" in said
    assert "Rename" in said


def test_repair_tells_what_it_collected(memory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos,) = memory.glob("users/*/*/photos")
    (photos / "f00d").write_bytes(b"of a call that was cut short")
    assert main(["--memory", str(memory), "--json", "memory", "repair"]) == 0
    mended = {"photos_collected": 1, "views_dropped": 0, "concepts_dropped": 0}
    assert json.loads(capsys.readouterr().out) == {
        "memories": [{"user": ME, "model": "old"} | mended]
    }
    assert main(["--memory", str(memory), "memory", "repair"]) == 0
    assert ME in capsys.readouterr().out
    assert main(["--memory", str(memory), "--user", "nobody", "memory", "repair"]) == 0
    assert capsys.readouterr().out == "There is no memory.\n"


@pytest.mark.parametrize("command", ["repair", "reindex"])
def test_a_memory_that_is_open_is_told_in_one_line(
    command: str, memory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(memory, "old", 2):
        assert main(["--memory", str(memory), "memory", command]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "is open in process" in err.strip().splitlines()[-1]


@pytest.mark.parametrize("command", ["repair", "reindex"])
def test_a_server_is_not_told_to_do_it(
    command: str, kith: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kith("memory", command) == 2
    assert "leave --server out" in capsys.readouterr().err
