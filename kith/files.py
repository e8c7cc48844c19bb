"""Files that are there whole or not at all."""

import os
from contextlib import suppress
from pathlib import Path

from kith.errors import Refused


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step, whatever happens meanwhile; on return it is on the disk.

    The folders that it lies in are made.

    Raises:
        Refused: It can't be written, for instance since the disk is full.
    """
    try:
        replace(path, content)
    except OSError as error:
        raise Refused(
            f"out: can't write {path}: {error.strerror}; make room or name another folder",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error


def replace(path: Path, content: bytes) -> None:
    """The same, for those who tell of errors in their own words.

    Raises:
        OSError: It can't be written.
    """
    # Hidden, so that nobody takes the half of it for the whole.
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with suppress(OSError):  # it may never have been made
            part.unlink()
        raise
