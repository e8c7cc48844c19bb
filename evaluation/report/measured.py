"""The figures of a run, found by what they measure, and averaged over splits."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from evaluation.headline import ORIGINAL
from evaluation.results import Results
from evaluation.samples import Control, Figure, Task
from kith.words import counted


class Key(NamedTuple):
    """What a figure is of."""

    method: str
    dataset: str
    task: Task
    setting: str
    metric: str
    control: Control = Control.NOTHING
    memory_size: int = 0
    """Concepts in the memory; 0 for the dataset's own."""


class Measured:
    """Finds figures. Nothing is computed anew but averages over splits."""

    def __init__(self, results: Results) -> None:
        self.methods = tuple(results.methods)
        self.datasets = tuple(results.datasets)
        self.figures = results.figures
        self.sizes: tuple[int, ...] = tuple(results.settings["memory_sizes"])
        """Concepts in the further memories, from few to many."""
        self.own_size: int = results.settings["memory"]
        """Concepts in the datasets' own memory."""
        self._by_key = self.index(results.figures)
        for key in list(self._by_key):
            if _is_undefined(key, self._by_key):
                del self._by_key[key]

    @staticmethod
    def index(figures: Iterable[Figure]) -> dict[Key, Figure]:
        """Figures by what they are of."""
        return {_key(one): one for one in figures}

    def home(self, method: str) -> int:
        """The memory that a method is told of in: 0 for the datasets' own, else the smallest.

        Methods that train may be measured in the smallest memory alone.
        """
        plain = {one.memory_size for one in self.figures if one.method == method}
        return 0 if 0 in plain or not self.sizes else self.sizes[0]

    @property
    def memories(self) -> list[int]:
        """The memories that tables tell of: a home of some method, each."""
        return sorted({self.home(method) for method in self.methods})

    @property
    def homes(self) -> str:
        """A sentence on methods that are told of in a smaller memory than others, if there are."""
        away = [name for name in self.methods if self.home(name)]
        if not away or len(away) == len(self.methods):
            return ""
        return (
            f" {', '.join(away)}: with a {self.called(self.sizes[0])}, the others with a "
            f"{self.called(0)}."
        )

    @property
    def averaged(self) -> list[str]:
        """The datasets that averages are taken over: all but the original pictures."""
        return [name for name in self.datasets if name != ORIGINAL]

    def called(self, memory_size: int) -> str:
        """A memory in words."""
        return f"memory of {counted(memory_size or self.own_size, 'concept')}"

    def of(self, key: Key) -> Figure | None:
        """A figure, if it was measured."""
        return self._by_key.get(key)

    def over(self, keys: Iterable[Key]) -> Figure | None:
        """The average of those figures that were measured; None if none was."""
        found = [one for key in keys if (one := self.of(key))]
        return average(found) if found else None


def average(figures: Sequence[Figure]) -> Figure:
    """The average of figures, at least one, each weighted by its samples, as in Table 5.3.

    The ends of its interval are found by MOVER (Zou and Donner, Statistics in Medicine 27, 2008),
    which combines the intervals of independent figures.
    """
    if len(figures) == 1:
        return figures[0]
    samples = sum(one.samples for one in figures)
    weighted = [(one.samples / samples, one) for one in figures]
    value = sum(weight * one.value for weight, one in weighted)
    return replace(
        figures[0],
        value=value,
        low=value - math.hypot(*(weight * (one.value - one.low) for weight, one in weighted)),
        high=value + math.hypot(*(weight * (one.high - one.value) for weight, one in weighted)),
        samples=samples,
        unparsed=sum(one.unparsed for one in figures),
        detail={},
    )


def _is_undefined(key: Key, figures: Mapping[Key, Figure]) -> bool:
    """Whether it is a share of true ones among queries of which none is true."""
    if key.metric not in ("precision", "recall", "f1", "balanced_accuracy"):
        return False
    parts = ("single", "multi") if key.setting == "weighted" else (key.setting,)
    accuracies = [figures.get(key._replace(setting=part, metric="accuracy")) for part in parts]
    counts = [one.detail["counts"] for one in accuracies if one and "counts" in one.detail]
    return any(tp + fn == 0 for tp, _, _, fn in counts)


def _key(one: Figure) -> Key:
    return Key(
        one.method,
        one.dataset,
        one.task,
        one.setting,
        one.metric,
        one.control,
        one.memory_size,
    )
