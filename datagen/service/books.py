"""What the calls share: everybody's things, the workshop, and what is told of both."""

from pathlib import Path

from google.longrunning import operations_pb2

from datagen.service import write
from datagen.service.jobs import Job, read_job, read_ordered
from datagen.service.place import Place
from datagen.service.tally import Tallies
from datagen.service.workshop import Workshop
from kith.errors import NotFound
from kith.v1 import datagen_pb2
from services.runtime.identity import current_user


class Books:
    """Reads what is on disk, in messages. Every method blocks for as long as the disk does.

    Args:
        root: Folder of everybody's things.
        workshop: What draws.
        models: Folder of MS-Diffusion's models, if there are any.
    """

    def __init__(self, root: Path, workshop: Workshop, models: Path | None) -> None:
        self.root = root
        self.workshop = workshop
        self.models = models
        self._tallies = Tallies()

    def place(self) -> Place:
        """The things of whoever asks."""
        return Place(self.root, current_user())

    def dataset(self, place: Place, dataset_id: str) -> datagen_pb2.Dataset:
        """A dataset.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = read_ordered(place, dataset_id)
        standing = self._tallies.look(place.dataset(dataset_id) / "data", ordered.created)
        return write.dataset(place, dataset_id, ordered, standing)

    def progress(self, place: Place, dataset_id: str) -> datagen_pb2.DatasetProgress:
        """How far a dataset is.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = read_ordered(place, dataset_id)
        standing = self._tallies.look(place.dataset(dataset_id) / "data", ordered.created)
        each = self.workshop.seconds_each(place.user, dataset_id)
        return write.progress(place.dataset_name(dataset_id), ordered.planned, standing, each)

    def operation(self, place: Place, job_id: str) -> operations_pb2.Operation:
        """A job.

        Raises:
            NotFound: There is none of that id.
        """
        return self.told(place, read_job(place, job_id))

    def told(self, place: Place, job: Job) -> operations_pb2.Operation:
        """A job whose dataset may be gone meanwhile."""
        try:
            made = self.dataset(place, job.dataset)
            how_far = self.progress(place, job.dataset)
        except NotFound:
            name = place.dataset_name(job.dataset)
            made = datagen_pb2.Dataset(name=name)
            how_far = datagen_pb2.DatasetProgress(dataset=name)
        return write.operation(job, made, how_far)
