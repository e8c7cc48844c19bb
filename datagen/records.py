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
from typing import IO, Final

from datagen.locks import WORK, Taken, hold
from datagen.plan import ATTEMPTS
from datagen.rows import Row
from kith.errors import Refused
from kith.files import write_whole

_DIVIDE: Final = "stop all and give each worker its own --shard, as in 0/2 and 1/2"


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
    def working(self, index: int, of: int) -> Iterator[None]:
        """Keep others from making the same share, and from dividing the work otherwise meanwhile.

        Args:
            index: Which worker, from 0.
            of: How many there are.

        Raises:
            Refused: Somebody makes that share or divides the work otherwise, or the folder can't be
                written.
        """
        with self.alone():
            together = self._joined(index, of)
        with together, self._own(index, of):
            yield

    def _joined(self, index: int, of: int) -> IO[bytes]:
        """The lock that workers hold together who divide the work alike; to be taken alone."""
        path = self._folder / "shards.lock"
        try:
            file = hold(path, fcntl.LOCK_EX | fcntl.LOCK_NB, str(of))  # nobody else is at work
        except Taken as error:
            if error.by != str(of):
                raise _divided_otherwise(self._folder.parent, int(error.by), index, of) from error
            return hold(path, fcntl.LOCK_SH, str(of))
        fcntl.flock(file, fcntl.LOCK_SH)
        return file

    def _own(self, index: int, of: int) -> IO[bytes]:
        """The lock of a share."""
        try:
            return hold(self._folder / f"{index}-of-{of}.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except Taken as error:
            otherwise = f"take another of the {of} shards" if of > 1 else _DIVIDE
            raise Refused(
                f"out: another worker makes {_share(index, of)} of {self._folder.parent}; let it "
                f"end, or {otherwise}",
                reason="SHARE_TAKEN",
                field="out",
            ) from error

    def _path(self, job: str) -> Path:
        return self._folder / f"{job}.json"


def _divided_otherwise(out: Path, theirs: int, index: int, of: int) -> Refused:
    if theirs > 1:
        others, otherwise = f"make {out} in {theirs} shards", f"take one of their {theirs}"
    else:
        others, otherwise = f"make all of {out} alone", _DIVIDE
    return Refused(
        f"out: others {others}, and this worker was to make {_share(index, of)} of it; let them "
        f"end, or {otherwise}",
        reason="SHARDS_DIFFER",
        field="out",
    )


def _share(index: int, of: int) -> str:
    return f"--shard {index}/{of}" if of > 1 else "all"
