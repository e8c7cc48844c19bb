"""The tasks by retrieval alone: who, nobody, the twin, and where."""

from collections.abc import Sequence
from typing import Any

import pytest

from evaluation.samples import Task
from evaluation.tasks import found, grounding, identification, look_alikes, strangers
from kith.messages import Box, Match, Region, Retrieval, UsedConcept
from tests.evaluation.answering import answered, values


def seen(accepted: Sequence[str], near: Sequence[tuple[str, float]] = ()) -> dict[str, Any]:
    matches = [{"concept": name, "distance": at, "accepted": name in accepted} for name, at in near]
    return {
        "regions": [{"box": [0, 0, 1, 1], "category": "", "score": 1, "matches": matches}],
        "accepted": [{"concept": name, "score": 1.0, "box": [0, 0, 0.5, 1]} for name in accepted],
    }


def test_a_retrieval_is_told_in_shares_of_the_photo() -> None:
    told = found.told(
        Retrieval(
            200,
            100,
            (Region(Box(20, 10, 100, 50), "dog", 0.9, (Match("bo", 0.4, True),)),),
            (UsedConcept("bo", "users/me/concepts/1", "", 0, None, 0.7),),
        )
    )
    assert told == {
        "regions": [
            {
                "box": [0.1, 0.1, 0.5, 0.5],
                "category": "dog",
                "score": 0.9,
                "matches": [{"concept": "bo", "distance": 0.4, "accepted": True}],
            }
        ],
        "accepted": [{"concept": "bo", "score": 0.7, "box": None}],
    }


def test_identification_goes_by_the_nearest_match_over_all_regions() -> None:
    two = seen([], [("lina", 0.5), ("bo", 0.2)])
    two["regions"].append(seen([], [("lina", 0.1)])["regions"][0])
    assert found.nearest(two) == [("lina", 0.1), ("bo", 0.2)]
    figures = identification.figures(
        [
            answered(Task.IDENTIFICATION, seen(["bo"], [("bo", 0.2), ("tor", 0.3)])),
            answered(Task.IDENTIFICATION, seen([], [("tor", 0.2), ("bo", 0.3)]), photo="2"),
            answered(Task.IDENTIFICATION, seen([], [("bo", 0.9)]), photo="3"),
            answered(Task.IDENTIFICATION, two, setting="multi", photo="4", present=("lina", "tor")),
        ]
    )
    found_values = values(figures)
    assert found_values["single", "top1"] == pytest.approx(2 / 3)
    assert found_values["single", "accepted"] == pytest.approx(1 / 3)
    assert found_values["multi", "top1"] == 1 / 2
    assert found_values["multi", "accepted"] == 0


def test_a_stranger_is_given_a_name_by_a_decision_or_by_a_caption() -> None:
    figures = strangers.figures(
        [
            answered(Task.STRANGERS, seen(["bo"]), [], setting="outside", present=()),
            answered(Task.STRANGERS, seen([], [("bo", 0.9)]), [], setting="outside", photo="2"),
            answered(Task.STRANGERS, [], [], setting="caption"),
            answered(Task.STRANGERS, ["bo"], [], setting="caption", photo="2"),
        ]
    )
    assert values(figures) == {
        ("outside", "false_accepts"): 0.5,
        ("caption", "false_accepts"): 0.5,
    }


def test_a_twin_in_its_place_is_told_from_both() -> None:
    figures = look_alikes.figures(
        [
            answered(Task.LOOK_ALIKES, seen(["bo"]), ["mika"]),
            answered(Task.LOOK_ALIKES, seen(["mika"]), ["mika"], photo="2"),
            answered(Task.LOOK_ALIKES, seen(["mika", "bo"]), ["mika"], photo="3"),
            answered(Task.LOOK_ALIKES, seen([]), ["mika"], photo="4"),
        ]
    )
    found_values = values(figures)
    assert {metric: value for (_, metric), value in found_values.items()} == {
        "accuracy": 0.25,
        "mistaken": 0.25,
        "both": 0.25,
    }
    (accuracy,) = [one for one in figures if one.metric == "accuracy"]
    assert accuracy.detail["pairs"] == [["bo", "", 1], ["bo", "bo", 2], ["bo", "mika", 2]]


def test_a_box_that_is_not_told_overlaps_with_nothing() -> None:
    box = [0.0, 0.0, 0.5, 1.0]
    figures = grounding.figures(
        [
            answered(Task.GROUNDING, box, box, asked=("bo",)),
            answered(Task.GROUNDING, [0.0, 0.0, 1.0, 1.0], box, asked=("bo",), photo="2"),
            answered(Task.GROUNDING, [0.25, 0.0, 0.75, 1.0], box, asked=("bo",), photo="3"),
            answered(Task.GROUNDING, None, box, asked=("bo",), photo="4"),
        ]
    )
    found_values = values(figures)
    assert found_values["single", "iou"] == pytest.approx((1 + 0.5 + 1 / 3 + 0) / 4)
    assert found_values["single", "iou50"] == 0.5
