"""Figures beside what withholding or spoiling something gives, and beside chance."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from evaluation.averages import average
from evaluation.report.cells import NONE, Cell, Group, Row, Table, measured, number, table
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
_SUMMED: Final = tuple(one for one in _HELD if one.title.startswith(("recognition, ", "captions")))
"""Those that the summary shows."""
_CONTROLS: Final = {
    Control.NO_MEMORY: "no memory",
    Control.BLANK_PHOTO: "blank photo",
    Control.SHUFFLED_REFERENCES: "shuffled references",
    Control.TRUE_REFERENCES: "true references",
}
_SAYS: Final = {
    "as it is": "Nothing is withheld or spoilt.",
    "none": "The plain model, which remembers nothing: what is gained over it, memory gains.",
    Control.NO_MEMORY: "The same method with nothing to draw on: what guessing at the question's "
    "words gives.",
    Control.BLANK_PHOTO: "Grey in place of the photo: what it gives without looking.",
    Control.SHUFFLED_REFERENCES: "Each concept is remembered by the pictures of another: who goes "
    "by the pictures has to fail.",
    Control.TRUE_REFERENCES: "Captions are given who is there: what is missing still, the language "
    "model loses. A method that adds a line about whom it leaves out loses nobody, whatever the "
    "line says. Recognition is given who is asked for, also where they are absent: no upper bound.",
    "chance": "Yes to everything (recognition), or one concept of all (captions).",
}
_CHANCE: Final = (
    "Chance is saying yes to everything (recognition), naming one concept of all (captions of "
    "one), picking any option (questions), or any concept (identification)."
)
_PLAIN: Final = "none"
"""The method that remembers nothing."""


class Controls:
    """Holds methods against their controls.

    Args:
        measures: The figures.
        as_it_is: Those of the methods as they are, on the questions of each control.
        controlled: Those under each control, on the same questions; see `Journals`.
    """

    def __init__(
        self, measures: Measured, as_it_is: Sequence[Figure], controlled: Sequence[Figure]
    ) -> None:
        self._measures = measures
        self._plain = Measured.index(as_it_is)
        self._spoilt = Measured.index(controlled)

    def table(self) -> Table:
        """A line for each method: as it is, under each control, and by chance; by figure."""
        groups = [Group(held.title, rows) for held in _HELD if (rows := tuple(self._rows(held)))]
        notes = (
            'Controls are asked about the photos of a few concepts; "as it is" is the method on '
            "the same questions, and not the figure of the tables above.",
            _CHANCE,
        )
        head = ("as it is", *_CONTROLS.values(), "chance")
        return Table("Controls", head, tuple(groups), notes, first="method")

    def summary(self) -> Table:
        """What each control says of the first method: a line for each, a column for each figure."""
        method = next((name for name in self._measures.methods if self._is_held(name)), "")
        held = [one for one in _SUMMED if self._as_it_is(method, one)]
        plain = [average(self._as_it_is(method, one)) for one in held]
        rows = [Row(f"{method}, as it is", (*map(measured, plain), Cell(_SAYS["as it is"])))]
        if method != _PLAIN:
            none = [self._as_it_is(_PLAIN, one) for one in held]
            cells = [measured(average(some) if some else None) for some in none]
            if any(none):
                rows.append(Row(f"{_PLAIN}, the plain model", (*cells, Cell(_SAYS["none"]))))
        for control, title in _CONTROLS.items():
            figures = [self._under(control, method, one) for one in held]
            if any(figures):
                rows.append(Row(title, (*map(measured, figures), Cell(_SAYS[control]))))
        chances = [self._chance(method, one) for one in held]
        rows.append(Row("chance", (*chances, Cell(_SAYS["chance"]))))
        notes = (
            "All of it on the same questions, about the photos of a few concepts of "
            f"{self._measures.splits}. Every method stands under Controls and chance.",
        )
        head = [*(one.title for one in held), "what it says"]
        return table("What each control says", head, rows if held else [], notes, "")

    def _rows(self, held: _Held) -> Iterator[Row]:
        for name in self._measures.methods:
            figures = [self._under(control, name, held) for control in _CONTROLS]
            if any(figures):
                as_it_is = self._as_it_is(name, held)
                cells = [measured(average(as_it_is) if as_it_is else None), *map(measured, figures)]
                yield Row(name, (*cells, self._chance(name, held)))

    def _is_held(self, method: str) -> bool:
        return any(self._as_it_is(method, one) for one in _SUMMED)

    def _keys(self, control: Control, method: str, held: _Held) -> list[Key]:
        return [
            Key(method, dataset, held.task, held.setting, held.metric, control)
            for dataset in self._measures.averaged
        ]

    def _under(self, control: Control, method: str, held: _Held) -> Figure | None:
        keys = self._keys(control, method, held)
        found = [self._spoilt[key] for key in keys if key in self._spoilt]
        return average(found) if found else None

    def _as_it_is(self, method: str, held: _Held) -> list[Figure]:
        """Of each dataset; the questions are the same under each control that it was asked."""
        asked = (self._keys(control, method, held) for control in _CONTROLS)
        known = ([self._plain[key] for key in keys if key in self._plain] for keys in asked)
        return next(filter(None, known), [])

    def _chance(self, method: str, held: _Held) -> Cell:
        """What chance gives on the same questions."""
        as_it_is = self._as_it_is(method, held)
        if not as_it_is:
            return Cell(NONE)
        weighted = sum(
            one.samples * _by_chance(one, self._plain, self._measures.own_size) for one in as_it_is
        )
        value = weighted / sum(one.samples for one in as_it_is)
        return Cell(NONE if math.isnan(value) else number(value))


def _by_chance(as_it_is: Figure, plain: Mapping[Key, Figure], concepts: int) -> float:
    """What chance gives on the same questions; NaN where that is not known."""
    if as_it_is.task in (Task.RECOGNITION, Task.RETRIEVAL):
        return _of_saying_yes(as_it_is, plain)
    if as_it_is.task is Task.QUESTIONS:
        return float(as_it_is.detail["chance"])
    return math.nan if as_it_is.setting == "multi" else 1 / concepts


def _of_saying_yes(one: Figure, plain: Mapping[Key, Figure]) -> float:
    """F1 of who says yes to all: precision is the share of what is true, recall 1.

    A part in which nothing is true, or all, has none, and does not count.
    """
    key = Key(one.method, one.dataset, one.task, "", "accuracy", one.control)
    parts = [plain.get(key._replace(setting=setting)) for setting in ("single", "multi")]
    found, samples = 0.0, 0
    for part in filter(None, parts):
        tp, fp, tn, fn = part.detail["counts"]
        if tp + fn and fp + tn:
            found += part.samples * 2 * (tp + fn) / (tp + fn + part.samples)
            samples += part.samples
    return found / samples
