"""What is asked for."""

from dataclasses import dataclass
from typing import Any, Self

from datagen.making import EngineName
from services.runtime import orders


@dataclass(frozen=True)
class Wish:
    """Which dataset somebody wants. Two that are equal are the same dataset."""

    engine: EngineName
    split: str
    seed_set: str
    """Its id; empty for Playroom's own concepts."""
    seed: int
    limit: int | None


@dataclass(frozen=True)
class Ordered(orders.Ordered[Wish]):
    """A dataset that was ordered; its steps are pictures."""

    concepts: int

    @classmethod
    def read(cls, told: dict[str, Any]) -> Self:
        """An order out of its file."""
        return cls(**told | {"wish": Wish(**told["wish"])})
