"""What came of a plan, in numbers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from datagen.plan import ATTEMPTS, PARTS, Job, Part
from datagen.records import Record


@dataclass(frozen=True)
class Counts:
    """The pictures of a dataset."""

    wanted: Mapping[Part, int]
    kept: Mapping[Part, int]
    photos: int
    """Real ones, in the part "test"."""
    rejected: Mapping[str, int]
    """Pictures drawn and not kept, by cause, the most frequent first."""
    given_up: tuple[str, ...]
    """Jobs of which every attempt was rejected, by their ids."""


def count(records: Mapping[Job, Record], photos: int) -> Counts:
    """Count the pictures.

    Args:
        records: Of every job of a plan.
        photos: Real ones.
    """
    causes = Counter(cause for record in records.values() for cause in record.rejected)
    wanted = Counter(job.part for job in records)
    kept = Counter(job.part for job, record in records.items() if record.row is not None)
    return Counts(
        wanted={part: wanted[part] for part in PARTS},
        kept={part: kept[part] for part in PARTS},
        photos=photos,
        rejected=dict(sorted(causes.items(), key=lambda one: (-one[1], one[0]))),
        given_up=tuple(
            job.id for job, record in records.items() if len(record.rejected) >= ATTEMPTS
        ),
    )
