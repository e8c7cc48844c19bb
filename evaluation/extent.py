"""How much is asked, so that a run on two cores takes hours, and a quick one minutes.

Recognition grows with the square of the concepts: the thesis's protocol gives 13,320 queries on the
333 photos of its 40 concepts alone. A limit on queries keeps the protocol and lowers T, the photos
of each concept. Controls and memories of other sizes are asked about the photos of a few concepts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """What `dataclasses.asdict` gave."""
        limits = {name: Limits(**told[name]) for name in ("plain", "controls", "sizes")}
        return cls(**limits, few=told["few"])


FULL: Final = Extent(
    plain=Limits(queries=1600, photos=2, outside=50),
    controls=Limits(queries=100, photos=2, multis=40, outside=10),
    sizes=Limits(queries=150, photos=4, outside=20),
    few=12,
)
WHOLE: Final = Extent(plain=Limits(), controls=FULL.controls, sizes=FULL.sizes, few=FULL.few)
"""All that 4.2.2 asks: every photo of every concept, 50 outside photos of each kind."""

QUICK: Final = Extent(
    plain=Limits(queries=16, photos=1, multis=6, outside=8, costs=2),
    controls=Limits(queries=2, photos=1, multis=1, outside=1, costs=2),
    sizes=Limits(queries=8, photos=1, multis=2, outside=2, costs=2),
    few=4,
)
