"""A straightforward script, written the way RAP's published code works.

A folder holds a picture a concept and `database.json`. Each start embeds every picture again, for a
flat index of squared L2 distances; whoever adds a concept edits the file and starts again.
"""

import io
import json
from pathlib import Path
from typing import Final, NamedTuple

import faiss
from PIL import Image

from tests.bench.bare import BareModels
from tests.bench.world import profile

NEIGHBOURS: Final = 2
"""Nearest pictures a crop asks for."""

TOP_K: Final = 2
"""Concepts that are taken of all crops together."""


class Entry(NamedTuple):
    """A concept in `database.json`."""

    name: str
    image: str
    """Its file name in the folder."""
    info: str
    category: str


class Script:
    """Finds the concepts of photos; made anew for every start.

    Args:
        folder: With `database.json` and the pictures that it names.
        models: None loads them.
        at_once: Crops that go through the embedder together.
    """

    def __init__(self, folder: Path, models: BareModels | None = None, at_once: int = 1) -> None:
        self._folder = folder
        self._models = models or BareModels(profile())
        self._at_once = at_once
        self._start()

    def remember(self, entry: Entry, picture: bytes) -> None:
        """Edits the database and makes the index anew, without loading the models again."""
        write(self._folder, [*self._entries, entry], {entry.image: picture})
        self._start()

    def retrieve(self, file: bytes) -> list[str]:
        """The concepts nearest to the detector's boxes, whatever their distance."""
        photo = Image.open(io.BytesIO(file)).convert("RGB")
        words = list(dict.fromkeys(entry.category for entry in self._entries))
        (found,) = self._models.detect([photo], words)
        crops = [photo.crop(tuple(round(side, 2) for side in one.box)) for one in found]
        hits = []
        for first in range(0, len(crops), self._at_once):
            vectors = self._models.embed(crops[first : first + self._at_once])
            for distances, numbers in zip(*self._index.search(vectors, NEIGHBOURS), strict=True):
                hits += zip(distances.tolist(), numbers.tolist(), strict=True)
        names = dict.fromkeys(self._entries[number].name for _, number in sorted(hits))
        return list(names)[:TOP_K]

    def _start(self) -> None:
        listed = json.loads((self._folder / "database.json").read_text(encoding="utf-8"))
        self._entries = [Entry(**fields) for fields in listed["concept_dict"].values()]
        rows = [
            self._models.embed([Image.open(self._folder / entry.image).convert("RGB")])
            for entry in self._entries
        ]
        self._index = faiss.IndexFlatL2(rows[0].shape[1])
        for row in rows:
            self._index.add(row)


def write(folder: Path, entries: list[Entry], pictures: dict[str, bytes]) -> None:
    """Writes the database, and pictures by their file names."""
    for name, picture in pictures.items():
        (folder / name).write_bytes(picture)
    database = {
        "concept_dict": {f"<{entry.name}>": entry._asdict() for entry in entries},
        "path_to_concept": {entry.image: f"<{entry.name}>" for entry in entries},
    }
    (folder / "database.json").write_text(json.dumps(database), encoding="utf-8")
