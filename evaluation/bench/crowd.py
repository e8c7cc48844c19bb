"""Things of Playroom that are nobody's concept."""

from collections.abc import Sequence
from itertools import count
from typing import Final, Literal

from datagen import playroom
from datagen.chance import seed_of
from datagen.identities import Identity, names

Whose = Literal["test", "validation"]
"""Which of Playroom's identities; methods are tuned on those of "validation" alone."""


SEED_APART: Final = 1_000_000
"""How far apart two seeds begin: no bench draws so many."""


def look_of(one: Identity) -> tuple[str, ...]:
    """What is the same for two that nobody could tell apart."""
    return tuple(one.drawn.attributes.values())


class Crowd:
    """Things that are nobody's: none has the name or the attributes of another.

    Args:
        known: Those that it has to differ from.
        whose: Which identities.
        seed: Where chance begins.
    """

    def __init__(self, known: Sequence[Identity], whose: Whose, seed: int = 0) -> None:
        self._whose = whose
        self._looks = {look_of(one) for one in known}
        taken = {one.name for one in known}
        self._names = (name for name in names(4900, "crowd") if name not in taken)
        self._chances = (seed_of("crowd", number) for number in count(seed * SEED_APART))

    def next(self, kind: str) -> Identity:
        """A new one of a category of Playroom."""
        drawn = (playroom.sample_concept(one, self._whose, kind) for one in self._chances)
        found = (Identity.of(one, "", kind) for one in drawn)
        new = next(one for one in found if look_of(one) not in self._looks)
        self._looks.add(look_of(new))
        return Identity.of(new.drawn, next(self._names), kind)
