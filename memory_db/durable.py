"""Files that survive a killed process and a lost power supply, and a lock that ends with both."""

import fcntl
import os
import tempfile
from pathlib import Path

from kith.errors import Refused


def write_durably(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; on disk when this returns."""
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as part:
        try:
            part.write(content)
            part.flush()
            os.fsync(part.fileno())
            Path(part.name).replace(path)
        except BaseException:
            Path(part.name).unlink()
            raise
    sync(path.parent)


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
        self._file = (folder / "LOCK").open("a+", encoding="ascii")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise Refused(
                f"the memory in {folder} is open in process {holder}; "
                "stop that process or talk to it with --server",
                reason="MEMORY_LOCKED",
                metadata={"pid": holder},
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let others in."""
        self._file.close()
