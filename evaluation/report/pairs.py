"""Two methods held against each other, by their answers to the same questions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from evaluation.report.cells import NONE, Cell, Group, Row, Table
from evaluation.report.headline import NUMBERS
from evaluation.report.measured import Measured
from evaluation.samples import Task
from evaluation.statistics import mcnemar

_COMPARED: Final[Mapping[str, tuple[Task, Sequence[str]]]] = {
    "recognition": (Task.RECOGNITION, ("single", "multi", "outside", "outside-multi")),
    "captions of one": (Task.CAPTIONING, ("single",)),
    "captions of several": (Task.CAPTIONING, tuple(NUMBERS)[1:]),
    "questions": (Task.QUESTIONS, ("visual", "text")),
    "identification": (Task.IDENTIFICATION, ("single", "multi")),
    "strangers": (Task.STRANGERS, ("outside", "outside-multi")),
}
"""What two methods are compared by, and the settings that are counted together."""


def comparisons(told: Sequence[Mapping[str, Any]], measures: Measured) -> Table:
    """McNemar's test between each two methods, over the same questions of all datasets."""
    counts: dict[tuple[int, str], dict[str, Counter[str]]] = {}
    for one in told:
        asked = next((name for name, what in _COMPARED.items() if _is_of(one, what)), None)
        if asked and one["dataset"] in measures.averaged:
            key = one["memory_size"], " and ".join(one["methods"])
            found = counts.setdefault(key, {}).setdefault(asked, Counter())
            found.update({part: one[part] for part in ("only_first", "only_second", "samples")})
    groups = [
        Group(
            measures.called(memory),
            tuple(
                Row(pair, tuple(_compared(cells.get(name)) for name in _COMPARED))
                for (size, pair), cells in counts.items()
                if size == memory
            ),
        )
        for memory in measures.memories
    ]
    notes = (
        "Questions that only the first method has right, and those that only the second has. p is "
        "McNemar's: exact below 25 disagreements, else chi-squared with continuity correction; "
        "nothing corrects for the number of tests, nor for questions about one photo, which are "
        "not independent. A caption is right if it names exactly those "
        "who are there.",
    )
    title = "Two methods on the same questions"
    return Table(title, tuple(_COMPARED), tuple(groups), notes, first="methods")


def _is_of(one: Mapping[str, Any], what: tuple[Task, Sequence[str]]) -> bool:
    return one["task"] == what[0] and one["setting"] in what[1]


def _compared(counts: Counter[str] | None) -> Cell:
    if counts is None:
        return Cell(NONE)
    first, second = counts["only_first"], counts["only_second"]
    p = mcnemar([True] * first + [False] * second, [False] * first + [True] * second)
    said = "p < 0.001" if p < 0.001 else f"p {p:.3f}"
    return Cell(f"{first:,} : {second:,}", (said, f"n {counts['samples']:,}"))
