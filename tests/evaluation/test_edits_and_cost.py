"""Edits are seen by the next query and undone; costs are taken one by one."""

from dataclasses import replace
from pathlib import Path

import pytest

from evaluation.controls import Asker
from evaluation.datasets import read
from evaluation.manifest import Dataset, Question
from evaluation.samples import Control, Task
from evaluation.systems.system import Memory
from evaluation.tasks import cost, edits
from evaluation.tasks.asking import Limits
from tests.evaluation.answering import answered, values
from tests.evaluation.stripes import StripeSession, StripeSystem

WHAT = Question("What is <bo>?", ("plain", "striped"), "plain", ("bo",), False)


@pytest.fixture
def dataset(world: Path) -> Dataset:
    found = read(world)
    photos = [
        replace(one, questions=(WHAT,)) if one.concepts == ("bo",) else one for one in found.photos
    ]
    return replace(found, photos=tuple(photos))


@pytest.fixture
def asker(dataset: Dataset) -> Asker:
    return asker_of(StripeSystem(), dataset)


def asker_of(system: StripeSystem, dataset: Dataset) -> Asker:
    memory = Memory(dataset.concepts)
    session = StripeSession(system)
    for concept in dataset.concepts:
        session.remember(concept)
    return Asker(session, memory, Control.NOTHING, told=False)


def test_every_edit_is_seen_at_once_by_each_kind_of_query_and_undone(
    asker: Asker, dataset: Dataset
) -> None:
    samples = edits.samples(dataset, Limits(costs=6), seed=0)
    assert {one.setting for one in samples} == {"rename", "describe", "forget"}
    assert {one.truth["by"] for one in samples} == {"retrieve", "recognize", "ask"}
    for _ in range(2):  # the second time finds everything as the first did
        said = [edits.ask(asker, [one])[0].value for one in samples]
        assert said == [{"known": True, "seen": True}] * len(samples)


def test_an_edit_that_is_not_heeded_is_not_seen(dataset: Dataset) -> None:
    class Stubborn(StripeSession):
        def rename(self, name: str, new: str) -> None:
            pass

        def forget(self, name: str) -> None:
            pass

        def describe(self, name: str, description: str) -> None:
            pass

    session = Stubborn(StripeSystem())
    memory = Memory(dataset.concepts)
    for concept in memory.concepts:
        session.remember(concept)
    asker = Asker(session, memory, Control.NOTHING, told=False)
    for one in edits.samples(dataset, Limits(costs=6), seed=0):
        assert edits.ask(asker, [one])[0].value == {"known": True, "seen": False}


def test_of_who_was_not_known_before_nobody_can_tell() -> None:
    figures = edits.figures(
        [
            answered(Task.EDITS, {"known": True, "seen": True}, setting="rename"),
            answered(Task.EDITS, {"known": True, "seen": False}, setting="forget"),
            answered(Task.EDITS, {"known": False, "seen": True}, setting="forget", photo="2"),
        ]
    )
    assert values(figures) == {
        ("rename", "seen"): 1.0,
        ("forget", "seen"): 0.0,
        ("all", "seen"): 0.5,
    }


def test_a_description_is_asked_about_by_whichever_photo_has_a_question(world: Path) -> None:
    """The photos of the other edits stay those that chance has drawn."""
    plain = read(world)
    before = edits.samples(plain, Limits(costs=6), seed=0)
    assert {one.setting for one in before} == {"rename", "forget"}
    drawn = {one.photo for one in before}
    (asked,) = (one for one in plain.singles if one.concepts == ("bo",) and one.path not in drawn)
    photos = [replace(one, questions=(WHAT,)) if one == asked else one for one in plain.photos]
    after = edits.samples(replace(plain, photos=tuple(photos)), Limits(costs=6), seed=0)
    assert [one for one in after if one.setting != "describe"] == before
    (described,) = (one for one in after if one.setting == "describe")
    assert (described.photo, described.asked) == (asked.path, ("bo",))


def test_costs_are_of_each_kind_of_call_and_leave_the_memory_as_it_was(
    asker: Asker, dataset: Dataset
) -> None:
    samples = cost.samples(dataset, Limits(costs=8), seed=0)
    kinds = [one.setting for one in samples]
    assert {one: kinds.count(one) for one in kinds} == {
        "remember": 1,
        "retrieve": 8,
        "recognition": 8,
        "caption": 8,
    }
    names = set(asker.session._known)  # type: ignore[attr-defined]
    said = {one.setting: cost.ask(asker, [one])[0] for one in samples}
    assert set(asker.session._known) == names  # type: ignore[attr-defined]
    assert said["remember"].bytes_sent > 50
    assert said["caption"].prompt_tokens == 10
    assert all(one.value is True and one.seconds > 0 for one in said.values())


def test_costs_are_quantiles_and_means() -> None:
    figures = cost.figures(
        [
            answered(
                Task.COST, True, setting="caption", photo=str(n), seconds=n / 100, tokens=10 * n
            )
            for n in range(101)
        ]
    )
    found = values(figures)
    assert found["caption", "seconds_p50"] == pytest.approx(0.5)
    assert found["caption", "seconds_p95"] == pytest.approx(0.95)
    assert found["caption", "prompt_tokens"] == pytest.approx(500)
    assert cost.right(answered(Task.COST, True)) is None
