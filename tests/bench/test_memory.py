"""The memory as it grows, beside NumPy and FAISS's flat index of the same vectors.

All three compare a query with every view; each on one thread. A concept has ten views.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import faiss
import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import NewView, Vectors
from services.assistant.memory import Memory
from tests.bench.heap import MODEL, Heap, heap
from tests.bench.table import FEW, ROUNDS, side_by_side, sizes, tell
from tests.bench.world import STORY

SIZES = sizes(1_000, 10_000, 100_000, long=1_000_000)
NEAREST = 5
FOUND = 0.99
"""Of the nearest views by exact search: what a search must find of them."""

RESIDENT = """
import sys
from pathlib import Path
import numpy as np
from tests.bench.heap import MODEL, opened

def anonymous():
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return 1024 * int(status.partition("RssAnon:")[2].split()[0])

before = anonymous()
with opened(Path(sys.argv[1])) as store:
    store.search(np.ones((1, MODEL.dim), np.float32), 5)
    print(anonymous() - before)
"""
"""What an open memory takes of a process's own; pages of files are the system's to take back."""


@pytest.fixture(scope="module", params=SIZES)
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Heap]:
    made = heap(tmp_path_factory.mktemp("heap"), request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def flat(filled: Heap) -> faiss.IndexFlatL2:
    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatL2(MODEL.dim)
    index.add(filled.vectors)
    return index


def rounds(filled: Heap) -> int:
    """Of what takes longer the larger the memory is."""
    return ROUNDS if len(filled.ids) <= 10_000 else FEW


def exact(vectors: Vectors, query: Vectors) -> list[int]:
    """The rows nearest to a unit vector: all are of unit length, so the largest products."""
    products = vectors @ query
    found = np.argpartition(products, -NEAREST)[-NEAREST:]
    nearest: list[int] = found[np.argsort(-products[found])].tolist()
    return nearest


def test_search(benchmark: BenchmarkFixture, filled: Heap, flat: faiss.IndexFlatL2) -> None:
    queries = filled.queries(ROUNDS)
    asked = [cycle(queries) for _ in range(3)]
    side_by_side(
        benchmark,
        lambda: filled.store.search(next(asked[0])[None], NEAREST),
        {
            "NumPy": lambda: exact(filled.vectors, next(asked[1])),
            "FAISS flat": lambda: flat.search(next(asked[2])[None], NEAREST),
        },
    )
    rows = filled.store.search(queries, NEAREST)
    found = [
        len({one.view_id for one in row} & {filled.ids[n] for n in exact(filled.vectors, query)})
        for row, query in zip(rows, queries, strict=True)
    ]
    recall = float(np.mean(found)) / NEAREST
    tell(benchmark, f"recall@{NEAREST} {recall:.3f}", f"≥ {FOUND}", holds=recall >= FOUND)


def test_look_up_four_crops(benchmark: BenchmarkFixture, filled: Heap) -> None:
    """All that a question asks of the memory: which concepts there are, and who is near."""
    crops = filled.queries(4)

    async def look_up() -> None:
        memory = await Memory.read(filled.store)
        assert any(await memory.within(crops, MODEL.stranger_distance))

    with asyncio.Runner() as runner:
        benchmark.pedantic(lambda: runner.run(look_up()), rounds=rounds(filled), warmup_rounds=1)


def test_remember_a_view(benchmark: BenchmarkFixture, filled: Heap) -> None:
    picture, vectors, numbers = (STORY / "bo.webp").read_bytes(), cycle(filled.queries(10)), count()

    def remember() -> None:
        view = NewView(picture, next(vectors))
        filled.store.remember(f"new{next(numbers)}", "kind 0", "", [view])

    benchmark.pedantic(remember, rounds=ROUNDS, warmup_rounds=1)


def test_open(
    benchmark: BenchmarkFixture, filled: Heap, flat: faiss.IndexFlatL2, tmp_path: Path
) -> None:
    """Until the first search is answered; the files are in the system's cache."""
    query = filled.queries(1)
    written = str(tmp_path / "index")
    faiss.write_index(flat, written)

    def ours() -> None:
        filled.reopen()
        filled.store.search(query, NEAREST)

    side_by_side(
        benchmark,
        ours,
        {"FAISS flat, read": lambda: faiss.read_index(written).search(query, NEAREST)},
        rounds=rounds(filled),
        before=filled.close,
    )
    filled.close()
    began = time.perf_counter()
    filled.reopen()
    tell(benchmark, f"{1e3 * (time.perf_counter() - began):,.0f} ms until the engine has its files")
    views = len(filled.ids)
    tell(benchmark, f"{filled.bytes_on_disk() / views:,.0f} bytes a view on disk")
    filled.close()
    command = [sys.executable, "-c", RESIDENT, str(filled.folder)]
    held = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    filled.reopen()
    tell(benchmark, f"{held / views:,.0f} of the process's memory")
    tell(benchmark, f"the vector alone has {4 * MODEL.dim:,}")
