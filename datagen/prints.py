"""Fingerprints: whether two pictures are copies of one another, whatever embedder looks at them.

A fingerprint is the picture's brightness on a grid of 16 x 16, without its mean and of unit length:
the product of two is how far their pixels correlate.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Prints = NDArray[np.float32]
"""One fingerprint a row: float32 [n, 256]."""

NEAR: Final = 0.93
"""Correlation from which on one picture is a near-copy of another: above that of different photos
of one subject in one place, below that of a photo and itself saved badly."""

_SIDE: Final = 16
_CUTS: Final = (0.06, 0.12, 0.18)  # of width and height; what lies between correlates well enough
_ANCHORS: Final = ((0.5, 0.5), (0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0))


def fingerprint(picture: Image.Image) -> Prints:
    """The fingerprint of a picture: float32 [256], of unit length; all zero for an even one."""
    small = picture.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    grid = np.asarray(small, np.float32).ravel()
    grid -= grid.mean()
    length = float(np.linalg.norm(grid))
    return grid / length if length > 1 else np.zeros_like(grid)


def variants(picture: Image.Image) -> Prints:
    """Fingerprints of a picture, of its cut versions, and of all these mirrored."""
    found = [fingerprint(picture), *(fingerprint(part) for part in _cut(picture))]
    grids = np.array(found).reshape(-1, _SIDE, _SIDE)
    return np.concatenate([grids, grids[:, :, ::-1]]).reshape(-1, _SIDE * _SIDE)


def near_copies(prints: Prints, of: Prints) -> NDArray[np.bool_]:
    """Which of `prints` belong to a near-copy of one in `of`: bool [n]."""
    if not len(of):
        return np.zeros(len(prints), np.bool_)
    nearest: NDArray[np.float32] = (prints @ of.T).max(axis=1)
    return nearest >= NEAR


def _cut(picture: Image.Image) -> Sequence[Image.Image]:
    """The middle and the corners, at several sizes."""
    parts = []
    for cut in _CUTS:
        width, height = (max(1, round(edge * (1 - cut))) for edge in picture.size)
        for x, y in _ANCHORS:
            left = round((picture.width - width) * x)
            top = round((picture.height - height) * y)
            parts.append(picture.crop((left, top, left + width, top + height)))
    return parts
