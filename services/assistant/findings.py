"""What the pipeline finds out about a photo: regions, matches, and what the decision keeps."""

from dataclasses import dataclass
from typing import NamedTuple

from memory_db import Concept
from services.runtime.types import Box


class Match(NamedTuple):
    """A region beside a concept."""

    concept: Concept
    view_id: str
    """The concept's view that is nearest."""
    distance: float
    """Of the unit vectors of region and view, 0 to 2."""
    accepted: bool
    """Whether the decision keeps it."""


@dataclass(frozen=True)
class Region:
    """A part of a query photo."""

    box: Box
    category: str
    """Empty for the whole photo."""
    score: float
    """The detector's confidence, 0 to 1; 0 for the whole photo."""
    matches: tuple[Match, ...]
    """The nearest concepts, the nearest first; each once."""


class Used(NamedTuple):
    """A concept that an answer rests on."""

    concept: Concept
    view_id: str
    image_index: int | None
    """Which picture of the request shows it; None when it was only named."""
    box: Box | None
    """Where in that picture; None when that is not known."""
    score: float
    """How certain it is that the picture shows it, 0 to 1; 0 when it was only named."""
    there: bool | None = None
    """Of one that was only named: True as the caller says so, False when it was looked for in all
    pictures in vain, None when nobody looked."""


@dataclass(frozen=True)
class Retrieval:
    """What was found in one photo."""

    width: int
    height: int
    regions: tuple[Region, ...]
    """The most certain first."""
    accepted: tuple[Used, ...]
    """What the decision keeps, the most certain first; each concept once."""


class Recognition(NamedTuple):
    """Whether a photo shows a concept."""

    concept: Concept
    present: bool
    score: float
    """How certain it is that the photo shows it, 0 to 1."""
    box: Box | None
    """The most likely place."""
    view_id: str
    """The nearest view; empty when nothing is near."""
