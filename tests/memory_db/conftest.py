"""Both memories: the engine in this process, and the client's local mode in a server's place."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from memory_db import ConceptStore
from memory_db.edge import EdgeIndex
from memory_db.index import VectorIndex
from memory_db.names import folder_name
from memory_db.photos import PhotoStore
from memory_db.server import ServerIndex, connect
from tests.memory_db.making import DIM
from tests.memory_db.qdrant_server import FakeQdrant

MODEL = "pocket-clip"


class Clock:
    """Time that passes when told."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def skip(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


MakeIndex = Callable[[str], VectorIndex]
MakeStore = Callable[[str], ConceptStore]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder in memory where there is one: most of these tests' time is waiting for a disk."""
    shared_memory = Path("/dev/shm")
    place = shared_memory if os.access(shared_memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="kith-memory-", dir=place) as folder:
        yield Path(folder)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_edge(tmp_path: Path) -> Iterator[MakeIndex]:
    made: list[VectorIndex] = []

    def make(user: str) -> VectorIndex:
        made.append(EdgeIndex(tmp_path / folder_name(user), model=MODEL, dim=DIM))
        return made[-1]

    yield make
    for index in made:
        index.close()


@pytest.fixture
def make_server() -> Iterator[MakeIndex]:
    client = QdrantClient(":memory:")
    yield lambda user: ServerIndex(client, user=folder_name(user), model=MODEL, dim=DIM)
    client.close()


@pytest.fixture
def make_served() -> Iterator[MakeIndex]:
    """The same as `make_server`, over HTTP."""
    with FakeQdrant().listening() as url, closing(connect(url, None)) as client:
        yield lambda user: ServerIndex(client, user=folder_name(user), model=MODEL, dim=DIM)


@pytest.fixture(params=["edge", "server"])
def make_index(request: pytest.FixtureRequest) -> MakeIndex:
    maker: MakeIndex = request.getfixturevalue(f"make_{request.param}")
    return maker


@pytest.fixture
def make_store(make_index: MakeIndex, tmp_path: Path, clock: Clock) -> MakeStore:
    def make(user: str) -> ConceptStore:
        photos = PhotoStore(str(tmp_path / folder_name(user) / "photos"))
        return ConceptStore(make_index(user), photos, now=clock)

    return make


@pytest.fixture
def store(make_store: MakeStore) -> ConceptStore:
    return make_store("me")
