"""How far a dataset is, counted from its records on disk, whoever makes it."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from datagen.dataset import CHECKSUMS
from datagen.locks import WORK
from datagen.plan import PARTS, Part
from datagen.records import Records


@dataclass(frozen=True)
class Standing:
    """How far a dataset is."""

    kept: Mapping[Part, int]
    rejected: Mapping[str, int]
    """By cause."""
    complete: bool
    """Every picture is made, and none is being drawn anew."""

    @property
    def done(self) -> int:
        """Pictures kept."""
        return sum(self.kept.values())


class _Seen(NamedTuple):
    """What a record said, and the file that it stood in."""

    file: tuple[int, int]
    part: Part
    kept: bool
    rejected: tuple[str, ...]


class Tally:
    """Counts the pictures of a dataset; a record that has not changed is not read again.

    Args:
        out: The dataset's folder; it need not exist.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._records = Records(out)
        self._seen: dict[str, _Seen] = {}
        # Several callers may look at once, each on a thread of its own.
        self._looking = threading.Lock()

    def look(self) -> Standing:
        """How far it is now."""
        complete = (self._out / CHECKSUMS).is_file()
        with self._looking:
            self._seen = dict(self._look())
            seen = self._seen.values()
        kept = Counter(one.part for one in seen if one.kept)
        rejected = Counter(cause for one in seen for cause in one.rejected)
        return Standing(kept, rejected, complete)

    def _look(self) -> Iterator[tuple[str, _Seen]]:
        for part in PARTS:
            for path in self._files(part):
                job = f"{part}/{path.stem}"
                try:
                    state = path.stat()
                except FileNotFoundError:  # it is drawn anew, or the dataset is deleted meanwhile
                    continue
                file = state.st_ino, state.st_mtime_ns
                known = self._seen.get(job)
                yield job, known if known and known.file == file else self._read(job, part, file)

    def _files(self, part: Part) -> list[Path]:
        with suppress(FileNotFoundError):  # the dataset is deleted meanwhile
            return list((self._out / WORK / part).glob("[!.]*.json"))
        return []

    def _read(self, job: str, part: Part, file: tuple[int, int]) -> _Seen:
        record = self._records.of(job)
        return _Seen(file, part, record.row is not None, record.rejected)
