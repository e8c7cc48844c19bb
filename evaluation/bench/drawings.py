"""Pictures and manifests of the bench, drawn if they are not there."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from kith.files import write_whole

MANIFEST: Final = "manifest.json"
"""See `evaluation.datasets.photos`."""

Progress = Callable[[str, int, int], None]
"""Told which part is made, how many of its pictures are there, and of how many."""
Drawings = Mapping[str, Callable[[], bytes]]
"""Files by their paths in a folder, and what draws each."""


def save(folder: Path, drawings: Drawings, progress: Progress) -> None:
    """Draw what is not there."""
    for done, (file, draw) in enumerate(drawings.items()):
        progress(folder.name, done, len(drawings))
        if not (folder / file).exists():
            write_whole(folder / file, draw())
    progress(folder.name, len(drawings), len(drawings))


def as_json(told: Mapping[str, Any]) -> bytes:
    """The content of a JSON file."""
    return (json.dumps(told, indent=1) + "\n").encode()
