"""A thing without what is behind it."""

from typing import Final

import cv2
import numpy as np
from PIL import Image

_SIDE: Final = 96
"""Pixels of the longer side of what is cut apart."""
_EDGE: Final = 0.04
"""Share of a side beyond which nothing of the thing is expected."""
_LEAST: Final = 0.1
"""Share of the picture below which what was cut out is no thing."""
_GREY: Final = (122, 117, 104)
"""CLIP's mean colour."""


def alone(crop: Image.Image) -> Image.Image:
    """The thing that fills an RGB crop, on grey, by GrabCut; where that finds none, the crop."""
    small = crop.copy()
    small.thumbnail((_SIDE, _SIDE))
    width, height = small.size
    if min(width, height) < 8:  # too narrow to tell anything
        return crop
    x, y = max(1, round(width * _EDGE)), max(1, round(height * _EDGE))
    mask = np.zeros((height, width), np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(0)
    pixels = np.asarray(small)[..., ::-1].copy()
    cv2.grabCut(
        pixels, mask, (x, y, width - 2 * x, height - 2 * y), *models, 3, cv2.GC_INIT_WITH_RECT
    )
    thing = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if thing.mean() < _LEAST:
        return crop
    stencil = Image.fromarray(np.uint8(thing) * 255).resize(crop.size, Image.Resampling.BILINEAR)
    return Image.composite(crop, Image.new("RGB", crop.size, _GREY), stencil)
