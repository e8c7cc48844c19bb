"""What the calls share: everybody's reports, the workshop, and what is told of both."""

from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from google.longrunning import operations_pb2
from google.protobuf.duration_pb2 import Duration

from evaluation import results
from evaluation.service import write
from evaluation.service.measuring import Measuring
from evaluation.service.place import Place
from evaluation.service.tally import Tally
from evaluation.service.wishes import Ordered
from kith.errors import NotFound
from kith.v1 import evaluation_pb2
from services.runtime.identity import current_user
from services.runtime.jobs import Job
from services.runtime.workshop import Workshop

KEPT: Final = 64
"""Tallies that are remembered, a few megabytes for the largest; others are counted anew."""


class Books:
    """Reads what is on disk, in messages. Every method blocks for as long as the disk does.

    Args:
        root: Folder of everybody's things.
        measuring: What measures.
        workshop: What lets it, one job at a time.
    """

    def __init__(self, root: Path, measuring: Measuring, workshop: Workshop) -> None:
        self.root = root
        self.measuring = measuring
        self.workshop = workshop
        # By when it was begun too: a later one of the same name is another.
        self._tallies = lru_cache(KEPT)(lambda out, created: Tally(out))

    def place(self) -> Place:
        """The things of whoever asks."""
        return Place(self.root, current_user())

    def report(self, place: Place, report_id: str, *, whole: bool = True) -> evaluation_pb2.Report:
        """A report.

        Args:
            place: Whose.
            report_id: Its id.
            whole: With its figures.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = place.reports.read(report_id)
        told = evaluation_pb2.Report(
            name=place.reports.name(report_id), create_time=write.time_of(ordered.created)
        )
        try:
            found = results.read(place.out(report_id))
        except NotFound:
            return told
        told.complete, told.revision = found.complete, found.revision
        if whole:
            told.figures.extend(write.figures(found.figures))
        return told

    def progress(self, place: Place, report_id: str) -> evaluation_pb2.EvaluationProgress:
        """How far an evaluation is.

        Raises:
            NotFound: There is none of that id.
        """
        ordered = place.reports.read(report_id)
        return self.progress_of(place, report_id, ordered)

    def progress_of(
        self, place: Place, report_id: str, ordered: Ordered
    ) -> evaluation_pb2.EvaluationProgress:
        """The same of one that was ordered, or would be."""
        done, failed = self._tallies(place.out(report_id), ordered.created).look()
        told = evaluation_pb2.EvaluationProgress(
            report=place.reports.name(report_id),
            samples_planned=ordered.planned,
            samples_done=done,
            samples_failed=failed,
        )
        each = self.measuring.seconds_each(place.user, report_id)
        if each is not None:
            left = Duration()
            left.FromTimedelta(timedelta(seconds=each * max(0, ordered.planned - done)))
            told.remaining.CopyFrom(left)
        return told

    def operation(self, place: Place, job: Job) -> operations_pb2.Operation:
        """A job whose report may be gone meanwhile."""
        try:
            made, how_far = self.report(place, job.about), self.progress(place, job.about)
        except NotFound:
            name = place.reports.name(job.about)
            made = evaluation_pb2.Report(name=name)
            how_far = evaluation_pb2.EvaluationProgress(report=name)
        return write.operation(job, made, how_far)
