"""The things of one user on disk, and what is told of them.

ROOT/users/ann-3f2a.../lock
                       THINGS/THING/     see services.runtime.orders
                       jobs/JOB.json     what it is about, and how it is
                       jobs/JOB.lock     while it is open: held by whoever carries it out
                       jobs/JOB.cancel   once somebody has cancelled it, until it is over

A name that begins with a dot is being made or deleted, and left behind only by a crash.
"""

import dataclasses
import fcntl
import hashlib
import shutil
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kith.errors import KithError, NotFound
from services.runtime import operations
from services.runtime.jobs import Job, open_among, read_job, write_json, writing

_ABANDONED_S: Final = 86400.0


class UserFolder:
    """The things of one user, the user's jobs among them. It knows of no other's.

    Args:
        root: Folder of everybody's.
        user: A user name as credentials hold it.
    """

    def __init__(self, root: Path, user: str) -> None:
        self.root = root
        self.user = user
        # Two names may differ in case only, and some file systems see no difference.
        digest = hashlib.sha256(user.encode()).hexdigest()[:16]
        self.path = root / "users" / f"{user.lower()}-{digest}"
        self._jobs = self.path / "jobs"

    def require_own(self, name: str) -> None:
        """Check that `users/{user}`, or what is below it, is this user's.

        Raises:
            NotFound: It is another's, or there is no such user: nobody can tell which.
        """
        if name.split("/")[1] not in ("me", self.user):
            raise self.missing(name)

    def missing(self, name: str) -> NotFound:
        """What is said of a thing that is not there."""
        return NotFound(
            f"there is no {name[:200]} of yours; list yours to see which there are",
            reason="RESOURCE_NOT_FOUND",
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep whoever else would start or delete something of this user's waiting, briefly.

        Raises:
            Refused: The lock can't be written.
        """
        with writing("lock"):
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / "lock").open("wb")
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def discard(self, folder: Path) -> None:
        """Delete a thing: nobody finds it any more, and then its files go."""
        doomed = folder.with_name(f".{uuid.uuid4().hex}")
        folder.rename(doomed)
        shutil.rmtree(doomed)

    def job(self, job_id: str) -> Job:
        """A job.

        Raises:
            NotFound: There is none of that id.
        """
        try:
            return read_job(self._file(job_id, "json"))
        except FileNotFoundError as error:
            raise operations.missing(job_id) from error

    def job_ids(self) -> list[str]:
        """The ids of all jobs, in order."""
        return sorted(path.stem for path in self._jobs.glob("[!.]*.json"))

    def open_jobs(self, about: str) -> list[Job]:
        """The jobs on something that are not over."""
        return [job for job in open_among(self._jobs.glob("*.lock")) if job.about == about]

    def write_job(self, job: Job) -> None:
        """Write how a job is.

        Raises:
            Refused: It can't be written.
        """
        write_json(self._file(job.id, "json"), dataclasses.asdict(job))

    def delete_job(self, job_id: str) -> None:
        """Forget a job that is over.

        Raises:
            Refused: The user's lock can't be written.
        """
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
    return list(open_among(root.glob("users/*/jobs/*.lock")))


def sweep(root: Path) -> None:
    """Remove what a crash has left half made or half deleted, and nobody has touched for a day."""
    for left in root.glob("users/*/*/.*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)


def retold(error: KithError, names: Mapping[str, str], fields: Mapping[str, str]) -> KithError:
    """The same error in the words of the contract: no path of the server's is told.

    Args:
        error: Told by the room, which knows of paths and of its own options.
        names: Beginnings of paths and what their user calls them, replaced in this order.
        fields: What the room calls an option, and the contract a field.
    """
    said = str(error)
    for path, name in names.items():
        said = said.replace(path, name)
    for option, field in fields.items():
        if said.startswith(f"{option}: "):
            said = field + said.removeprefix(option)
    return type(error)(said, reason=error.reason, field=fields.get(error.field or "", error.field))
