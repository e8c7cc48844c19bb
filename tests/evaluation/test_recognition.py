"""Figures of recognition, by language model and by retrieval."""

import numpy as np
import pytest

from evaluation.metrics import Counts
from evaluation.results import Answered
from evaluation.samples import Task
from evaluation.statistics import Estimate, bootstrap, mean, wilson
from evaluation.tasks import numbers, recognition, retrieval
from tests.evaluation.answering import answered, values


def said(value: bool | None, truth: bool, setting: str = "single", photo: str = "1") -> Answered:
    return answered(
        Task.RECOGNITION, value, truth, setting=setting, photo=photo, asked=(f"{value}{truth}",)
    )


def test_outside_photos_count_with_the_setting_that_they_belong_to() -> None:
    figures = recognition.figures(
        [
            said(True, True),
            said(False, True, photo="2"),
            said(True, False, photo="3"),
            said(False, False, setting="outside", photo="4"),
            said(True, True, setting="multi", photo="5"),
            said(True, False, setting="outside-multi", photo="6"),
        ]
    )
    found = values(figures)
    assert found["single", "accuracy"] == 2 / 4
    assert found["single", "precision"] == found["single", "recall"] == 1 / 2
    assert found["multi", "accuracy"] == found["multi", "precision"] == 1 / 2
    assert found["multi", "f1"] == pytest.approx(2 / 3)
    assert (found["outside", "accuracy"], found["outside-multi", "accuracy"]) == (1.0, 0.0)
    # Four samples of one setting, two of the other.
    assert found["weighted", "accuracy"] == pytest.approx((4 * 0.5 + 2 * 0.5) / 6)
    assert found["weighted", "f1"] == pytest.approx((4 * 0.5 + 2 * 2 / 3) / 6)
    (accuracy,) = [one for one in figures if (one.setting, one.metric) == ("single", "accuracy")]
    assert accuracy.detail == {"counts": [1, 1, 1, 1], "by_concept": {"bo": [1, 1, 1, 1]}}


def test_what_nobody_can_read_is_wrong_and_told() -> None:
    answers = [said(None, True), said(None, False, photo="2"), said(True, True, photo="3")]
    for one in recognition.figures(answers):
        if one.setting in ("single", "weighted"):
            assert (one.samples, one.unparsed) == (3, 2)
    assert values(recognition.figures(answers))["single", "accuracy"] == pytest.approx(1 / 3)
    assert [recognition.right(one) for one in answers] == [False, False, True]


def test_every_setting_tells_how_many_answers_nobody_can_read() -> None:
    answers = [
        said(value, setting in ("single", "multi"), setting, photo=f"{setting}{number}")
        for setting, unread in (("single", 1), ("multi", 2), ("outside", 3), ("outside-multi", 4))
        for number, value in enumerate([None] * unread + [False] * 2)
    ]
    told = {
        one.setting: (one.unparsed, one.samples)
        for one in recognition.figures(answers)
        if one.metric == "accuracy"
    }
    assert told == {
        "single": (1 + 3, 3 + 5),
        "multi": (2 + 4, 4 + 6),
        "outside": (3, 5),
        "outside-multi": (4, 6),
        "weighted": (10, 18),
    }


def test_intervals_are_those_of_the_bootstrap_by_photo() -> None:
    answers = [
        said(value, truth, photo=str(number % 7))
        for number, (value, truth) in enumerate(
            [(True, True), (False, True), (True, False), (False, False)] * 6
        )
    ]
    counts = [Counts.of(one.sample.truth, one.said.value) for one in answers]
    rows = np.array([(one.tp, one.fp, one.tn, one.fn) for one in counts])
    low, high = bootstrap(
        rows,
        lambda drawn: Counts(*map(int, drawn.sum(axis=0))).f1 or 0.0,
        np.array([str(one.sample.photo) for one in answers]),
    )
    (f1,) = [
        one for one in recognition.figures(answers) if (one.setting, one.metric) == ("single", "f1")
    ]
    assert (f1.low, f1.high) == pytest.approx((low, high))
    assert low < f1.value < high


def test_where_nothing_is_there_only_the_accuracy_is_told_and_means_leave_the_rest_out() -> None:
    figures = recognition.figures(
        [
            said(True, True),
            said(True, False, photo="2"),
            said(False, False, setting="outside-multi", photo="3"),
            said(True, False, setting="outside-multi", photo="4"),
        ]
    )
    found = values(figures)
    assert {metric for setting, metric in found if setting == "multi"} == {"accuracy"}
    assert found["multi", "accuracy"] == found["weighted", "accuracy"] == 0.5
    for metric in ("precision", "recall", "f1"):
        assert found["weighted", metric] == found["single", metric] > 0
    samples = {one.metric: one.samples for one in figures if one.setting == "weighted"}
    assert (samples["accuracy"], samples["f1"]) == (4, 2)


def test_where_all_is_there_precision_and_f1_tell_nothing_and_means_leave_them_out() -> None:
    figures = recognition.figures(
        [
            said(True, True),
            said(True, False, photo="2"),
            said(True, True, setting="multi", photo="3"),
            said(False, True, setting="multi", photo="4"),
        ]
    )
    found = values(figures)
    assert {metric for setting, metric in found if setting == "multi"} == {
        "accuracy",
        "recall",
        "balanced_accuracy",
    }
    for metric in ("precision", "f1"):
        assert found["weighted", metric] == found["single", metric] < 1
    assert found["weighted", "recall"] == 0.75
    samples = {one.metric: one.samples for one in figures if one.setting == "weighted"}
    assert (samples["recall"], samples["f1"]) == (4, 2)


def test_a_method_that_never_says_yes_has_no_precision() -> None:
    found = values(recognition.figures([said(False, True), said(False, False, photo="2")]))
    assert ("single", "precision") not in found
    assert ("weighted", "precision") not in found
    assert found["weighted", "recall"] == found["weighted", "f1"] == 0


def test_where_all_photos_agree_the_interval_of_a_share_is_wilsons_by_photo() -> None:
    answers = [said(number < 30, number < 30, photo=str(number % 10)) for number in range(40)]
    found = {
        one.metric: (one.low, one.high)
        for one in recognition.figures(answers)
        if one.setting == "single"
    }
    low, high = wilson(10, 10)
    assert found["accuracy"] == found["precision"] == found["recall"] == (low, high)
    assert found["f1"] == (2 * low / (1 + low), 1)
    wrong = [said(False, True, photo=str(number)) for number in range(10)]
    (recall,) = [
        one
        for one in recognition.figures(wrong)
        if (one.setting, one.metric) == ("single", "recall")
    ]
    assert (recall.value, recall.low, recall.high) == (0, *wilson(0, 10))


def test_where_all_photos_have_the_same_share_its_interval_is_wilsons_too() -> None:
    """Each of ten photos is answered rightly about one concept, and wrongly about another."""
    answers = [
        said(True, truth, photo=str(number)) for number in range(10) for truth in (True, False)
    ]
    found = {one.metric: one for one in recognition.figures(answers) if one.setting == "single"}
    for metric in ("accuracy", "precision", "balanced_accuracy"):
        one = found[metric]
        assert (one.value, one.low, one.high) == (0.5, *wilson(5, 10))
    low, high = wilson(5, 10)
    assert (found["f1"].low, found["f1"].high) == pytest.approx(
        (2 * low / (1 + low), 2 * high / (1 + high))
    )
    (mean_of,) = numbers.mean("caption", "bytes_sent", [(str(n), 7.0) for n in range(10)])
    assert (mean_of.low, mean_of.high) == (7, 7)


def test_the_interval_of_a_mean_is_that_of_independent_figures() -> None:
    answers = [
        said(number % 3 > 0, True, setting, f"{setting}{number}")
        for setting in ("single", "multi")
        for number in range(30)
    ]
    by_setting = {
        one.setting: one for one in recognition.figures(answers) if one.metric == "recall"
    }
    parts = [by_setting["single"], by_setting["multi"]]
    known = mean([Estimate(one.value, one.low, one.high) for one in parts], [30, 30])
    weighted = by_setting["weighted"]
    assert (weighted.value, weighted.low, weighted.high) == known


def test_retrieval_is_scored_alike() -> None:
    found = [
        answered(Task.RETRIEVAL, {"present": True, "score": 0.9}, True),
        answered(Task.RETRIEVAL, {"present": True, "score": 0.6}, False, photo="2"),
    ]
    assert values(retrieval.figures(found))["single", "precision"] == 0.5
    assert [retrieval.right(one) for one in found] == [True, False]
