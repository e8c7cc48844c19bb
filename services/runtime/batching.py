"""One owner thread for a model, which works on the items of several callers at once.

A network takes little longer for eight pictures than for one. So what waited while the model was
busy goes through it together, and where callers come together, whoever finds it idle waits a few
milliseconds for the others. A lone caller is not kept waiting for nobody.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from kith.errors import Overloaded, Unavailable
from services.runtime.metrics import ModelMetrics
from services.runtime.timing import Observer

WINDOW_S: Final = 0.002
"""How long the first of a batch waits for others, when the model is idle and others are about."""

MAX_WAITING: Final = 1024
"""Items queued or in the model at once; more are refused rather than kept waiting."""

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
R = TypeVar("R")


@dataclass(eq=False)
class _Job(Generic[K, T, R]):
    """What one call asked for."""

    key: K
    todo: deque[T]
    asked: int
    since: float = field(default_factory=time.monotonic)
    begun: bool = False
    results: list[R] = field(default_factory=list)
    future: "Future[list[R]]" = field(default_factory=Future)


class Batcher(Generic[K, T, R]):
    """Runs items through a model in batches. Use it from any event loop.

    Items of one batch have equal keys. Callers take turns, item by item: one with hundreds of
    pictures delays another by a batch, not by all of its own.

    Args:
        model: Its name, for the thread, the errors and the observer.
        compute: Given a key and 1 to `max_batch` items, what comes out for each, in order. Called
            on the owner thread only.
        max_batch: Most items that go through the model together.
        max_waiting: Items accepted at once, those in the model included. A call of more than that
            is let in when nothing else waits.
        window_s: How long the first item waits for others, if the last batch had several callers.
        observer: Told of times and refusals; left out, Prometheus is.
    """

    def __init__(
        self,
        model: str,
        compute: Callable[[K, Sequence[T]], Sequence[R]],
        *,
        max_batch: int,
        max_waiting: int = MAX_WAITING,
        window_s: float = WINDOW_S,
        observer: Observer | None = None,
    ) -> None:
        self._model = model
        self._compute = compute
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._window_s = window_s
        self._observer = observer or ModelMetrics()
        self._jobs: deque[_Job[K, T, R]] = deque()
        self._in_model = 0
        self._in_company = False
        self._item_s = 0.01
        self._closed = False
        # Held over every look at the jobs: callers add and cancel while the owner takes.
        self._changed = threading.Condition()
        self._owner = threading.Thread(target=self._work, name=f"model-{model}", daemon=True)
        self._owner.start()

    async def run(self, key: K, items: Sequence[T]) -> list[R]:
        """What the model makes of `items`, in order. Cancelling removes those that still wait.

        Raises:
            Overloaded: The queue is full.
            Unavailable: The model was closed.
        """
        if not items:
            return []
        return await asyncio.wrap_future(self._enqueue(_Job(key, deque(items), len(items))))

    def close(self) -> None:
        """Refuses what is queued and waits for the batch in the model."""
        with self._changed:
            self._closed = True
            left, self._jobs = self._jobs, deque()
            self._changed.notify_all()
        self._fail(left, self._stopped())
        self._owner.join()

    def _enqueue(self, job: _Job[K, T, R]) -> "Future[list[R]]":
        with self._changed:
            if self._closed:
                raise self._stopped()
            waiting = self._in_model + sum(len(other.todo) for other in self._jobs)
            if waiting and waiting + job.asked > self._max_waiting:
                self._observer.refused(self._model)
                raise Overloaded(
                    f"{self._model}: {waiting} pictures or texts wait for it; try again soon",
                    reason="MODEL_QUEUE_FULL",
                    retry_after_s=max(0.1, waiting * self._item_s),
                )
            self._jobs.append(job)
            self._changed.notify_all()
        job.future.add_done_callback(lambda _: self._drop(job))
        return job.future

    def _drop(self, job: _Job[K, T, R]) -> None:
        """Takes a job out of the queue that was cancelled, or has failed half way."""
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
                self._changed.notify_all()

    def _work(self) -> None:
        while batch := self._next():
            self._run(batch)
            with self._changed:
                self._in_model = 0

    def _next(self) -> "list[tuple[_Job[K, T, R], T]]":
        """The next batch, once it is full or its oldest item has waited enough; [] in the end."""
        with self._changed:
            while not self._closed:
                if not self._jobs:
                    self._changed.wait()
                    continue
                first = self._jobs[0]
                window_s = self._window_s if self._in_company else 0.0
                patience = first.since + window_s - time.monotonic()
                alike = sum(len(job.todo) for job in self._jobs if job.key == first.key)
                if patience <= 0 or alike >= self._max_batch:
                    return self._take(first.key)
                self._changed.wait(patience)
            return []

    def _take(self, key: K) -> "list[tuple[_Job[K, T, R], T]]":
        """An item of each job in turn; jobs with more to do go behind those of other keys."""
        alike = deque(job for job in self._jobs if job.key == key)
        others = [job for job in self._jobs if job.key != key]
        batch: list[tuple[_Job[K, T, R], T]] = []
        while alike and len(batch) < self._max_batch:
            job = alike.popleft()
            batch.append((job, job.todo.popleft()))
            if job.todo:
                alike.append(job)
        self._jobs = deque([*others, *alike])
        self._in_model = len(batch)
        self._in_company = len({id(job) for job in (*self._jobs, *(job for job, _ in batch))}) > 1
        return batch

    def _run(self, batch: "list[tuple[_Job[K, T, R], T]]") -> None:
        started = time.monotonic()
        for job, _ in batch:
            if not job.begun:
                job.begun = True
                self._observer.waited(self._model, started - job.since)
        try:
            results = self._compute(batch[0][0].key, [item for _, item in batch])
        except BaseException as error:  # noqa: BLE001 - its callers get it, and the thread lives on
            self._fail([job for job, _ in batch], error)
            return
        took = time.monotonic() - started
        self._item_s = took / len(batch)
        self._observer.computed(self._model, took, len(batch))
        for (job, _), result in zip(batch, results, strict=True):
            job.results.append(result)
            if len(job.results) == job.asked and job.future.set_running_or_notify_cancel():
                job.future.set_result(job.results)

    def _fail(self, jobs: "Sequence[_Job[K, T, R]]", error: BaseException) -> None:
        for job in jobs:
            if not job.future.done() and job.future.set_running_or_notify_cancel():
                job.future.set_exception(error)

    def _stopped(self) -> Unavailable:
        return Unavailable(
            f"{self._model}: the process that runs it is stopping; try again",
            reason="MODEL_STOPPED",
        )
