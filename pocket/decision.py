"""Who a photo shows, decided as `kith` does but for one idea."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from memory_db import Neighbour
from pocket.looking import Known, Seen, Vectors
from pocket.pairing import by_category, paired, without_parts
from pocket.patches import Patched
from services.assistant.methods.deciding import (
    CROWD,
    Candidate,
    Candidates,
    Weights,
    candidates,
    decide,
)

Distances = NDArray[np.float64]
"""L2, of unit vectors: 0 to 2."""

_FEW: Final = 3
"""Concepts of a category by which nothing is told of it."""


@dataclass(frozen=True)
class Idea:
    """A way to decide; what is not said is as `kith` does it."""

    views: Callable[[Known], Vectors] = lambda one: one.plain
    regions: Callable[[Seen], Vectors] = lambda seen: unit(seen.plain + seen.closer_mirrored)
    told: Callable[[Distances], Distances] = lambda distances: distances
    """What counts as the distances of a concept's views, by those they have, the nearest first."""
    patches: float = 0.0
    """Share that patches have in the distances of the nearest views; see `pocket.patches`."""
    kinds: float = 0.0
    """Power by which distances count more where the concepts of a category are less apart."""
    rejected: bool = False
    """Of the views of others, the nearest is a rejected view of each concept."""
    other_category: float = 0.0
    """Added to the distance of a region and a concept of two categories."""
    cohort: float = 0.0
    """Share of how far a region is from everybody that is taken off its distances."""
    whole_too: bool = False
    """The whole photo is a region beside those found."""
    strictness: float = 1.0
    """Of the stranger's distance."""
    pairing: bool = False
    """Regions and concepts are paired so that all distances together lie furthest below it."""
    parts: bool = True
    """What shows a part of another region's concept is paired too."""
    crowd: float = CROWD
    """Power by which distances grow with the memory."""


class Deciding:
    """A memory to which one idea is put.

    Args:
        idea: How it decides.
        known: The concepts.
        stranger_distance: From which on a match is a stranger.
    """

    def __init__(self, idea: Idea, known: Sequence[Known], stranger_distance: float) -> None:
        self._idea, self._known = idea, known
        self._stranger_distance = stranger_distance * idea.strictness
        self._views = [idea.views(one) for one in known]
        self._counts = {one.name: len(v) for one, v in zip(known, self._views, strict=True)}
        self._words = {one.name: one.category for one in known}
        self._weights = Weights.of(self._counts, idea.crowd)
        kinds = _by_kind(known, self._views) if idea.kinds else np.ones(len(known))
        self._factors = kinds**idea.kinds
        self._patched = _patched(known) if idea.patches else None
        self._rejected = _nearest_of_others(self._views) if idea.rejected else None

    def names(self, seen: Seen) -> frozenset[str]:
        """Of whom a photo shows."""
        regions, categories = self._idea.regions(seen), seen.categories
        if len(regions) > 1 and not self._idea.whole_too:
            regions, categories = regions[:-1], categories[:-1]
        near = self._neighbours(seen, regions)
        rows: list[Candidates] = [self._row(*one) for one in zip(near, categories, strict=True)]
        if not self._idea.parts:
            rows = without_parts(rows, seen.boxes[: len(rows)])
        kept = (paired if self._idea.pairing else decide)(rows, self._stranger_distance)
        return frozenset(one.concept_id for one in kept.values())

    def _neighbours(self, seen: Seen, regions: Vectors) -> list[list[Neighbour]]:
        """Of each region, the views of all whom it may show, or of all where they count."""
        # No idea brings anybody nearer than their nearest view, but by how far everybody is.
        reach = math.inf if self._idea.cohort else self._stranger_distance
        distances = [distances_of(regions, these) for these in self._views]
        if self._patched:
            distances = self._patched.beside(distances, seen.patches, self._idea.patches)
        near: list[list[Neighbour]] = [[] for _ in regions]
        for one, factor, these in zip(self._known, self._factors, distances, strict=True):
            for row, of in zip(near, these, strict=True):
                told = factor * self._idea.told(np.sort(of))
                if told[0] < reach:
                    row += [Neighbour(one.name, "", float(away), False) for away in told]
        if self._rejected is not None:
            for row, of in zip(near, distances_of(regions, self._rejected), strict=True):
                row += [
                    Neighbour(one.name, "", float(away), True)
                    for one, away in zip(self._known, of, strict=True)
                ]
        return near

    def _row(self, near: Sequence[Neighbour], category: str) -> dict[str, Candidate]:
        """What is near a region, the nearest first, with what the idea takes off the distances."""
        found = candidates(near, self._counts, self._weights)
        row = by_category(found, category, self._words, self._idea.other_category)
        if not self._idea.cohort:
            return row
        away = np.mean([one.distance for one in [*row.values()][1:10]])
        nearer = self._idea.cohort * (float(away) - 1)
        return {name: one._replace(distance=one.distance - nearer) for name, one in row.items()}


def _patched(known: Sequence[Known]) -> Patched:
    return Patched([one.patches for one in known], [one.plain for one in known])


def distances_of(regions: Vectors, views: Vectors) -> Distances:
    """[regions, views]."""
    apart: Distances = np.sqrt(np.maximum(0, 2 - 2 * regions.astype(np.float64) @ views.T))
    return apart


def unit(vectors: Vectors) -> Vectors:
    """The same directions at unit length."""
    lengths: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def _by_kind(known: Sequence[Known], views: Sequence[Vectors]) -> Distances:
    """[concepts]: how much less apart the concepts of its category are than all; 1 for most."""
    nearest = np.full(len(known), np.nan)
    for number, one in enumerate(known):
        others = [
            these
            for other, these in zip(known, views, strict=True)
            if other.category == one.category and other is not one
        ]
        if len(others) >= _FEW:
            nearest[number] = distances_of(views[number], np.concatenate(others)).min()
    kinds = np.array([one.category for one in known])
    typical = np.nanmedian(nearest) if np.isfinite(nearest).any() else 1.0
    found = np.ones(len(known))
    for kind in np.unique(kinds[np.isfinite(nearest)]):
        found[kinds == kind] = typical / np.median(nearest[kinds == kind])
    return found


def _nearest_of_others(views: Sequence[Vectors]) -> Vectors:
    """[concepts, dim]: of each, the view of another that is nearest to one of its own."""
    every = np.concatenate(views)
    owner = np.repeat(np.arange(len(views)), [len(these) for these in views])
    found = []
    for number, these in enumerate(views):
        away = distances_of(these, every).min(0)
        found.append(every[np.where(owner == number, np.inf, away).argmin()])
    return np.stack(found)
