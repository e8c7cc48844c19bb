"""Tables of what the thesis did not measure."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from evaluation.headline import ORIGINAL
from evaluation.report.cells import NONE, Cell, Group, Row, Table, measured
from evaluation.report.headline import Headline
from evaluation.report.measured import Key, Measured
from evaluation.samples import Figure, Task


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
        Task.LOOK_ALIKES,
        "Look-alikes",
        [
            ("told apart", "single", "accuracy"),
            ("taken for the other", "single", "mistaken"),
            ("both accepted", "single", "both"),
        ],
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


def tables(measures: Measured) -> list[Table]:
    """A table for each task that was asked: a division for each memory, a line for each method."""
    made = [_table(asked, measures) for asked in _TABLES]
    return [one for one in made if one.groups]


def by_memory(measures: Measured, asked: Sequence[Headline]) -> Table:
    """What becomes of figures in a larger memory: a column a size, and what the largest costs."""
    sizes = measures.sizes
    groups = []
    for one in asked:
        rows = []
        for name in measures.methods:
            figures = [one.of(measures, name, size) for size in sizes]
            if any(figures):
                cells = [*map(measured, figures), _loss(figures)]
                rows.append(Row(name, tuple(cells)))
        if rows:
            groups.append(Group(one.title, tuple(rows)))
    head = (*(f"{size:,} concepts" for size in sizes), "change")
    note = "The same questions at each size, about photos of the concepts of the smallest memory."
    return Table("The size of the memory", head, tuple(groups), (note,), first="method")


def _table(asked: _Asked, measures: Measured) -> Table:
    groups = []
    for datasets in (measures.averaged, [ORIGINAL]):
        for memory in measures.memories:
            title = f"{', '.join(datasets)}; {measures.called(memory)}"
            rows = tuple(_rows(asked, measures, datasets, memory))
            if any(measures.home(row.label) == memory for row in rows):
                groups.append(Group(title, rows))
    head = tuple(title for title, _, _ in asked.columns)
    notes = (asked.note,) if asked.note else ()
    return Table(asked.title, head, tuple(groups), notes, first="method")


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


def _loss(figures: Sequence[Figure | None]) -> Cell:
    first, last = figures[0], figures[-1]
    if first is None or last is None:
        return Cell(NONE)
    return Cell(f"{last.value - first.value:+.3f}")
