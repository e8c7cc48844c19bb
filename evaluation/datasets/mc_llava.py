"""The dataset of MC-LLaVA (An et al., 2024), as it is published.

    scenarios.json                                ["bo_mika", ...]: who appears together
    concept_type.json                             {"bo": "two_concept", "mika": "two_concept", ...}
    two_concept/concept/train/bo/0.png ...        how bo looks, 0_mask.png beside it
    two_concept/concept/train/train.json          {"bo": ["0.png", ...]}: which of them; optional
    two_concept/concept/test/bo/0.png ...         photos of it, choice.json and qa.json beside them
    two_concept/multi/bo_mika/0.png ...           photos of all, position.json and the same files

Questions are those of `choice.json` and `vqa_position.json`, about the photo, and of `qa.json`,
without it. Those of `vqa.json` are dropped and counted: they have no options, and their answers are
free text, for which the authors take a BLEU over characters. `random-images` are their training
negatives, and not read.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from evaluation.datasets.album import Album
from evaluation.datasets.files import (
    listing,
    mapping,
    path_in,
    pictures_in,
    read_json,
    text,
    texts,
    wrong,
)
from evaluation.datasets.questions import of_mc_llava
from evaluation.manifest import Concept, Dataset

_SCENARIOS: Final = "scenarios.json"
_TYPES: Final = "concept_type.json"
_NO_OPTIONS: Final = "questions whose options or answer can't be read"
_FREE: Final = "questions of vqa.json, whose answers are free text"


def fits(folder: Path) -> bool:
    """Whether a folder is of this form."""
    return (folder / _SCENARIOS).is_file() or (folder / _TYPES).is_file()


def read(folder: Path) -> Dataset:
    """The dataset in a folder.

    Raises:
        InvalidInput: A file is missing or not of this form.
    """
    types = {
        name: folder / path_in(f"{folder / _TYPES}: {name}", told)
        for name, told in mapping(folder / _TYPES, read_json(folder / _TYPES)).items()
    }
    album = Album(folder)
    dropped: Counter[str] = Counter()
    for name, home in types.items():
        where = f"{folder / _TYPES}: {name}"
        place = _there(home / "concept" / "test" / path_in(where, name), where)
        for path in _photos(place):
            album.show(path.relative_to(folder).as_posix(), [name])
        dropped += _ask(album, folder, place, [name], types)
    scenarios = texts(folder / _SCENARIOS, read_json(folder / _SCENARIOS))
    for i, scenario in enumerate(scenarios):
        where = f"{folder / _SCENARIOS}[{i}]"
        members = path_in(where, scenario).split("_")
        for name in members:
            if name not in types:
                raise wrong(where, f"{scenario!r} names {name!r}; tell of it in {_TYPES}")
        place = _there(types[members[0]] / "multi" / scenario, where)
        shown = _positions(place)
        for path in _photos(place):
            album.show(path.relative_to(folder).as_posix(), shown.get(path.name, members))
        dropped += _ask(album, folder, place, members, types)
    return Dataset(
        folder.resolve().name,
        tuple(Concept(name, "", _views(home, name)) for name, home in types.items()),
        album.photos(),
        album.strangers(),
        dropped=dict(dropped),
    )


def _there(place: Path, where: str) -> Path:
    if not place.is_dir():
        raise wrong(where, f"{place} is no folder; put the pictures there or take the entry out")
    return place


def _photos(place: Path) -> list[Path]:
    """The pictures that are no masks, and no copies with marks on them."""
    return [path for path in pictures_in(place) if not path.stem.endswith(("_mask", "_som"))]


def _views(home: Path, name: str) -> tuple[Path, ...]:
    place, index = home / "concept" / "train" / name, home / "concept" / "train" / "train.json"
    if index.is_file() and name in (told := mapping(index, read_json(index))):
        listed = texts(f"{index}: {name}", told[name])
        return tuple(place / path_in(index, _file(one)) for one in listed)
    return tuple(_photos(place))


def _positions(place: Path) -> dict[str, list[str]]:
    """Who is in each picture, by its file name: those whose position is not null."""
    path = place / "position.json"
    if not path.is_file():
        return {}
    return {
        _file(image): [
            name.strip("<>")
            for name, position in mapping(f"{path}: {image}", told).items()
            if position is not None
        ]
        for image, told in mapping(path, read_json(path)).items()
    }


def _ask(
    album: Album, folder: Path, place: Path, concepts: Sequence[str], known: Mapping[str, Path]
) -> Counter[str]:
    """Put the questions in a folder to its photos, and count those that can't be put."""
    dropped: Counter[str] = Counter()
    for photo, words, answer in _questions(place):
        about_photo = bool(photo)
        question = of_mc_llava(words, answer, known, concepts, about_photo=about_photo)
        if question is None:
            dropped[_NO_OPTIONS] += 1
        elif about_photo:
            id = path_in(place, (place / photo).relative_to(folder).as_posix())
            album.show(id)
            album.ask(id, question)
        elif not album.ask_by(concepts[0], question):
            raise wrong(place / "qa.json", f"there is no photo of {concepts[0]!r}; put one there")
    path = place / "vqa.json"
    for told in mapping(path, read_json(path)).values() if path.is_file() else ():
        dropped[_FREE] += len(told) if isinstance(told, list) else 1
    return dropped


def _questions(place: Path) -> Iterator[tuple[str, str, str]]:
    """Each question's picture, empty for one without, its words and its answer."""
    yield from _about_photos(place / "choice.json")
    yield from _about_photos(place / "vqa_position.json")
    path = place / "qa.json"
    for i, one in enumerate(listing(path, read_json(path))) if path.is_file() else ():
        yield "", *_pair(f"{path}[{i}]", one, "question", "answer")


def _about_photos(path: Path) -> Iterator[tuple[str, str, str]]:
    """The same of a file that tells the questions of each picture; nothing where there is none."""
    for image, told in mapping(path, read_json(path)).items() if path.is_file() else ():
        for one in told if isinstance(told, list) else [told]:
            yield text(path, _file(image)), *_pair(f"{path}: {image}", one, "Human", "AI")


def _pair(where: str, told: object, asked: str, answer: str) -> tuple[str, str]:
    entry: dict[str, Any] = mapping(where, told)
    return text(f"{where}.{asked}", entry.get(asked)), text(f"{where}.{answer}", entry.get(answer))


def _file(path: str) -> str:
    """A picture's name: its folder is where whoever wrote the file had it."""
    return PurePosixPath(path.replace("\\", "/")).name
