"""Tables as plain text, from which the page and the Markdown file are written."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evaluation.samples import Figure
from kith.words import counted

NONE: Final = "–"
_LONG: Final = 24
"""Characters from which on a cell's text is wrapped."""
THESIS: Final = ", thesis"
"""How the titles of columns end that hold the thesis's figures."""


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table."""

    text: str
    beside: tuple[str, ...] = ()
    """Its interval, and what it rests on."""
    best: bool = False
    reference: bool = False
    """Not measured here."""

    @property
    def look(self) -> str:
        """Classes of the page's style, divided by spaces."""
        looks = {
            "best": self.best,
            "reference": self.reference,
            "words": not any(map(str.isdigit, self.text)),
            "long": len(self.text) > _LONG,
        }
        return " ".join(name for name, holds in looks.items() if holds)


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Group:
    """Lines that belong together; a table that needs no division has one without a title."""

    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Table:
    """A table, with what has to be said of it."""

    title: str
    head: tuple[str, ...]
    """Of the columns after the first, which holds the labels."""
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()
    number: str = ""
    """In the thesis, as in 5.2; empty for one of ours."""
    first: str = ""
    """What the labels name."""
    folded: bool = False
    """Whether it is opened only by who wants to see it."""

    @property
    def is_roomy(self) -> bool:
        """Whether intervals have room beside their numbers, rather than below."""
        return sum(not one.endswith(THESIS) for one in self.head) <= 3

    @property
    def is_tight(self) -> bool:
        """Whether columns have to stand close to each other."""
        return len(self.head) > 8


def table(
    title: str,
    head: Sequence[str],
    rows: Iterable[Row],
    notes: Sequence[str] = (),
    first: str = "method",
) -> Table:
    """A table of ours without divisions."""
    return Table(title, tuple(head), (Group("", tuple(rows)),), tuple(notes), first=first)


def measured(figure: Figure | None) -> Cell:
    """A figure with its interval, how many answers it rests on and how many nobody could read."""
    if figure is None:
        return Cell(NONE)
    unread = [f"{figure.unparsed:,} unread"] if figure.unparsed else []
    interval = f"{number(figure.low)}–{number(figure.high)}"
    return Cell(number(figure.value), (interval, f"n {figure.samples:,}", *unread))


def printed(value: float | None) -> Cell:
    """A figure of the thesis, with as many digits as stand there."""
    if value is None:
        return Cell(NONE, reference=True)
    short = f"{value:.2f}"
    return Cell(short if float(short) == value else f"{value:.3g}", reference=True)


def number(value: float) -> str:
    """Three digits after the point, and fewer the larger it is."""
    size = abs(value)
    return f"{value:.3f}" if size < 10 else f"{value:.1f}" if size < 1000 else f"{value:,.0f}"


def with_best(rows: Sequence[Row], figures: Sequence[Sequence[float]]) -> list[Row]:
    """The rows with the highest values of each of the first columns marked, if they differ.

    Args:
        rows: Of one dataset.
        figures: The values of their first columns, NaN where there is none: [rows][columns].
    """
    best = [[False] * len(row.cells) for row in rows]
    for column, values in enumerate(zip(*figures, strict=True)):
        known = [value for value in values if not math.isnan(value)]
        for place, value in enumerate(values):
            best[place][column] = bool(known) and min(known) < value == max(known)
    return [
        replace(
            row,
            cells=tuple(
                replace(cell, best=is_best) for cell, is_best in zip(row.cells, marks, strict=True)
            ),
        )
        for row, marks in zip(rows, best, strict=True)
    ]


def share(part: int, whole: int, noun: str) -> Cell:
    """A part of a whole as a share, as in "0.250" beside "2 of 8 photos"."""
    if not whole:
        return Cell(NONE)
    return Cell(number(part / whole), (f"{part} of {counted(whole, noun)}",))
