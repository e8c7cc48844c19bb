"""Locks in a dataset's work folder, on which its commands agree who may do what there.

They are the operating system's on a file: one ends with the process that holds it, however that
ends, so none is ever left behind. The workers of `make` share one, which is why it is `fcntl`'s.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Literal

from kith.errors import Refused

WORK: Final = ".work"
"""A dataset's folder for what its makers know; it lies beside the pictures."""

Command = Literal["make", "clean", "review"]

_LONGEST: Final = 8


class Taken(Exception):  # noqa: N818 - whoever asked decides whether that is an error
    """Somebody else holds the lock."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by
        """What that one signed with."""


@contextmanager
def at_work(out: Path, command: Command) -> Iterator[None]:
    """Keep the commands out of a dataset's folder that can't go on beside this one.

    Workers that make it are there together; who cleans or reviews it is there alone.

    Raises:
        Refused: Another command is at work there, or the folder can't be written.
    """
    how = fcntl.LOCK_SH if command == "make" else fcntl.LOCK_EX
    try:
        held = hold(out / WORK / "command.lock", how | fcntl.LOCK_NB, command)
    except Taken as error:
        raise Refused(
            f"out: kith datagen {error.by} is at work in {out}; let it end, or stop it",
            reason="DATASET_IN_USE",
            field="out",
        ) from error
    with held:
        yield


def hold(path: Path, how: int, signature: str = "") -> IO[bytes]:
    """A lock's file; the lock is held until it is closed.

    Args:
        path: Of the file, which stays there.
        how: An operation of `fcntl.flock`.
        signature: What others are told, at most 8 ASCII letters.

    Raises:
        Taken: Somebody else holds it, and `how` does not wait.
        Refused: The file can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        file = path.open("r+b", buffering=0)
        try:
            fcntl.flock(file, how)
            # Over the last one's in one step: whoever is refused meanwhile reads the one or other.
            os.pwrite(file.fileno(), signature.ljust(_LONGEST).encode(), 0)
        except BlockingIOError as error:
            with file:
                raise Taken(file.read(_LONGEST).decode().strip()) from error
        except OSError:
            file.close()
            raise
    except OSError as error:
        raise Refused(
            f"out: can't write {path.parent}: {error.strerror}; name another folder",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error
    return file
