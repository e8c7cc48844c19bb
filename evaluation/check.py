"""What a dataset holds, what 4.2.2 makes of it, and what is missing in it."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from PIL import Image

from evaluation.manifest import NOT_DRAWN, Dataset, Photo
from kith.errors import InvalidInput
from kith.words import counted

OUTSIDE: Final = 50
"""Outside pictures of a kind that every concept is asked for (thesis, 4.2.2)."""
_POINTER: Final = b"version https://git-lfs"


def positives(dataset: Dataset) -> int:
    """Recognition queries whose answer is yes: C·T + M·T_m·(m+1), summed over the photos.

    Each photo of one concept is asked for it; each of m concepts for every one, and for all.
    """
    joint = sum(len(photo.concepts) + 1 for photo in dataset.multis)
    return len(dataset.singles) + joint


def negatives(dataset: Dataset) -> int:
    """Recognition queries whose answer is no: C·T·(C-1) + 50·C + 50·C, summed over the photos.

    Each photo of one concept is asked for every other one, each outside picture for all of them; of
    the outside ones at most 50 of one thing and 50 of several.
    """
    concepts = len(dataset.concepts)
    pictures = min(OUTSIDE, len(dataset.outside)) + min(OUTSIDE, len(dataset.outside_multi))
    return len(dataset.singles) * (concepts - 1) + pictures * concepts


def counts(dataset: Dataset) -> dict[str, int]:
    """How many of everything there are, and how many recognition queries follow (4.2.2)."""
    return {
        "concepts": len(dataset.concepts),
        "views": sum(len(concept.views) for concept in dataset.concepts),
        "singles": len(dataset.singles),
        "multis": len(dataset.multis),
        "outside": len(dataset.outside),
        "outside_multi": len(dataset.outside_multi),
        "questions": sum(len(photo.questions) for photo in dataset.photos),
        "boxes": sum(len(photo.boxes) for photo in dataset.photos),
        "generated": sum(photo.source not in NOT_DRAWN for photo in dataset.photos),
        "dropped": sum(dataset.dropped.values()),
        "positives": positives(dataset),
        "negatives": negatives(dataset),
    }


def problems(dataset: Dataset) -> list[str]:
    """What is missing or does not fit together, in words, with the file or the name.

    Not all of it keeps the rest from being measured. Every picture is read from its first to its
    last byte.
    """
    return [
        *_of_concepts(dataset),
        *_of_photos(dataset),
        *_of_splits(dataset),
        *_of_pictures(dataset),
    ]


def fewer(dataset: Dataset) -> list[str]:
    """Of what there are fewer than 4.2.2 asks about, in words.

    It keeps nothing from being measured. That there is no outside photo is one of the `problems`;
    photos of several concepts, some datasets have none of (Yo'LLaVA's).
    """
    several = [] if dataset.multis else ["no photo of several concepts: none is asked about"]
    return several + [
        f"{counted(len(photos), 'outside photo')} of {what}: the thesis asks about {OUTSIDE}"
        for what, photos in (
            ("one thing", dataset.outside),
            ("several things", dataset.outside_multi),
        )
        if 0 < len(photos) < OUTSIDE
    ]


def unlisted(dataset: Dataset) -> list[str]:
    """Whom photos show though no list of concepts has them, in words."""
    return [
        f"{photo.id} shows {name!r}, which is no concept"
        for photo in dataset.photos
        for name in sorted({*photo.concepts} - dataset.by_name.keys())
    ]


def unfit_names(dataset: Dataset, clean_name: Callable[[str], str]) -> list[str]:
    """The concepts that can't be remembered by their names, in words.

    Args:
        dataset: Of these concepts.
        clean_name: A name as the memory keeps it; raises `InvalidInput` for one that it does not.
    """
    return [
        f"concept {concept.name!r} can't be remembered: {problem}"
        for concept in dataset.concepts
        if (problem := _unfit(concept.name, clean_name))
    ]


def _unfit(name: str, clean_name: Callable[[str], str]) -> str:
    """Why a name is not kept as it is; empty if it is."""
    try:
        kept = clean_name(name)
    except InvalidInput as error:
        return str(error)
    return "" if kept == name else f"it would be called {kept!r}; call it so in the dataset"


def _of_concepts(dataset: Dataset) -> Iterator[str]:
    if not dataset.concepts:
        yield f"{dataset.name}: there is no concept"
    yield from _twice("concept", [concept.name for concept in dataset.concepts])
    shown = {name for photo in dataset.photos for name in photo.concepts}
    for concept in dataset.concepts:
        if not concept.views:
            yield f"concept {concept.name!r} has no view by which it could be remembered"
        if dataset.photos and concept.name not in shown:
            yield f"concept {concept.name!r} is in no photo"
        for other in sorted(concept.alike - dataset.by_name.keys()):
            yield f"concept {concept.name!r} is said to look like {other!r}, which is no concept"


def _of_photos(dataset: Dataset) -> Iterator[str]:
    photos = (*dataset.photos, *dataset.outside, *dataset.outside_multi)
    yield from _twice("photo", [photo.id for photo in photos])
    yield from unlisted(dataset)
    for photo in photos:
        for name, box in photo.boxes.items():
            if name not in photo.concepts:
                yield f"{photo.id} has a box for {name!r}, which it does not show"
            if not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
                yield f"{photo.id} has the box {box} for {name!r}, which is empty or outside of it"
        for question, times in Counter(photo.questions).items():
            if times > 1:
                yield f"{photo.id} is asked {question.text!r} {times} times"


def _of_splits(dataset: Dataset) -> Iterator[str]:
    for there, what in (
        (dataset.singles, "no photo of one concept"),
        (dataset.outside, "no outside photo of one thing; name a folder of some"),
        (dataset.outside_multi, "no outside photo of several things; name a folder of some"),
    ):
        if not there:
            yield f"{dataset.name}: there is {what}"


def _of_pictures(dataset: Dataset) -> Iterator[str]:
    """What is missing, damaged, or there twice: a photo that is a view measures nothing."""
    views: dict[str, Path] = {}
    for concept in dataset.concepts:
        for path in concept.views:
            content, problem = _content(path)
            if problem:
                yield problem
            elif (other := views.setdefault(content, path)) != path:
                yield f"{path}: is the same picture as the view {other}"
    seen: dict[str, Photo] = {}
    for photo in (*dataset.photos, *dataset.outside, *dataset.outside_multi):
        content, problem = _content(photo.path)
        if problem:
            yield problem
        elif content in views:
            yield f"{photo.path}: is the same picture as the view {views[content]}"
        elif (first := seen.setdefault(content, photo)).id != photo.id:
            yield f"{photo.path}: is the same picture as {first.path}"


def _content(path: Path) -> tuple[str, str]:
    """A picture's SHA-256, and what is wrong with it, if anything is."""
    try:
        content = path.read_bytes()
        if content.startswith(_POINTER):
            return "", f"{path}: is a pointer of Git LFS, no picture; fetch it with git lfs pull"
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        why = getattr(error, "strerror", None) or "it is no whole JPEG, PNG or WebP picture"
        return "", f"{path}: can't be read: {why}"
    return hashlib.sha256(content).hexdigest(), ""


def _twice(what: str, names: list[str]) -> Iterator[str]:
    for name, times in Counter(names).items():
        if times > 1:
            yield f"{what} {name!r} is there {times} times"
