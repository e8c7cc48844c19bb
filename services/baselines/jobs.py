"""Trainings that were asked for, on disk: each goes on after a restart."""

import dataclasses
import json
import math
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

from memory_db.durable import write_durably
from services.baselines.place import Place, writing
from services.runtime.operations import missing

MOST_KEPT: Final = 64
"""Trainings that are over and still told of, a user."""

_FILE: Final = "job.json"


class State(Enum):
    """How a training is."""

    OPEN = "open"
    """It waits or runs."""
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Failure(NamedTuple):
    """Why a training failed, as its user is told."""

    status: str
    reason: str
    message: str


class Alike(NamedTuple):
    """A concept that the photos looked like when they came."""

    concept_id: str
    name: str
    distance: float


class Stand(NamedTuple):
    """How far a training is."""

    epochs: int = 0
    of: int = 0
    loss: float = 0.0
    share: float = 0.0
    """Of all its steps, 0 to 1."""


@dataclass(frozen=True)
class Job:
    """A training of one or more concepts."""

    id: str
    user: str
    method: str
    concepts: tuple[str, ...]
    """Ids, in the order in which they were asked for."""
    views: Mapping[str, tuple[str, ...]]
    """Ids of the views to learn from, by concept: those there were when it was asked for."""
    remembers: bool
    """Whether `Remember` asked for it, else `TrainConcepts`: they are answered differently."""
    created: float
    """Seconds since the epoch."""
    alike: tuple[Alike, ...] = ()
    state: State = State.OPEN
    failure: Failure | None = None
    learned: tuple[str, ...] = ()
    """Ids of the concepts that are done with."""
    stand: Stand = field(default_factory=Stand)


def read_job(place: Place, job_id: str) -> Job:
    """A training of a user.

    Raises:
        NotFound: There is none of that id.
    """
    try:
        return _job(json.loads((place.job(job_id) / _FILE).read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise missing(job_id) from error


def write_job(place: Place, job: Job) -> None:
    """Writes down how a training is; on disk when this returns.

    Raises:
        Refused: It can't be written.
    """
    folder = place.job(job.id)
    stand = job.stand if math.isfinite(job.stand.loss) else job.stand._replace(loss=0.0)
    told = dataclasses.asdict(dataclasses.replace(job, stand=stand))
    content = json.dumps(told, default=lambda state: state.value).encode()
    with writing():
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / _FILE, content)


def all_jobs(place: Place) -> list[Job]:
    """A user's trainings, the oldest first."""
    found = _still_there(place.jobs.glob(f"*/{_FILE}"))
    return sorted(found, key=lambda job: (job.created, job.id))


def open_jobs(root: Path, method: str) -> list[Job]:
    """Everybody's trainings by a method that are not over, the oldest first."""
    found = _still_there(root.glob(f"*/jobs/*/{_FILE}"))
    left = [job for job in found if job.state is State.OPEN and job.method == method]
    return sorted(left, key=lambda job: (job.created, job.id))


def clear(place: Place, job: Job) -> None:
    """Deletes what a training that is over has left beside the word of it, and the oldest words."""
    with suppress(FileNotFoundError):  # it is deleted meanwhile
        for left in place.job(job.id).iterdir():
            if left.name != _FILE:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
    over = [one for one in all_jobs(place) if one.state is not State.OPEN]
    for one in over[:-MOST_KEPT]:
        delete(place, one.id)


def delete(place: Place, job_id: str) -> None:
    """Deletes a training with all that belongs to it, whoever else is about to."""
    folder = place.job(job_id)
    while folder.exists():
        with suppress(FileNotFoundError):  # somebody else has deleted a part of it
            shutil.rmtree(folder)


def _still_there(files: Iterable[Path]) -> Iterator[Job]:
    """The trainings in these files, but for those that are deleted meanwhile."""
    for file in files:
        with suppress(FileNotFoundError):
            yield _job(json.loads(file.read_text(encoding="utf-8")))


def _job(told: dict[str, Any]) -> Job:
    return Job(
        **told
        | {
            "concepts": tuple(told["concepts"]),
            "views": {concept: tuple(views) for concept, views in told["views"].items()},
            "alike": tuple(Alike(*one) for one in told["alike"]),
            "state": State(told["state"]),
            "failure": told["failure"] and Failure(*told["failure"]),
            "learned": tuple(told["learned"]),
            "stand": Stand(*told["stand"]),
        }
    )
