"""How figures look: one hand for all of them, and colours that everybody can tell apart.

They are SVG files that need nothing from outside: letters are outlines, and a style of their own
turns paper and ink round where the reader prefers a dark page.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

PAPER: Final = "#ffffff"
INK: Final = "#23201c"
SOFT: Final = "#6f675d"
LINE: Final = "#e7e1d8"
_DARK: Final = {PAPER: "#22201d", INK: "#ece7df", SOFT: "#a59c90", LINE: "#37332e"}
"""The same of a page that is read in the dark; other colours are to be seen on both."""

BLUE: Final = "#0c7bbf"
ORANGE: Final = "#d95f02"
GREEN: Final = "#1b9e77"
PINK: Final = "#cc79a7"
YELLOW: Final = "#c99700"
SKY: Final = "#56b4e9"
VIOLET: Final = "#7f6fc9"
GREY: Final = "#8c857b"
_OF_METHODS: Final = {
    "kith": BLUE,
    "rap": ORANGE,
    "yollava-s": SKY,
    "yollava-m": GREEN,
    "mc-llava": PINK,
    "myvlm": YELLOW,
    "none": GREY,
}
"""After Okabe and Ito, darkened where a line on white would be lost."""
_MARKERS: Final = "osD^vP*X"
"""So that colour is never all that tells two methods apart."""

_BETWEEN: Final = re.compile(r">\s+<")
_FINE: Final = re.compile(r"(\d{2,}\.\d)\d+")  # scales, which are small numbers, stay as they are

_RC: Final[Any] = {
    "text.parse_math": False,  # names come from users
    "svg.fonttype": "path",
    "svg.hashsalt": "kith",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": LINE,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 6,
}


@contextmanager
def drawn(path: Path, width: float, height: float, columns: int = 1) -> Iterator[list[Axes]]:
    """Axes beside each other, written to an SVG file at the end of the block.

    Args:
        path: The file.
        width: In inches.
        height: In inches.
        columns: How many axes; they share their y axis.
    """
    with mpl.rc_context(_RC):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, columns, sharey=columns > 1, squeeze=False)
        yield list(axes[0])
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    path.write_text(_for_both_grounds(_shorter(text.getvalue())), encoding="utf-8")


def colour_of(method: str, methods: Sequence[str]) -> str:
    """The colour of a method, the same in every figure."""
    others = [one for one in methods if one not in _OF_METHODS]
    if method in _OF_METHODS:
        return _OF_METHODS[method]
    return (VIOLET, GREEN, PINK, YELLOW)[others.index(method) % 4]


def marker_of(method: str, methods: Sequence[str]) -> str:
    """The marker of a method."""
    return _MARKERS[list(methods).index(method) % len(_MARKERS)]


def share_axis(axis: Any, most: float = 1.0) -> None:  # noqa: ANN401 - matplotlib's XAxis or YAxis
    """An axis of shares from 0 to `most`, with some air at the end and faint lines."""
    axis.set_data_interval(0, most, ignore=True)
    axis.axes.set(**{f"{axis.axis_name}lim": (0, most * 1.03)})
    axis.grid(visible=True)


def whiskers(
    values: Iterable[float], ends: Iterable[tuple[float, float]]
) -> list[list[float]] | NDArray[Any]:
    """How far intervals reach below and above values, as matplotlib takes error bars: [2][n]."""
    pairs = list(zip(values, ends, strict=True))
    below = [max(0.0, value - low) for value, (low, _) in pairs]
    above = [max(0.0, high - value) for value, (_, high) in pairs]
    return [below, above]


def bars_in_one(
    axis: Axes, middles: Iterable[float], values: Iterable[float], colour: str, label: str
) -> None:
    """Bars of a third that lie, drawn as one shape: hundreds of them make a large file else."""
    boxes = [
        Outline(
            [(0, at - 0.18), (value, at - 0.18), (value, at + 0.18), (0, at + 0.18), (0, 0)],
            closed=True,
        )
        for at, value in zip(middles, values, strict=True)
    ]
    shape = Outline.make_compound_path(*boxes)
    axis.add_patch(PathPatch(shape, facecolor=colour, linewidth=0, label=label))


def whiskers_in_one(
    axis: Axes, middles: Iterable[float], ends: Iterable[tuple[float, float]]
) -> None:
    """Intervals of such bars, drawn as one shape too."""
    lines = [
        Outline([(low, at), (high, at)]) for at, (low, high) in zip(middles, ends, strict=True)
    ]
    shape = Outline.make_compound_path(*lines)
    axis.add_patch(PathPatch(shape, fill=False, edgecolor=INK, linewidth=0.9))


def _shorter(svg: str) -> str:
    """The picture without what nobody sees: space between tags, hundredths of a point and less."""
    return _FINE.sub(r"\1", _BETWEEN.sub("><", svg))


def _for_both_grounds(svg: str) -> str:
    """The picture with a style of its own for a dark page."""
    rules = "".join(
        f'[style*="{what}: {light}"]{{{what}:{dark}!important}}'
        for light, dark in _DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    head, svg_tag, rest = svg.partition("<svg ")
    tag, end, body = rest.partition(">")
    return f"{head}{svg_tag}{tag}{end}\n {style}{body}"
