"""Figures are found by what they are of, and averaged as the thesis averages."""

from dataclasses import replace

import pytest

from evaluation.averages import average
from evaluation.report.cells import Row, measured, with_best
from evaluation.report.measured import Key, Measured
from evaluation.results import Results
from evaluation.samples import Control, Figure, Task

ONE = Figure(
    "kith", "msbench", Task.CAPTIONING, Control.NOTHING, 0, "single", "f1", 0.8, 0.7, 0.85, 300
)
KEY = Key("kith", "msbench", Task.CAPTIONING, "single", "f1")


def results(*figures: Figure, sizes: tuple[int, ...] = ()) -> Results:
    return Results(
        figures,
        methods={one.method: {} for one in figures},
        datasets={one.dataset: {} for one in figures},
        comparisons=(),
        settings={"memory_sizes": list(sizes), "memory": 80},
        revision="",
        asked_under=(),
        versions={},
        complete=True,
        seconds=0,
    )


def test_an_average_is_weighted_and_its_interval_is_that_of_independent_figures() -> None:
    other = replace(ONE, dataset="yollava", value=0.4, low=0.3, high=0.6, samples=100, unparsed=3)
    both = average([ONE, other])
    assert both.value == pytest.approx(0.75 * 0.8 + 0.25 * 0.4)
    assert both.value - both.low == pytest.approx(((0.75 * 0.1) ** 2 + (0.25 * 0.1) ** 2) ** 0.5)
    assert both.high - both.value == pytest.approx(((0.75 * 0.05) ** 2 + (0.25 * 0.2) ** 2) ** 0.5)
    assert (both.samples, both.unparsed) == (400, 3)
    assert average([ONE]) is ONE


def test_an_average_is_over_what_was_measured() -> None:
    measures = Measured(results(ONE))
    assert measures.over([KEY, KEY._replace(dataset="yollava")]) is ONE
    assert measures.over([KEY._replace(setting="multi")]) is None


def test_original_pictures_alone_are_averaged() -> None:
    original = replace(ONE, dataset="original")
    assert Measured(results(ONE, original)).averaged == ["msbench"]
    assert Measured(results(original)).averaged == ["original"]


def test_a_figure_under_a_control_or_of_another_memory_is_another() -> None:
    others = [
        replace(ONE, value=0.1, control=Control.BLANK_PHOTO),
        replace(ONE, value=0.2, memory_size=10),
    ]
    assert Measured(results(ONE, *others, sizes=(10,))).of(KEY) is ONE


def test_a_method_is_at_home_in_the_smallest_memory_if_it_is_measured_there_alone() -> None:
    trained = replace(ONE, method="yollava-s", memory_size=10)
    measures = Measured(results(ONE, replace(ONE, memory_size=10), trained, sizes=(10, 100)))
    assert [measures.home(name) for name in ("kith", "yollava-s")] == [0, 10]
    assert [measures.called(size) for size in measures.memories] == [
        "memory of 80 concepts",
        "memory of 10 concepts",
    ]


def test_a_cell_tells_the_interval_and_answers_that_nobody_could_read() -> None:
    cell = measured(replace(ONE, unparsed=12))
    assert (cell.text, cell.beside) == ("0.800", ("0.700–0.850", "n 300", "12 unread"))
    assert measured(None).text == "–"


def test_the_best_is_marked_where_figures_differ() -> None:
    rows = [Row(name, (measured(ONE), measured(ONE))) for name in ("a", "b", "c")]
    marked = with_best(rows, [(0.5, 1.0), (0.9, 1.0), (float("nan"), 1.0)])
    assert [[cell.best for cell in row.cells] for row in marked] == [
        [False, False],
        [True, False],
        [False, False],
    ]
