"""Files that survive a killed process and a lost power supply, and a lock that ends with both."""

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kith.errors import Refused

_ROOM: Final = 64 * 1024 * 1024
"""Bytes free on the disk without which nothing is written. The engine writes through memory maps
and makes its files longer by up to 32 MiB at a time: where the disk ends there, it is not told, but
its process killed (SIGBUS)."""

_EDIT: Final = 1024 * 1024
"""Bytes that a quota has to leave: more than an edit takes."""


@contextmanager
def writing(what: str) -> Iterator[None]:
    """For whatever writes to the disk there.

    Args:
        what: `memory` or `photos`, the setting that says where.

    Raises:
        Refused: It can't be written: the disk is full, a quota is reached, it is read-only.
    """
    try:
        yield
    except OSError as error:
        raise Refused(
            f"{what}: nothing can be written ({error.strerror}), what is there can be read; the "
            f"operator has to make room, or to let this process write, where KITH_{what.upper()} "
            "says",
            reason=f"{what.upper()}_UNWRITABLE",
            field=what,
        ) from error


def require_room(folder: Path) -> None:
    """Asks for the room that an edit needs, since the engine can't be told that there is none.

    Raises:
        OSError: There is too little, or the folder can't be written.
    """
    disk = os.statvfs(folder)
    if disk.f_bavail * disk.f_frsize < _ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with tempfile.TemporaryFile(dir=folder) as edit:  # which a quota or a mode may forbid
        os.posix_fallocate(edit.fileno(), 0, _EDIT)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; on disk when this returns."""
    replace_whole(path, content)
    sync(path.parent)


def replace_whole(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; its name is on disk once the folder is synced."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink()
            raise


def sync(path: Path) -> None:
    """Bring a file to disk, memory-mapped writes among it, or the names in a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class FolderLock:
    """Keeps a second process out of a folder for as long as this object is open.

    The kernel holds the lock, so a killed process leaves none behind; the file only tells who.

    Raises:
        Refused: Someone has the folder open; the message names it and their process.
    """

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "LOCK").open("a+b", buffering=0)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().decode() or "unknown"
            self._file.close()
            raise Refused(
                f"the memory in {folder} is open in process {holder}; "
                "stop that process or talk to it with --server",
                reason="MEMORY_LOCKED",
                metadata={"pid": holder},
            ) from error
        try:
            self._file.truncate(0)
            self._file.write(str(os.getpid()).encode())
        except OSError:
            self._file.close()  # whoever keeps the error must not keep the lock with it
            raise

    def release(self) -> None:
        """Let others in."""
        self._file.close()
