"""Carries out jobs, one at a time; all that counts is on disk, so that a restart goes on."""

import fcntl
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from kith.errors import KithError, NotFound, Overloaded, Refused
from services.runtime.jobs import Failure, Job, State, writing
from services.runtime.user_folder import UserFolder, all_open_jobs

_RETRY_S: Final = 5.0

Verdict = Callable[[], State]
"""Asked while a job is at work: OPEN if it should stop since the workshop closes, CANCELLED if it
was cancelled, DONE if it may go on to its end."""

_log = logging.getLogger(__name__)


class Workshop:
    """Works on a thread of its own. A job belongs to the one workshop that holds its lock.

    Args:
        root: Folder of everybody's things.
        carry_out: Does a job and says how it is then; it stops soon after the verdict is another
            than DONE, and returns that. What it raises as a `KithError` is told to the user.
        max_jobs: Jobs that may wait, the one at work included.
        what: The jobs in the words of their users, as in "evaluations".
    """

    def __init__(
        self, root: Path, carry_out: Callable[[Job, Verdict], State], max_jobs: int, what: str
    ) -> None:
        self._root = root
        self._carry_out = carry_out
        self._max_jobs = max_jobs
        self._what = what
        self._waiting: deque[Job] = deque()
        self._locks: dict[str, IO[bytes]] = {}
        self._stop = threading.Event()
        # Held over every look at the two above: callers add and cancel while the thread takes.
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="workshop", daemon=True)

    def open(self) -> None:
        """Take up what a workshop that is gone has left, and begin to work."""
        for job in all_open_jobs(self._root):
            with self._changed:
                if not self._hold(job):
                    continue
                if self._folder(job).job(job.id).state is State.OPEN:
                    self._waiting.append(job)
                else:  # whoever had the lock was about to end it
                    self._release(job)
        self._thread.start()

    def close(self) -> None:
        """Stop soon; what is not done is taken up at the next start."""
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
                    f"{self._max_jobs} {self._what} wait for their turn; try again in a minute",
                    reason="JOB_QUEUE_FULL",
                    retry_after_s=60.0,
                )
            self._hold(job)
            try:
                self._folder(job).write_job(job)
            except Refused:
                self._release(job)
                raise
            self._waiting.append(job)
            self._changed.notify_all()

    def cancel(self, job: Job) -> None:
        """End an open job: at once if it waits here, else soon.

        Raises:
            Refused: It can't be written.
        """
        with self._changed:
            if job in self._waiting:
                self._folder(job).write_job(replace(job, state=State.CANCELLED))
                self._waiting.remove(job)
                self._release(job)
                return
        mark = self._folder(job).mark_of(job)
        with writing(mark.name):
            mark.touch()
        if not self._is_open(job):  # whoever ended it may have been too early to take the mark away
            mark.unlink(missing_ok=True)

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
            return None if self._stop.is_set() else self._waiting.popleft()

    def _carried_out(self, job: Job) -> Job:
        """The job as it is afterwards; still open if the workshop closes."""
        mark = self._folder(job).mark_of(job)

        def verdict() -> State:
            if self._stop.is_set():
                return State.OPEN
            return State.CANCELLED if mark.exists() else State.DONE

        try:
            state = verdict()
            if state is State.DONE:
                state = self._carry_out(job, verdict)
            return replace(job, state=state)
        except KithError as error:
            failure = Failure(error.status, error.reason, str(error), error.field)
        except Exception:  # noqa: BLE001 - a bug of ours ends its job, and not the thread
            _log.exception("job %s failed", job.id)
            failure = Failure("INTERNAL", "INTERNAL", f"Kith failed; its log has {job.id}", None)
        return replace(job, state=State.FAILED, failure=failure)

    def _settle(self, outcome: Job) -> bool:
        """Write down what came of a job. A full disk is waited out: without that it never ends."""
        try:
            self._folder(outcome).write_job(outcome)
        except Refused as error:
            _log.error("job %s is over and can't be written down: %s", outcome.id, error)
            return False
        self._folder(outcome).mark_of(outcome).unlink(missing_ok=True)
        with self._changed:
            self._release(outcome)
        return True

    def _is_open(self, job: Job) -> bool:
        try:
            return self._folder(job).job(job.id).state is State.OPEN
        except NotFound:
            return False

    def _hold(self, job: Job) -> bool:
        """Take the job's lock, which ends with this process; False if another has it."""
        with writing(f"{job.id}.lock"):
            file = self._folder(job).lock_of(job).open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._locks[job.id] = file
        return True

    def _release(self, job: Job) -> None:
        self._folder(job).lock_of(job).unlink(missing_ok=True)
        self._locks.pop(job.id).close()

    def _folder(self, job: Job) -> UserFolder:
        return UserFolder(self._root, job.user)
