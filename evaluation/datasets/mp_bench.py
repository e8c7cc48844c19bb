"""A dataset that `kith datagen make` wrote, MP-Bench's splits among them.

    seeds/concepts.yaml       bo: {category: pet, noun: dog, alike: mika}
    seeds/bo/train/01.jpg     how it looks; the first is the reference
    test/metadata.jsonl       a line a picture: file_name, concepts, subjects with boxes, questions
    multi/metadata.jsonl      the same, of several concepts

What methods train on is the seeds. `train` is the thesis's further training material, and not read.

Playroom's questions have an answer and no options. The wrong options are answers to other questions
of the same kind, at most three. Left out are those after presence, which recognition asks in the
same words, and after a number of things, which are about nobody. What holds of a concept in every
picture, its colour and pattern, is also asked without the photo, once a concept.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml  # type: ignore[import-untyped]

from evaluation.datasets.album import Album
from evaluation.datasets.files import (
    listing,
    mapping,
    path_in,
    pictures_in,
    read_json_lines,
    short,
    text,
    texts,
    wrong,
)
from evaluation.datasets.questions import with_others
from evaluation.manifest import Box, Concept, Dataset

_INDEX: Final = "seeds/concepts.yaml"
_PARTS: Final = ("test", "multi")
_LASTING: Final = ("color", "pattern")
"""Kinds of questions whose answer is the same in every picture of a concept."""
_LEFT_OUT: Final = ("presence", "count")


class _Asked(NamedTuple):
    photo: str
    text: str
    answer: str
    kind: str
    concept: str


def fits(folder: Path) -> bool:
    """Whether a folder is of this form."""
    return (folder / _INDEX).is_file()


def read(folder: Path) -> Dataset:
    """The dataset in a folder.

    Raises:
        InvalidInput: It is not finished, or a file is not of this form.
    """
    concepts = tuple(_concepts(folder))
    album = Album(folder)
    asked: list[_Asked] = []
    tables = [folder / part / "metadata.jsonl" for part in _PARTS]
    if not any(table.is_file() for table in tables):
        raise wrong(folder, "test and multi have no metadata.jsonl; run kith datagen make to end")
    for part, table in zip(_PARTS, tables, strict=True):
        for where, row in read_json_lines(table) if table.is_file() else ():
            asked += _take(album, part, where, row)
    dropped = _ask(album, asked)
    return Dataset(folder.resolve().name, concepts, album.photos(), album.strangers(), (), dropped)


def _concepts(folder: Path) -> Iterator[Concept]:
    told = _index(folder / _INDEX)
    alike = defaultdict(set)
    for name, entry in told.items():
        if entry.get("alike"):
            other = text(f"{folder / _INDEX}: {name}.alike", entry["alike"])
            alike[name].add(other)
            alike[other].add(name)
    for name, entry in told.items():
        where = f"{folder / _INDEX}: {name}"
        yield Concept(
            name=name,
            category=text(where, entry.get("noun") or entry.get("category")),
            views=tuple(pictures_in(folder / "seeds" / path_in(where, name) / "train")),
            alike=frozenset(alike[name]),
        )


def _index(path: Path) -> dict[str, dict[str, Any]]:
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise wrong(path, f"can't be read: {why}; mend it") from error
    return {
        unicodedata.normalize("NFC", name): mapping(f"{path}: {name}", entry)
        for name, entry in mapping(path, told).items()
    }


def _take(album: Album, part: str, where: str, row: dict[str, Any]) -> Iterator[_Asked]:
    photo = f"{part}/{path_in(f'{where}.file_name', row.get('file_name'))}"
    concepts = texts(f"{where}.concepts", row.get("concepts"))
    album.show(photo, concepts, text(f"{where}.source", row.get("source")))
    for i, one in enumerate(listing(f"{where}.subjects", row.get("subjects", []))):
        subject = mapping(f"{where}.subjects[{i}]", one)
        if box := _box(f"{where}.subjects[{i}].box", subject.get("box")):
            album.frame(photo, text(f"{where}.subjects[{i}].concept", subject.get("concept")), box)
    for i, one in enumerate(listing(f"{where}.questions", row.get("questions", []))):
        here = f"{where}.questions[{i}]"
        question = mapping(here, one)
        words, answer, kind = (
            text(f"{here}.{key}", question.get(key)) for key in ("question", "answer", "kind")
        )
        for concept in concepts:
            if f"<{concept}>" in words and kind not in _LEFT_OUT:
                yield _Asked(photo, words, answer, kind, concept)


def _box(where: str, told: object) -> Box | None:
    """The measured box; None where nobody measured it."""
    if told in (None, []):
        return None
    edges = listing(where, told)
    if len(edges) != 4 or not all(isinstance(edge, int | float) for edge in edges):
        raise wrong(where, f"{short(told)} is not [x1, y1, x2, y2] in shares of it; correct it")
    x1, y1, x2, y2 = edges
    return x1, y1, x2, y2


def _ask(album: Album, asked: list[_Asked]) -> dict[str, int]:
    """Put the questions to their photos, and count those that can't be put."""
    answers = defaultdict(set)
    for one in asked:
        answers[one.kind].add(one.answer)
    lonely = Counter(one.kind for one in asked if len(answers[one.kind]) < 2)
    lasting: set[tuple[str, str]] = set()
    for photo, words, answer, kind, concept in asked:
        if kind in lonely:
            continue
        others = answers[kind]
        key = f"{photo} {words}"
        shown = with_others(words, answer, others, concept, about_photo=True, key=key)
        album.ask(photo, shown)
        if kind in _LASTING and (concept, kind) not in lasting:
            lasting.add((concept, kind))
            key = f"{concept} {kind}"
            unseen = with_others(words, answer, others, concept, about_photo=False, key=key)
            album.ask(photo, unseen)
    return {
        f"questions after {kind} that have all one answer": n for kind, n in sorted(lonely.items())
    }
