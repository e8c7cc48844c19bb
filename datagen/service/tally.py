"""How far a dataset is, counted from its records on disk, whoever makes it."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from datagen.dataset import CHECKSUMS
from datagen.plan import PARTS, Part
from datagen.records import WORK, Records


@dataclass(frozen=True)
class Standing:
    """How far a dataset is."""

    kept: Mapping[Part, int]
    rejected: Mapping[str, int]
    """By cause."""
    complete: bool

    @property
    def done(self) -> int:
        """Pictures kept."""
        return sum(self.kept.values())


class Tally:
    """Counts the pictures of a dataset; what was seen done is not read again.

    Args:
        out: The dataset's folder; it need not exist.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._records = Records(out)
        self._kept: Counter[Part] = Counter()
        self._rejected: Counter[str] = Counter()
        self._over: set[str] = set()
        # Several callers may look at once, each on a thread of its own.
        self._looking = threading.Lock()

    def look(self) -> Standing:
        """How far it is now."""
        complete = (self._out / CHECKSUMS).is_file()
        with self._looking:
            rejected = Counter[str]()
            for part in PARTS:
                rejected += self._look_at(part)
            return Standing(dict(self._kept), dict(self._rejected + rejected), complete)

    def _look_at(self, part: Part) -> Counter[str]:
        """Count what is new in a part; the causes of those that are not over come back."""
        unsettled: Counter[str] = Counter()
        for path in (self._out / WORK / part).glob("[!.]*.json"):
            job = f"{part}/{path.stem}"
            if job in self._over:
                continue
            record = self._records.of(job)
            if not record.done:
                unsettled.update(record.rejected)
                continue
            self._over.add(job)
            self._kept[part] += record.row is not None
            self._rejected.update(record.rejected)
        return unsettled


class Tallies:
    """A tally for each dataset that was asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, float], Tally] = {}

    def look(self, out: Path, created: float) -> Standing:
        """How far a dataset is.

        Args:
            out: Its folder.
            created: When it was begun: a later one of the same name is another.
        """
        return self._known.setdefault((out, created), Tally(out)).look()
