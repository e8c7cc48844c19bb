"""What the memory holds: concepts and their views, as plain frozen values.

A leaf module: it imports nothing of ours.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

UNDO_WINDOW_S = 600
"""How long a forgotten concept can be brought back; after that it is purged."""

Vectors = NDArray[np.float32]
"""Shape [n, dim], or [dim] for a single one; every row of unit length."""

Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels of the upright photo the view was cropped from."""


@dataclass(frozen=True, slots=True)
class View:
    """One reference photo of a concept, cropped to it."""

    id: str
    blob: str
    """sha256 of the stored image, in hex: its name in the photo store."""
    box: Box | None
    """Where the crop was in the photo it came from; None when the whole photo is the view."""
    negative: bool
    """True for a rejected view: this picture is *not* the concept."""
    created: datetime


@dataclass(frozen=True, slots=True)
class Concept:
    """What a user named: a dog, a mug, a person."""

    id: str
    name: str
    category: str
    """The word given to the detector; empty while nobody has said."""
    description: str
    etag: str
    """Changes with every edit; an edit that carries an old one is refused."""
    created: datetime
    updated: datetime
    views: tuple[View, ...]
    """In the order they were added, rejected ones among them; at least one is positive."""
    requests: tuple[str, ...] = ()
    """The verb and id of each request that made it or added views: a retry finds itself here."""
    forgotten: datetime | None = None
    """When it was forgotten; None for a concept in use."""

    @property
    def undo_until(self) -> datetime | None:
        """Until then a forgotten concept can be brought back; None for a concept in use."""
        return self.forgotten and self.forgotten + timedelta(seconds=UNDO_WINDOW_S)


@dataclass(frozen=True, slots=True)
class NewView:
    """A view about to be stored."""

    image: bytes
    """The encoded crop, kept byte for byte: strip metadata before."""
    vector: Vectors
    """Shape [dim]; brought to unit length when stored."""
    box: Box | None = None
    negative: bool = False


class Neighbour(NamedTuple):
    """A stored view near a query vector."""

    concept_id: str
    view_id: str
    distance: float
    """L2 distance of the unit vectors: 0 is the same, 2 the opposite."""
    negative: bool


class Page(NamedTuple):
    """Some concepts, and where the next ones start."""

    concepts: tuple[Concept, ...]
    next_page_token: str
    """Empty on the last page."""
