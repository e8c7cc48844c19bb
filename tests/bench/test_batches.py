"""Retrieval for many clients at once, beside the bare models given the same photos in one batch.

Within one process both sides have one core, the same one, so that neither is the faster for using
two. Over services, assistant, detection and embedding are processes of their own and have them all.
The times are those of all clients together.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from kith import AsyncClient
from services.assistant.methods import method
from services.assistant.retrieve import retrieve
from tests.bench.bare import BareModels
from tests.bench.conftest import Bench
from tests.bench.table import ROUNDS, side_by_side, tell
from tests.bench.world import PHOTO

CLIENTS = (1, 8, 32)
SHARE = 0.9
"""Of the bare models' throughput: what must be left of it with the most clients."""


@pytest.mark.parametrize("clients", CLIENTS)
def test_retrieve_for_clients(
    benchmark: BenchmarkFixture, bench: Bench, bare: BareModels, clients: int
) -> None:
    async def ask() -> None:
        await retrieve(method("kith"), bench.stages, bench.store, [bench.decoded()])

    with on_one_core():
        share = all_at_once(benchmark, bench, bare, clients, ask)
    bound = f"≥ {SHARE}" if clients == max(CLIENTS) else ""
    tell(benchmark, f"{100 * share:.0f} % of their throughput", bound, holds=share >= SHARE)


@pytest.mark.parametrize("clients", CLIENTS)
def test_retrieve_over_services(
    benchmark: BenchmarkFixture, bench: Bench, bare: BareModels, client: AsyncClient, clients: int
) -> None:
    async def ask() -> None:
        assert (await client.retrieve(PHOTO)).regions

    share = all_at_once(benchmark, bench, bare, clients, ask)
    tell(benchmark, f"{100 * share:.0f} % of their throughput on one core")


def all_at_once(
    benchmark: BenchmarkFixture,
    bench: Bench,
    bare: BareModels,
    clients: int,
    ask: Callable[[], Awaitable[None]],
) -> float:
    """Times as many calls of `ask`; returns their throughput as a share of the bare models'."""
    waited: list[float] = []

    async def one() -> None:
        began = time.perf_counter()
        await ask()
        waited.append(time.perf_counter() - began)

    async def whole() -> None:
        await asyncio.gather(*(one() for _ in range(clients)))

    def batch() -> None:
        bare.look([bench.decoded() for _ in range(clients)], bench.words)

    (ratio,) = side_by_side(
        benchmark,
        lambda: bench.run(whole),
        {"bare models": batch},
        rounds=-(-ROUNDS // clients),
    ).values()
    middle, last = 1000 * np.percentile(waited, [50, 99])
    tell(benchmark, f"{clients / benchmark.stats.stats.median:.1f} photos/s")
    tell(benchmark, f"a client waits {middle:.0f} ms, p99 {last:.0f} ms")
    return 1 / ratio


@contextmanager
def on_one_core() -> Iterator[None]:
    """Holds every thread of this process to one core."""
    usual = os.sched_getaffinity(0)
    try:
        _hold({min(usual)})
        yield
    finally:
        _hold(usual)


def _hold(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
