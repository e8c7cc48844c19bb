"""Jobs that outlive the server that takes them: each is a file among its user's things."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from kith.errors import Refused
from kith.files import replace


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


def read_job(path: Path) -> Job:
    """The job in a file.

    Raises:
        FileNotFoundError: There is none.
    """
    told = json.loads(path.read_text(encoding="utf-8"))
    failure = told["failure"] and Failure(**told["failure"])
    return Job(**told | {"state": State(told["state"]), "failure": failure})


def open_among(locks: Iterable[Path]) -> Iterator[Job]:
    """The open jobs among those with a lock, the oldest first.

    A job that is over has none, unless after a crash.
    """
    paths = [path for lock in locks if (path := lock.with_suffix(".json")).exists()]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
        job = read_job(path)
        if job.state is State.OPEN:
            yield job


def write_json(path: Path, told: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write a file that is there whole or not at all; enumerations become their values.

    Raises:
        Refused: It can't be written, for instance since the disk is full.
    """
    content = json.dumps(told, default=lambda one: one.value)
    try:
        replace(path, content.encode())
    except OSError as error:
        # By its name alone: users are told, and where the server keeps things is not their concern.
        raise Refused(
            f"can't write {path.name}: {error.strerror}; the server's operator has to make room",
            reason="FILE_UNWRITABLE",
        ) from error
