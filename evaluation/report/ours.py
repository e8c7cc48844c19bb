"""Tables of what the thesis did not measure."""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from evaluation.report.cells import NONE, Cell, Group, Row, Table, measured
from evaluation.report.headline import (
    NUMBERS,
    ONE,
    RECALL,
    RECALL_OF_ONE,
    SAID,
    STRANGERS,
    Headline,
    shown_numbers,
)
from evaluation.report.measured import Key, Measured
from evaluation.samples import Figure, Task
from kith.words import counted


class _Asked(NamedTuple):
    """A table of a task."""

    task: Task
    title: str
    columns: Sequence[tuple[str, str, str]]
    """Title, setting and metric of each."""
    note: str = ""


_TABLES: Final = (
    _Asked(
        Task.RETRIEVAL,
        "Recognition without a language model",
        [
            (f"{metric} {setting}", setting, metric)
            for metric in ("accuracy", "precision", "recall", "f1")
            for setting in ("single", "multi")
        ],
        "The queries of Tables 5.2 to 5.5, answered by Recognize: what the language model adds or "
        "spoils is the difference.",
    ),
    _Asked(
        Task.CAPTIONING,
        "Captions by the prompt that names who is there",
        [
            (f"{metric} {setting}", f"{setting}-primed", metric)
            for metric in ("precision", "recall", "f1")
            for setting in ("single", "multi")
        ],
        "MC-LLaVA's prompt (4.2.2). Those who repeat the names in it score high without looking.",
    ),
    _Asked(
        Task.QUESTIONS,
        "Multiple choice",
        [("about a photo", "visual", "accuracy"), ("without a photo", "text", "accuracy")],
        "Options are shuffled. What guessing gives stands among the controls.",
    ),
    _Asked(
        Task.IDENTIFICATION,
        "Who is in the photo, told by Retrieve",
        [
            ("nearest is right, one", "single", "top1"),
            ("nearest are right, several", "multi", "top1"),
            ("exactly those accepted, one", "single", "accepted"),
            ("exactly those accepted, several", "multi", "accepted"),
        ],
    ),
    _Asked(
        Task.STRANGERS,
        "Strangers that are given a name",
        [
            ("photos of one thing", "outside", "false_accepts"),
            ("photos of several", "outside-multi", "false_accepts"),
            ("captions of both", "caption", "false_accepts"),
        ],
        "The share of photos of nobody known that are given any name, at the threshold that "
        "ships; fewer is better.",
    ),
    _Asked(
        Task.GROUNDING,
        "Where the named concept is",
        [
            ("mean overlap, one", "single", "iou"),
            ("overlap from 0.5 on, one", "single", "iou50"),
            ("mean overlap, several", "multi", "iou"),
            ("overlap from 0.5 on, several", "multi", "iou50"),
        ],
        "Overlap is intersection over union with the true box; a concept that is not accepted has "
        "none.",
    ),
    _Asked(
        Task.EDITS,
        "Edits that hold from the next query on",
        [
            (title, setting, "seen")
            for title, setting in (
                ("renamed", "rename"),
                ("described anew", "describe"),
                ("forgotten", "forget"),
                ("all", "all"),
            )
        ],
        "Of concepts that were found before the edit.",
    ),
)


_LOOK_ALIKES: Final = _Asked(
    Task.LOOK_ALIKES,
    "Look-alikes",
    [
        ("told apart", "single", "accuracy"),
        ("taken for the other", "single", "mistaken"),
        ("both accepted", "single", "both"),
    ],
    "Photos of concepts that have a look-alike in the memory.",
)


def tables(measures: Measured) -> list[Table]:
    """A table for each task that was asked: a division for each memory, a line for each method."""
    made = [_table(asked, measures) for asked in _TABLES]
    return [one for one in made if one.groups]


def look_alikes(measures: Measured) -> Table:
    """What is accepted where there is a look-alike."""
    return _table(_LOOK_ALIKES, measures)


def by_number(measures: Measured) -> Table:
    """Recall of captions: a column for each number of concepts in a photo."""
    settings = shown_numbers(measures)
    rows = []
    for name in measures.methods:
        figures = [
            Headline("", Task.CAPTIONING, (setting,), "recall").of(
                measures, name, measures.home(name)
            )
            for setting in settings
        ]
        if any(figures):
            rows.append(Row(name, tuple(map(measured, figures))))
    note = (
        "The share of the concepts in a photo that its caption names, by the neutral prompt; n are "
        f"photos of {measures.splits}.{measures.homes}"
    )
    head = tuple(counted(NUMBERS[setting], "concept") for setting in settings)
    title = "Recall by the number of concepts, in numbers"
    return Table(title, head, (Group("", tuple(rows)),), (note,), first="method")


def by_memory(measures: Measured) -> Table:
    """What becomes of figures in a larger memory: a column a size, and what the largest costs."""
    sizes = measures.sizes
    groups = []
    for one in (RECALL, SAID, RECALL_OF_ONE, ONE, STRANGERS):
        rows = []
        for name in measures.methods:
            figures = [one.of(measures, name, size) for size in sizes]
            if any(figures):
                cells = [*map(measured, figures), _change(figures)]
                rows.append(Row(name, tuple(cells)))
        if rows:
            groups.append(Group(one.title, tuple(rows)))
    head = (*(f"{size:,} concepts" for size in sizes), "change")
    notes = (
        "The same questions at each size. There may be several memories of the smallest, each of "
        "other concepts and asked about photos of these; what of them lies in one larger memory is "
        "asked there again. Methods that draw on no memory are asked in the smallest alone, those "
        "that have to be trained in the first of them.",
        "The change is from the smallest to the largest; its interval takes the two figures for "
        "independent (MOVER), and since they are of the same photos it is rather too wide.",
    )
    return Table("The size of the memory", head, tuple(groups), notes, first="method")


def _table(asked: _Asked, measures: Measured) -> Table:
    groups = []
    for datasets in (measures.averaged, measures.apart):
        for memory in measures.memories:
            title = f"{', '.join(datasets)}; {measures.called(memory)}"
            rows = tuple(_rows(asked, measures, datasets, memory))
            if any(measures.home(row.label) == memory for row in rows):
                groups.append(Group(title, rows))
    head = tuple(title for title, _, _ in asked.columns)
    shown = {row.label for group in groups for row in group.rows}
    notes = filter(None, (asked.note, measures.absent(asked.task, shown)))
    return Table(asked.title, head, tuple(groups), tuple(notes), first="method")


def _rows(asked: _Asked, measures: Measured, datasets: Sequence[str], memory: int) -> Iterator[Row]:
    for name in measures.methods:
        figures = [
            measures.over(
                Key(name, dataset, asked.task, setting, metric, memory_size=memory)
                for dataset in datasets
            )
            for _, setting, metric in asked.columns
        ]
        if any(figures):
            yield Row(name, tuple(map(measured, figures)))


def _change(figures: Sequence[Figure | None]) -> Cell:
    """From the first to the last, with the interval that MOVER gives a difference."""
    first, last = figures[0], figures[-1]
    if first is None or last is None or first is last:
        return Cell(NONE)
    change = last.value - first.value
    low = change - math.hypot(last.value - last.low, first.high - first.value)
    high = change + math.hypot(last.high - last.value, first.value - first.low)
    return Cell(f"{change:+.3f}", (f"{low:+.3f} to {high:+.3f}",))
