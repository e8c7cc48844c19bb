"""Taking an order for a dataset, and giving one back."""

import shutil
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from datagen.identities import identities
from datagen.layout import load
from datagen.plan import draw_up
from datagen.seeds import read_seeds
from datagen.service.jobs import (
    Job,
    Ordered,
    Wish,
    cancel_mark,
    open_jobs,
    order_of,
    read_job,
    read_ordered,
    write_ordered,
)
from datagen.service.place import Place
from datagen.service.workshop import Workshop
from kith.errors import AlreadyExists, InvalidInput, KithError, NotFound, Refused

_REQUESTS: Final = uuid.UUID("4c0e0b51-0a27-4f0e-9d5e-1d6a3c8f7b02")
"""The namespace in which a caller's request id becomes the id of a job."""

MAX_DATASETS: Final = 128
"""Of one user."""


@dataclass(frozen=True)
class Part:
    """Which worker's share is asked for."""

    index: int = 0
    of: int = 1


def study(place: Place, wish: Wish, models: Path | None) -> Ordered:
    """What would come of a wish. Reads the seeds and plans; draws and writes nothing.

    Raises:
        InvalidInput: It does not fit together, or the seeds do not.
        NotFound: There is no such layout.
        Refused: The service can't draw with that engine.
    """
    if wish.engine == "msdiffusion" and models is None:
        raise Refused(
            "engine: this service has no models of MS-Diffusion; take Playroom, or ask its "
            "operator to set KITH_MODELS",
            reason="ENGINE_UNAVAILABLE",
            field="engine",
        )
    if (wish.engine == "msdiffusion") != bool(wish.seed_set):
        need = "leave it out" if wish.seed_set else "upload one and name it"
        raise InvalidInput(
            "seed_set: MS-Diffusion draws the concepts of a seed set, Playroom its own; " + need,
            reason="SEED_SET_CONFLICT",
            field="seed_set",
        )
    try:
        order = order_of(place, "none", wish, models)
        layout, seeds = load(order.split), order.seeds
        known = read_seeds(seeds, layout) if seeds else identities(layout, wish.seed)
        concepts = [one.concept for one in known]
        plan = draw_up(layout, concepts, {"name": wish.engine}, wish.seed, wish.limit)
    except KithError as error:
        raise place.as_called(error, models) from error
    return Ordered(wish, len(plan.jobs), len(concepts), time.time())


def known_request(place: Place, request_id: str) -> Job | None:
    """The job that a request has made before, if it has."""
    try:
        return read_job(place, _job_id(request_id)) if request_id else None
    except NotFound:
        return None


def start(
    workshop: Workshop,
    place: Place,
    dataset_id: str,
    ordered: Ordered,
    part: Part,
    request_id: str = "",
) -> Job:
    """Begin a dataset, or go on with it.

    A part that is being made already is not begun again; one whose job is about to end, since it
    was cancelled, is gone on with after that.

    Raises:
        AlreadyExists: There is another dataset of that id.
        Overloaded: Too many datasets wait.
        Refused: Other workers divide it differently, it can't be written, or the user has too many.
    """
    with place.locked():
        if again := known_request(place, request_id):
            return again
        is_new = _is_new(place, dataset_id, ordered.wish)
        if is_new and len(place.dataset_ids()) >= MAX_DATASETS:
            raise Refused(
                f"dataset_id: you have {MAX_DATASETS} datasets, and no more are kept for a user; "
                "delete one",
                reason="TOO_MANY_DATASETS",
                field="dataset_id",
            )
        for job in open_jobs(place, dataset_id):
            if job.of != part.of:
                raise Refused(
                    f"shard: others make it in {job.of} parts; take one of these, or cancel them",
                    reason="SHARDS_DIFFER",
                    field="shard",
                )
            if job.index == part.index and not cancel_mark(place, job).exists():
                return job
        job = Job(_job_id(request_id), place.user, dataset_id, part.index, part.of)
        if is_new:
            write_ordered(place, dataset_id, ordered)
        try:
            workshop.submit(job)
        except KithError:
            if is_new:
                shutil.rmtree(place.dataset(dataset_id), ignore_errors=True)
            raise
        return job


def delete(place: Place, dataset_id: str) -> None:
    """Delete a dataset for good.

    Raises:
        NotFound: There is none of that id.
        Refused: It is being made.
    """
    with place.locked():
        read_ordered(place, dataset_id)
        if jobs := open_jobs(place, dataset_id):
            raise Refused(
                f"name: operations/{jobs[0].id} makes this dataset; cancel it first",
                reason="DATASET_IN_USE",
                field="name",
            )
        place.discard(place.dataset(dataset_id))


def _is_new(place: Place, dataset_id: str, wish: Wish) -> bool:
    try:
        known = read_ordered(place, dataset_id).wish
    except NotFound:
        return True
    if known != wish:
        raise AlreadyExists(
            f"dataset_id: {dataset_id} is a dataset with other settings; choose another id, or "
            "ask for what it is",
            reason="DATASET_DIFFERS",
            field="dataset_id",
        )
    return False


def _job_id(request_id: str) -> str:
    return str(uuid.uuid5(_REQUESTS, request_id.lower()) if request_id else uuid.uuid4())
