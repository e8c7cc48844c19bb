"""Taking an order for a report, and giving one back."""

import dataclasses
import json
import shutil
import uuid
from dataclasses import dataclass
from typing import Any, Final

from evaluation.samples import Control, Task
from evaluation.service.place import ORDER, Place
from kith.errors import AlreadyExists, KithError, NotFound, Refused
from services.runtime.jobs import Job, write_json
from services.runtime.workshop import Workshop

_REQUESTS: Final = uuid.UUID("b2f6f1a5-5a43-4d0b-8d0c-3b8d2f1c9e47")
"""The namespace in which a caller's request id becomes the id of a job."""

MAX_REPORTS: Final = 128
"""Of one user."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants measured. Two that are equal give the same report."""

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    tasks: tuple[Task, ...]
    """Empty for all."""
    controls: tuple[Control, ...]
    """Empty for all."""
    memory_sizes: tuple[int, ...]
    """Concepts; empty for the datasets' own."""
    quick: bool
    seed: int


@dataclass(frozen=True)
class Ordered:
    """A report that was ordered."""

    wish: Wish
    planned: int
    """Questions."""
    created: float
    """Seconds since the epoch."""


@dataclass(frozen=True)
class Part:
    """Which worker's share is asked for."""

    index: int = 0
    of: int = 1


def known_request(place: Place, request_id: str) -> Job | None:
    """The job that a request has made before, if it has."""
    try:
        return place.job(_job_id(request_id)) if request_id else None
    except NotFound:
        return None


def start(
    workshop: Workshop,
    place: Place,
    report_id: str,
    ordered: Ordered,
    part: Part,
    request_id: str = "",
) -> Job:
    """Begin an evaluation, or go on with it.

    A part that is at work already is not begun again; one whose job is about to end, since it was
    cancelled, is gone on with after that.

    Raises:
        AlreadyExists: There is another report of that id.
        Overloaded: Too many evaluations wait.
        Refused: Other workers divide it differently, it can't be written, or the user has too many.
    """
    with place.locked():
        if again := known_request(place, request_id):
            return again
        is_new = _is_new(place, report_id, ordered.wish)
        if is_new and len(place.report_ids()) >= MAX_REPORTS:
            raise Refused(
                f"report_id: you have {MAX_REPORTS} reports, and no more are kept for a user; "
                "delete one",
                reason="TOO_MANY_REPORTS",
                field="report_id",
            )
        for job in place.open_jobs(report_id):
            if job.of != part.of:
                raise Refused(
                    f"shard: others share it out in {job.of}; take one of these shards, or cancel "
                    "them",
                    reason="SHARDS_DIFFER",
                    field="shard",
                )
            if job.index == part.index and not place.mark_of(job).exists():
                return job
        job = Job(_job_id(request_id), place.user, report_id, part.index, part.of)
        if is_new:
            write_json(place.report(report_id) / ORDER, dataclasses.asdict(ordered))
        try:
            workshop.submit(job)
        except KithError:
            if is_new:
                shutil.rmtree(place.report(report_id), ignore_errors=True)
            raise
        return job


def read_ordered(place: Place, report_id: str) -> Ordered:
    """The order of a report.

    Raises:
        NotFound: There is no such report.
    """
    try:
        told = json.loads((place.report(report_id) / ORDER).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise place.missing(place.report_name(report_id)) from error
    wish: dict[str, Any] = told["wish"]
    return Ordered(
        Wish(
            methods=tuple(wish["methods"]),
            datasets=tuple(wish["datasets"]),
            tasks=tuple(map(Task, wish["tasks"])),
            controls=tuple(map(Control, wish["controls"])),
            memory_sizes=tuple(wish["memory_sizes"]),
            quick=wish["quick"],
            seed=wish["seed"],
        ),
        told["planned"],
        told["created"],
    )


def delete(place: Place, report_id: str) -> None:
    """Delete a report for good.

    Raises:
        NotFound: There is none of that id.
        Refused: It is at work.
    """
    with place.locked():
        read_ordered(place, report_id)
        if jobs := place.open_jobs(report_id):
            raise Refused(
                f"name: operations/{jobs[0].id} works on this report; cancel it first",
                reason="REPORT_IN_USE",
                field="name",
            )
        place.discard(place.report(report_id))


def _is_new(place: Place, report_id: str, wish: Wish) -> bool:
    try:
        known = read_ordered(place, report_id).wish
    except NotFound:
        return True
    if known != wish:
        raise AlreadyExists(
            f"report_id: {report_id} is a report with other settings; choose another id, or ask "
            "for what it is",
            reason="REPORT_DIFFERS",
            field="report_id",
        )
    return False


def _job_id(request_id: str) -> str:
    return str(uuid.uuid5(_REQUESTS, request_id.lower()) if request_id else uuid.uuid4())
