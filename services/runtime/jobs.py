"""Jobs that outlive the server that takes them: each is a file among its user's things."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
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
    found = []
    for path in (lock.with_suffix(".json") for lock in locks):
        with suppress(FileNotFoundError):  # it is not there yet, or deleted meanwhile
            found.append((path.stat().st_mtime_ns, read_job(path)))
    for _, job in sorted(found, key=lambda one: one[0]):
        if job.state is State.OPEN:
            yield job


@contextmanager
def writing(name: str) -> Iterator[None]:
    """Refuse by its name what can't be written in the block.

    Users are told, and where the server keeps things is not their concern.

    Raises:
        Refused: It can't be written, for instance since the disk is full.
    """
    try:
        yield
    except OSError as error:
        raise Refused(
            f"can't write {name}: {error.strerror}; the server's operator has to see to its disk",
            reason="FILE_UNWRITABLE",
        ) from error


def write_json(path: Path, told: Any) -> None:  # noqa: ANN401 - whatever JSON can say
    """Write a file that is there whole or not at all; enumerations become their values.

    Raises:
        Refused: It can't be written, for instance since the disk is full.
    """
    content = json.dumps(told, default=lambda one: one.value)
    with writing(path.name):
        replace(path, content.encode())
