"""Ways to decide that `kith` does without: they were measured, and do not pay."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from services.assistant.methods.deciding import Candidate, Candidates, nearest_known
from services.assistant.regions import is_inside, overlap
from services.runtime.types import Box

_HALF: Final = 0.5
"""Overlap (intersection over union) from which on regions of one nearest concept show one thing."""


def by_category(
    row: Candidates, category: str, categories: Mapping[str, str], further: float
) -> dict[str, Candidate]:
    """A region's candidates with those of another category further away, the nearest first.

    Args:
        row: Of the region.
        category: The detector's word for it; empty for the whole photo.
        categories: Its words for concepts, by their ids.
        further: By how much.
    """
    found = [
        one._replace(distance=one.distance + further)
        if category and categories[concept_id] != category
        else one
        for concept_id, one in row.items()
    ]
    return {one.concept_id: one for one in sorted(found, key=lambda one: one.distance)}


def paired(rows: Sequence[Candidates], stranger_distance: float) -> dict[int, Candidate]:
    """As `decide`, but for all regions together.

    Of all ways to pair regions and concepts, the one whose distances lie furthest below
    `stranger_distance` in sum.
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


def without_parts(rows: Sequence[Candidates], boxes: Sequence[Box]) -> list[Candidates]:
    """The rows, with nothing in those of regions that show what a nearer region shows already.

    A detector often finds a part of a thing beside it. Both are nearest to the same concept, which
    only one can be, and paired, the other would be taken for its look-alike.
    """
    near = [nearest_known(row, np.inf) for row in rows]
    order = sorted((one.distance, number, one.concept_id) for number, one in enumerate(near) if one)
    parts = {
        number
        for place, (_, number, concept_id) in enumerate(order)
        for _, other, of in order[:place]
        if of == concept_id and _show_one_thing(boxes[number], boxes[other])
    }
    return [{} if number in parts else row for number, row in enumerate(rows)]


def _show_one_thing(a: Box, b: Box) -> bool:
    return is_inside(a, b) or is_inside(b, a) or overlap(a, b) >= _HALF
