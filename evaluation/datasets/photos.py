"""Photos of everyday concepts with one file that tells of them all.

    manifest.json   {"concepts": {"bo": {"category": "dog", "description": "an old corgi",
                                         "train": ["bo/1.jpg"], "test": ["bo/2.jpg"],
                                         "multi": ["all.jpg"], "alike": ["mika"]}},
                     "files": [{"file": "fork.jpg", "role": "negative"}]}

`train` are a concept's views, `test` photos of it alone, `multi` of it among other concepts. Of
`files` only what is told here counts: a `negative` shows no concept, and a `source` other than
`real` says what drew a picture.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from evaluation.datasets.album import Album
from evaluation.datasets.files import (
    listing,
    mapping,
    path_in,
    read_json,
    remark,
    text,
    texts,
    wrong,
)
from evaluation.manifest import Concept, Dataset

INDEX: Final = "manifest.json"


def fits(folder: Path) -> bool:
    """Whether a folder is of this form."""
    return (folder / INDEX).is_file()


def read(folder: Path) -> Dataset:
    """The dataset in a folder.

    Raises:
        InvalidInput: The manifest is not of this form.
    """
    path = folder / INDEX
    told = mapping(path, read_json(path))
    entries = mapping(f"{path}: concepts", told.get("concepts"))
    album = Album(folder)
    concepts = tuple(_concepts(folder, entries, album))
    for i, one in enumerate(listing(f"{path}: files", told.get("files", []))):
        where = f"{path}: files[{i}]"
        entry = mapping(where, one)
        role = text(f"{where}.role", entry.get("role"))
        file = path_in(f"{where}.file", entry.get("file"))
        if (role in ("test", "multi")) != (file in album):
            raise wrong(f"{where}.role", f"{role!r}, while concepts say otherwise; correct one")
        if role != "train":
            album.show(file, (), text(f"{where}.source", entry.get("source", "real")))
    photos, strangers = album.photos(), album.strangers()
    return Dataset(folder.resolve().name, concepts, photos, strangers)


def _concepts(folder: Path, entries: dict[str, Any], album: Album) -> Iterator[Concept]:
    for name, one in entries.items():
        where = f"{folder / INDEX}: concepts.{name}"
        entry = mapping(where, one)
        files = {
            part: [path_in(f"{where}.{part}", file) for file in texts(where, entry.get(part, []))]
            for part in ("train", "test", "multi")
        }
        for photo in (*files["test"], *files["multi"]):
            if photo in files["train"]:
                raise wrong(f"{where}.train", f"{photo} is to be tested with too; take it out")
            album.show(photo, [name])
        yield Concept(
            name=name,
            category=text(f"{where}.category", entry.get("category")),
            views=tuple(folder / file for file in files["train"]),
            description=remark(f"{where}.description", entry.get("description")),
            alike=frozenset(texts(f"{where}.alike", entry.get("alike", []))),
        )
