"""Locks of the operating system on files: one ends with its process, however that ends."""

import fcntl
from pathlib import Path
from typing import IO

from kith.errors import Refused


def lock(path: Path, how: int, out: Path, *, wait: bool = False) -> IO[bytes]:
    """The file, locked until it is closed.

    Args:
        path: Of the file, which is made.
        how: `fcntl.LOCK_EX` or `fcntl.LOCK_SH`.
        out: The folder of the run, for what is said.
        wait: For others who have it, instead of refusing.

    Raises:
        Refused: Somebody is at work there who is in the way, or it can't be written.
    """
    file = try_lock(path, how, out, wait=wait)
    if file is None:
        raise Refused(
            f"out: kith evaluate is at work in {out}; let it end, or stop it",
            reason="OUT_IN_USE",
            field="out",
        )
    return file


def try_lock(path: Path, how: int, out: Path, *, wait: bool = False) -> IO[bytes] | None:
    """As `lock`, but None where somebody is in the way."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise Refused(
            f"out: can't write {out}: {error.strerror}; name another folder",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error
    try:
        fcntl.flock(file, how if wait else how | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file
