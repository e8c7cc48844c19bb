"""What a dataset is to show: categories, their combinations, boxes and prompts."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in shares of the picture, origin at the top left corner."""


@dataclass(frozen=True)
class Part:
    """What one subject of a picture has to be, and where."""

    role: str
    """Its placeholder in the prompts. One that several subjects have is bound in their order."""
    category: str
    box: Box


@dataclass(frozen=True)
class Combination:
    """The subjects of a picture, and the prompts that may show them together."""

    subjects: tuple[Part, ...]
    prompts: tuple[str, ...]
    """Those of the source first, then ours."""
    ours: int
    """How many of them, the last ones, are not from the source."""
    table: str
    """Of the thesis, as in "3.5"; empty where no table has it."""

    @property
    def name(self) -> str:
        """The categories, as in "person, pet"."""
        return ", ".join(part.category for part in self.subjects)

    @property
    def needs(self) -> Counter[str]:
        """How many concepts of each category a picture shows."""
        return Counter(part.category for part in self.subjects)


@dataclass(frozen=True)
class Category:
    """How many concepts of a kind the layout is made for."""

    count: int
    playroom: tuple[str, ...]
    """The categories of Playroom that stand for it, taken in turn."""


@dataclass(frozen=True)
class Targets:
    """Pictures to be kept, as the thesis counts them (3.5.3)."""

    train: int
    """Of one concept each, for training."""
    test: int
    """Of one concept each, for testing."""
    multi: int
    """Of several concepts each, for testing."""


@dataclass(frozen=True)
class Layout:
    """A whole layout."""

    name: str
    title: str
    scenarios: int
    """Prompts used of each combination, the first ones."""
    pictures: int
    """Pictures a scenario."""
    adds_articles: bool
    """Whether a noun gets an article where the prompt has none before its placeholder."""
    concepts: Mapping[str, Category]
    single: Mapping[str, Combination]
    """By category."""
    multi: tuple[Combination, ...]
    targets: Targets | None
    """None: every tuple of concepts, each prompt, `pictures` times."""

    @property
    def sha256(self) -> str:
        """Of all that it says, in hexadecimal; a file's comments and spacing do not count."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()
