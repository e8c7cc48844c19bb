"""Further concepts, to fill a memory with."""

import io
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from datagen import playroom
from datagen.identities import Identity
from evaluation.bench.crowd import Crowd
from evaluation.bench.drawings import MANIFEST, Progress, as_json, save
from kith.files import write_whole

DISTRACTORS: Final = "distractors"


def make_distractors(folder: Path, wanted: int, crowd: Crowd, progress: Progress) -> None:
    """Make a dataset of so many concepts with a view each, or what is missing of it."""
    chosen = [crowd.next(kind) for kind in islice(cycle(playroom.CATEGORIES), wanted)]
    save(folder, {f"{one.name}.jpg": partial(_view, one) for one in chosen}, progress)
    told = {
        one.name: {"category": one.concept.noun, "train": [f"{one.name}.jpg"]} for one in chosen
    }
    write_whole(folder / MANIFEST, as_json({"concepts": told}))


def _view(one: Identity) -> bytes:
    """Its first seed picture, in less than half of the bytes."""
    buffer = io.BytesIO()
    next(iter(one.views())).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
