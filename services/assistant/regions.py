"""Boxes of a photo: cut out, compared, rid of doubles."""

import math
from collections.abc import Iterable, Sequence

from PIL.Image import Image

from kith.errors import InvalidInput
from services.runtime.aside import aside
from services.runtime.images import shrink
from services.runtime.types import Box, Detection

SAME_THING = 0.7
"""Overlap (intersection over union) from which on two boxes show one thing."""

LOOKED_AT = 1024
"""Longest side of a crop that is only looked at: an embedder takes a third of that, and dozens of
a photo of 50 megapixels would fill the memory."""

LONGEST_SIDE = 65_535
"""Of a photo, in pixels, as far as the contract's boxes reach."""

INSIDE = 0.8
"""Share of a box within another from which on it is a part of that other."""


def whole(photo: Image) -> Box:
    """The box of the whole photo."""
    return (0.0, 0.0, float(photo.width), float(photo.height))


def cut(photo: Image, box: Box) -> Image:
    """The part of `photo` in `box`, widened to whole pixels: at least one, all inside."""
    left, top = min(int(box[0]), photo.width - 1), min(int(box[1]), photo.height - 1)
    right, bottom = min(math.ceil(box[2]), photo.width), min(math.ceil(box[3]), photo.height)
    return photo.crop((max(left, 0), max(top, 0), max(right, left + 1), max(bottom, top + 1)))


async def cut_out(photo: Image, boxes: Sequence[Box]) -> list[Image]:
    """Each of `boxes` as `cut` gives it, but no larger than `LOOKED_AT`.

    Off the event loop where a large photo takes a second.
    """
    return await aside(
        lambda: [shrink(cut(photo, box), LOOKED_AT) for box in boxes], *[photo] * len(boxes)
    )


def scaled(box: Box, photo: Image, factor: float) -> Box:
    """`box` with its sides so many times as long about the same middle, as far as `photo` goes."""
    x1, y1, x2, y2 = box
    dx, dy = (x2 - x1) * (factor - 1) / 2, (y2 - y1) * (factor - 1) / 2
    right, bottom = min(float(photo.width), x2 + dx), min(float(photo.height), y2 + dy)
    return (max(0.0, x1 - dx), max(0.0, y1 - dy), right, bottom)


def require_inside(photo: Image, box: Box, field: str) -> Box:
    """`box`, if it lies in `photo`.

    Raises:
        InvalidInput: It reaches beyond an edge or has no area.
    """
    where = f"the photo of {photo.width} x {photo.height} pixels"
    return _require_within(*photo.size, where, box, field)


def require_in_some_photo(box: Box, field: str) -> Box:
    """`box`, if there may be a photo that it lies in: for one whose photo is no longer there.

    Raises:
        InvalidInput: It reaches beyond every photo or has no area.
    """
    where = f"any photo of at most {LONGEST_SIDE} pixels a side"
    return _require_within(LONGEST_SIDE, LONGEST_SIDE, where, box, field)


def _require_within(width: int, height: int, where: str, box: Box, field: str) -> Box:
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
        sides = ",".join(f"{side:g}" for side in box)
        raise InvalidInput(
            f"{field}: {sides} is not in {where}; give x1,y1,x2,y2 in pixels of the upright photo, "
            "x1 < x2 and y1 < y2",
            reason="BOX_OUTSIDE",
            field=field,
        )
    return box


def written(box: Box) -> str:
    """`box` as the command line takes it."""
    return ",".join(f"{side:.0f}" for side in box)


def overlap(a: Box, b: Box) -> float:
    """Intersection over union, 0 to 1."""
    shared = _shared(a, b)
    return shared / (_area(a) + _area(b) - shared)


def is_inside(part: Box, of: Box) -> bool:
    """Whether `part` lies within `of`, but for a rim."""
    return _shared(part, of) >= INSIDE * _area(part)


def without_doubles(detections: Iterable[Detection]) -> list[Detection]:
    """The most certain of each thing: a detector may find one thing as two categories."""
    kept: list[Detection] = []
    for found in sorted(detections, key=lambda detection: -detection.score):
        if all(overlap(found.box, other.box) < SAME_THING for other in kept):
            kept.append(found)
    return kept


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _shared(a: Box, b: Box) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)
