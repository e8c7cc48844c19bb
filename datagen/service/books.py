"""What the calls share: everybody's things, the workshop, and what is told of both."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from google.longrunning import operations_pb2

from datagen.service import write
from datagen.service.drawing import Drawing
from datagen.service.place import Place
from datagen.service.tally import Standing, Tally
from datagen.service.wishes import Ordered
from kith.errors import NotFound
from kith.v1 import datagen_pb2
from services.runtime.identity import current_user
from services.runtime.jobs import Job
from services.runtime.workshop import Workshop

KEPT: Final = 64
"""Tallies that are remembered, a megabyte for the largest dataset; others are counted anew."""


class Books:
    """Reads what is on disk, in messages. Every method blocks for as long as the disk does.

    Args:
        root: Folder of everybody's things.
        drawing: What draws.
        workshop: What lets it, one job at a time.
    """

    def __init__(self, root: Path, drawing: Drawing, workshop: Workshop) -> None:
        self.root = root
        self.drawing = drawing
        self.workshop = workshop
        # By when it was begun too: a later one of the same name is another.
        self._tallies = lru_cache(KEPT)(lambda out, created: Tally(out))

    def place(self) -> Place:
        """The things of whoever asks."""
        return Place(self.root, current_user())

    def dataset(self, place: Place, dataset_id: str) -> datagen_pb2.Dataset:
        """A dataset.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = place.datasets.read(dataset_id)
        return write.dataset(place, dataset_id, ordered, self._standing(place, dataset_id, ordered))

    def progress(self, place: Place, dataset_id: str) -> datagen_pb2.DatasetProgress:
        """How far a dataset is.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = place.datasets.read(dataset_id)
        standing = self._standing(place, dataset_id, ordered)
        each = self.drawing.seconds_each(place.user, dataset_id)
        return write.progress(place.datasets.name(dataset_id), ordered.planned, standing, each)

    def operation(self, place: Place, job: Job) -> operations_pb2.Operation:
        """A job whose dataset may be gone meanwhile."""
        try:
            made, how_far = self.dataset(place, job.about), self.progress(place, job.about)
        except NotFound:
            name = place.datasets.name(job.about)
            made = datagen_pb2.Dataset(name=name)
            how_far = datagen_pb2.DatasetProgress(dataset=name)
        return write.operation(job, made, how_far)

    def _standing(self, place: Place, dataset_id: str, ordered: Ordered) -> Standing:
        return self._tallies(place.data(dataset_id), ordered.created).look()
