"""What every dataset is read into: concepts with their views, and photos with their truth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

Box = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in shares of the photo, 0 to 1."""
NOT_DRAWN: Final = ("real", "unknown")
"""Sources of photos that no engine is known to have drawn."""


@dataclass(frozen=True)
class Concept:
    """What a method is to remember."""

    name: str
    """As in <bo>; once in a dataset."""
    category: str
    """The word for the detector; empty where the dataset has none."""
    views: tuple[Path, ...]
    """Photos to remember it by, at least one; the first is the reference of one-photo methods."""
    description: str = ""
    alike: frozenset[str] = frozenset()
    """Names of the concepts that were made to look like it."""


@dataclass(frozen=True)
class Question:
    """A question about a photo or about descriptions alone, with its options."""

    text: str
    """Concepts stand in angle brackets."""
    options: tuple[str, ...]
    """Two or more different ones, as the dataset orders them."""
    answer: str
    """The right one of `options`."""
    concepts: tuple[str, ...]
    """Whom it is about."""
    about_photo: bool
    """False for one that is asked without the photo."""


@dataclass(frozen=True)
class Photo:
    """A picture that methods are asked about."""

    id: str
    """Its path in the dataset, with forward slashes; once in a dataset."""
    path: Path
    concepts: tuple[str, ...]
    """Those of the dataset's that it shows; () for a stranger's."""
    boxes: Mapping[str, Box] = field(default_factory=dict)
    """Where concepts are; those whose place is not known are left out."""
    source: str = "real"
    """`real`, or the engine that drew it; `unknown` where nobody says."""
    questions: tuple[Question, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """A benchmark: who is remembered, and what is asked about."""

    name: str
    concepts: tuple[Concept, ...]
    photos: tuple[Photo, ...]
    """Each shows at least one concept."""
    outside: tuple[Photo, ...] = ()
    """Photos that show none: of one thing each, 4.2.2's outside single images."""
    outside_multi: tuple[Photo, ...] = ()
    """The same, of several things each."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Entries of the files that were left out, by why: they repeat others or can't be used."""

    @property
    def singles(self) -> tuple[Photo, ...]:
        """Photos of one concept."""
        return tuple(photo for photo in self.photos if len(photo.concepts) == 1)

    @property
    def multis(self) -> tuple[Photo, ...]:
        """Photos of several concepts."""
        return tuple(photo for photo in self.photos if len(photo.concepts) > 1)

    @cached_property
    def by_name(self) -> Mapping[str, Concept]:
        """The concepts by their names."""
        return {concept.name: concept for concept in self.concepts}
