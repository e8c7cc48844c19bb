"""What was asked for, on disk: a dataset's order, and the jobs that carry it out."""

import dataclasses
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from datagen.making import EngineName, Order
from datagen.pictures import write_whole
from datagen.service.place import Place
from services.runtime.operations import missing

ORDER = "order.json"


@dataclass(frozen=True)
class Wish:
    """Which dataset somebody wants. Two that are equal are the same dataset."""

    engine: EngineName
    split: str
    seed_set: str
    """Its id; empty for Playroom's own concepts."""
    seed: int
    limit: int | None


@dataclass(frozen=True)
class Ordered:
    """A dataset that was ordered."""

    wish: Wish
    planned: int
    """Pictures."""
    concepts: int
    created: float
    """Seconds since the epoch."""


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
    reason: str
    message: str
    field: str | None


@dataclass(frozen=True)
class Job:
    """One worker's part of a dataset, as somebody asked for it."""

    id: str
    user: str
    dataset: str
    """Its id."""
    index: int
    """Which part, from 0."""
    of: int
    """How many parts there are."""
    state: State = State.OPEN
    failure: Failure | None = None


def order_of(place: Place, dataset_id: str, wish: Wish, models: Path | None) -> Order:
    """A wish in the words of `datagen.making`.

    Raises:
        NotFound: The service has no such layout, or not any more.
    """
    return Order(
        engine=wish.engine,
        split=place.split(wish.split),
        out=place.dataset(dataset_id) / "data",
        seeds=place.seed_set_folder(wish.seed_set) if wish.seed_set else None,
        models=models if wish.engine == "msdiffusion" else None,
        seed=wish.seed,
        limit=wish.limit,
    )


def read_ordered(place: Place, dataset_id: str) -> Ordered:
    """The order of a dataset.

    Raises:
        NotFound: There is no such dataset.
    """
    try:
        told = _read(place.dataset(dataset_id) / ORDER)
    except FileNotFoundError as error:
        raise place.missing(place.dataset_name(dataset_id)) from error
    return Ordered(**told | {"wish": Wish(**told["wish"])})


def write_ordered(place: Place, dataset_id: str, ordered: Ordered) -> None:
    """Write the order of a new dataset.

    Raises:
        Refused: It can't be written.
    """
    _write(place.dataset(dataset_id) / ORDER, ordered)


def read_job(place: Place, job_id: str) -> Job:
    """A job.

    Raises:
        NotFound: There is none of that id.
    """
    try:
        return _job(_read(place.jobs / f"{job_id}.json"))
    except FileNotFoundError as error:
        raise missing(job_id) from error


def write_job(place: Place, job: Job) -> None:
    """Write how a job is.

    Raises:
        Refused: It can't be written.
    """
    _write(place.jobs / f"{job.id}.json", job)


def cancel_mark(place: Place, job: Job) -> Path:
    """A file that is there once somebody has cancelled the job, until it is over."""
    return place.jobs / f"{job.id}.cancel"


def job_ids(place: Place) -> list[str]:
    """The ids of all jobs of a user, in order."""
    return sorted(path.stem for path in place.jobs.glob("[!.]*.json"))


def open_jobs(place: Place, dataset_id: str) -> list[Job]:
    """The jobs of a dataset that are not over."""
    return [job for job in _open_by(place.jobs.glob("*.lock")) if job.dataset == dataset_id]


def all_open_jobs(root: Path) -> list[Job]:
    """Everybody's jobs that are not over, the oldest first."""
    return list(_open_by(root.glob("users/*/jobs/*.lock")))


def _open_by(locks: Iterable[Path]) -> Iterator[Job]:
    """The open jobs among those with a lock: a job that is over has none, unless after a crash."""
    paths = [path for lock in locks if (path := lock.with_suffix(".json")).exists()]
    for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns):
        job = _job(_read(path))
        if job.state is State.OPEN:
            yield job


def _job(told: dict[str, Any]) -> Job:
    failure = told["failure"] and Failure(**told["failure"])
    return Job(**told | {"state": State(told["state"]), "failure": failure})


def _read(path: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told


def _write(path: Path, what: Job | Ordered) -> None:
    told = json.dumps(dataclasses.asdict(what), default=lambda state: state.value)
    write_whole(path, told.encode())
