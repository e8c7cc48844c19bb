"""Figures beside what withholding or spoiling something gives, and beside chance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from evaluation.averages import average
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
    """A line for each method: as it is, under each control, and by chance; by figure.

    Args:
        measures: The figures.
        same_questions: Those of the methods as they are, on the questions of each control; see
            `Journals`.
    """
    plain = Measured.index(same_questions)
    groups = [
        Group(held.title, rows) for held in _HELD if (rows := tuple(_rows(held, measures, plain)))
    ]
    notes = (
        'Controls are asked about the photos of a few concepts; "as it is" is the method on just '
        "these questions, and not the figure of the tables above.",
        "Chance is saying yes to everything (recognition), naming one concept of all (captions), "
        "picking any option (questions), or any concept (identification).",
    )
    head = ("as it is", *_CONTROLS.values(), "chance")
    return Table("Controls", head, tuple(groups), notes, first="method")


def _rows(held: _Held, measures: Measured, plain: Mapping[Key, Figure]) -> Iterator[Row]:
    for name in measures.methods:
        keys = {
            control: [
                Key(name, dataset, held.task, held.setting, held.metric, control)
                for dataset in measures.averaged
            ]
            for control in _CONTROLS
        }
        figures = [measures.over(of) for of in keys.values()]
        if any(figures):
            asked = next((of for of in keys.values() if any(key in plain for key in of)), [])
            as_it_is = [plain[key] for key in asked if key in plain]
            cells = [measured(average(as_it_is) if as_it_is else None), *map(measured, figures)]
            chance = [(one.samples, _chance(one, plain, measures.own_size)) for one in as_it_is]
            yield Row(name, (*cells, _mean(chance)))


def _chance(as_it_is: Figure, plain: Mapping[Key, Figure], concepts: int) -> float:
    """What chance gives on the same questions; NaN where that is not known."""
    if as_it_is.task in (Task.RECOGNITION, Task.RETRIEVAL):
        return _of_saying_yes(as_it_is, plain)
    if as_it_is.task is Task.QUESTIONS:
        return float(as_it_is.detail["chance"])
    return math.nan if as_it_is.setting == "multi" else 1 / concepts


def _of_saying_yes(one: Figure, plain: Mapping[Key, Figure]) -> float:
    """F1 of who says yes to all: precision is the share of what is true, recall 1.

    A part in which nothing is true has none, and does not count.
    """
    key = Key(one.method, one.dataset, one.task, "", "accuracy", one.control)
    parts = [plain.get(key._replace(setting=setting)) for setting in ("single", "multi")]
    found, samples = 0.0, 0
    for part in filter(None, parts):
        tp, _, _, fn = part.detail["counts"]
        if tp + fn:
            found += part.samples * 2 * (tp + fn) / (tp + fn + part.samples)
            samples += part.samples
    return found / samples


def _mean(weighted: Sequence[tuple[int, float]]) -> Cell:
    if not weighted:
        return Cell(NONE)
    value = sum(weight * one for weight, one in weighted) / sum(weight for weight, _ in weighted)
    return Cell(NONE if math.isnan(value) else number(value))
