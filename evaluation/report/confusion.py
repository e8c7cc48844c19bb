"""Which concepts are taken for their look-alikes, and how often."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from evaluation.report.cells import NONE, Cell, Row, Table, table
from evaluation.results import Answered
from evaluation.tasks.found import accepted
from kith.words import counted

_MOST: Final = 12
"""Pairs that are shown."""

_Pair = tuple[str, str]
"""A concept, and the look-alike that it is taken for."""


class Confusions:
    """Counts the photos of each concept in which a look-alike of it is accepted."""

    def __init__(self) -> None:
        self.photos: dict[str, Counter[str]] = {}
        """By method, the photos of each concept that has a look-alike."""
        self._taken: dict[str, Counter[_Pair]] = {}

    def take(self, answered: Iterable[Answered]) -> None:
        """Count the answers to a part of `evaluation.tasks.look_alikes`."""
        for one in answered:
            (concept,) = one.sample.present
            twins = [name for name in accepted(one.said.value) if name in one.sample.truth]
            self.photos.setdefault(one.method, Counter())[concept] += 1
            self._taken.setdefault(one.method, Counter()).update((concept, name) for name in twins)

    def table(self, methods: Sequence[str]) -> Table:
        """The pairs that are confused most: a line each, and the share of photos for each method.

        Args:
            methods: In their order.
        """
        total = sum(self._taken.values(), Counter[_Pair]())
        pairs = sorted(total, key=lambda pair: (-total[pair], pair))
        asked = [name for name in methods if name in self.photos]
        rows = [
            Row(f"{true} taken for {said}", tuple(self._cell(name, true, said) for name in asked))
            for true, said in pairs[:_MOST]
        ]
        notes = (
            "Of the photos of a concept, those in which its look-alike is accepted, with the "
            f"concept or in its place. The most frequent of {counted(len(pairs), 'pair')}.",
        )
        return table("Who is taken for whom", asked, rows, notes, "concepts")

    def _cell(self, method: str, true: str, said: str) -> Cell:
        photos = self.photos[method][true]
        if not photos:
            return Cell(NONE)
        return Cell(f"{self._taken[method][true, said]} of {counted(photos, 'photo')}")
