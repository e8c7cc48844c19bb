"""What is drawn from answers is of the generated photos; original ones stand apart."""

from pathlib import Path

import pytest

from evaluation import results
from evaluation.report.journals import Journals
from evaluation.report.measured import Measured
from evaluation.results import Results
from evaluation.samples import Control, Task


@pytest.fixture(scope="module")
def journals(out: Path, found: Results) -> Journals:
    return Journals(out, Measured(found))


def test_scores_budgets_and_confusions_leave_original_photos_out(
    out: Path, journals: Journals
) -> None:
    own = [
        one
        for one in results.answers(out)
        if one.part[2:] == (Control.NOTHING, 0) and one.method == "kith"
    ]
    assert {one.part.dataset for one in own} == {"msbench", "original"}
    generated = [one for one in own if one.part.dataset == "msbench"]
    scored = [one for one in generated if one.part.task is Task.RETRIEVAL]
    assert len(journals.scores["kith"].scores) == len(scored)
    alike = [one for one in generated if one.part.task is Task.LOOK_ALIKES]
    assert journals.confusions.photos["kith"].total() == len(alike)
    shown = journals.candidates._kept
    assert {one.part.dataset for kept in shown.values() for one in kept} == {"msbench"}


def test_concepts_are_counted_in_both_kinds_of_photos(journals: Journals) -> None:
    by_source = journals.by_concept["kith"]
    assert by_source[True].keys() == by_source[False].keys()


def test_methods_and_their_controls_are_told_on_the_same_questions(journals: Journals) -> None:
    def told(figures: list[results.Figure]) -> dict[tuple[str, ...], int]:
        return {
            (one.method, one.dataset, one.task, one.control, one.setting, one.metric): one.samples
            for one in figures
            if one.metric in ("accuracy", "top1")
        }

    as_it_is, controlled = told(journals.as_it_is), told(journals.controlled)
    assert as_it_is
    assert as_it_is == controlled
