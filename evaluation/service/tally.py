"""How far an evaluation is, counted from its journals, whoever writes them."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple


class Standing(NamedTuple):
    """How far an evaluation is."""

    done: int
    """Questions answered."""
    failed: int
    """Questions whose last answer is an error."""


@dataclass
class _Seen:
    """What was read of a journal."""

    until: int = 0
    """Bytes of it, whole lines."""
    answered: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)


class Tally:
    """Counts answers; a line is read once.

    Args:
        out: The folder of the evaluation; it need not exist.
    """

    def __init__(self, out: Path) -> None:
        self._out = out
        self._seen: dict[Path, _Seen] = {}
        # Several callers may look at once, each on a thread of its own.
        self._looking = threading.Lock()

    def look(self) -> Standing:
        """How far it is now."""
        with self._looking:
            with suppress(FileNotFoundError):  # the report is deleted meanwhile
                for file in self._out.glob("answers/*/*.jsonl"):
                    self._read(file, self._seen.setdefault(file, _Seen()))
            seen = list(self._seen.values())
        return Standing(
            sum(len(one.answered) for one in seen),
            sum(len(one.failed - one.answered) for one in seen),
        )

    def _read(self, file: Path, seen: _Seen) -> None:
        for line in _whole_lines(file, seen):
            try:
                told = json.loads(line)
                if "said" in told:
                    said = told["said"]
                    (seen.failed if said["error"] else seen.answered).add(said["sample"])
            except (ValueError, KeyError, TypeError):  # damaged: whoever goes on with it is told
                continue


def _whole_lines(file: Path, seen: _Seen) -> Iterator[bytes]:
    """The lines that came since; one that is being written is left for the next time."""
    with file.open("rb") as journal:
        journal.seek(seen.until)
        for line in journal:
            if not line.endswith(b"\n"):
                return
            seen.until += len(line)
            yield line
