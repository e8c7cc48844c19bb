"""One owner thread for a model, with a bounded queue in front of it.

Models are not thread-safe and must not block the event loop: everything that touches one runs on
its worker's thread, one call at a time, in order of arrival.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from enum import Enum
from typing import Final, ParamSpec, TypeVar

from kith.errors import Overloaded
from services.runtime.metrics import ModelMetrics
from services.runtime.timing import Observer

MAX_WAITING: Final = 32
"""Calls that may be queued or running at once; more are refused rather than kept waiting."""

P = ParamSpec("P")
T = TypeVar("T")


class _End(Enum):
    END = 0


class ModelWorker:
    """Runs calls on the one thread that owns a model. Use it from any event loop.

    Args:
        name: Of the model, for the thread and the error.
        max_waiting: Calls accepted at once, the running one included.
        observer: Told of times and refusals; left out, Prometheus is.
    """

    def __init__(
        self, name: str, max_waiting: int = MAX_WAITING, observer: Observer | None = None
    ) -> None:
        self._name = name
        self._max_waiting = max_waiting
        self._slots = threading.Semaphore(max_waiting)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"model-{name}")
        self._observer = observer or ModelMetrics()

    async def run(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`fn(*args)` on the owner thread. Cancelling removes a call that still waits.

        Raises:
            Overloaded: The queue is full.
        """
        return await asyncio.wrap_future(self._submit(fn, *args, **kwargs))

    async def stream(
        self, fn: Callable[P, Generator[T, None, None]], *args: P.args, **kwargs: P.kwargs
    ) -> AsyncGenerator[T, None]:
        """What `fn(*args)` yields, as it comes; `fn` runs on the owner thread.

        A consumer that goes away (closes the iterator or is cancelled) stops `fn` at its next
        yield, which frees the thread for the next call.

        Raises:
            Overloaded: The queue is full.
        """
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[T | _End] = asyncio.Queue()
        gone = threading.Event()

        def post(piece: T | _End) -> None:
            # The loop may have closed while the model was busy; then nobody waits for the piece.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        def pump() -> None:
            with closing(fn(*args, **kwargs)) as produced:
                for piece in produced:
                    if gone.is_set():
                        return
                    post(piece)

        future = self._submit(pump)
        future.add_done_callback(lambda _: post(_End.END))
        try:
            while (piece := await pieces.get()) is not _End.END:
                yield piece
            future.result()
        finally:
            gone.set()
            future.cancel()

    def close(self) -> None:
        """Drops what is queued and waits for the running call."""
        self._thread.shutdown(cancel_futures=True)

    def _submit(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        if not self._slots.acquire(blocking=False):
            self._observer.refused(self._name)
            raise Overloaded(
                f"{self._name}: {self._max_waiting} calls are waiting; try again in a second",
                reason="MODEL_QUEUE_FULL",
            )
        queued = time.perf_counter()

        def timed() -> T:
            started = time.perf_counter()
            self._observer.waited(self._name, started - queued)
            try:
                return fn(*args, **kwargs)
            finally:
                self._observer.computed(self._name, time.perf_counter() - started, 1)

        future = self._thread.submit(timed)
        # Also called for a cancelled call; one that runs keeps its slot until it is really done.
        future.add_done_callback(lambda _: self._slots.release())
        return future
