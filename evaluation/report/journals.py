"""What only the answers themselves tell: read once, a part after the other.

Of original pictures beside others nothing is taken but recognition by concept.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from evaluation import results
from evaluation.headline import ORIGINAL
from evaluation.metrics import Counts
from evaluation.report.budget import Budgets
from evaluation.report.confusion import Confusions
from evaluation.report.gallery import Candidates
from evaluation.report.measured import Measured
from evaluation.results import Answered, Part
from evaluation.samples import Control, Figure, Task
from evaluation.tasks import TASKS


class Scores(NamedTuple):
    """What `Recognize` said to every query of a method."""

    scores: list[float]
    truths: list[bool]
    decided: list[bool]
    """Whether the decision that ships says yes."""


class Journals:
    """Gathers what the report needs of the answers in a folder.

    Args:
        out: Of a run.
        measures: Its figures.
    """

    def __init__(self, out: Path, measures: Measured) -> None:
        self.by_concept: dict[str, dict[bool, dict[str, Counts]]] = {}
        """Recognition of one concept: by method, original (True) or generated, and concept."""
        self.scores: dict[str, Scores] = defaultdict(lambda: Scores([], [], []))
        """By method."""
        self.budgets = Budgets()
        self.confusions = Confusions()
        self.candidates = Candidates()
        self.as_it_is: list[Figure] = []
        """Of methods as they are, on the questions that were asked under a control too: its
        `control` is that control."""
        self.controlled: list[Figure] = []
        """Under each control, on just the questions of `as_it_is`."""
        for method, answered in groupby(results.answers(out), key=lambda one: one.method):
            if method in measures.methods:
                self._take(method, _by_part(answered), measures)

    def _take(self, method: str, parts: Mapping[Part, list[Answered]], measures: Measured) -> None:
        for part, answered in parts.items():
            if part.control:
                self._compare(method, part, answered, parts)
            elif part.memory_size == measures.home(method):
                if part.task is Task.RECOGNITION:
                    self._count(method, part, answered)
                if part.dataset not in measures.apart:
                    self._at_home(method, part, answered)
        self.budgets.settle(method)

    def _at_home(self, method: str, part: Part, answered: list[Answered]) -> None:
        if part.task is Task.RETRIEVAL:
            found = self.scores[method]
            found.scores.extend(one.said.value["score"] for one in answered)
            found.truths.extend(one.sample.truth for one in answered)
            found.decided.extend(one.said.value["present"] for one in answered)
        elif part.task is Task.LOOK_ALIKES:
            self.confusions.take(answered)
        self.budgets.take(part.task, answered)
        self.candidates.take(part.task, answered)

    def _count(self, method: str, part: Part, answered: list[Answered]) -> None:
        by_source = self.by_concept.setdefault(method, {True: {}, False: {}})
        counts = by_source[part.dataset == ORIGINAL]
        for one in answered:
            if one.sample.setting in ("single", "outside"):
                (name,) = one.sample.asked
                counts[name] = counts.get(name, Counts()) + Counts.of(
                    one.sample.truth, one.said.value
                )

    def _compare(
        self,
        method: str,
        part: Part,
        answered: list[Answered],
        parts: Mapping[Part, list[Answered]],
    ) -> None:
        plain = parts.get(part._replace(control=Control.NOTHING), [])
        self.as_it_is += _figures(method, part, _asked_too(plain, answered))
        self.controlled += _figures(method, part, _asked_too(answered, plain))


def _asked_too(answered: list[Answered], others: list[Answered]) -> list[Answered]:
    """The answers to questions that are among the others too."""
    asked = {one.sample.id for one in others}
    return [one for one in answered if one.sample.id in asked]


def _figures(method: str, part: Part, answered: list[Answered]) -> Iterator[Figure]:
    for made in TASKS[part.task].figures(answered):
        yield Figure(method, part.dataset, part.task, part.control, 0, **vars(made))


def _by_part(answered: Iterator[Answered]) -> Mapping[Part, list[Answered]]:
    found: dict[Part, list[Answered]] = defaultdict(list)
    for one in answered:
        found[one.part].append(one)
    return found
