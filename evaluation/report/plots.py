"""The figures: each function takes plain numbers and writes one SVG file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.report.style import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    SOFT,
    bars_in_one,
    colour_of,
    drawn,
    marker_of,
    share_axis,
    whiskers,
    whiskers_in_one,
)

WIDTH: Final = 7.6
"""Inches; as wide as a page of text."""


class Interval(NamedTuple):
    """A number with the ends of its 95 % interval, and what it rests on."""

    value: float
    low: float
    high: float
    samples: int


class Curve(NamedTuple):
    """Precision over recall, for every threshold, and where the decision as it ships stands."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    shipped: tuple[float, float] | None
    """Recall and precision; None where nothing was decided."""
    samples: int
    """Scores that it is made of."""
    is_cut: bool = False
    """Whether it ends before all is accepted: no further thresholds are known."""


def bars(path: Path, panels: Mapping[str, Mapping[str, Interval]], methods: Sequence[str]) -> None:
    """Beside each other for each panel a bar a method, with its interval and its number.

    Args:
        path: The file.
        panels: By what is measured, then by method.
        methods: All, in their order.
    """
    names = [one for one in methods if any(one in panel for panel in panels.values())]
    places = {name: len(names) - number for number, name in enumerate(names)}
    with drawn(path, WIDTH, 1.1 + 0.34 * len(names), len(panels)) as axes:
        for axis, (title, found) in zip(axes, panels.items(), strict=True):
            for name, place in places.items():
                if one := found.get(name):
                    axis.barh(place, one.value, 0.62, color=colour_of(name, methods))
                    reach = whiskers([one.value], [one[1:3]])
                    axis.errorbar(one.value, place, xerr=reach, color=INK, capsize=2.5, lw=1.1)
                    axis.text(1.06, place, f"{one.value:.3f}", va="center", fontsize=9)
                else:
                    axis.text(0.02, place, "no figure", va="center", fontsize=9, color=SOFT)
            axis.set(title=title, yticks=list(places.values()), yticklabels=list(places))
            axis.tick_params(axis="y", length=0)
            share_axis(axis.xaxis)
            axis.set_xticks([0, 0.5, 1])


def lines(
    path: Path,
    series: Mapping[str, Mapping[int, Interval]],
    axis_titles: tuple[str, str],
    *,
    is_log: bool = False,
) -> None:
    """A line a method over whole numbers, such as concepts in a photo or in the memory.

    Args:
        path: The file.
        series: By method, then by the number.
        axis_titles: Of the x and the y axis.
        is_log: Whether the numbers grow by factors.
    """
    methods = list(series)
    ticks = sorted({at for points in series.values() for at in points})
    with drawn(path, WIDTH, 3.4) as (axis,):
        for place, (method, points) in enumerate(series.items()):
            # So that no interval hides another, and all of them are near their number.
            shift = (place - (len(methods) - 1) / 2) * min(0.035, 0.14 / len(methods))
            at = [x * (1 + shift * 1.6) if is_log else x + shift for x in points]
            values = [one.value for one in points.values()]
            axis.errorbar(
                at,
                values,
                yerr=whiskers(values, [one[1:3] for one in points.values()]),
                color=colour_of(method, methods),
                marker=marker_of(method, methods),
                capsize=3,
                label=method,
                clip_on=False,
                zorder=3,
            )
        axis.set(xlabel=axis_titles[0], ylabel=axis_titles[1])
        if is_log:
            axis.set_xscale("log")
        axis.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
        axis.set_xticks([], minor=True)
        if len(ticks) == 1:
            axis.set_xlim(ticks[0] - 1, ticks[0] + 1)
        share_axis(axis.yaxis)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def curves(path: Path, found: Mapping[str, Curve]) -> None:
    """Precision over recall as the threshold moves, a line a method.

    A marker is the shipped threshold; a cross at the end of a line says that it is cut off.
    """
    methods = list(found)
    with drawn(path, WIDTH, 3.8) as (axis,):
        for method, curve in found.items():
            colour = colour_of(method, methods)
            title = f"{method} (n {curve.samples:,})"
            axis.step(curve.recall, curve.precision, where="post", color=colour, label=title)
            if curve.is_cut:
                end = curve.recall[-1], curve.precision[-1]
                axis.plot(*end, "x", color=INK, ms=13, mew=1.8, clip_on=False, zorder=5)
            if curve.shipped:
                axis.plot(
                    *curve.shipped,
                    marker=marker_of(method, methods),
                    color=colour,
                    markeredgecolor=INK,
                    markersize=9,
                    clip_on=False,
                )
        if any(curve.shipped for curve in found.values()):
            axis.plot([], [], "o", color=PAPER, mec=INK, ms=9, label="decision as shipped")
        if any(curve.is_cut for curve in found.values()):
            axis.plot(
                [], [], "x", color=INK, ms=11, mew=1.8, label="scores end here,\nrecall need not"
            )
        axis.set(xlabel="recall", ylabel="precision")
        share_axis(axis.xaxis)
        share_axis(axis.yaxis)
        axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def by_concept(
    path: Path, panels: Mapping[str, Mapping[str, tuple[Interval | None, Interval | None]]]
) -> None:
    """A pair of bars for each concept, on original and on generated photos, a panel a metric.

    Args:
        path: The file.
        panels: By metric, then by concept: on original photos, on generated ones.
    """
    concepts = sorted({name for panel in panels.values() for name in panel}, reverse=True)
    with drawn(path, WIDTH, 1.3 + 0.3 * len(concepts), len(panels)) as axes:
        for axis, (metric, found) in zip(axes, panels.items(), strict=True):
            for side, (title, colour) in enumerate((("original", BLUE), ("generated", ORANGE))):
                pairs = [(at, found[name][side]) for at, name in enumerate(concepts)]
                known = [(at, one) for at, one in pairs if one]
                middles = [at + 0.19 - 0.38 * side for at, _ in known]
                bars_in_one(axis, middles, [one.value for _, one in known], colour, title)
                whiskers_in_one(axis, middles, [one[1:3] for _, one in known])
            axis.set(title=metric, yticks=range(len(concepts)), yticklabels=concepts)
            axis.set_ylim(-0.6, len(concepts) - 0.4)
            axis.tick_params(axis="y", length=0, labelsize=8)
            share_axis(axis.xaxis)
            axis.set_xticks([0, 0.5, 1])
        axes[0].figure.legend(
            *axes[0].get_legend_handles_labels(), loc="outside upper right", ncols=2
        )


def stacked(
    path: Path,
    rows: Mapping[str, Sequence[float]],
    parts: Mapping[str, str],
    axis_title: str,
) -> None:
    """A bar for each row that is divided into parts, with the share of each written in it.

    Args:
        path: The file.
        rows: By label, the size of each part; they add up to 1.
        parts: Names of the parts and their colours.
        axis_title: Of the x axis.
    """
    labels = list(rows)[::-1]
    with drawn(path, WIDTH, 1.25 + 0.4 * len(rows)) as (axis,):
        begins = np.zeros(len(rows))
        for number, (part, colour) in enumerate(parts.items()):
            sizes = np.array([rows[label][number] for label in labels])
            axis.barh(labels, sizes, 0.68, left=begins, color=colour, label=part)
            for at, (begin, size) in enumerate(zip(begins, sizes, strict=True)):
                if size >= 0.045:
                    axis.text(
                        begin + size / 2,
                        at,
                        f"{100 * size:.0f}",
                        ha="center",
                        va="center",
                        color="#fefefe" if _is_dark(colour) else "#111111",
                        fontsize=9,
                    )
            begins += sizes
        axis.set(xlabel=axis_title, xlim=(0, 1))
        axis.tick_params(axis="y", length=0)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25 %", "50 %", "75 %", "100 %"])
        axis.figure.legend(loc="outside upper left", ncols=min(len(parts), 5), columnspacing=1.2)


def _is_dark(colour: str) -> bool:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue < 140
