"""Carries out jobs, one at a time; all that counts is on disk, so that a restart goes on."""

import fcntl
import logging
import threading
import time
from collections import deque
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from datagen import making
from datagen.service.jobs import (
    Failure,
    Job,
    State,
    all_open_jobs,
    cancel_mark,
    order_of,
    read_job,
    read_ordered,
    write_job,
)
from datagen.service.place import Place
from kith.errors import KithError, Overloaded, Refused

_RETRY_S: Final = 5.0

_log = logging.getLogger(__name__)


class Workshop:
    """Draws on a thread of its own. A job belongs to the one workshop that holds its lock.

    Args:
        root: Folder of everybody's things.
        models: Folder of MS-Diffusion's models, if there are any.
        max_jobs: Jobs that may wait, the one at work included.
    """

    def __init__(self, root: Path, models: Path | None, max_jobs: int) -> None:
        self._root = root
        self._models = models
        self._max_jobs = max_jobs
        self._waiting: deque[Job] = deque()
        self._locks: dict[str, IO[bytes]] = {}
        self._at_work: Job | None = None
        self._seconds_each: float | None = None
        self._stop = threading.Event()
        # Held over every look at the four above: callers add and cancel while the thread takes.
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="workshop", daemon=True)

    def open(self) -> None:
        """Take up what a workshop that is gone has left, and begin to work."""
        for job in all_open_jobs(self._root):
            with self._changed:
                if not self._hold(job):
                    continue
                if read_job(self._place(job), job.id).state is State.OPEN:
                    self._waiting.append(job)
                else:  # whoever had the lock was about to end it
                    self._release(job)
        self._thread.start()

    def close(self) -> None:
        """Stop after the picture in hand; what is not done is taken up at the next start."""
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()
        for file in self._locks.values():
            file.close()

    def submit(self, job: Job) -> None:
        """Write a new job down; it is begun when those before it are over.

        Raises:
            Overloaded: Too many wait.
            Refused: It can't be written.
        """
        with self._changed:
            if len(self._locks) >= self._max_jobs:
                raise Overloaded(
                    f"{self._max_jobs} datasets wait to be made; try again in a minute",
                    reason="JOB_QUEUE_FULL",
                    retry_after_s=60.0,
                )
            self._hold(job)
            try:
                write_job(self._place(job), job)
            except Refused:
                self._release(job)
                raise
            self._waiting.append(job)
            self._changed.notify_all()

    def cancel(self, job: Job) -> None:
        """End an open job: at once if it waits here, else after the picture in hand.

        Raises:
            Refused: It can't be written.
        """
        with self._changed:
            if job in self._waiting:
                write_job(self._place(job), replace(job, state=State.CANCELLED))
                self._waiting.remove(job)
                self._release(job)
                return
        self._mark_of(job).touch()

    def seconds_each(self, user: str, dataset_id: str) -> float | None:
        """How long a picture takes of the dataset that is drawn here now; None for another."""
        with self._changed:
            job = self._at_work
            mine = job is not None and (job.user, job.dataset) == (user, dataset_id)
            return self._seconds_each if mine else None

    def _work(self) -> None:
        while job := self._next():
            outcome = self._carried_out(job)
            while outcome.state is not State.OPEN and not self._settle(outcome):
                if self._stop.wait(_RETRY_S):
                    break

    def _next(self) -> Job | None:
        with self._changed:
            while not self._waiting and not self._stop.is_set():
                self._changed.wait()
            if self._stop.is_set():
                return None
            self._at_work, self._seconds_each = self._waiting.popleft(), None
            return self._at_work

    def _carried_out(self, job: Job) -> Job:
        """The job as it is afterwards; still open if the workshop closes."""
        place = self._place(job)
        try:
            return replace(job, state=self._make(place, job))
        except KithError as error:
            told = place.as_called(error, self._models)
            failure = Failure(told.status, told.reason, str(told), told.field)
        except Exception:  # noqa: BLE001 - a bug of ours ends its job, and not the thread
            _log.exception("job %s failed", job.id)
            failure = Failure("INTERNAL", "INTERNAL", f"Kith failed; its log has {job.id}", None)
        return replace(job, state=State.FAILED, failure=failure)

    def _make(self, place: Place, job: Job) -> State:
        if self._mark_of(job).exists():
            return State.CANCELLED
        wish = read_ordered(place, job.dataset).wish
        commission = making.accept(order_of(place, job.dataset, wish, self._models))
        first: tuple[int, float] | None = None
        with closing(making.make(commission, job.index, job.of)) as steps:
            for step in steps:
                first = first or (step.done, time.monotonic())
                if step.done > first[0]:
                    each = (time.monotonic() - first[1]) / (step.done - first[0])
                    with self._changed:
                        self._seconds_each = each
                if self._stop.is_set():
                    return State.OPEN
                if step.done < step.wanted and self._mark_of(job).exists():
                    return State.CANCELLED
        if not making.missing(commission):
            commission.dataset.finish(commission.plan, commission.layout)
        return State.DONE

    def _settle(self, outcome: Job) -> bool:
        """Write down what came of a job. A full disk is waited out: without that it never ends."""
        try:
            write_job(self._place(outcome), outcome)
        except Refused as error:
            _log.error("job %s is over and can't be written down: %s", outcome.id, error)
            return False
        self._mark_of(outcome).unlink(missing_ok=True)
        with self._changed:
            self._at_work = None
            self._release(outcome)
        return True

    def _hold(self, job: Job) -> bool:
        """Take the job's lock, which ends with this process; False if another has it."""
        folder = self._place(job).jobs
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / f"{job.id}.lock").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._locks[job.id] = file
        return True

    def _release(self, job: Job) -> None:
        self._mark_of(job).with_suffix(".lock").unlink(missing_ok=True)
        self._locks.pop(job.id).close()

    def _mark_of(self, job: Job) -> Path:
        return cancel_mark(self._place(job), job)

    def _place(self, job: Job) -> Place:
        return Place(self._root, job.user)
