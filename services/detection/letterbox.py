"""A photo as the network sees it: shrunk to its input size, edges padded to its stride."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class Letterboxed(NamedTuple):
    """A photo that is ready for the network."""

    pixels: NDArray[np.uint8]
    """RGB [height, width, 3]; photos of one proportion have one shape, whatever their sizes."""
    width: int
    """Of the photo."""
    height: int
    """Of the photo."""


def letterboxed(photo: Image.Image, side: int, stride: int) -> Letterboxed:
    """`photo` as Ultralytics itself prepares a single picture."""
    from ultralytics.data.augment import LetterBox

    boxed = LetterBox((side, side), auto=True, stride=stride)(image=np.asarray(photo))
    return Letterboxed(np.ascontiguousarray(boxed), photo.width, photo.height)
