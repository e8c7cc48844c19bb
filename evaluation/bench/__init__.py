"""The offline bench: ``python -m evaluation.bench FOLDER``. Playroom stands for the world.

    FOLDER/yollava, msbench    MP-Bench's two splits; no name and no look is there twice
    FOLDER/original            everyday pictures of half of the same concepts, without MP-Bench's
                               layouts: what real test photos are to generated ones
    FOLDER/outside             pictures of one thing each that is no concept of any of these
    FOLDER/outside-multi       pictures of two or three such things
    FOLDER/distractors         further concepts, a view each, to fill a memory with

All but the pictures outside are read by `evaluation.datasets.read`. Half of the things that stand
alone outside are of kinds that the memory holds too, the rest of others. The same call gives the
same bytes, whether or not it was stopped on the way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from datagen.identities import Identity
from evaluation.bench import strangers
from evaluation.bench.crowd import Crowd, Whose
from evaluation.bench.distractors import DISTRACTORS, make_distractors
from evaluation.bench.drawings import Progress, as_json, save
from evaluation.bench.original import ORIGINAL, make_original
from evaluation.bench.splits import SPLITS, identities_apart, layout_of, make_split
from evaluation.bench.strangers import OUTSIDE, OUTSIDE_MULTI
from kith.errors import InvalidInput
from kith.files import write_whole

__all__ = [
    "DISTRACTORS",
    "ORIGINAL",
    "OUTSIDE",
    "OUTSIDE_MULTI",
    "SPLITS",
    "Whose",
    "build",
    "whose",
]

_SETTINGS: Final = "bench.json"


@dataclass(frozen=True)
class _Size:
    """How much there is of everything."""

    outside: int
    """Pictures of one thing; as many of several."""
    distractors: int
    """With the concepts of either split, enough for a memory of 1,000, or of 100."""
    original: int
    """Pictures a concept."""


_FULL: Final = _Size(outside=100, distractors=960, original=4)
_QUICK: Final = _Size(outside=50, distractors=32, original=2)


def build(
    folder: Path, *, quick: bool, progress: Progress, identities: Whose = "test", seed: int = 0
) -> list[Path]:
    """Make the bench, or what is missing of it.

    Args:
        folder: Made if it is not there.
        quick: A small one, in seconds: 8 concepts a split.
        progress: Called before and after every picture.
        identities: Which of Playroom's.
        seed: Another draws others of these.

    Returns:
        The datasets: both splits, then the original pictures.

    Raises:
        InvalidInput: The folder holds something else, or another bench.
        Refused: Another process makes it, or it can't be written.
    """
    _settle(folder, {"quick": quick, "identities": identities, "seed": seed})
    size = _QUICK if quick else _FULL
    known: list[Identity] = []
    for split in SPLITS:
        layout = layout_of(split, quick, identities)
        drawn_by, found = identities_apart(layout, known, identities, seed)
        make_split(folder / split, layout, drawn_by, found, progress)
        known += found
    crowd = Crowd(known, identities, seed)
    make_distractors(folder / DISTRACTORS, size.distractors, crowd, progress)
    alone = strangers.alone(size.outside, {one.drawn.category for one in known}, crowd)
    save(folder / OUTSIDE, alone, progress)
    save(folder / OUTSIDE_MULTI, strangers.together(size.outside, crowd), progress)
    make_original(folder, known[::2], size.original, crowd, progress)
    return [folder / name for name in (*SPLITS, ORIGINAL)]


def whose(folder: Path) -> str:
    """Which identities a bench is of; empty where there is none."""
    try:
        told = json.loads((folder / _SETTINGS).read_bytes())
    except (OSError, ValueError):
        return ""
    return str(told.get("identities", "")) if isinstance(told, dict) else ""


def _settle(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / _SETTINGS
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise _taken(folder, "something else")
        write_whole(path, as_json(settings))
    elif path.read_bytes() != as_json(settings):
        raise _taken(folder, f"another bench, see {path}")


def _taken(folder: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"folder: {folder} holds {what}; name another", reason="FOLDER_TAKEN", field="folder"
    )
