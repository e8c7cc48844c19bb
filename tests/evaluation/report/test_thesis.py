from dataclasses import replace

import pytest

from evaluation.report.cells import Table, printed
from evaluation.report.measured import Measured
from evaluation.report.thesis import _told, generated, references, tables
from evaluation.results import Results
from evaluation.samples import Task
from evaluation.tasks import TASKS


def test_every_line_is_of_a_method_and_a_dataset_that_is_named() -> None:
    told = _told()
    for reference in references():
        assert reference.rows.keys() <= told["datasets"].keys()
        for rows in reference.rows.values():
            assert rows.keys() <= told["methods"].keys()
            assert {len(figures) for figures in rows.values()} == {len(reference.columns)}
    assert told["needs"]["rows"].keys() <= told["methods"].keys()
    assert {len(cells) for cells in told["needs"]["rows"].values()} == {
        len(told["needs"]["columns"])
    }


def test_shares_are_shares_and_averages_lie_between_their_parts() -> None:
    for reference in references():
        metrics = [metric for metric, _ in reference.columns]
        for dataset, rows in reference.rows.items():
            for method, figures in rows.items():
                known = [one for one in figures if one is not None]
                assert all(0 <= one <= 1 for one in known), (reference.number, dataset, method)
                single, multi, weighted = figures[:3]
                if len(set(metrics)) == 1 and None not in (single, multi, weighted):
                    assert min(single, multi) <= weighted <= max(single, multi)


@pytest.mark.parametrize(
    ("number", "dataset", "method", "figures"),
    [
        ("5.3", "MP-Bench", "rap", (0.96, 0.86, 0.91)),
        ("5.4", "mc-llava-2", "yollava-m", (None, 0.087, 0.087)),
        ("5.5", "yollava", "mc-llava", (0.19, 0.26, 0.22)),
        ("5.9", "MP-Bench", "rap", (0.824, 0.700, 0.586, 0.0551, 0.684, 0.0968)),
    ],
)
def test_figures_are_those_of_the_thesis(
    number: str, dataset: str, method: str, figures: tuple[float | None, ...]
) -> None:
    (reference,) = (one for one in references() if one.number == number)
    assert tuple(reference.rows[dataset][method]) == figures


def test_its_tasks_are_ours() -> None:
    assert {one.task for one in references()} == {Task.RECOGNITION, Task.CAPTIONING}
    assert {one.task for one in references()} <= TASKS.keys()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.8, "0.80"), (0.07, "0.07"), (0.047, "0.047"), (0.0551, "0.0551"), (None, "–")],
)
def test_figures_are_printed_with_the_digits_that_they_have(value: float | None, text: str) -> None:
    assert printed(value).text == text


def lines(table: Table, group: str) -> dict[str, list[str]]:
    """The cells of a table's lines, ours and then the thesis's, by the division's first words."""
    (rows,) = (one.rows for one in table.groups if one.title.startswith(group))
    return {row.label: [cell.text for cell in row.cells] for row in rows}


def test_the_thesis_figures_stand_though_a_method_has_none_here(found: Results) -> None:
    """Of a method that is not begun, of one that is not measured, and of one without precision."""
    left = [
        one
        for one in found.figures
        if one.method != "yollava-s" or (one.task, one.metric) == (Task.RECOGNITION, "accuracy")
    ]
    methods = {**found.methods, "mc-llava": {**found.methods["yollava-s"]}}
    told = {
        one.number: one
        for one in tables(Measured(replace(found, figures=tuple(left), methods=methods)))
    }
    own = "MP-Bench ms-bench, memory of 5"
    accuracy = lines(told["5.2"], own)
    assert accuracy["MC-LLaVA"] == ["–", "–", "–", "0.77", "0.81", "0.79"]
    assert not {"yollava-s", "Yo'LLaVA-S"} & accuracy.keys()
    assert lines(told["5.2"], "MP-Bench ms-bench, memory of 4")["yollava-s"][3:] == [
        "0.85",
        "–",
        "0.85",
    ]
    precision = lines(told["5.4"], own)
    assert precision["Yo'LLaVA-S"] == ["–", "–", "–", "0.13", "–", "0.13"]
    assert precision["rap"][3:] == ["0.66", "0.98", "0.81"]
    for table in told.values():
        (reference,) = (one for one in references() if one.number == table.number)
        printed_ = [cell.text for group in table.groups for row in group.rows for cell in row.cells]
        for rows in reference.rows.values():
            for figures in rows.values():
                assert {printed(one).text for one in figures} <= set(printed_)


def test_real_photos_are_no_split_of_the_thesis_whatever_their_folder_is_called(
    found: Results,
) -> None:
    assert generated(Measured(found)).startswith("msbench is a split of MP-Bench, whose photos")
    counts = {name: {**what, "generated": 0} for name, what in found.datasets.items()}
    real = Measured(replace(found, datasets=counts))
    assert generated(real) == ""
    for table in tables(real):
        if table.number in ("5.2", "5.3"):
            assert lines(table, "msbench, real photos, memory of 5")["rap"][3:] == ["–", "–", "–"]
            theirs = [one for one in table.groups if one.title.startswith("MP-Bench")]
            assert "rap" not in {row.label for group in theirs for row in group.rows}
