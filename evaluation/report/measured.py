"""The figures of a run, found by what they measure, and averaged over splits."""

from collections.abc import Container, Iterable
from typing import NamedTuple

from evaluation.averages import average
from evaluation.headline import averaged
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
        self.real = {name for name, what in results.datasets.items() if what.get("generated") == 0}
        """The datasets of which no photo is generated."""
        self.figures = results.figures
        self.sizes: tuple[int, ...] = tuple(results.settings["memory_sizes"])
        """Concepts in the further memories, from few to many."""
        self.own_size: int = results.settings["memory"]
        """Concepts in the datasets' own memory."""
        self._left_out = {name: what.get("left_out", {}) for name, what in results.methods.items()}
        self._by_key = self.index(results.figures)

    @staticmethod
    def index(figures: Iterable[Figure]) -> dict[Key, Figure]:
        """Figures by what they are of."""
        return {_key(one): one for one in figures}

    def home(self, method: str) -> int:
        """The memory that a method is told of in: 0 for the datasets' own, else the smallest.

        Methods that train may be measured in the smallest memory alone.
        """
        measured = {one.memory_size for one in self.figures if one.method == method}
        return 0 if 0 in measured or not measured else self.sizes[0]

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
        """The datasets that averages are taken over; see `headline.averaged`."""
        return averaged(self.datasets)

    @property
    def apart(self) -> list[str]:
        """The others."""
        return [name for name in self.datasets if name not in self.averaged]

    @property
    def splits(self) -> str:
        """The same in words."""
        return " and ".join(self.averaged)

    def absent(self, task: Task, shown: Container[str]) -> str:
        """A sentence on the methods that a table or figure of a task has to do without, and why.

        Args:
            task: What it tells of.
            shown: The methods that it has; the sentence is empty if these are all.
        """
        by_reason: dict[str, list[str]] = {}
        for name in self.methods:
            if name not in shown:
                why = self._left_out[name].get(task, "no answer of its counts towards this")
                by_reason.setdefault(why, []).append(name)
        told = (f"{', '.join(names)} ({why})" for why, names in by_reason.items())
        return f"Not here: {'; '.join(told)}." if by_reason else ""

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
