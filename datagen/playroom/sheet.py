"""The contact sheet: every category, look-alikes beside each other, pictures with their boxes."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datagen.playroom.composition import compose
from datagen.playroom.concept import look_alike, sample_concept
from datagen.playroom.render import Picture, portrait, render
from datagen.playroom.vocabulary import CATEGORIES

_COLUMNS = 10
_TILE = 96
_FRAME = (255, 255, 255)
# Chosen by eye: pictures that show much at once.
_SCENES: tuple[tuple[int, tuple[str, ...]], ...] = (
    (3, ("person", "dog", "hat", "shirt")),
    (8, ("mountain", "cat", "teapot")),
    (12, ("cartoon character", "plush toy", "ball")),
    (21, ("landmark", "person", "toy car")),
    (5, ("barn", "dog", "lantern", "backpack")),
    (30, ("person", "dress", "cup", "vase")),
    (16, ("forest", "cartoon character", "clock")),
    (41, ("dog", "cat", "shoe", "bottle")),
    (27, ("waterfall", "person", "cat")),
    (33, ("can", "trousers", "hat", "plush toy")),
)


def save_sheet(path: Path) -> None:
    """Draw the contact sheet and save it as a PNG of 256 colours, which keeps it small."""
    rows = list(_in_rows(_portraits(), _COLUMNS))
    rows += list(_in_rows(_look_alikes(), _COLUMNS))
    rows += list(_in_rows(_compositions(), _COLUMNS // 2))
    sheet = Image.fromarray(np.vstack(rows))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)


def with_boxes(picture: Picture) -> NDArray[np.uint8]:
    """The picture with the box of every thing that is not its background."""
    image = picture.image.copy()
    for thing in picture.things:
        if thing.background or thing.visible == 0:
            continue
        x1, y1, x2, y2 = (int(edge) for edge in thing.box)
        image[y1:y2, [x1, x2 - 1]] = _FRAME
        image[[y1, y2 - 1], x1:x2] = _FRAME
    return image


def _portraits() -> Iterable[NDArray[np.uint8]]:
    for category in CATEGORIES:
        for seed in (1, 2):
            concept = sample_concept(seed, category=category)
            yield portrait(concept, 10 * CATEGORIES.index(category) + seed, _TILE).image


def _look_alikes() -> Iterable[NDArray[np.uint8]]:
    for category, seed in (("dog", 11), ("cartoon character", 4)):
        concept = sample_concept(seed, category=category)
        for i in range(_COLUMNS):
            yield portrait(look_alike(concept, seed=i) if i else concept, 2, _TILE).image


def _compositions() -> Iterable[NDArray[np.uint8]]:
    for seed, categories in _SCENES:
        concepts = [sample_concept(seed + i, category=c) for i, c in enumerate(categories)]
        yield with_boxes(render(compose(concepts, seed), 2 * _TILE))


def _in_rows(tiles: Iterable[NDArray[np.uint8]], columns: int) -> Iterable[NDArray[np.uint8]]:
    pending = list(tiles)
    for start in range(0, len(pending), columns):
        yield np.hstack(pending[start : start + columns])
