"""The figures by which methods are told apart at a glance."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from evaluation.report.cells import Group, Row, Table, measured
from evaluation.report.measured import Key, Measured
from evaluation.report.plots import Interval
from evaluation.samples import Figure, Task

NUMBERS: Final = {"single": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
"""Settings of captioning, by how many concepts their photos show."""


class Headline(NamedTuple):
    """A figure that is averaged over datasets, and over the settings that belong together."""

    title: str
    task: Task
    settings: tuple[str, ...]
    metric: str

    def of(self, measures: Measured, method: str, memory_size: int = 0) -> Figure | None:
        """That of a method in a memory."""
        return measures.over(
            Key(method, dataset, self.task, setting, self.metric, memory_size=memory_size)
            for dataset in measures.averaged
            for setting in self.settings
        )


ONE: Final = Headline("captions of one concept: F1", Task.CAPTIONING, ("single",), "f1")
SAID: Final = Headline("recognition: F1", Task.RECOGNITION, ("weighted",), "f1")
RECALL: Final = Headline("recognition: recall", Task.RECOGNITION, ("weighted",), "recall")
RECALL_OF_ONE: Final = Headline(
    "captions of one concept: recall", Task.CAPTIONING, ("single",), "recall"
)
STRANGERS: Final = Headline(
    "strangers that are named", Task.STRANGERS, ("outside", "outside-multi"), "false_accepts"
)


def shown_numbers(measures: Measured) -> list[str]:
    """The settings of `NUMBERS` that captions were asked in, from few concepts to many."""
    asked = {one.setting for one in measures.figures if one.task is Task.CAPTIONING}
    return [setting for setting in NUMBERS if setting in asked]


def headlines(measures: Measured) -> list[Headline]:
    """Those that there are figures for."""
    most = (shown_numbers(measures) or ["single"])[-1]
    known = [
        Headline(f"captions of {most} concepts: recall", Task.CAPTIONING, (most,), "recall"),
        Headline(f"captions of {most} concepts: precision", Task.CAPTIONING, (most,), "precision"),
        ONE,
        Headline("recognition: accuracy", Task.RECOGNITION, ("weighted",), "accuracy"),
        SAID,
        STRANGERS,
    ]
    known = [one for one in known if one.settings != ("single",) or one is ONE]
    return [
        one
        for one in known
        if any(one.of(measures, name, measures.home(name)) for name in measures.methods)
    ]


def headline_table(measures: Measured, told: str) -> Table:
    """A line for each method, a division for each memory that some method is at home in.

    Args:
        measures: The figures.
        told: Which methods were told the true concepts.
    """
    columns = headlines(measures)
    groups = []
    for memory in measures.memories:
        rows = [
            Row(name, tuple(map(measured, figures)))
            for name in measures.methods
            if any(figures := [column.of(measures, name, memory) for column in columns])
        ]
        groups.append(Group(measures.called(memory), tuple(rows)))
    notes = (
        f"Averages over {measures.splits}, each weighted by its samples; original pictures stand "
        "apart. Of strangers fewer is better.",
        told,
    )
    head = tuple(column.title for column in columns)
    return Table("What tells most", head, tuple(groups), notes, first="method")


def headline_bars(measures: Measured) -> Mapping[str, Mapping[str, Interval]]:
    """The three that tell most, for a picture: by title, then by method, each at its home."""
    return {
        one.title.replace(": ", ":\n"): dict(_at_home(one, measures))
        for one in headlines(measures)
        if one.metric in ("recall", "false_accepts") or one is SAID
    }


def _at_home(one: Headline, measures: Measured) -> Iterator[tuple[str, Interval]]:
    for name in measures.methods:
        if figure := one.of(measures, name, measures.home(name)):
            yield name, Interval(figure.value, figure.low, figure.high, figure.samples)
