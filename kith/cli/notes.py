"""What a command that makes a dataset says at its end beside its result."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kith.words import counted

_SHOWN: Final = 3


class Cost:
    """What a command takes, from when this is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def form(self, folder: Path) -> dict[str, float]:
        """Seconds so far, and what the folder takes of the disk, in megabytes (10**6 bytes)."""
        files = [Path(where, name) for where, _, names in os.walk(folder) for name in names]
        return {
            "seconds": round(time.monotonic() - self._began, 1),
            "megabytes": round(sum(map(_size, files)) / 1e6, 1),
        }


def cost_said(form: dict[str, float]) -> str:
    """What `Cost.form` tells, in words."""
    return f"Took {form['seconds']} s; {form['megabytes']} MB on disk."


def left_out_said(files: Sequence[Path]) -> str:
    """Which files of the seeds were not looked at, in words; nothing if there are none."""
    if not files:
        return ""
    named = [f"{path.parent.name}/{path.name}" for path in files[:_SHOWN]]
    more = ["..."] if len(files) > _SHOWN else []
    said = f"{counted(len(files), 'file')} ({', '.join(named + more)})"
    return f" Left out of the seeds, being no photos: {said}."


def _size(path: Path) -> int:
    """Bytes that a file takes of the disk; other workers may take it away meanwhile."""
    try:
        return path.lstat().st_blocks * 512
    except FileNotFoundError:
        return 0
