"""What is asked for."""

from dataclasses import dataclass
from typing import Any

from evaluation.samples import Control, Task
from services.runtime import orders


@dataclass(frozen=True)
class Wish:
    """What somebody wants measured. Two that are equal give the same report."""

    methods: tuple[str, ...]
    datasets: tuple[str, ...]
    tasks: tuple[Task, ...]
    """Empty for all."""
    controls: tuple[Control, ...]
    """Empty for all."""
    memory_sizes: tuple[int, ...]
    """Concepts; empty for the datasets' own."""
    quick: bool
    seed: int


Ordered = orders.Ordered[Wish]
"""A report that was ordered; its steps are questions."""


def read_ordered(told: dict[str, Any]) -> Ordered:
    """An order out of its file."""
    wish = told["wish"]
    return Ordered(
        Wish(
            methods=tuple(wish["methods"]),
            datasets=tuple(wish["datasets"]),
            tasks=tuple(map(Task, wish["tasks"])),
            controls=tuple(map(Control, wish["controls"])),
            memory_sizes=tuple(wish["memory_sizes"]),
            quick=wish["quick"],
            seed=wish["seed"],
        ),
        told["planned"],
        told["created"],
    )
