"""How much is asked, so that a run on two cores takes hours, and a quick one minutes.

Recognition grows with the square of the concepts: the thesis's protocol gives 13,320 queries on the
333 photos of its 40 concepts alone. A limit on queries keeps the protocol and lowers T, the photos
of each concept. Controls are asked about the photos of a few concepts, memories of other sizes
about few photos of each.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Self

from evaluation.tasks.asking import Limits


@dataclass(frozen=True)
class Extent:
    """The limits of a run's parts."""

    plain: Limits
    """Of the methods as they are, in the datasets' own memory."""
    controls: Limits
    """Of each control."""
    sizes: Limits
    """Of each further size of the memory."""
    few: int
    """Concepts whose photos controls and edits are about, of all datasets together."""
    memories: int = 1
    """Most memories of the smallest size, each of other concepts. What one of them holds is what it
    is asked about, and the larger memories are asked about what they hold together."""

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave."""
        limits = {name: Limits(**told[name]) for name in ("plain", "controls", "sizes")}
        return cls(**limits, few=told["few"], memories=told["memories"])


FULL: Final = Extent(
    plain=Limits(queries=1600, photos=2, outside=50),
    controls=Limits(queries=100, photos=2, multis=40, outside=10),
    sizes=Limits(queries=50, photos=2, multis=10, outside=20),
    few=12,
    memories=8,
)
WHOLE: Final = replace(FULL, plain=Limits())
"""All that 4.2.2 asks: every photo of every concept, 50 outside photos of each kind."""

QUICK: Final = Extent(
    plain=Limits(queries=16, photos=1, multis=4, outside=8, costs=2),
    controls=Limits(queries=2, photos=1, multis=1, outside=1, costs=2),
    sizes=Limits(queries=8, photos=1, multis=2, outside=2, costs=2),
    few=4,
)
