"""How much a region of a picture looks like a concept, on a scale that its seeds give.

A cosine means something else with every embedder. So 0 is what strangers reach, the seeds of the
other concepts, in the median; 1 is what a concept's own seeds reach among themselves.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from datagen.pool import Vectors

LEAST: Final = 0.25
"""Below, a subject is taken for missing: strangers look nearly as much like it."""
CLOSE: Final = 0.55
"""Below, it does not look like itself. Both were set on a few pictures of Playroom seen by the
pocket models."""

_LEAST_SPREAD: Final = 0.05
"""Of the scale, in cosines: concepts that are all alike would make it endless."""


class Likeness(NamedTuple):
    """How a region compares with a concept's seeds."""

    cosine: float
    """To the nearest seed, -1 to 1."""
    scaled: float
    """0 as strangers are, 1 as its own seeds are among themselves; unbounded."""


class Yardstick(NamedTuple):
    """A concept's seeds and its scale."""

    seeds: Vectors
    """[seeds, dim]"""
    stranger: float
    """The cosine that is 0 on the scale."""
    own: float
    """The cosine that is 1."""

    def of(self, region: Vectors) -> Likeness:
        """How a region, float32 [dim] of unit length, looks like the concept."""
        cosine = float((self.seeds @ region).max())
        return Likeness(cosine, (cosine - self.stranger) / (self.own - self.stranger))


def yardsticks(seeds: Mapping[str, Vectors]) -> dict[str, Yardstick]:
    """The yardstick of each concept.

    Args:
        seeds: Of each concept by its name, at least one: unit vectors, float32 [seeds, dim].
    """
    return {name: _yardstick(name, seeds) for name in seeds}


def _yardstick(name: str, seeds: Mapping[str, Vectors]) -> Yardstick:
    own = seeds[name]
    others = [vectors for other, vectors in seeds.items() if other != name]
    reached = [(vectors @ own.T).max(axis=1) for vectors in others]
    stranger = float(np.median(np.concatenate(reached))) if reached else 0.0
    return Yardstick(own, stranger, max(_among(own), stranger + _LEAST_SPREAD))


def _among(own: Vectors) -> float:
    """What seeds reach among themselves: each to the nearest other, in the median."""
    if len(own) < 2:
        return 1.0
    cosines = own @ own.T
    np.fill_diagonal(cosines, -1)
    return float(np.median(cosines.max(axis=1)))
