"""The files by which RAP is evaluated (Hao et al., CVPR 2025), beside the pictures they name.

    recognition_test.json       [{"image": "yollava-data/test/bo/4.png", "concept": "bo",
                                  "type": "positive", "correct_answer": true}, ...]
    yollava-visual-qa.json      {"bo": {"yollava-data/test/bo/3.png": {"question": ...}}}
    yollava-text-only-qa.json   {"bo": {"0": {"question": ...}}}
    any other name              {"test/bo/4.png": ["<bo>"]}: whom a caption is to name
    database.json               RAP's memory, here or in a folder: a view a concept, category, info

Files are told apart by what stands in them. An image's path may start in this folder or above it.
What recognition asks is made of who is in which photo, as in 4.2.2 of the thesis: each photo for
each concept, which is what `recognition_test.json` spells out. Its 333 rows of type "negative"
whose answer is true repeat the positive ones; they are dropped and counted. So is a photo of which
only some concepts are told not to be there, and none to be: nobody says whether it is a stranger's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from evaluation.datasets.album import Album
from evaluation.datasets.files import (
    SUFFIXES,
    mapping,
    path_in,
    read_json,
    remark,
    short,
    text,
    texts,
    wrong,
)
from evaluation.datasets.questions import of_rap
from evaluation.manifest import Concept, Dataset, Photo, Question

_DATABASE: Final = "database.json"


def fits(folder: Path) -> bool:
    """Whether a folder is of this form."""
    return any(folder.glob("*.json"))


def read(folder: Path) -> Dataset:
    """The dataset in a folder.

    Raises:
        InvalidInput: A file is of none of these forms, or says of a photo what another denies.
    """
    reading = _Reading(folder)
    for path in sorted(folder.glob("*.json")):
        if path.name != _DATABASE:
            reading.take(path, read_json(path))
    return reading.dataset()


class _Reading:
    """What the files say, put together."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._album = Album(folder)
        self._truths: dict[tuple[str, str], bool] = {}
        self._rows: set[tuple[str, str]] = set()
        self._names: dict[str, None] = {}
        self._without_photo: list[tuple[str, Question]] = []
        self._dropped: Counter[str] = Counter()
        self._found: dict[str, str] = {}

    def take(self, path: Path, told: object) -> None:
        """Take in a file, whatever its form."""
        if isinstance(told, list):
            for i, row in enumerate(told):
                self._recognition(f"{path}[{i}]", mapping(f"{path}[{i}]", row), path.name)
            return
        for key, entry in mapping(path, told).items():
            where = f"{path}: {key}"
            if isinstance(entry, list):
                self._caption(where, key, entry)
            else:
                self._questions(where, key, mapping(where, entry), path.name)

    def dataset(self) -> Dataset:
        """All of it, after the last file."""
        concepts = {one.name: one for one in self._database()}
        for name, question in self._without_photo:
            if not self._album.ask_by(name, question):
                raise wrong(self._folder, f"questions ask for {name!r}; add a file with its photos")
        for name in self._names:
            concepts.setdefault(name, Concept(name, "", ()))
        unshown = self._album.strangers()
        strangers = tuple(photo for photo in unshown if self._shows_none(photo, concepts))
        if unknown := len(unshown) - len(strangers):
            self._dropped["photos of which only some are told not to be there"] = unknown
        return Dataset(
            self._folder.resolve().name,
            tuple(concepts.values()),
            self._album.photos(),
            strangers,
            dropped=dict(self._dropped),
        )

    def _shows_none(self, photo: Photo, concepts: Iterable[str]) -> bool:
        """Whether each concept is told not to be in a photo, in which none is told to be."""
        return all((photo.id, name) in self._truths for name in concepts)

    def _recognition(self, where: str, row: dict[str, Any], file: str) -> None:
        photo = self._photo(f"{where}.image", row.get("image"))
        name = text(f"{where}.concept", row.get("concept")).strip("<>")
        truth = row.get("correct_answer")
        if not isinstance(truth, bool):
            raise wrong(f"{where}.correct_answer", f"{short(truth)} is not true or false")
        if (photo, name) in self._rows:
            self._dropped[f"rows of {file} that repeat another"] += 1
        self._rows.add((photo, name))
        self._learn(where, photo, name, truth)

    def _caption(self, where: str, image: str, told: list[Any]) -> None:
        photo = self._photo(where, image)
        for tag in texts(where, told):
            self._learn(where, photo, tag.strip("<>"), True)

    def _questions(self, where: str, name: str, told: dict[str, Any], file: str) -> None:
        for key, entry in told.items():
            here = f"{where}.{key}"
            about_photo = PurePosixPath(key).suffix.lower() in SUFFIXES
            question = of_rap(here, entry, name, about_photo=about_photo)
            self._names[name] = None
            if question is None:
                self._dropped[f"questions in {file} that have no two different options"] += 1
            elif about_photo:
                photo = self._photo(here, key)
                self._learn(here, photo, name, True)
                self._album.ask(photo, question)
            else:
                self._without_photo.append((name, question))

    def _learn(self, where: str, photo: str, name: str, truth: bool) -> None:
        """Whether a photo shows a concept."""
        if self._truths.setdefault((photo, name), truth) != truth:
            told = f"that {photo} shows {name!r} is told both ways; correct one of the two"
            raise wrong(where, told)
        self._names[name] = None
        self._album.show(photo, [name] if truth else [])

    def _photo(self, where: str, told: object) -> str:
        """A picture's path in this folder: what stands before it may be above the folder."""
        path = path_in(where, told)
        if path not in self._found:
            parts = PurePosixPath(path).parts
            ends = ["/".join(parts[i:]) for i in range(max(2, len(parts) - 1))]
            there = (end for end in ends if end and (self._folder / end).is_file())
            self._found[path] = next(there, path)
        return self._found[path]

    def _database(self) -> Iterator[Concept]:
        places = [self._folder, *sorted(path for path in self._folder.iterdir() if path.is_dir())]
        path = next((one / _DATABASE for one in places if (one / _DATABASE).is_file()), None)
        if path is None:
            return
        told = mapping(path, read_json(path))
        for tag, one in mapping(f"{path}: concept_dict", told.get("concept_dict")).items():
            where = f"{path}: concept_dict.{tag}"
            entry = mapping(where, one)
            image = path_in(f"{where}.image", entry.get("image"))
            ends = (image, *image.split("/", 1)[1:])
            view = next((path.parent / end for end in ends if (path.parent / end).is_file()), None)
            yield Concept(
                name=text(f"{where}.name", entry.get("name", tag)).strip("<>"),
                category=remark(f"{where}.category", entry.get("category")),
                views=(view or path.parent / image,),
                description=remark(f"{where}.info", entry.get("info")),
            )
