"""The queue of trainings: one at a time, each to its end, whoever asks.

All that counts is on disk: what a process leaves open, the next one goes on with.
"""

import asyncio
import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import IO, Final

from kith.errors import KithError, Overloaded, Refused, Unavailable
from services.assistant.stores import Stores
from services.baselines import jobs
from services.baselines.jobs import Failure, Job, State
from services.baselines.known import Known
from services.baselines.learning import Learning
from services.baselines.pace import Pace
from services.runtime.operations import missing

_AWAY_S: Final = 5.0
"""After which a model, a memory or a full disk that is away is looked for again."""
_PATIENCE_S: Final = 60.0
"""What a caller is told to wait when nothing is known of the trainings before."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """How many trainings may wait, the running one included."""

    everybody: int
    a_user: int


@dataclass
class Room:
    """A place in the queue that is kept for a training about to be asked for."""

    user: str
    concepts: set[str] = field(default_factory=set)
    """Ids of concepts that are to be trained, as soon as they have one."""


class _Cancelled(Exception):  # noqa: N818 - no error
    """Somebody wants no more of a training."""


class Trainings:
    """Trains concepts in the background. Belongs to one event loop.

    Args:
        known: Where jobs are kept.
        learning: Carries them out.
        stores: Everybody's memories.
        limits: How many may wait.
    """

    def __init__(self, known: Known, learning: Learning, stores: Stores, limits: Limits) -> None:
        self._known = known
        self._learning = learning
        self._stores = stores
        self._limits = limits
        # Those that are open, in the order in which they are trained; the first one runs.
        self._open = {job.id: job for job in jobs.open_jobs(known.root, known.method.name)}
        self._rooms: list[Room] = []
        self._cancelled: set[str] = set()
        self._pace = Pace()
        self._work: asyncio.Task[None] | None = None
        self._more = asyncio.Event()
        # Held while one that waits is cancelled: until that is written down none may begin.
        self._turn = asyncio.Lock()
        self._cancelling: set[asyncio.Task[None]] = set()
        self._lock: IO[bytes] | None = None

    def start(self) -> None:
        """Begins with what is open, unless it has begun.

        Raises:
            Refused: Another process trains there.
        """
        if self._work is None:
            self._lock = _locked(self._known)
            left = jobs.open_jobs(self._known.root, self._known.method.name)
            self._open = {job.id: job for job in left}
            self._work = asyncio.create_task(self._train_all())

    async def close(self) -> None:
        """Stops after the step in hand; the next process goes on from the last checkpoint."""
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work, *self._cancelling])
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def room(self, user: str) -> Iterator[Room]:
        """Keeps a place in the queue for as long as the block.

        Raises:
            Overloaded: There is none.
            Refused: Another process trains there.
        """
        self.start()
        waiting = [job.user for job in self._open.values()]
        waiting += [room.user for room in self._rooms]
        for count, most, whose in (
            (len(waiting), self._limits.everybody, ""),
            (waiting.count(user), self._limits.a_user, " of yours"),
        ):
            if count >= most:
                raise Overloaded(
                    f"{count} trainings{whose} wait, and no more may; try again when one is over, "
                    "or cancel one",
                    reason="TRAINING_QUEUE_FULL",
                    retry_after_s=self._seconds_to_wait(),
                )
        room = Room(user)
        self._rooms.append(room)
        try:
            yield room
        finally:
            self._rooms.remove(room)

    async def submit(self, job: Job) -> Job:
        """Writes a new training down; it runs when those before it are over.

        Raises:
            Refused: It can't be written.
        """
        if job.id not in self._open:
            await self._note(job)
            self._more.set()
        return job

    async def get(self, user: str, job_id: str) -> Job:
        """A training as it is now.

        Raises:
            NotFound: The user has none of that id.
        """
        job = self._open.get(job_id)
        if job is None or job.user != user:
            job = await asyncio.to_thread(jobs.read_job, self._known.place(user), job_id)
        if job.method != self._known.method.name:
            raise missing(job_id)
        return job

    async def cancel(self, user: str, job_id: str) -> None:
        """Ends a training, at once if it waits, else after the step in hand.

        Raises:
            NotFound: The user has none of that id.
            Refused: Another process trains there, or it waits and its end can't be written down.
        """
        self.start()
        # What is begun comes to its end, though whoever asks may give up.
        cancelling = asyncio.create_task(self._cancel(user, job_id))
        self._cancelling.add(cancelling)
        cancelling.add_done_callback(self._cancelling.discard)
        await asyncio.shield(cancelling)

    async def announce(self, user: str, concept_id: str) -> None:
        """Tells those who watch that a concept stands elsewhere than before."""
        try:
            store = await self._stores.of(user)
            await asyncio.to_thread(store.announce, concept_id)
        except KithError as error:  # forgotten, which was told; or nobody can watch just now
            _log.debug("nobody is told of %s: %s", concept_id, error)

    def open_with(self, user: str, concept_id: str) -> Job | None:
        """The training of a concept that waits or runs."""
        for job in self._open.values():
            if job.user == user and concept_id in job.concepts and concept_id not in job.learned:
                return job
        return None

    def is_open(self, user: str, concept_id: str) -> bool:
        """Whether a training of a concept waits or runs, or is just being asked for."""
        asked = any(room.user == user and concept_id in room.concepts for room in self._rooms)
        return asked or self.open_with(user, concept_id) is not None

    def position(self, job: Job) -> int:
        """How many trainings come before this one."""
        return list(self._open).index(job.id) if job.id in self._open else 0

    def remaining_s(self, job: Job) -> float | None:
        """An estimate of the time until a training is over; None while nothing is known."""
        total = 0.0
        for one in list(self._open.values())[: self.position(job) + 1]:
            left = self._pace.left_s(one)
            if left is None:
                return None
            total += left
        return total

    def _seconds_to_wait(self) -> float:
        """Until there is a place in the queue again."""
        job = next(iter(self._open.values()), None)
        left = self._pace.left_s(job) if job else None
        return _PATIENCE_S if left is None else max(1.0, left)

    async def _cancel(self, user: str, job_id: str) -> None:
        async with self._turn:
            job = await self.get(user, job_id)
            if job.state is not State.OPEN:
                return
            if job.id == self._pace.of:
                self._cancelled.add(job.id)
                return
            await self._end(replace(job, state=State.CANCELLED))
        await self._tell(job)

    async def _train_all(self) -> None:
        while True:
            job = await self._next()
            try:
                await self._settle(await self._trained(job.id))
            except Exception:  # noqa: BLE001 - a bug of ours stops none of those after it
                _log.exception("training %s can't be ended", job.id)
            self._open.pop(job.id, None)  # or it would be the next one again
            self._pace.end()
            self._cancelled.discard(job.id)

    async def _next(self) -> Job:
        """The training that runs from now on."""
        while True:
            async with self._turn:
                for job in self._open.values():
                    self._pace.begin(job)
                    return job
                self._more.clear()
            await self._more.wait()

    async def _trained(self, job_id: str) -> Job:
        """A training as it is when it is over; it waits for what is away."""
        while True:
            try:
                await self._learning.learn(self._open[job_id], self._step)
                return replace(self._open[job_id], state=State.DONE)
            except _Cancelled:
                return replace(self._open[job_id], state=State.CANCELLED)
            except Unavailable as error:
                _log.warning("a training waits: %s", error)
                await asyncio.sleep(_AWAY_S)
            except KithError as error:
                failure = Failure(error.status, error.reason, str(error))
                return replace(self._open[job_id], state=State.FAILED, failure=failure)
            except Exception:  # noqa: BLE001 - a bug of ours ends its training, not those after it
                _log.exception("training %s failed", job_id)
                said = f"Kith failed; the log of the process that trains has it as {job_id}"
                failure = Failure("INTERNAL", "INTERNAL", said)
                return replace(self._open[job_id], state=State.FAILED, failure=failure)

    async def _step(self, job: Job) -> None:
        """Takes note of a step; on disk when an epoch or a concept is done with."""
        if job.id in self._cancelled:
            raise _Cancelled
        before = self._open[job.id]
        self._pace.step(job.stand.share)
        if (job.stand.epochs, job.learned) == (before.stand.epochs, before.learned):
            self._open[job.id] = job
        else:
            await self._note(job)

    async def _note(self, job: Job) -> None:
        await asyncio.to_thread(jobs.write_job, self._known.place(job.user), job)
        self._open[job.id] = job

    async def _settle(self, outcome: Job) -> None:
        """Ends the training that ran. A full disk is waited out: it must not begin again."""
        while True:
            try:
                await self._end(outcome)
                break
            except Refused as error:
                _log.error("training %s is over: %s", outcome.id, error)
                await asyncio.sleep(_AWAY_S)
        await self._tell(outcome)

    async def _end(self, job: Job) -> None:
        """Writes down what came of a training, and deletes what it has left.

        Raises:
            Refused: It can't be written; the training is open as before.
        """
        place = self._known.place(job.user)
        await asyncio.to_thread(jobs.write_job, place, job)
        try:
            await asyncio.to_thread(jobs.clear, place, job)
        except Exception:  # noqa: BLE001 - it is over, whatever it leaves behind
            _log.exception("what training %s has left can't be deleted", job.id)
        self._open.pop(job.id, None)

    async def _tell(self, job: Job) -> None:
        for concept_id in job.concepts:
            await self.announce(job.user, concept_id)


def _locked(known: Known) -> IO[bytes]:
    """A lock that the kernel takes back when the process ends."""
    known.root.mkdir(parents=True, exist_ok=True)
    file = (known.root / f"{known.method.name}.lock").open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Refused(
            f"artefacts: another process trains {known.method.name} there; ask it, or name another "
            "folder with KITH_ARTEFACTS",
            reason="ARTEFACTS_LOCKED",
            field="artefacts",
        ) from error
    return file
