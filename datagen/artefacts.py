"""What saving or drawing has left in a picture: blocks, noise, a grid.

Both measures need no clean picture to compare with. They look at the brightness of every pixel,
float32 [height, width], levels 0 to 255, at the picture's own size.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST_BLOCKING: Final = 1.65
"""Above, blocks show: a tenth beyond the worst clean picture of Playroom. Of the same ones saved at
a JPEG quality of 10, 99 of 100 lie above."""
MOST_NOISE: Final = 5.0
"""Levels above which noise shows: 34 dB below the whole range. A camera's grain stays below."""

TOO_SMALL: Final = 32
"""Pixels a side: a smaller picture is taken for clean, as it has too few blocks to tell."""

_GRID: Final = 8
_SEEN: Final = 1.0  # level: smaller steps are not seen, however large beside the others
_PATCH: Final = 16
_QUIETEST: Final = 0.25


def blocking(levels: NDArray[np.float32]) -> float:
    """How much larger the steps on every eighth column and row are than those between, from 1.

    These are the two features of Wang, Sheikh and Bovik, "No-reference perceptual quality
    assessment of JPEG compressed images" (ICIP 2002). Here the grid may begin anywhere, since
    pictures are cut, and steps are medians, since one long edge is no grid. Pixels that were
    repeated to make a picture larger leave the same trace.
    """
    if min(levels.shape) < TOO_SMALL:
        return 1.0
    (across, within), (down, between) = _steps(levels), _steps(levels.T)
    return (across + down + 2 * _SEEN) / (within + between + 2 * _SEEN)


def noise(levels: NDArray[np.float32]) -> float:
    """The standard deviation of the noise, in levels, from 0.

    That of Immerkær, "Fast noise variance estimation" (Computer Vision and Image Understanding 64,
    1996), in the quietest quarter of patches, since fur and grass are no noise, unless they are
    everywhere. Scattered wrong pixels and a chequered pattern of single pixels count as noise.
    """
    if min(levels.shape) < TOO_SMALL:
        return 0.0
    rough = np.abs(np.diff(np.diff(levels, 2, axis=0), 2, axis=1))
    rows, columns = (edge // _PATCH for edge in rough.shape)
    whole = rough[: rows * _PATCH, : columns * _PATCH]
    patches = whole.reshape(rows, _PATCH, columns, _PATCH).mean(axis=(1, 3))
    return float(np.quantile(patches, _QUIETEST)) * math.sqrt(math.pi / 2) / 6


def _steps(levels: NDArray[np.float32]) -> tuple[float, float]:
    """From column to column, in levels: on the eighths where they are largest, and elsewhere."""
    steps = np.abs(np.diff(levels, axis=1)).mean(axis=0)
    whole = len(steps) // _GRID * _GRID
    at = np.sort(np.median(steps[:whole].reshape(-1, _GRID), axis=0))
    return float(at[-1]), float(at[:-1].mean())
