"""One thread owns the model, the queue is bounded, and nobody waits for an answer nobody wants."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator, Iterator

import pytest

from kith.errors import Overloaded
from services.runtime.worker import ModelWorker


@pytest.fixture
def worker() -> Iterator[ModelWorker]:
    worker = ModelWorker("test", max_waiting=3)
    yield worker
    worker.close()


def nothing() -> None:
    """A call that is done at once."""


class Gate:
    """Blocks the worker's thread until it is opened."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def wait(self) -> None:
        self.entered.set()
        assert self.opened.wait(10)


async def test_all_calls_run_on_one_thread_that_is_not_the_loops(worker: ModelWorker) -> None:
    names = {await worker.run(lambda: threading.current_thread().name) for _ in range(5)}
    assert len(names) == 1
    assert names != {threading.current_thread().name}


async def test_what_a_call_raises_is_raised_to_its_caller(worker: ModelWorker) -> None:
    with pytest.raises(ZeroDivisionError):
        await worker.run(lambda: 1 // 0)
    assert await worker.run(lambda: "still alive") == "still alive"


async def test_a_full_queue_refuses_and_recovers(worker: ModelWorker) -> None:
    gate = Gate()
    waiting = [asyncio.create_task(worker.run(fn)) for fn in (gate.wait, nothing, nothing)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded) as refusal:
        await worker.run(nothing)
    assert refusal.value.reason == "MODEL_QUEUE_FULL"
    assert refusal.value.retry_after_s > 0
    gate.opened.set()
    await asyncio.gather(*waiting)
    assert await worker.run(lambda: 7) == 7


async def test_a_cancelled_call_that_still_waits_never_runs(worker: ModelWorker) -> None:
    gate = Gate()
    ran: list[str] = []
    busy = asyncio.create_task(worker.run(gate.wait))
    queued = asyncio.create_task(worker.run(ran.append, "ran"))
    await asyncio.to_thread(gate.entered.wait)
    queued.cancel()
    await asyncio.sleep(0)
    gate.opened.set()
    await busy
    await worker.run(nothing)
    assert ran == []


async def test_a_stream_comes_piece_by_piece_then_ends(worker: ModelWorker) -> None:
    def pieces() -> Generator[int, None, None]:
        yield from range(100)

    assert [piece async for piece in worker.stream(pieces)] == list(range(100))


async def test_an_error_in_a_stream_comes_after_its_pieces(worker: ModelWorker) -> None:
    def pieces() -> Generator[int, None, None]:
        yield 1
        raise ValueError("broken")

    stream = worker.stream(pieces)
    assert await anext(stream) == 1
    with pytest.raises(ValueError, match="broken"):
        await anext(stream)


@pytest.mark.parametrize("way", ["close", "cancel"])
async def test_a_reader_that_goes_away_stops_the_stream(worker: ModelWorker, way: str) -> None:
    closed = threading.Event()

    def endless() -> Generator[int, None, None]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    stream = worker.stream(endless)
    await anext(stream)
    if way == "close":
        await stream.aclose()
    else:
        reading = asyncio.ensure_future(_exhaust(stream))
        await asyncio.sleep(0.01)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
    assert await asyncio.to_thread(closed.wait, 5)
    assert await asyncio.wait_for(worker.run(lambda: 7), 60) == 7


async def _exhaust(stream: AsyncGenerator[int, None]) -> None:
    async for _ in stream:
        pass
