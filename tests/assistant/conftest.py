"""The stages and the store that most tests of the assistant work with."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from memory_db import ConceptStore
from services.assistant.stages import Stages
from tests.assistant.world import (
    STRANGER_DISTANCE,
    Bench,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    open_store,
)


@pytest.fixture
def detector() -> PaintDetector:
    return PaintDetector()


@pytest.fixture
def parrot() -> Parrot:
    return Parrot()


@pytest.fixture
def stages(detector: PaintDetector, parrot: Parrot) -> Stages:
    return Stages(detector, PaintEmbedder(), parrot, STRANGER_DISTANCE, distance_scale=0.1)


@pytest.fixture(scope="session")
def empty_memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty memory to copy: the engine takes most of a second to make one."""
    folder = tmp_path_factory.mktemp("memory")
    open_store(folder).close()
    return folder


@pytest.fixture
def memory_folder(empty_memory: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "memory"
    # The engine's files are mostly holes, which shutil would fill with 134 MB of zeros.
    subprocess.run(["cp", "-r", "--sparse=always", empty_memory, folder], check=True)
    return folder


@pytest.fixture
def store(memory_folder: Path) -> Iterator[ConceptStore]:
    with open_store(memory_folder) as opened:
        yield opened


@pytest.fixture
def bench(stages: Stages, store: ConceptStore) -> Bench:
    return Bench(stages, store)
