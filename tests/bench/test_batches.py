"""Retrieval for many clients at once, beside the bare models given the same photos in batches.

Once within one process, and once over gRPC with assistant, detection and embedding as services. The
times are those of all clients together; the note tells how many photos that is a second, and how
long one client waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from kith import AsyncClient
from services.assistant.methods import method
from services.assistant.methods.kith import MAX_REGIONS
from services.assistant.regions import cut, without_doubles
from services.assistant.retrieve import retrieve
from tests.bench.conftest import Bench
from tests.bench.test_stages import WORDS

CLIENTS = (1, 8, 32)


@pytest.mark.parametrize("clients", CLIENTS)
def test_bare_models_in_batches(benchmark: BenchmarkFixture, bench: Bench, clients: int) -> None:
    detector, embedder = bench.stages.detector, bench.stages.embedder

    async def bare() -> None:
        photos = [bench.decoded() for _ in range(clients)]
        found = await asyncio.gather(*(detector.detect(photo, WORDS) for photo in photos))
        pairs = zip(photos, found, strict=True)
        crops = [
            cut(photo, region.box)
            for photo, regions in pairs
            for region in without_doubles(regions)[:MAX_REGIONS]
        ]
        await embedder.embed_images(crops)

    benchmark(lambda: bench.run(bare))


@pytest.mark.parametrize("clients", CLIENTS)
def test_retrieve_for_clients(benchmark: BenchmarkFixture, bench: Bench, clients: int) -> None:
    async def ask() -> None:
        await retrieve(method("kith"), bench.stages, bench.store, [bench.decoded()])

    all_at_once(benchmark, bench, clients, ask)


@pytest.mark.parametrize("clients", CLIENTS)
def test_retrieve_over_services(
    benchmark: BenchmarkFixture, bench: Bench, client: AsyncClient, clients: int
) -> None:
    async def ask() -> None:
        assert (await client.retrieve(bench.photo)).regions

    all_at_once(benchmark, bench, clients, ask)


def all_at_once(
    benchmark: BenchmarkFixture, bench: Bench, clients: int, ask: Callable[[], Awaitable[None]]
) -> None:
    """Times as many calls of `ask`, beside the bare models; notes how long each takes."""
    waited: list[float] = []

    async def one() -> None:
        started = time.perf_counter()
        await ask()
        waited.append(time.perf_counter() - started)

    async def whole() -> None:
        await asyncio.gather(*(one() for _ in range(clients)))

    benchmark(lambda: bench.run(whole))
    middle, last = 1000 * np.percentile(waited, [50, 99])
    rate = clients / benchmark.stats.stats.median
    benchmark.extra_info["against"] = f"test_bare_models_in_batches[{clients}]"
    benchmark.extra_info["note"] = (
        f"{rate:.1f} photos/s; a client waits {middle:.0f} ms, p99 {last:.0f} ms"
    )
