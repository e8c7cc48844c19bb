"""Which region of a photo shows which concept, by the distances of regions and views."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

import numpy as np
from scipy.optimize import linear_sum_assignment

from memory_db import Neighbour
from services.assistant.regions import is_inside, overlap
from services.runtime.types import Box

SEVERAL: Final = 1.068
"""What distances count more where a concept has three views or more: chance brings a stranger near
one of them sooner than near a single one (`python -m pocket.measure_decision`)."""

CROWD: Final = 0.08
"""Distances count more in a crowd, too: by this power of how many times more concepts are known as
well as this one than the stranger's distance was chosen with (`CALIBRATED`). Chance brings a
stranger near one of a thousand sooner than near one of eighty."""

CALIBRATED: Final = 80

OTHER_CATEGORY: Final = 0.05
"""Added to the distance of a region and a concept for which the detector has different words. It
may be mistaken, but who looks alike and is of another kind is seldom meant."""

HALF: Final = 0.5
"""Overlap (intersection over union) from which on regions of one nearest concept show one thing."""


class Candidate(NamedTuple):
    """A concept that may be what a region shows."""

    concept_id: str
    view_id: str
    """Its nearest view."""
    distance: float
    """Of the nearest quarter of its views in the mean, as much as it counts; see `Weights`."""
    rejected: bool
    """A view that is *not* the concept is nearer."""


Candidates = Mapping[str, Candidate]
"""By concept id, the nearest first."""


class Weights(NamedTuple):
    """What the distances of concepts count, 1 or more."""

    few: float
    """Of those with one view or two."""
    several: float

    @classmethod
    def of(cls, views: Mapping[str, int], crowd: float = CROWD) -> Self:
        """Those in a memory, by how many views show each of its concepts."""
        several = sum(map(_is_several, views.values()))
        return cls(
            few=_crowded(len(views) - several) ** crowd,
            several=SEVERAL * _crowded(several) ** crowd,
        )


def _is_several(views: int) -> bool:
    return views > 2


def _crowded(concepts: int) -> float:
    return max(1.0, concepts / CALIBRATED)


def candidates(
    row: Sequence[Neighbour], views: Mapping[str, int], weights: Weights
) -> dict[str, Candidate]:
    """The concepts among a region's neighbours, by their ids, the nearest first.

    Args:
        row: Views, the nearest first, rejected ones among them. Views that are not in it count as
            far away as its last one.
        views: How many views show a concept, by its id.
        weights: Of the memory.
    """
    nearest: dict[str, list[Neighbour]] = {}
    rejected: set[str] = set()
    for view in sorted(row, key=lambda view: view.distance):
        if not view.negative:
            nearest.setdefault(view.concept_id, []).append(view)
        elif view.concept_id not in nearest:
            rejected.add(view.concept_id)
    furthest = max((view.distance for view in row), default=0.0)
    found = [
        Candidate(
            concept_id,
            seen[0].view_id,
            _distance(seen, views[concept_id], furthest, weights),
            concept_id in rejected,
        )
        for concept_id, seen in nearest.items()
    ]
    return {one.concept_id: one for one in sorted(found, key=_by_distance)}


def _distance(seen: Sequence[Neighbour], views: int, further: float, weights: Weights) -> float:
    """Of a concept by its views in a row; those beyond the row are as far away as `further`."""
    count = -(-views // 4)
    near = [view.distance for view in seen[:count]]
    mean = (sum(near) + (count - len(near)) * further) / count
    return mean * (weights.several if _is_several(views) else weights.few)


def by_category(
    row: Candidates, category: str, categories: Mapping[str, str], further: float = OTHER_CATEGORY
) -> dict[str, Candidate]:
    """A region's candidates with those of another category further away, the nearest first.

    Args:
        row: Of the region.
        category: The detector's word for it; empty for the whole photo.
        categories: Its words for concepts, by their ids; empty where it has none.
        further: By how much.
    """
    found = [
        one._replace(distance=one.distance + further)
        if category and categories[concept_id] not in ("", category)
        else one
        for concept_id, one in row.items()
    ]
    return {one.concept_id: one for one in sorted(found, key=_by_distance)}


def without_parts(rows: Sequence[Candidates], boxes: Sequence[Box]) -> list[Candidates]:
    """The rows, with nothing in those of regions that show what a nearer region shows already.

    A detector often finds a part of a thing beside it. Both are nearest to the same concept, which
    only one can be, and the other would be taken for its look-alike.

    Args:
        rows: Of each region.
        boxes: The regions.
    """
    nearest = [
        min((one for one in row.values() if not one.rejected), key=_by_distance, default=None)
        for row in rows
    ]
    order = sorted(
        (one.distance, number, one.concept_id) for number, one in enumerate(nearest) if one
    )
    parts = {
        number
        for place, (_, number, concept_id) in enumerate(order)
        for _, other, of in order[:place]
        if of == concept_id and _show_one_thing(boxes[number], boxes[other])
    }
    return [{} if number in parts else row for number, row in enumerate(rows)]


def _by_distance(one: Candidate) -> float:
    return one.distance


def _show_one_thing(a: Box, b: Box) -> bool:
    return is_inside(a, b) or is_inside(b, a) or overlap(a, b) >= HALF


def decide(rows: Sequence[Candidates], stranger_distance: float) -> dict[int, Candidate]:
    """Which region shows which concept: each region and each concept at most once.

    Of all ways to pair them, the one whose distances lie furthest below `stranger_distance` in
    sum. A pair at or above it, or rejected, is never kept.
    """
    ids = sorted({concept_id for row in rows for concept_id in row})
    column = {concept_id: number for number, concept_id in enumerate(ids)}
    margins = np.zeros((len(rows), len(ids)))
    for number, row in enumerate(rows):
        for concept_id, found in row.items():
            if not found.rejected:
                margins[number, column[concept_id]] = max(0.0, stranger_distance - found.distance)
    pairs = zip(*linear_sum_assignment(margins, maximize=True), strict=True)
    return {int(r): rows[r][ids[c]] for r, c in pairs if margins[r, c] > 0}
