"""Pictures that tests draw: smooth colours from a number, no two alike."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from datagen.pool import Embedder, Vectors


def drawn(number: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A picture of a few large soft spots."""
    grid = np.random.default_rng(number).integers(0, 255, (5, 6, 3), np.uint8)
    return Image.fromarray(grid).resize(size, Image.Resampling.BICUBIC)


def save(picture: Image.Image, path: Path, quality: int = 90) -> Path:
    """As a file, with its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path, quality=quality)
    return path


class Counting:
    """An embedder that counts: the mean colour of each picture, as a unit vector."""

    def __init__(self) -> None:
        self.pictures = 0

    def embed(self, pictures: Sequence[Image.Image]) -> Vectors:
        """[n, 3]"""
        self.pictures += len(pictures)
        means = np.array([np.asarray(one, np.float32).mean((0, 1)) - 127 for one in pictures])
        vectors: Vectors = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors

    @property
    def embedder(self) -> Embedder:
        """By the name of "mean colour"."""
        return Embedder("mean colour", self.embed)
