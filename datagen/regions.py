"""Where a subject may be in a picture, and which of these places looks most like it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from PIL import Image

from datagen.layout import Box
from datagen.likeness import Likeness, Yardstick
from datagen.pool import Embed
from datagen.rows import Row

Detect = Callable[[Image.Image], Sequence[Box]]
"""Whatever a detector finds in an RGB picture: boxes in pixels."""

_MARGIN: Final = 0.05
"""Of a region's sides, added around it."""


class Found(NamedTuple):
    """A subject of a picture, measured."""

    concept: str
    box: Box
    """Of the region that looks most like it, in shares of the picture."""
    likeness: Likeness
    rival: str
    """The other subject of the picture that the region looks more like, on its scale; or none."""


class Eyes(NamedTuple):
    """What looks at pictures."""

    name: str
    """Of embedder and detector: what two saw is never compared."""
    embed: Embed
    detect: Detect


def find_subjects(
    picture: Image.Image, subjects: Sequence[Row], eyes: Eyes, known: Mapping[str, Yardstick]
) -> list[Found]:
    """Each subject of a picture in the region that looks most like it.

    Where a subject's box is known, that is its region; otherwise it is looked for where it was
    planned to be and in all that the detector finds.

    Args:
        picture: RGB.
        subjects: Entries of `subjects` in a line of the metadata.
        eyes: What looks.
        known: The yardsticks, by concept.
    """
    places = [_places(picture, subjects, one, eyes) for one in subjects]
    boxes = list(dict.fromkeys(box for candidates in places for box in candidates))
    vectors = eyes.embed([_crop(picture, box) for box in boxes])
    at = dict(zip(boxes, vectors, strict=True))
    found = []
    for subject, candidates in zip(subjects, places, strict=True):
        name = subject["concept"]
        reached = {box: known[name].of(at[box]) for box in candidates}
        best = max(reached, key=lambda box: reached[box].cosine)
        others = {
            other["concept"]: known[other["concept"]].of(at[best]).scaled
            for other in subjects
            if other["concept"] != name
        }
        nearest = max(others, key=lambda other: others[other], default="")
        rival = nearest if nearest and others[nearest] > reached[best].scaled else ""
        found.append(Found(name, best, reached[best], rival))
    return found


def _places(
    picture: Image.Image, subjects: Sequence[Row], subject: Row, eyes: Eyes
) -> Sequence[Box]:
    if subject["box"]:
        return (_box(subject["box"]),)
    width, height = picture.size
    detected = [
        (x1 / width, y1 / height, x2 / width, y2 / height)
        for x1, y1, x2, y2 in eyes.detect(picture)
    ]
    return (_box(subject["planned_box"]), *detected)


def _box(edges: Sequence[float]) -> Box:
    x1, y1, x2, y2 = edges
    return x1, y1, x2, y2


def _crop(picture: Image.Image, box: Box) -> Image.Image:
    """A region with its margin; at least one pixel."""
    x1, y1, x2, y2 = box
    across, down = (x2 - x1) * _MARGIN, (y2 - y1) * _MARGIN
    width, height = picture.size
    left, top = max(0, int((x1 - across) * width)), max(0, int((y1 - down) * height))
    right = min(width, round((x2 + across) * width))
    bottom = min(height, round((y2 + down) * height))
    return picture.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
