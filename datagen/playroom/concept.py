"""Who is in a picture: identities drawn from a seed, their look-alikes and strangers.

The splits never share a parameter vector: the split is a function of category, both colours and
pattern, so a combination seen in training is never a test identity. Accessory and build stay out
of that function so that every identity has look-alikes within its own split.
"""

import itertools
import zlib
from dataclasses import dataclass

import numpy as np

from datagen.playroom.palette import COLORS
from datagen.playroom.vocabulary import (
    ACCESSORIES,
    BUILDS,
    CATEGORIES,
    GROUPS,
    PATTERN_NOUNS,
    PATTERNS,
    SECOND_PARTS,
    noun_phrase,
)

SPLITS: tuple[str, ...] = ("train", "validation", "test")
PROPORTIONS = 12
_CHANGEABLE = ("color", "color2", "pattern", "accessory", "build")


@dataclass(frozen=True)
class Concept:
    """One identity. Everything here is the same in every picture of it.

    Attributes:
        category: one of `CATEGORIES`.
        color: the main colour, one of `COLORS`.
        color2: the colour of the pattern and of the second part, never `color`.
        pattern: one of `PATTERNS`.
        accessory: one of `ACCESSORIES` of the category's group, "none" included.
        build: one of `BUILDS`.
        proportions: twelve numbers from 0 to 1: shape ratios, exact hues, where markings sit.
        split: "train", "validation" or "test".
    """

    category: str
    color: str
    color2: str
    pattern: str
    accessory: str
    build: str
    proportions: tuple[float, ...]
    split: str

    def __post_init__(self) -> None:
        _one_of("category", self.category, CATEGORIES)
        _one_of("color", self.color, COLORS)
        _one_of("color2", self.color2, COLORS)
        _one_of("pattern", self.pattern, PATTERNS)
        _one_of("accessory", self.accessory, ACCESSORIES[self.group])
        _one_of("build", self.build, BUILDS)
        _one_of("split", self.split, SPLITS)
        if self.color == self.color2:
            raise ValueError(f"color2: {self.color2!r} is the color too; give two colours")
        if len(self.proportions) != PROPORTIONS or not all(0 <= p <= 1 for p in self.proportions):
            raise ValueError(f"proportions: need {PROPORTIONS} numbers from 0 to 1")
        belongs = _split_of(self.category, self.color, self.color2, self.pattern)
        if self.split != belongs:
            raise ValueError(f"split: this combination belongs to {belongs!r}, not {self.split!r}")

    @property
    def group(self) -> str:
        """The kind of thing: "person", "pet", "object" ..."""
        return GROUPS[self.category]

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes of the closed vocabulary, category first."""
        return {name: getattr(self, name) for name in ("category", *_CHANGEABLE)}

    def describe(self, name: str | None = None) -> str:
        """What can be seen of it, in words: a sentence with a name, a noun phrase without."""
        phrase = self.phrase()
        return phrase if name is None else f"{tag(name)} is {phrase}."

    def phrase(self, hidden: frozenset[str] = frozenset()) -> str:
        """The noun phrase of `describe`, without the attributes that clothes hide."""
        kind = "pair of trousers" if self.category == "trousers" else self.category
        colored = kind if "color" in hidden else f"{self.color} {kind}"
        if self.category == "person" and "color" not in hidden:
            colored = f"person in {self.color}"
        extras = []
        if self.pattern != "plain" and "pattern" not in hidden:
            extras.append(f"{self.color2} {PATTERN_NOUNS[self.pattern]}")
        elif self.pattern == "plain" and "color2" not in hidden:
            extras.append(noun_phrase(f"{self.color2} {SECOND_PARTS[self.category]}"))
        if self.accessory != "none" and "accessory" not in hidden:
            extras.append(noun_phrase(self.accessory))
        ending = f" with {' and '.join(extras)}" if extras else ""
        return f"a {self.build} {colored}{ending}"


def tag(name: str) -> str:
    """The name in angle brackets, as every prompt and caption writes it."""
    return name if name.startswith("<") else f"<{name}>"


def sample_concept(seed: int, split: str = "train", category: str | None = None) -> Concept:
    """An identity from a seed.

    Args:
        seed: same seed, split and category, same concept.
        split: whose identities to draw from.
        category: one of `CATEGORIES`; drawn too when left out.

    Raises:
        ValueError: an unknown split or category.
    """
    _one_of("split", split, SPLITS)
    if category is not None:
        _one_of("category", category, CATEGORIES)
    key = zlib.crc32(f"{split}/{category}".encode())
    rng = np.random.Generator(np.random.PCG64([seed, key]))
    kind = category or CATEGORIES[rng.integers(len(CATEGORIES))]
    while True:
        color, color2 = (COLORS[i] for i in rng.choice(len(COLORS), 2, replace=False))
        pattern = PATTERNS[rng.integers(len(PATTERNS))]
        if _split_of(kind, color, color2, pattern) == split:
            break
    accessories = ACCESSORIES[GROUPS[kind]]
    return Concept(
        category=kind,
        color=color,
        color2=color2,
        pattern=pattern,
        accessory=accessories[rng.integers(len(accessories))],
        build=BUILDS[rng.integers(len(BUILDS))],
        proportions=tuple(round(float(p), 3) for p in rng.random(PROPORTIONS)),
        split=split,
    )


def look_alike(concept: Concept, distance: int = 1, seed: int = 0) -> Concept:
    """A concept that differs from the given one in exactly `distance` visible attributes.

    Category, split and proportions stay. The distance runs from 1 to 5: colour, second colour,
    pattern, accessory, build.

    Raises:
        ValueError: a distance outside 1 to 5.
    """
    if not 1 <= distance <= len(_CHANGEABLE):
        raise ValueError(f"distance: {distance} is not from 1 to {len(_CHANGEABLE)}")
    rng = np.random.Generator(np.random.PCG64([seed, distance, 77]))
    choices = {
        "color": COLORS,
        "color2": COLORS,
        "pattern": PATTERNS,
        "accessory": ACCESSORIES[concept.group],
        "build": BUILDS,
    }
    groups = list(itertools.combinations(_CHANGEABLE, distance))
    for group in (groups[i] for i in rng.permutation(len(groups))):
        others = ([w for w in choices[n] if w != getattr(concept, n)] for n in group)
        options = list(itertools.product(*others))
        for pick in rng.permutation(len(options)):
            changed = concept.attributes | dict(zip(group, options[pick], strict=True))
            if changed["color"] == changed["color2"]:
                continue
            belongs = _split_of(*(changed[n] for n in ("category", "color", "color2", "pattern")))
            if belongs == concept.split:
                return Concept(**changed, proportions=concept.proportions, split=concept.split)
    raise ValueError(f"distance: no look-alike at {distance} in split {concept.split!r}")


def stranger(seed: int, split: str = "train", category: str | None = None) -> Concept:
    """A concept nobody was told about, from seeds that `sample_concept` does not use."""
    return sample_concept(seed + (1 << 40), split, category)


def _split_of(category: str, color: str, color2: str, pattern: str) -> str:
    share = zlib.crc32(f"{category}|{color}|{color2}|{pattern}".encode()) % 100
    return "test" if share < 20 else "validation" if share < 30 else "train"


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{field}: {value!r} is unknown; one of {', '.join(known)}")
