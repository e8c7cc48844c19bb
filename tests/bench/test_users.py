"""Many users at once: each has a memory of its own, of which an assistant keeps some open."""

import asyncio
import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import NewView
from services.assistant.memory import Memory
from services.assistant.settings import OPEN_MEMORIES
from services.assistant.stores import Stores
from tests.bench.heap import MODEL, opened
from tests.bench.table import FEW, ROUNDS, sizes, tell

USERS = sizes(1, 100, long=10_000)
CONCEPTS = 10


class Town:
    """A deployment's memories, opened as the assistant opens them."""

    def __init__(self, folder: Path, users: int) -> None:
        self.runner = asyncio.Runner()
        self.names = [f"user{number}" for number in range(users)]
        self._rng = np.random.default_rng(0)
        self._folder = folder
        self._stores = Stores(lambda user: opened(folder, user))
        (own, lent), maps = resident(), maps_held()
        for name in self.names:
            self.runner.run(self._fill(name))
        self.open = min(users, OPEN_MEMORIES)
        now = resident()
        self.own, self.lent = (now[0] - own) / self.open, (now[1] - lent) / self.open
        self.maps = (maps_held() - maps) / self.open

    def ask(self, user: str) -> None:
        """What a question asks of the memory."""
        self.runner.run(self._ask(user))

    def bytes_on_disk(self) -> float:
        """A user, with photos."""
        files = (self._folder / "users").rglob("*")
        return sum(file.stat().st_blocks * 512 for file in files) / len(self.names)

    def close(self) -> None:
        self.runner.run(self._stores.close())
        self.runner.close()

    async def _fill(self, user: str) -> None:
        store = await self._stores.of(user)
        for concept in range(CONCEPTS):
            view = NewView(b"a photo", self._vectors(1)[0])
            store.remember(f"thing{concept}", "dog", "", [view])

    async def _ask(self, user: str) -> None:
        memory = await Memory.read(await self._stores.of(user))
        await memory.within(self._vectors(4), MODEL.stranger_distance)

    def _vectors(self, number: int) -> np.ndarray:
        return self._rng.standard_normal((number, MODEL.dim), np.float32)


@pytest.fixture(scope="module", params=USERS)
def town(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"), request.param)
    yield made
    made.close()


def test_a_question_of_any_user(benchmark: BenchmarkFixture, town: Town) -> None:
    draw = random.Random(0)
    benchmark.pedantic(
        town.ask, setup=lambda: ((draw.choice(town.names),), {}), rounds=ROUNDS, warmup_rounds=0
    )
    tell(benchmark, f"{town.open} memories are open")
    tell(benchmark, f"each holds {town.own:,.0f} KiB and {town.maps:.0f} memory maps")
    tell(benchmark, f"the system lends it {town.lent / 1024:,.0f} MiB of pages of files")
    tell(benchmark, f"{town.bytes_on_disk() / 1024:,.0f} KiB on disk")


def test_the_first_question_of_one_more(benchmark: BenchmarkFixture, town: Town) -> None:
    numbers = count()
    benchmark.pedantic(
        town.ask, setup=lambda: ((f"new{next(numbers)}",), {}), rounds=2 * FEW, warmup_rounds=0
    )


def resident() -> tuple[int, int]:
    """KiB that are this process's own, and of files, whose pages the system can take back."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    own, lent = (int(status.partition(f"{name}:")[2].split()[0]) for name in ("RssAnon", "RssFile"))
    return own, lent


def maps_held() -> int:
    return len(Path("/proc/self/maps").read_text(encoding="utf-8").splitlines())
