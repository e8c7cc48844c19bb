"""The table of rejected pictures by number of subjects and cause, as a figure."""

import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from kith.words import counted

_GROUND, _INK, _ACCENT = "#faf8f4", "#231f1a", "#0d6a5e"


@dataclass(frozen=True)
class Table:
    """Pictures by number of subjects."""

    pictures: Mapping[int, int]
    """All of them."""
    rejected: Mapping[tuple[int, str], int]
    """By number of subjects and cause."""

    def by_cause(self) -> dict[str, int]:
        """Whatever the number of subjects; the most frequent first."""
        causes: Counter[str] = Counter()
        for (_, cause), number in self.rejected.items():
            causes[cause] += number
        return dict(sorted(causes.items(), key=lambda one: (-one[1], one[0])))


def table_of(pictures_drawn: Iterable[tuple[int, str]]) -> Table:
    """Count pictures by number of subjects and cause; no cause is a picture to keep."""
    pictures: Counter[int] = Counter()
    rejected: Counter[tuple[int, str]] = Counter()
    for subjects, cause in pictures_drawn:
        pictures[subjects] += 1
        if cause:
            rejected[subjects, cause] += 1
    return Table(dict(sorted(pictures.items())), rejected)


def rejection_table(table: Table) -> bytes:
    """The figure as a PNG: a row for a number of subjects, a column for a cause."""
    causes = [*table.by_cause(), "all causes"]
    counts = np.array([[_count(table, row, cause) for cause in causes] for row in table.pictures])
    shares = counts / np.array(list(table.pictures.values()))[:, None]
    figure = Figure((2.4 + 1.25 * len(causes), 1.4 + 0.55 * len(counts)), 120, facecolor=_GROUND)
    axes = figure.add_subplot(facecolor=_GROUND)
    axes.imshow(shares, cmap="Greens", vmin=0, vmax=max(0.5, shares.max()), aspect="auto")
    for (row, column), number in np.ndenumerate(counts):
        dark = shares[row, column] > 0.6 * max(0.5, shares.max())
        told = f"{number}  ({shares[row, column]:.0%})" if number else "0"
        axes.text(column, row, told, ha="center", va="center", color="white" if dark else _INK)
    axes.set_xticks(range(len(causes)), [one.replace("_", "\n").lower() for one in causes])
    axes.set_yticks(
        range(len(counts)),
        [
            f"{counted(subjects, 'subject')}, {counted(number, 'picture')}"
            for subjects, number in table.pictures.items()
        ],
    )
    axes.set_xlabel("rejected, of all that were drawn", color=_INK, fontsize=9)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, colors=_INK)
    axes.spines[:].set_visible(False)
    axes.axvline(len(causes) - 1.5, color=_ACCENT, linewidth=1)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _count(table: Table, subjects: int, cause: str) -> int:
    if cause in table.by_cause():
        return table.rejected.get((subjects, cause), 0)
    return sum(number for (row, _), number in table.rejected.items() if row == subjects)
