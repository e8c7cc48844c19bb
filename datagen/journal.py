"""Journals: files that lines are added to, each on the disk before anything is said of it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kith.errors import Refused

Entry = dict[str, Any]


def read_journal(path: Path) -> list[Entry]:
    """The entries of a journal, the oldest first; none if there is no such file.

    A line that a crash tore is left out.

    Raises:
        Refused: It can't be read.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Refused(
            f"out: can't read {path}: {error.strerror}; give yourself the right to read it",
            reason="FILE_UNREADABLE",
            field="out",
        ) from error
    return [entry for line in lines if (entry := _parsed(line)) is not None]


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Add an entry; on return it is on the disk. Several processes may add to one journal.

    Raises:
        Refused: It can't be written; then at most a torn line was added.
    """
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if _is_torn(file.fileno()):
                line = b"\n" + line
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Refused(
            f"out: can't write {path}: {error.strerror}; make room, or let it be written",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error


def _is_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and os.pread(file, 1, size - 1) != b"\n"


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
