"""Views from photos: where in a photo the concept is, the crop, its vector."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from PIL.Image import Image

from kith.errors import InvalidInput
from memory_db import NewView
from services.assistant.regions import (
    cut,
    is_inside,
    overlap,
    require_inside,
    without_doubles,
    written,
)
from services.assistant.stages import Stages
from services.runtime import images
from services.runtime.aside import aside
from services.runtime.types import Box, Detection

NO_CATEGORY: Final = "thing"
"""The category of what the detector has no word for."""

SURE: Final = 0.25
"""Detector confidence from which on a region counts when a photo is remembered."""

RIVAL: Final = 0.6
"""Share of the best region's confidence from which on another region is as likely meant."""

AGREES: Final = 0.5
"""Overlap of a given box and a region from which on the region's category is the box's."""


class Photo(NamedTuple):
    """A photo to remember a concept by."""

    image: Image
    box: Box | None = None
    """Where the concept is; None leaves it to the detector."""
    field: str = "photo"
    """The request field it came in, for errors."""


class Prepared(NamedTuple):
    """Photos, ready to be stored."""

    views: list[NewView]
    crops: list[Image]
    category: str
    """The one given, else the detector's word for the first photo."""


async def prepare(stages: Stages, photos: Sequence[Photo], category: str) -> Prepared:
    """Finds the concept in each of `photos`, crops to it and embeds the crops.

    Where no box is given: with a category, its most certain region; without, the one thing that
    there is to see. The whole photo, when there is no such region.

    Args:
        stages: The models.
        photos: At least one.
        category: Of the concept; empty to take the detector's word for the first photo, by which
            the others are searched.

    Raises:
        InvalidInput: A box is outside its photo, or a photo without box and category shows several
            things; the error lists them.
    """
    boxes: list[Box | None] = []
    for photo in photos:
        box, seen = await _find(stages, photo, category)
        boxes.append(box)
        category = category or seen or NO_CATEGORY
    crops = [await _crop(photo.image, box) for photo, box in zip(photos, boxes, strict=True)]
    return Prepared(await views_of(stages, crops, boxes), crops, category)


async def prepare_whole(stages: Stages, photos: Sequence[Photo], category: str) -> Prepared:
    """The same for those who learn from the photos: where no box is given, all of it is the view.

    Raises:
        InvalidInput: A box is outside its photo.
    """
    boxes = [p.box and require_inside(p.image, p.box, f"{p.field}.box") for p in photos]
    first = photos[0]
    if not category:
        seen = await _category_of(stages, first.image, first.box) if first.box else None
        category = seen or await _likeliest(stages, first.image) or NO_CATEGORY
    crops = [await _crop(photo.image, box) for photo, box in zip(photos, boxes, strict=True)]
    return Prepared(await views_of(stages, crops, boxes), crops, category)


async def view_of(stages: Stages, photo: Photo) -> NewView:
    """The box of a photo as a view, the whole photo when it has none; nothing is searched.

    Raises:
        InvalidInput: The box is outside the photo.
    """
    box = photo.box and require_inside(photo.image, photo.box, "box")
    (view,) = await views_of(stages, [await _crop(photo.image, box)], [box])
    return view


async def views_of(
    stages: Stages, crops: Sequence[Image], boxes: Sequence[Box | None]
) -> list[NewView]:
    """Crops with their vectors, as files without metadata; `boxes` say where they were."""
    vectors, files = await asyncio.gather(
        stages.embedder.embed_images(crops),
        asyncio.to_thread(lambda: [images.encode(crop) for crop in crops]),
    )
    return [
        NewView(file, vector, box) for file, vector, box in zip(files, vectors, boxes, strict=True)
    ]


async def _crop(photo: Image, box: Box | None) -> Image:
    return photo if box is None else await aside(lambda: cut(photo, box), photo)


async def _find(stages: Stages, photo: Photo, category: str) -> tuple[Box | None, str]:
    """Where the concept is, None for the whole photo; and what the detector takes it for."""
    if photo.box is not None:
        box = require_inside(photo.image, photo.box, f"{photo.field}.box")
        return box, "" if category else await _category_of(stages, photo.image, box)
    found = await stages.detector.detect(photo.image, [category] if category else [])
    sure = [region for region in without_doubles(found) if region.score >= SURE]
    if not sure:
        return None, ""
    meant = sure[0] if category else _only_one(sure, photo.field)
    return meant.box, meant.category


async def _likeliest(stages: Stages, image: Image) -> str:
    """The category of the region that the detector is most certain of; empty when it sees none."""
    found = await stages.detector.detect(image, [])
    return found[0].category if found and found[0].score >= SURE else ""


async def _category_of(stages: Stages, image: Image, box: Box) -> str:
    """The detector's word for what is in a box that the user drew; empty when it sees nothing."""
    found = await stages.detector.detect(image, [])
    best = max(found, key=lambda region: overlap(region.box, box), default=None)
    return best.category if best and overlap(best.box, box) >= AGREES else ""


def _only_one(regions: Sequence[Detection], field: str) -> Detection:
    """The region that is meant, if there can be no doubt: a hat on a person is part of them."""
    likely = [region for region in regions if region.score >= RIVAL * regions[0].score]
    for region in likely:
        if all(is_inside(other.box, region.box) for other in likely):
            return region
    boxes = [written(region.box) for region in likely]
    seen = "; ".join(f"{r.category} {box}" for r, box in zip(likely, boxes, strict=True))
    raise InvalidInput(
        f"{field}: several things are to be seen ({seen}); give the box or the category of the "
        "one you mean",
        reason="SEVERAL_REGIONS",
        field=f"{field}.box",
        metadata={"boxes": " ".join(boxes)},
    )
