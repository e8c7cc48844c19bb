"""What the service knows, as messages of the contract."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Final

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from datagen.dataset import CHECKSUMS
from datagen.making import EngineName
from datagen.service.place import Place
from datagen.service.seed_sets import SeedSet
from datagen.service.tally import Standing
from datagen.service.wishes import Ordered
from kith.v1 import datagen_pb2
from services.runtime import job_book
from services.runtime.jobs import Job

ENGINES: Final[dict[datagen_pb2.Engine.ValueType, EngineName]] = {
    datagen_pb2.ENGINE_PLAYROOM: "playroom",
    datagen_pb2.ENGINE_MSDIFFUSION: "msdiffusion",
}


def seed_set(place: Place, kept: SeedSet) -> datagen_pb2.SeedSet:
    """A seed set, as its user is told of it."""
    return datagen_pb2.SeedSet(
        name=place.seed_set_name(kept.id),
        concepts=[seed.name for seed in kept.seeds],
        train_images=sum(len(seed.train) for seed in kept.seeds),
        test_images=sum(len(seed.test) for seed in kept.seeds),
    )


def dataset(
    place: Place, dataset_id: str, ordered: Ordered, standing: Standing
) -> datagen_pb2.Dataset:
    """A dataset as far as it is made."""
    fingerprint = _fingerprint(place.data(dataset_id)) if standing.complete else ""
    engines = {name: engine for engine, name in ENGINES.items()}
    return datagen_pb2.Dataset(
        name=place.datasets.name(dataset_id),
        engine=engines[ordered.wish.engine],
        split=ordered.wish.split,
        concepts=ordered.concepts,
        train_single=standing.kept.get("train", 0),
        test_single=standing.kept.get("test", 0),
        test_multi=standing.kept.get("multi", 0),
        rejects=[
            datagen_pb2.Rejects(cause=cause, images=images)
            for cause, images in sorted(standing.rejected.items())
        ],
        fingerprint=fingerprint,
        complete=bool(fingerprint),
        create_time=Timestamp(seconds=int(ordered.created), nanos=int(ordered.created % 1 * 1e9)),
    )


def progress(
    name: str, planned: int, standing: Standing, seconds_each: float | None
) -> datagen_pb2.DatasetProgress:
    """How far a dataset is.

    Args:
        name: Its resource name.
        planned: Pictures.
        standing: What is done of them.
        seconds_each: What a picture takes; None leaves the time that is left unsaid.
    """
    told = datagen_pb2.DatasetProgress(
        dataset=name,
        images_planned=planned,
        images_done=standing.done,
        images_rejected=sum(standing.rejected.values()),
    )
    if seconds_each is not None:
        left = Duration()
        left.FromTimedelta(timedelta(seconds=seconds_each * max(0, planned - standing.done)))
        told.remaining.CopyFrom(left)
    return told


def operation(
    job: Job, made: datagen_pb2.Dataset, how_far: datagen_pb2.DatasetProgress
) -> operations_pb2.Operation:
    """A job as the standard service of operations tells of it."""
    return job_book.operation(job, "MakeDataset", made, how_far)


def _fingerprint(data: Path) -> str:
    """Of a dataset that was complete; empty if it is gone on with, or deleted, meanwhile."""
    try:
        return hashlib.sha256((data / CHECKSUMS).read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
