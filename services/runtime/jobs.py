"""Jobs that outlive the server that takes them: each is a file among its user's things.

ROOT/users/ann-3f2a.../lock
                       jobs/JOB.json     what it is about, and how it is
                       jobs/JOB.lock     while it is open: held by whoever carries it out
                       jobs/JOB.cancel   once somebody has cancelled it, until it is over
"""

import dataclasses
import fcntl
import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kith.errors import Refused
from services.runtime.operations import missing


class State(Enum):
    """How a job is."""

    OPEN = "open"
    """It waits, or is at work."""
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


@dataclass(frozen=True)
class Failure:
    """Why a job failed, as its user is told."""

    status: str
    """Name of the gRPC status."""
    reason: str
    message: str
    field: str | None


@dataclass(frozen=True)
class Job:
    """One worker's part of what a user asked for."""

    id: str
    user: str
    about: str
    """Id of what it makes."""
    index: int
    """Which part, from 0."""
    of: int
    """How many parts there are."""
    state: State = State.OPEN
    failure: Failure | None = None


class UserFolder:
    """The things of one user on disk, and the user's jobs among them. It knows of no other's.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        self.user = user
        # Two names may differ in case only, and some file systems see no difference.
        digest = hashlib.sha256(user.encode()).hexdigest()[:16]
        self.path = root / "users" / f"{user.lower()}-{digest}"
        self._jobs = self.path / "jobs"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep whoever else would start or delete something of this user's waiting, briefly."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def job(self, job_id: str) -> Job:
        """A job.

        Raises:
            NotFound: There is none of that id.
        """
        try:
            return _read(self._file(job_id, "json"))
        except FileNotFoundError as error:
            raise missing(job_id) from error

    def job_ids(self) -> list[str]:
        """The ids of all jobs, in order."""
        return sorted(path.stem for path in self._jobs.glob("[!.]*.json"))

    def open_jobs(self, about: str) -> list[Job]:
        """The jobs on something that are not over."""
        return [job for job in _open_by(self._jobs.glob("*.lock")) if job.about == about]

    def write_job(self, job: Job) -> None:
        """Write how a job is.

        Raises:
            Refused: It can't be written.
        """
        write_json(self._file(job.id, "json"), dataclasses.asdict(job))

    def delete_job(self, job_id: str) -> None:
        """Forget a job that is over."""
        with self.locked():
            self._file(job_id, "cancel").unlink(missing_ok=True)
            self._file(job_id, "json").unlink(missing_ok=True)

    def lock_of(self, job: Job) -> Path:
        """The file that is locked while somebody carries the job out."""
        self._jobs.mkdir(parents=True, exist_ok=True)
        return self._file(job.id, "lock")

    def mark_of(self, job: Job) -> Path:
        """The file that is there once the job is cancelled, until it is over."""
        return self._file(job.id, "cancel")

    def _file(self, job_id: str, kind: str) -> Path:
        return self._jobs / f"{job_id}.{kind}"


def all_open_jobs(root: Path) -> list[Job]:
    """Everybody's jobs that are not over, the oldest first."""
    return list(_open_by(root.glob("users/*/jobs/*.lock")))


def write_json(path: Path, told: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write a file that is there whole or not at all; enumerations become their values.

    Raises:
        Refused: It can't be written, for instance since the disk is full.
    """
    # Hidden, so that nobody takes the half of it for the whole.
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(told, default=lambda one: one.value), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refused(
            f"can't write {path}: {error.strerror}; its operator has to make room",
            reason="FILE_UNWRITABLE",
        ) from error


def _open_by(locks: Iterable[Path]) -> Iterator[Job]:
    """The open jobs among those with a lock: a job that is over has none, unless after a crash."""
    paths = [path for lock in locks if (path := lock.with_suffix(".json")).exists()]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
        job = _read(path)
        if job.state is State.OPEN:
            yield job


def _read(path: Path) -> Job:
    told = json.loads(path.read_text(encoding="utf-8"))
    failure = told["failure"] and Failure(**told["failure"])
    return Job(**told | {"state": State(told["state"]), "failure": failure})
