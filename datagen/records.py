"""What the makers of a dataset know of its pictures: a small file each, so that nothing is lost.

A picture's record is written after the picture: where there is a record, there is its picture.
"""

import dataclasses
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datagen.locks import WORK, Taken, hold
from datagen.pictures import write_whole
from datagen.plan import ATTEMPTS
from datagen.rows import Row
from kith.errors import Refused


@dataclass(frozen=True)
class Record:
    """How far one picture is."""

    rejected: tuple[str, ...] = ()
    """Why, an entry an attempt."""
    row: Row | None = None
    """Of the picture that was kept."""
    sha256: str = ""
    """Of its file."""

    @property
    def done(self) -> bool:
        """Kept or given up."""
        return self.row is not None or len(self.rejected) >= ATTEMPTS


class Records:
    """The records of a dataset.

    Args:
        out: The dataset's folder.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / WORK

    def of(self, job: str) -> Record:
        """The record of a job, by its id; an empty one if nothing is done yet, or it is damaged."""
        try:
            told = json.loads(self._path(job).read_text(encoding="utf-8"))
            return Record(tuple(told["rejected"]), told["row"], told["sha256"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return Record()

    def keep(self, job: str, record: Record) -> None:
        """Write the record of a job.

        Raises:
            Refused: It can't be written.
        """
        told = json.dumps(dataclasses.asdict(record), ensure_ascii=False)
        write_whole(self._path(job), told.encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until no other worker does what concerns the whole dataset, and keep them waiting.

        Raises:
            Refused: The folder can't be written.
        """
        with hold(self._folder / "whole.lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def working(self, share: str) -> Iterator[None]:
        """Keep others from making the same share.

        Args:
            share: Its name, as in "0-of-16".

        Raises:
            Refused: Somebody makes it, or the folder can't be written.
        """
        try:
            held = hold(self._folder / f"{share}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except Taken as error:
            raise Refused(
                f"out: another worker makes share {share} there; let it end, or take another "
                "--shard",
                reason="SHARE_TAKEN",
                field="out",
            ) from error
        with held:
            yield

    def _path(self, job: str) -> Path:
        return self._folder / f"{job}.json"
