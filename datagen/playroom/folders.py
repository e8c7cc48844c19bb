"""Folders of single pictures: views of one concept, or of as many strangers as are wanted."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datagen.playroom.concept import sample_concept, stranger
from datagen.playroom.render import portrait

Pixels = NDArray[np.uint8]


def save_views(folder: Path, category: str, seed: int, count: int) -> None:
    """Save `count` pictures of one concept of the test split as 0000.png and so on.

    Raises:
        ValueError: There is no such category, or the seed is negative.
    """
    concept = sample_concept(seed, "test", category)
    _save(folder, (portrait(concept, seed=number).image for number in range(count)))


def save_strangers(folder: Path, seed: int, count: int) -> None:
    """Save a picture each of `count` concepts of any category, the seeds from `seed` on."""
    numbers = range(seed, seed + count)
    _save(folder, (portrait(stranger(number), seed=number).image for number in numbers))


def _save(folder: Path, pictures: Iterator[Pixels]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(folder / f"{number:04}.png")
