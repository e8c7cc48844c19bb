"""What came with a concept's photos and is learned from: captions, masks, negatives, on disk."""

import io
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from PIL import Image

from memory_db.durable import write_durably
from services.baselines.place import Place, writing
from services.runtime import images

_FILE = "about.json"


@dataclass(frozen=True)
class Given:
    """What came with photos."""

    captions: Mapping[str, str] = field(default_factory=dict)
    """By the id of the view."""
    masks: Mapping[str, Image.Image] = field(default_factory=dict)
    """The same; mode L, as large as the view."""
    negatives: Sequence[Image.Image] = ()


@dataclass(frozen=True)
class About:
    """What is noted of a concept."""

    memory: str
    """Name of the embedder whose memory the concept was last seen in."""
    captions: Mapping[str, str] = field(default_factory=dict)


def keep(place: Place, concept_id: str, memory: str, given: Given) -> None:
    """Adds to what is kept of a concept; negatives take the place of those before. Blocks.

    Args:
        place: Of the user.
        concept_id: Whose photos they are.
        memory: Name of the embedder.
        given: What came with them.

    Raises:
        Refused: It can't be written.
    """
    folder = place.material(concept_id)
    captions = {**about(place, concept_id).captions, **given.captions}
    with writing():
        folder.mkdir(parents=True, exist_ok=True)
        for view_id, mask in given.masks.items():
            _write(folder / "masks" / f"{view_id}.png", mask)
        if given.negatives:
            shutil.rmtree(folder / "negatives", ignore_errors=True)
        for number, negative in enumerate(given.negatives):
            _write(folder / "negatives" / f"{number:03}.png", negative)
        note = asdict(About(memory, captions))
        write_durably(folder / _FILE, json.dumps(note).encode())


def about(place: Place, concept_id: str) -> About:
    """What is noted of a concept; of one that nothing is kept of, nothing."""
    file = place.material(concept_id) / _FILE
    return About(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else About("")


def mask_of(place: Place, concept_id: str, view_id: str) -> Image.Image | None:
    """The mask that came with a view, mode L."""
    file = place.material(concept_id) / "masks" / f"{view_id}.png"
    return _read(file).convert("L") if file.exists() else None


def has_negatives(place: Place, concept_id: str) -> bool:
    """Whether negatives came with the photos of a concept."""
    return any((place.material(concept_id) / "negatives").glob("*"))


def negatives_of(place: Place, concept_id: str) -> list[Image.Image]:
    """The negatives that came with a concept, in their order."""
    return list(map(_read, sorted((place.material(concept_id) / "negatives").glob("*"))))


def _write(file: Path, image: Image.Image) -> None:
    file.parent.mkdir(exist_ok=True)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)  # without loss: a mask has edges
    write_durably(file, buffer.getvalue())


def _read(file: Path) -> Image.Image:
    return images.decode(file.read_bytes(), field=file.name)
