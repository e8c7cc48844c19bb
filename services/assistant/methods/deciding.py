"""Which region of a photo shows which concept, by the distances of regions and views."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Self

from memory_db import Neighbour

SEVERAL: Final = 1.068
"""What distances count more where a concept has three views or more: chance brings a stranger near
one of them sooner than near a single one (`python -m pocket.measure_decision`)."""

CROWD: Final = 0.08
"""Distances count more in a crowd, too: by this power of how many times more concepts are known as
well as this one than the stranger's distance was chosen with (`CALIBRATED`). Chance brings a
stranger near one of a thousand sooner than near one of eighty."""

CALIBRATED: Final = 80


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


def _by_distance(one: Candidate) -> float:
    return one.distance


def decide(rows: Sequence[Candidates], stranger_distance: float) -> dict[int, Candidate]:
    """Which region shows which concept: each region and each concept at most once.

    A region shows the nearest that is not rejected, if that is nearer than `stranger_distance`. Of
    the regions of one concept the nearest is kept: the others show a part of it, or a twin.
    """
    near = [
        (number, one)
        for number, row in enumerate(rows)
        if (one := nearest_known(row, stranger_distance)) is not None
    ]
    kept: dict[str, tuple[int, Candidate]] = {}
    for number, one in sorted(near, key=lambda pair: pair[1].distance):
        kept.setdefault(one.concept_id, (number, one))
    return dict(kept.values())


def nearest_known(row: Candidates, stranger_distance: float) -> Candidate | None:
    """Whom a region shows, whether or not another shows them better; None for a stranger."""
    nearest = next((one for one in row.values() if not one.rejected), None)
    return nearest if nearest and nearest.distance < stranger_distance else None
