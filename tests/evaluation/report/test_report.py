"""The report tells what was measured, and nothing else, in a page that needs nothing else."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from evaluation import results
from evaluation.report import about, write
from evaluation.report.cells import number
from evaluation.report.measured import Measured
from evaluation.results import Results
from evaluation.samples import Control, Task
from kith.errors import NotFound
from tests.evaluation.report.reading import Page


@pytest.fixture(scope="session")
def page(out: Path) -> Page:
    return Page(out / "report.html")


def figure(found: Results, *wanted: object, memory_size: int = 0) -> results.Figure:
    """Of a method, dataset, task, setting and metric."""
    (one,) = (
        one
        for one in found.figures
        if (one.method, one.dataset, one.task, one.setting, one.metric) == wanted
        and (one.control, one.memory_size) == (Control.NOTHING, memory_size)
    )
    return one


def test_the_page_needs_nothing_from_outside(page: Page, out: Path) -> None:
    assert {one.split(":")[0] for one in page.addresses if not one.startswith("#")} == {"data"}
    assert not {"script", "link", "iframe", "object", "base"} & set(page.tags)
    assert "default-src 'none'" in page.text
    assert not re.search(r"url\(|@import", page.text)
    assert {one[1:] for one in page.addresses if one.startswith("#")} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert (out / "report.html").stat().st_size < 5e6


def test_every_table_of_the_thesis_is_there_with_its_figures(page: Page) -> None:
    numbers = re.findall(r"Table (\d\.\d)</span>", page.text)
    assert numbers == ["2.1", *(f"5.{number}" for number in range(1, 10))]
    accuracy = "Table 5.2Recognition accuracy, split by split"
    ours = page.row(accuracy, "MP-Bench ms-bench, memory of 5 concepts", "rap")
    assert ours[3:] == ["0.97", "0.88", "0.93"]
    assert page.row(accuracy, "MP-Bench ms-bench, memory of 4 concepts", "yollava-s")[3] == "0.85"
    assert page.row(accuracy, "mc-llava multi 3", "MC-LLaVA") == [*"–––", "0.81", "0.85", "0.82"]
    assert page.text.count("a reference, no comparison") == 8


def test_a_figure_stands_with_its_interval_and_what_it_rests_on(page: Page, found: Results) -> None:
    table = "Table 5.7Captioning recall"
    one = figure(found, "kith", "msbench", Task.CAPTIONING, "multi", "recall")
    cell = page.row(table, "MP-Bench ms-bench, memory of 5 concepts", "kith")[1]
    assert cell.split() == [
        number(one.value),
        f"{number(one.low)}–{number(one.high)}",
        "n",
        str(one.samples),
    ]


def test_who_was_told_the_true_concepts_is_said(page: Page) -> None:
    assert page.text.count("yollava-s: told the true concepts of each question") == 2
    assert "kith, rap, none: told nothing." in page.text


def test_methods_that_train_are_held_against_others_in_the_same_memory(page: Page) -> None:
    rows = page.tables["What tells most"]
    smaller = rows[rows.index(["memory of 4 concepts"]) :]
    assert [row[0] for row in smaller[1:]] == ["kith", "rap", "none", "yollava-s"]


def test_controls_and_chance_stand_beside_the_same_questions(page: Page) -> None:
    as_it_is, none, blank, shuffled, true, chance = page.row(
        "Controls", "captions of one concept, F1", "kith"
    )
    assert as_it_is.startswith("1.000")
    assert [cell[:5] for cell in (none, blank, shuffled, true)] == ["0.000"] * 3 + ["1.000"]
    assert chance == "0.200"  # one of five concepts


def test_what_each_control_says_stands_near_the_top(page: Page) -> None:
    titles = list(page.tables)
    assert titles.index("What each control says") == 1
    rows = {row[0]: row[1:] for row in page.tables["What each control says"][1:]}
    assert list(rows) == [
        "kith, as it is",
        "none, the plain model",
        "no memory",
        "blank photo",
        "shuffled references",
        "true references",
        "chance",
    ]
    place = page.tables["What each control says"][0].index("captions of one concept, F1") - 1
    told = [cells[place][:5] for name, cells in rows.items() if not name.startswith("none")]
    assert told == ["1.000", "0.000", "0.000", "0.000", "1.000", "0.200"]


def test_larger_memories_are_told_of_by_recall_and_the_change_has_an_interval(page: Page) -> None:
    table = "The size of the memory"
    for group in ("recognition: recall", "captions of one concept: recall"):
        *sizes, change = page.row(table, group, "kith")
        assert all("n " in one for one in sizes)
        assert re.fullmatch(r"[+-]\d\.\d{3} [+-]\d\.\d{3} to [+-]\d\.\d{3} ?", change)
        assert page.row(table, group, "yollava-s")[1:] == ["–", "–"]
    assert "Recall of recognition by the size of the memory" in page.text


def test_recall_stands_by_the_number_of_concepts_with_what_it_rests_on(
    page: Page, found: Results
) -> None:
    assert page.tables["Recall by the number of concepts, in numbers"][0][1:] == [
        "1 concept",
        "2 concepts",
        "3 concepts",
    ]
    three = page.row("Recall by the number of concepts, in numbers", "", "kith")[2]
    one = figure(found, "kith", "msbench", Task.CAPTIONING, "three", "recall")
    assert three.split()[0] == number(one.value)
    assert three.split()[-1] == "1"


def test_original_photos_have_a_section_of_their_own(page: Page, found: Results) -> None:
    original, generated = page.row(
        "Original and generated photos", "captions of one concept: F1", "rap"
    )
    assert original.split() == generated.split()  # the same pictures, here
    assert "original holds other photos of the same concepts" in page.text


def test_a_run_without_photos_from_outside_says_so(page: Page, found: Results) -> None:
    assert "No photo from outside" not in page.text
    none = {"outside": 0, "outside_multi": 0}
    counts = {**found.datasets, "original": {**found.datasets["original"], **none}}
    said = about.intro(replace(found, datasets=counts), Measured(found))
    assert "No photo from outside was asked about with original: negatives are" in said
    other = replace(found, datasets=counts, settings={**found.settings, "tasks": ["questions"]})
    assert other.without_outside == []


def test_methods_that_a_table_has_to_do_without_are_named_with_the_reason(page: Page) -> None:
    absent = "Not here: none, yollava-s (it finds no concept by itself)."
    assert page.text.count(absent) >= 8
    assert "Not asked in this run: yollava-m, mc-llava, myvlm." in page.text


def test_two_methods_are_compared_over_all_datasets_but_the_original(
    page: Page, found: Results
) -> None:
    cell = page.row("Two methods on the same questions", "memory of 5 concepts", "kith and rap")[-1]
    only_first = sum(
        one["only_first"]
        for one in found.comparisons
        if (one["dataset"], one["task"], one["memory_size"]) == ("msbench", "strangers", 0)
        and one["methods"] == ["kith", "rap"]
        and one["setting"] != "caption"
    )
    assert only_first == 6
    assert cell.split()[:3] == ["6", ":", "0"]
    assert "p 0.031" in cell  # 2 / 2**6


def test_what_was_not_asked_is_said_with_the_reason(page: Page) -> None:
    rows = page.tables["What was not asked, and why"]
    said = {row[0]: row[2] for row in rows[1:] if row[1] == "it finds no concept by itself"}
    assert "strangers" in said["yollava-s"]


def test_the_markdown_tells_the_same(page: Page, out: Path) -> None:
    text = (out / "report.md").read_text(encoding="utf-8")
    pictures = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert pictures
    assert all((out / one).stat().st_size for one in pictures)
    assert set(pictures) == {f"figures/{one.name}" for one in (out / "figures").iterdir()}
    shown = text.replace("\\", "")
    for title in page.tables:
        assert re.sub(r"^(Table \d\.\d)", r"\1: ", title) in shown
    cells = page.row("What tells most", "memory of 5 concepts", "rap")
    for cell in cells:
        assert cell.split()[0] in next(line for line in shown.splitlines() if "| rap |" in line)


def test_written_again_it_is_the_same(out: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shutil.copytree(out, again)
    shutil.rmtree(again / "figures")
    page = write(again)
    assert page.read_bytes() == (out / "report.html").read_bytes()
    for picture in (out / "figures").iterdir():
        assert (again / "figures" / picture.name).read_bytes() == picture.read_bytes()


def test_without_results_there_is_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"holds no results\.json; run kith evaluate"):
        write(tmp_path)
