"""Playroom's own concepts for a layout, every second one another's look-alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from PIL import Image

from datagen import playroom
from datagen.chance import seed_of, shuffled
from datagen.layout import Layout
from datagen.seeds import Concept

SIZE: Final = 320
"""Pixels a side of every picture of Playroom: a subject in half of it still fills the 160 pixels
that the pocket models look at, and a picture is drawn in 10 ms (at 512 in 20)."""

VIEWS: Final = 10
"""Seed pictures of a concept: RAP takes the first, methods that train take all (Table 2.1 of the
thesis: 5 to 15)."""

LICENCE: Final = "Apache-2.0"

_SYLLABLES: Final = tuple(f"{first}{vowel}" for first in "bdfgklmnprstvz" for vowel in "aeiou")


@dataclass(frozen=True)
class Identity:
    """A concept of Playroom under its name."""

    concept: Concept
    drawn: playroom.Concept

    @classmethod
    def of(cls, drawn: playroom.Concept, name: str, category: str, alike: str = "") -> "Identity":
        """A concept of Playroom, and what a dataset calls it.

        Args:
            drawn: How it looks.
            name: Its own.
            category: One of the layout's.
            alike: The name of the one that it is a look-alike of.
        """
        look = (*drawn.attributes.values(), *drawn.proportions)
        fingerprint = f"{seed_of(*look):010x}"
        return cls(Concept(name, category, drawn.category, LICENCE, fingerprint, alike), drawn)

    @property
    def name(self) -> str:
        """The concept's."""
        return self.concept.name

    def views(self) -> Iterator[Image.Image]:
        """Its seed pictures: portraits in several poses, places and lights."""
        return (Image.fromarray(self.portrait(number).image) for number in range(VIEWS))

    def portrait(self, number: int) -> playroom.Picture:
        """A seed picture by its number from 0, with its mask."""
        seed = seed_of(self.concept.fingerprint, "view", number)
        return playroom.portrait(self.drawn, seed, SIZE)

    def photos(self) -> Iterator[Image.Image]:
        """None: Playroom has no real photos."""
        return iter(())

    def resembles(self, other: "Identity") -> bool:
        """Whether one of them is the other's look-alike."""
        return self != other and self.drawn.proportions == other.drawn.proportions


def identities(layout: Layout, seed: int, split: str = "test") -> tuple[Identity, ...]:
    """As many concepts as the layout is made for, by category.

    In each category the second looks like the first, the fourth like the third and so on: every
    other pair differs in one visible attribute, the rest in two. No two are equal.

    Args:
        layout: Its categories name those of Playroom that stand for them.
        seed: Where chance begins.
        split: Whose identities they are, one of `playroom.SPLITS`: no pocket model saw those of
            "test", and nothing may be tuned on them.
    """
    wanted = sum(category.count for category in layout.concepts.values())
    fresh = iter(names(wanted, seed, layout.name))
    made: list[Identity] = []
    for name, category in layout.concepts.items():
        for place in range(category.count):
            pair, second = divmod(place, 2)
            kind = category.playroom[pair % len(category.playroom)]
            chances = (seed_of(seed, layout.name, name, place, attempt) for attempt in count())
            if second:
                drawn, alike = _look_alike(made, 1 + pair % 2, chances), made[-1].name
            else:
                drawn, alike = _new(made, kind, split, chances), ""
            made.append(Identity.of(drawn, next(fresh), name, alike))
    return tuple(made)


def names(count: int, *chance: object) -> list[str]:
    """Names of two syllables, none twice, that say nothing of who bears them; at most 4,900."""
    pairs = [first + second for first in _SYLLABLES for second in _SYLLABLES]
    return shuffled(pairs, *chance, "names")[:count]


def _new(
    made: Sequence[Identity], kind: str, split: str, chances: Iterator[int]
) -> playroom.Concept:
    found = (playroom.sample_concept(chance, split, kind) for chance in chances)
    return next(one for one in found if _is_new(one, made))


def _look_alike(
    made: Sequence[Identity], distance: int, chances: Iterator[int]
) -> playroom.Concept:
    """A look-alike of the last one, which differs from it in something that clothes never hide."""
    last = made[-1].drawn
    found = (playroom.look_alike(last, distance, chance) for chance in chances)
    return next(one for one in found if _is_new(one, made) and _can_be_told_apart(one, last))


def _is_new(drawn: playroom.Concept, made: Sequence[Identity]) -> bool:
    return all(drawn.attributes != one.drawn.attributes for one in made)


def _can_be_told_apart(one: playroom.Concept, other: playroom.Concept) -> bool:
    if one.group not in playroom.WEARERS:
        return True
    return one.color != other.color or one.build != other.build
