"""Figures beside what withholding or spoiling something gives, and beside chance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from evaluation.report.cells import NONE, Cell, Group, Row, Table, measured, number
from evaluation.report.measured import Key, Measured
from evaluation.samples import Control, Figure, Task


class _Held(NamedTuple):
    """A figure that is held against its controls."""

    title: str
    task: Task
    setting: str
    metric: str


_HELD: Final = (
    _Held("recognition, F1", Task.RECOGNITION, "weighted", "f1"),
    _Held("recognition without a language model, F1", Task.RETRIEVAL, "weighted", "f1"),
    _Held("captions of one concept, F1", Task.CAPTIONING, "single", "f1"),
    _Held("captions of several, F1", Task.CAPTIONING, "multi", "f1"),
    _Held("questions about a photo, accuracy", Task.QUESTIONS, "visual", "accuracy"),
    _Held("questions without a photo, accuracy", Task.QUESTIONS, "text", "accuracy"),
    _Held("identification, nearest is right", Task.IDENTIFICATION, "single", "top1"),
)
_CONTROLS: Final = {
    Control.NO_MEMORY: "no memory",
    Control.BLANK_PHOTO: "blank photo",
    Control.SHUFFLED_REFERENCES: "shuffled references",
    Control.TRUE_REFERENCES: "true references",
}


def control_table(measures: Measured, same_questions: Sequence[Figure]) -> Table:
    """A line a method and a division a figure: as it is, under each control, and by chance.

    Args:
        measures: The figures.
        same_questions: Those of the methods as they are, on the questions of each control; see
            `Journals`.
    """
    plain = Measured.index(same_questions)
    groups = [
        Group(f"{held.title}, {dataset}", tuple(rows))
        for held in _HELD
        for dataset in measures.datasets
        if (rows := list(_rows(held, dataset, measures, plain)))
    ]
    notes = (
        'Controls are asked about the photos of a few concepts; "as it is" is the method on just '
        "these questions, and not the figure of the tables above.",
        "Chance is saying yes to everything (recognition), naming one concept of all (captions), "
        "picking any option (questions), or any concept (identification).",
    )
    head = ("as it is", *_CONTROLS.values(), "chance")
    return Table("Controls", head, tuple(groups), notes, first="method")


def _rows(
    held: _Held, dataset: str, measures: Measured, plain: Mapping[Key, Figure]
) -> Iterator[Row]:
    for name in measures.methods:
        keys = [
            Key(name, dataset, held.task, held.setting, held.metric, control)
            for control in _CONTROLS
        ]
        figures = [measures.of(key) for key in keys]
        if any(figures):
            as_it_is = next((plain[key] for key in keys if key in plain), None)
            cells = [measured(as_it_is), *map(measured, figures)]
            yield Row(name, (*cells, _chance(as_it_is, plain, measures.own_size)))


def _chance(as_it_is: Figure | None, plain: Mapping[Key, Figure], concepts: int) -> Cell:
    if as_it_is is None:
        return Cell(NONE)
    if as_it_is.task in (Task.RECOGNITION, Task.RETRIEVAL):
        return _of_saying_yes(as_it_is, plain)
    if as_it_is.task is Task.QUESTIONS:
        return Cell(number(as_it_is.detail["chance"]))
    return Cell(NONE) if as_it_is.setting == "multi" else Cell(number(1 / concepts))


def _of_saying_yes(one: Figure, plain: Mapping[Key, Figure]) -> Cell:
    """F1 of who says yes to all: precision is the share of what is true, recall 1."""
    key = Key(one.method, one.dataset, one.task, "", "accuracy", one.control)
    parts = [plain.get(key._replace(setting=setting)) for setting in ("single", "multi")]
    found, samples = 0.0, 0
    for part in filter(None, parts):
        tp, _, _, fn = part.detail["counts"]
        found += part.samples * 2 * (tp + fn) / (tp + fn + part.samples)
        samples += part.samples
    return Cell(number(found / samples))
