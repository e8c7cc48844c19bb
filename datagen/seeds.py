"""Seeds: the concepts that a dataset is about, read from a folder of pictures.

    SEEDS/concepts.yaml        # bo: {category: pet, noun: dog, licence: CC-BY-4.0}
    SEEDS/bo/train/*.jpg       # what it looks like; the first picture is its reference
    SEEDS/bo/test/*.jpg        # real photos to test with; may be left out

`category` is one of the layout's. `noun`, the word that prompts use, `licence`, that of the
pictures, and `alike`, the name of another concept that it is easily taken for, may be left out.
"""

import hashlib
import os
import reprlib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image

from datagen.layout import Layout
from datagen.photos import Sorted, sort_out
from datagen.pictures import open_picture
from datagen.yaml_files import read_yaml
from kith.errors import InvalidInput

INDEX: Final = "concepts.yaml"
NO_LICENCE: Final = "not stated"
_LONGEST_NAME: Final = 64
_KEYS: Final = {"category", "noun", "licence", "alike"}


@dataclass(frozen=True)
class Concept:
    """What is known of a concept without its pictures."""

    name: str
    """NFC, at most 64 characters, without angle brackets."""
    category: str
    """One of the layout's."""
    noun: str
    """What prompts call it: a class word."""
    licence: str
    """Of its pictures."""
    fingerprint: str
    """Of what it looks like, in hexadecimal: with other pictures it is another one."""
    alike: str = ""
    """The name of a concept that it is easily taken for; empty where nobody says so."""


@dataclass(frozen=True)
class Seed:
    """A concept with its pictures."""

    concept: Concept
    train: tuple[Path, ...]
    """At least one; the first is the reference."""
    test: tuple[Path, ...]
    """Real photos to test with; often none."""
    left_out: tuple[Path, ...]
    """What lies beside these and is clearly no photo, such as texts and hidden files."""

    @property
    def name(self) -> str:
        """The concept's."""
        return self.concept.name

    @property
    def category(self) -> str:
        """The concept's."""
        return self.concept.category

    def views(self) -> Iterator[Image.Image]:
        """Its seed pictures in RGB, upright, the reference first."""
        return (open_picture(path, "seeds") for path in self.train)

    def photos(self) -> Iterator[Image.Image]:
        """Real photos of it to test with, in RGB, upright."""
        return (open_picture(path, "seeds") for path in self.test)


def read_seeds(folder: Path, layout: Layout | None) -> tuple[Seed, ...]:
    """The seeds in a folder, by category in the layout's order, then by name.

    Every picture is opened, so that a broken one is known before anything is drawn. So is a photo
    that can't be read here, as of a phone in HEIC: it is not left out in silence.

    Args:
        folder: Of the seeds.
        layout: Whose categories they have; None takes any, and orders by name alone.

    Raises:
        InvalidInput: The folder does not fit together, or a picture can't be read; the message
            names entry and value.
    """
    told = _index(folder)
    folders = _by_name(folder)
    for name in told.keys() - folders.keys():
        raise _wrong(f"{INDEX}: {name!r} has no folder; add {name}/train or take the entry out")
    for name, entry in told.items():
        if isinstance(entry, dict) and (alike := entry.get("alike")) not in (None, *folders):
            raise _wrong(f"{INDEX}: {name}: alike: {alike!r} is no concept here; give its name")
    order = None if layout is None else list(layout.concepts)
    seeds = [_seed(name, folders[name], told.get(name), order) for name in sorted(folders)]
    if not seeds:
        raise _wrong(f"{folder} holds no concept; add folders such as bo/train with pictures")
    if order is not None:
        seeds.sort(key=lambda seed: order.index(seed.category))
    return tuple(seeds)


def _index(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise _wrong(f"{folder} is no folder; name one with pictures in NAME/train")
    try:
        told = read_yaml(folder / INDEX)
    except FileNotFoundError as error:
        example = "'bo: {category: pet, noun: dog}'"
        raise _wrong(f"{folder} has no {INDEX}; write one with lines such as {example}") from error
    except (OSError, ValueError) as error:
        raise _wrong(f"{INDEX}: can't be read: {error}; mend it") from error
    if not isinstance(told, dict) or not all(isinstance(name, str) for name in told):
        raise _wrong(f"{INDEX}: {_short(told)} is not 'NAME: {{category: ...}}' lines; mend it")
    return {unicodedata.normalize("NFC", name): entry for name, entry in told.items()}


def _by_name(folder: Path) -> dict[str, Path]:
    """The folders of the concepts; two that differ only in case or encoding are one too many."""
    found: dict[str, Path] = {}
    taken: dict[str, str] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or not path.is_dir():
            continue
        name = unicodedata.normalize("NFC", path.name)
        if len(name) > _LONGEST_NAME or not name.isprintable() or set(name) & set("<>"):
            raise _wrong(
                f"{name!r} is no name; rename the folder to at most {_LONGEST_NAME} printable "
                "characters without < and >"
            )
        if other := taken.get(name.casefold()):
            raise _wrong(f"{name!r} and {other!r} are one name; rename one of the two folders")
        taken[name.casefold()] = name
        found[name] = path
    return found


def _seed(name: str, folder: Path, told: object, known: Sequence[str] | None) -> Seed:
    entry = _entry(name, told)
    category = entry.get("category", "")
    if known is not None and category not in known:
        one_of = ", ".join(known)
        raise _wrong(f"{INDEX}: {name}: category: {category!r} is unknown; give one of {one_of}")
    train = sort_out(folder / "train", "seeds")
    has_test = os.path.lexists(folder / "test")
    test = sort_out(folder / "test", "seeds") if has_test else Sorted((), ())
    concept = Concept(
        name=name,
        category=category,
        noun=entry.get("noun", category),
        licence=entry.get("licence", NO_LICENCE),
        fingerprint=_fingerprint(train.pictures, test.pictures),
        alike=entry.get("alike", ""),
    )
    return Seed(concept, train.pictures, test.pictures, (*train.others, *test.others))


def _entry(name: str, told: object) -> Mapping[str, str]:
    if told is None:
        raise _wrong(
            f"{INDEX}: nothing is told of {name!r}; write a line such as "
            f"'{name}: {{category: pet}}', or take its folder out"
        )
    if not isinstance(told, dict) or not told.keys() <= _KEYS:
        raise _wrong(
            f"{INDEX}: {name}: {_short(told)} is not of the form "
            "{category: pet, noun: dog, licence: CC0-1.0}; correct it, the last two may be left out"
        )
    for key, value in told.items():
        if not isinstance(value, str) or not value.strip():
            raise _wrong(f"{INDEX}: {name}: {key}: {_short(value)} is not a text; write a word")
    return told


def _fingerprint(train: Sequence[Path], test: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for content in _contents(train, test):
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


def _contents(train: Sequence[Path], test: Sequence[Path]) -> Iterator[bytes]:
    for part in (train, test):
        yield str(len(part)).encode()
        for path in part:
            open_picture(path, "seeds")
            yield path.read_bytes()


def _short(told: object) -> str:
    """What stands there, cut: with aliases a small file tells of more than memory holds."""
    return reprlib.repr(told)[:200]


def _wrong(what: str) -> InvalidInput:
    return InvalidInput(f"seeds: {what}", reason="SEEDS_INVALID", field="seeds")
