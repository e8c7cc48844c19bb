"""Captions: who is named, counted over all of them."""

import pytest

from evaluation.results import Answered
from evaluation.samples import Task
from evaluation.tasks import captioning
from evaluation.tasks.asking import Limits
from tests.evaluation.answering import answered, values
from tests.evaluation.test_queries import dataset


def caption(names: list[str], present: tuple[str, ...], setting: str, photo: str) -> Answered:
    return answered(
        Task.CAPTIONING, names, list(present), setting=setting, photo=photo, present=present
    )


def test_each_photo_is_captioned_by_both_prompts() -> None:
    made = dataset(concepts=4, photos=2, settings=1, together=3, outside=0)
    samples = captioning.samples(made, Limits(photos=1), seed=0)
    settings = [one.setting for one in samples]
    assert {one: settings.count(one) for one in settings} == {
        "single": 4,
        "single-primed": 4,
        "three": 2,
        "three-primed": 2,
    }
    neutral, primed = (
        next(one for one in samples if one.setting == setting)
        for setting in ("three", "three-primed")
    )
    assert neutral.question == "Please provide a caption for this image."
    assert primed.question == (
        "Can you see <c0> <c1> <c2> in the image? Don't answer the question, but remember it, and "
        "only respond with a detailed caption for the image. Your caption:"
    )
    assert (neutral.asked, primed.asked) == ((), ("c0", "c1", "c2"))


def test_precision_and_recall_are_over_all_names() -> None:
    figures = captioning.figures(
        [
            caption(["bo"], ("bo",), "single", "1"),
            caption(["bo", "tor"], ("lina",), "single", "2"),
            caption(["bo", "lina"], ("bo", "lina"), "two", "3"),
            caption(["ada"], ("bo", "lina", "tor"), "three", "4"),
            caption([], ("bo",), "single-primed", "1"),
        ]
    )
    found = values(figures)
    assert found["single", "precision"] == pytest.approx(1 / 3)
    assert found["single", "recall"] == 1 / 2
    assert found["single", "f1"] == pytest.approx(2 / 5)
    assert found["three", "recall"] == 0
    assert found["multi", "precision"] == pytest.approx(2 / 3)
    assert found["multi", "recall"] == pytest.approx(2 / 5)
    assert ("single-primed", "precision") not in found  # nobody is named
    assert found["single-primed", "f1"] == 0
    assert ("multi-primed", "f1") not in found
    (f1,) = [one for one in figures if (one.setting, one.metric) == ("multi", "f1")]
    assert f1.detail == {"counts": [2, 1, 3]}


def test_a_caption_is_right_when_it_names_exactly_those_who_are_there() -> None:
    assert captioning.right(caption(["lina", "bo"], ("bo", "lina"), "two", "1"))
    assert not captioning.right(caption(["bo"], ("bo", "lina"), "two", "1"))
    assert not captioning.right(caption(["bo", "ada"], ("bo",), "single", "1"))
