"""Figures are SVG files that read on light and on dark pages."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from evaluation.metrics import Counts
from evaluation.report import plots, style
from evaluation.report.journals import Scores
from evaluation.report.pictures import _curve, _interval
from evaluation.report.plots import Curve, Interval

ONE = Interval(0.5, 0.3, 0.6, 10)


def draw_all(folder: Path) -> None:
    names = ["kith", "rap", "a $system$ <of> others"]
    plots.bars(folder / "bars.svg", {"recall": dict.fromkeys(names, ONE)}, names)
    by_number = {1: ONE, 3: Interval(0, 0, 0, 1)}
    plots.lines(folder / "lines.svg", dict.fromkeys(names, by_number), ("concepts", "recall"))
    sizes = {name: {10: ONE, 1000: ONE} for name in names}
    plots.lines(folder / "sizes.svg", sizes, ("concepts", "F1"), is_log=True)
    curve = Curve(np.array([1.0, 0.5]), np.array([0.5, 1.0]), (0.5, 1.0), 1000)
    plots.curves(
        folder / "curves.svg", {"kith": curve, "rap": curve._replace(shipped=None, is_cut=True)}
    )
    pairs = {f"concept {number}": (ONE, None) for number in range(90)}
    plots.by_concept(folder / "concepts.svg", {"accuracy": pairs, "recall": pairs})
    parts = {"named": style.BLUE, "lost": style.ORANGE}
    plots.stacked(folder / "stacked.svg", {"kith": [0.99, 0.01]}, parts, "of all")


def test_every_figure_is_drawn_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        draw_all(tmp_path / name)
    drawn = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(drawn) == 6
    for name in drawn:
        first = (tmp_path / "a" / name).read_bytes()
        assert first == (tmp_path / "b" / name).read_bytes()
        assert ElementTree.fromstring(first).tag.endswith("svg")
        assert b"prefers-color-scheme: dark" in first
        assert len(first) < 300_000


def test_on_a_dark_page_paper_and_ink_are_turned_round(tmp_path: Path) -> None:
    draw_all(tmp_path)
    svg = (tmp_path / "bars.svg").read_text(encoding="utf-8")
    for colour in (style.PAPER, style.INK, style.LINE):
        assert f'[style*="fill: {colour}"]{{fill:{style._DARK[colour]}!important}}' in svg
        assert f": {colour}" in svg.partition("</style>")[2]


def test_methods_differ_in_more_than_colour() -> None:
    methods = ["kith", "rap", "none", "yollava-s", "yollava-m", "mc-llava", "myvlm", "other"]
    assert len({style.colour_of(name, methods) for name in methods}) == len(methods)
    assert len({style.marker_of(name, methods) for name in methods}) == len(methods)


def test_the_shipped_decision_stands_on_the_plane_of_the_curve() -> None:
    curve = _curve(
        Scores([0.9, 0.8, 0.3, 0.1], [True, False, True, False], [True, True, False, False])
    )
    assert curve.shipped == (0.5, 0.5)
    assert list(curve.recall) == [0.5, 0.5, 1, 1]
    assert not curve.is_cut
    silent = _curve(Scores([0.9, 0.8], [True, False], [False, False]))
    assert silent.shipped is None


def test_a_curve_ends_where_no_more_scores_are_told() -> None:
    curve = _curve(Scores([0.9, 0.6, 0, 0], [True, False, True, False], [True] + [False] * 3))
    assert curve.is_cut
    assert list(curve.recall) == [0.5, 0.5]
    assert list(curve.precision) == [1, 0.5]
    whole = _curve(Scores([0.9, 0.6, 0], [True, True, False], [True, True, False]))
    assert not whole.is_cut  # all that is there was found


def test_a_share_of_few_has_a_wide_interval_and_one_of_none_has_none() -> None:
    counts = Counts(tp=2, fp=0, tn=6, fn=2)
    precision = _interval(counts, "precision")
    assert precision is not None
    assert (precision.value, precision.samples) == (1, 2)
    assert precision.low == pytest.approx(0.342, abs=1e-3)  # Wilson, 2 of 2
    assert _interval(Counts(tn=3), "recall") is None
