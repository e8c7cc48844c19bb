"""Tables as plain text, from which the page and the Markdown file are written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from evaluation.samples import Figure
from kith.words import counted

NONE: Final = "–"
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
    unread = f", {figure.unparsed} unread" if figure.unparsed else ""
    interval = f"{number(figure.low)}–{number(figure.high)}"
    return Cell(number(figure.value), (interval, f"n {figure.samples}{unread}"))


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


def with_best(
    rows: Sequence[Row], columns: Sequence[int], figures: Sequence[Sequence[float]]
) -> list[Row]:
    """The rows with the highest value of each of these columns marked, if there are two to compare.

    Args:
        rows: Of one dataset.
        columns: Which to look at.
        figures: The value of each of these, NaN where there is none: [rows][columns].
    """
    marked = [list(row.cells) for row in rows]
    for place, column in enumerate(columns):
        values = [row[place] for row in figures]
        known = [value for value in values if value == value]
        for at, value in enumerate(values):
            if len(known) > 1 and value == max(known):
                marked[at][column] = replace(marked[at][column], best=True)
    return [replace(row, cells=tuple(cells)) for row, cells in zip(rows, marked, strict=True)]


def share(part: int, whole: int, noun: str) -> Cell:
    """A part of a whole as a share, as in "0.250" beside "2 of 8 photos"."""
    if not whole:
        return Cell(NONE)
    return Cell(number(part / whole), (f"{part} of {counted(whole, noun)}",))
