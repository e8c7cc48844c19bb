"""Files of a run that are there whole or not at all."""

import os
from pathlib import Path

from kith.errors import Refused


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file in one step; on return it is on the disk.

    Raises:
        Refused: It can't be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise Refused(
            f"out: can't write {path}: {error.strerror}; make room, or name another folder",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error
