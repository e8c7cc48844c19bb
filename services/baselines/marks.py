"""MC-LLaVA's personalised visual prompt: numbered marks on a photo where its concepts seem to be.

A concept is looked for by the patches of its training pictures, without the language model (An et
al. 2024, section 3.3; thesis 2.1.3, "Personalized visual prompts"). What is marked follows from
the photo and from those patches alone, never from who is asked for.

Where this leaves the published code: maps stay at the tower's resolution, since enlarging them to a
photo of fifty megapixels moves no mark by more than a patch's fraction; padding is cut by its own
width, so that square photos, which have none, keep their maps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import torch
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

_FLAT: Final = 1e-6
"""Range below which a centred map says nothing."""
_SMALLEST_DIGIT: Final = 10
_DIGIT_SHARE: Final = 1 / 12
"""Height of a mark's number, of the photo's shorter side."""


@dataclass(frozen=True)
class Finder:
    """When a concept counts as seen. The defaults are the published ones."""

    tau: float = 0.318
    """Cosine similarity, -1 to 1, from which on a place of the map belongs to the concept. It fits
    CLIP ViT-L/14-336 inside LLaVA; another tower needs its own."""
    gamma: float = 100 / 65536
    """Share of the photo, 0 to 1, that must belong to it."""


class Mark(NamedTuple):
    """Where a concept seems to be."""

    number: int
    """That is drawn: the concept's place among those looked for, from 1."""
    x: float
    y: float
    """The most likely place, in pixels of the photo."""
    box: tuple[float, float, float, float]
    """x1, y1, x2, y2 in pixels: the bounds of what belongs to it around that place."""


def similarity(seen: Tensor, banks: Sequence[Tensor]) -> Tensor:
    """How much each patch of a photo is like those of each concept: the mean of their cosines.

    Args:
        seen: [g², width], the photo's patches.
        banks: [n, width] a concept, its own number of patches each.

    Returns:
        [m, g, g], -1 to 1. The mean over the bank comes before the map is enlarged, not after it as
        in the published code: enlarging is linear, so the result is the same.
    """
    grid = round(len(seen) ** 0.5)
    unit = F.normalize(seen, dim=-1)
    means = torch.stack([F.normalize(bank.to(seen), dim=-1).mean(0) for bank in banks])
    maps: Tensor = means @ unit.T
    return maps.view(-1, grid, grid)


def over_photo(maps: Tensor, side: int, size: tuple[int, int]) -> Tensor:
    """Maps of a photo padded to a square, enlarged bilinearly and cut to the photo itself.

    Args:
        maps: [m, g, g].
        side: Of the enlarged square, in pixels.
        size: The photo's width and height.

    Returns:
        [m, h, w] with max(h, w) = `side`.
    """
    enlarged = F.interpolate(maps[None], (side, side), mode="bilinear", align_corners=False)[0]
    width, height = (max(1, round(side * length / max(size))) for length in size)
    left, top = (side - width) // 2, (side - height) // 2
    return enlarged[:, top : top + height, left : left + width]


def centred(maps: Tensor) -> Tensor:
    """Maps [m, h, w] without what all concepts share.

    Each is less the mean of all, then stretched back to the range it had. One that this leaves
    flat, as with a single concept, stays as it was.
    """
    apart = (maps - maps.mean(0, keepdim=True)).flatten(1)
    flat = maps.flatten(1)
    low, high = apart.aminmax(dim=1, keepdim=True)
    least, most = flat.aminmax(dim=1, keepdim=True)
    stretched = least + (apart - low) / (high - low).clamp(min=_FLAT) * (most - least)
    return torch.where(high - low > _FLAT, stretched, flat).view_as(maps)


def found(maps: Tensor, size: tuple[int, int], finder: Finder) -> list[Mark | None]:
    """A mark for each concept that is seen, None for the others.

    Args:
        maps: [m, h, w], one a concept.
        size: The photo's width and height.
        finder: When a concept counts as seen.
    """
    return [_mark(number, one, size, finder) for number, one in enumerate(maps, 1)]


def drawn(photo: Image.Image, marks: Iterable[Mark]) -> Image.Image:
    """A copy of the photo with a number at every mark, always inside the picture.

    It is white on a dark box with a white rim, and can be read on anything.
    """
    copy = photo.convert("RGB")  # a new picture, even from RGB
    pen = ImageDraw.Draw(copy, "RGBA")
    font = ImageFont.load_default(max(_SMALLEST_DIGIT, round(min(photo.size) * _DIGIT_SHARE)))
    for mark in marks:
        text = str(mark.number)
        left, top, right, bottom = pen.textbbox((0, 0), text, font)
        edge = max(2, (bottom - top) // 4)
        width, height = right - left + 2 * edge, bottom - top + 2 * edge
        x = min(max(mark.x - width / 2, 0), max(0, photo.width - width - 1))
        y = min(max(mark.y - height / 2, 0), max(0, photo.height - height - 1))
        pen.rectangle((x, y, x + width, y + height), (0, 0, 0, 204), "white")
        pen.text((x + edge - left, y + edge - top), text, "white", font)
    return copy


def _mark(number: int, one: Tensor, size: tuple[int, int], finder: Finder) -> Mark | None:
    inside = one > finder.tau
    if inside.float().mean() <= finder.gamma:
        return None
    row, column = divmod(int(one.argmax()), one.shape[1])
    regions, _ = ndimage.label(inside.cpu().numpy())
    rows, columns = ndimage.find_objects(regions)[regions[row, column] - 1]
    wide, high = size[0] / one.shape[1], size[1] / one.shape[0]
    box = (columns.start * wide, rows.start * high, columns.stop * wide, rows.stop * high)
    return Mark(number, (column + 0.5) * wide, (row + 0.5) * high, box)
