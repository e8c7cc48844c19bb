"""What a picture's pixels tell of its quality, whatever it shows."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datagen.artefacts import MOST_BLOCKING, MOST_NOISE, blocking, noise

LEAST_SHARP: Final = 30.0
"""Below, a picture is blurred; set between pictures of Playroom and the same ones blurred."""
MOST_CLIPPED: Final = 0.5
"""Above, a picture is black or white for the most part."""
BRIGHTNESS: Final = (0.08, 0.95)
"""What lies outside is too dark or too bright."""

_SIDE: Final = 256
_CLIPPED: Final = (2, 253)
_EVEN: Final = 2


class Quality(NamedTuple):
    """Measured on the picture's brightness at 256 x 256, levels 0 to 255; artefacts at its size."""

    sharpness: float
    """The variance of the Laplacian, from 0: blur takes it away, so does an empty picture."""
    brightness: float
    """The mean, 0 to 1."""
    clipped: float
    """The share of pixels at black or white, 0 to 1."""
    evenness: float
    """The share of pixels that hardly differ from the next, 0 to 1: drawings have even areas where
    photos have grain. That is all that it says about a photographic look."""
    blocking: float
    """Of a grid of blocks, from 1: see `artefacts`."""
    noise: float
    """In levels, from 0: see `artefacts`."""


def measure(picture: Image.Image) -> Quality:
    """Measure an RGB picture."""
    grey = picture.convert("L")
    whole = np.asarray(grey, np.float32)
    levels = np.asarray(grey.resize((_SIDE, _SIDE), Image.Resampling.BOX), np.float32)
    dark, bright = _CLIPPED
    return Quality(
        sharpness=float(_laplacian(levels).var()),
        brightness=float(levels.mean() / 255),
        clipped=float(((levels <= dark) | (levels >= bright)).mean()),
        evenness=float((np.abs(np.diff(levels, axis=1)) < _EVEN).mean()),
        blocking=blocking(whole),
        noise=noise(whole),
    )


def fault(quality: Quality) -> str | None:
    """Why a picture of that quality is not good enough, or None if it is."""
    darkest, brightest = BRIGHTNESS
    if quality.clipped > MOST_CLIPPED or not darkest <= quality.brightness <= brightest:
        return "EXPOSURE_WRONG"
    if quality.blocking > MOST_BLOCKING or quality.noise > MOST_NOISE:
        return "ARTEFACTS"
    return "BLURRED" if quality.sharpness < LEAST_SHARP else None


def _laplacian(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """By the four neighbours, without the edge."""
    middle = levels[1:-1, 1:-1]
    around = levels[:-2, 1:-1] + levels[2:, 1:-1] + levels[1:-1, :-2] + levels[1:-1, 2:]
    found: NDArray[np.float32] = around - 4 * middle
    return found
