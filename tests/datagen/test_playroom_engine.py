"""Playroom's concepts for a layout, and its pictures of a plan."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from datagen import layout_files
from datagen.engines import Drawn, Shown, judge_by_truth
from datagen.identities import SIZE, VIEWS, Identity, identities
from datagen.plan import Job, Plan, draw_up
from datagen.playroom_engine import NOBODY_NAMED, PlayroomEngine, compose
from datagen.prints import NEAR, fingerprint

REACH = 0.03
"""How far a leaning thing may stick out of its box, in shares of the picture."""


def plan_of(split: str) -> tuple[tuple[Identity, ...], Plan]:
    wanted = layout_files.load(split)
    known = identities(wanted, 0)
    return known, draw_up(wanted, [one.concept for one in known], {"name": "playroom"})


@pytest.mark.parametrize("split", layout_files.shipped())
def test_a_layout_gets_its_concepts_none_twice_and_all_from_the_test_identities(split: str) -> None:
    wanted, known = layout_files.load(split), identities(layout_files.load(split), 5)
    counted = Counter(one.concept.category for one in known)
    assert counted == {name: category.count for name, category in wanted.concepts.items()}
    assert {one.drawn.split for one in known} == {"test"}
    assert len({one.name for one in known}) == len(known)
    assert len({tuple(one.drawn.attributes.values()) for one in known}) == len(known)
    assert known == identities(wanted, 5)
    assert {one.concept.fingerprint for one in known}.isdisjoint(
        one.concept.fingerprint for one in identities(wanted, 6)
    )


def test_every_second_concept_looks_like_the_one_before() -> None:
    known = identities(layout_files.load("msbench"), 0)
    living = [one for one in known if one.concept.category == "living"]
    for one, other in zip(living[::2], living[1::2], strict=True):
        assert one.resembles(other)
        attributes = one.drawn.attributes.items() ^ other.drawn.attributes.items()
        assert len(attributes) // 2 in (1, 2)
        assert (one.drawn.color, one.drawn.build) != (other.drawn.color, other.drawn.build)
        assert [two.name for two in known if one.resembles(two)] == [other.name]
        assert (one.concept.alike, other.concept.alike) == ("", one.name)


def test_identities_for_tuning_are_none_of_the_test() -> None:
    known = identities(layout_files.load("msbench"), 0, "validation")
    assert {one.drawn.split for one in known} == {"validation"}
    thing, shirt = (next(one for one in known if one.concept.noun == n) for n in ("hat", "shirt"))
    worn = compose({thing.drawn: (0, 0, 1, 1), shirt.drawn: (0, 0, 1, 1)}, 3)
    assert {placed.concept.split for placed in worn.placements} == {"validation"}


def test_seed_views_are_portraits_that_differ() -> None:
    one = identities(layout_files.load("yollava"), 0)[0]
    views = [view.tobytes() for view in one.views()]
    assert len(set(views)) == VIEWS
    assert views == [view.tobytes() for view in one.views()]
    assert next(one.views()).size == (SIZE, SIZE)
    assert list(one.photos()) == []


@pytest.mark.parametrize("split", ["yollava", "msbench"])
def test_subjects_are_where_the_plan_has_them(split: str) -> None:
    known, plan = plan_of(split)
    engine = PlayroomEngine(known)
    groups = {one.name: one.drawn.group for one in known}
    seen: Counter[str] = Counter()
    for job in plan.jobs[:60]:
        drawn = engine.draw(job, 0)
        assert judge_by_truth(drawn) is None
        for subject, shown in zip(job.subjects, drawn.subjects, strict=True):
            assert shown.box is not None
            assert shown.visible is not None
            assert shown.visible >= 0.5
            assert f"<{subject.concept}>" in drawn.caption
            group = groups[subject.concept]
            seen["worn" if shown.worn_by else group] += 1
            if group == "scene":
                assert shown.box == (0, 0, 1, 1)
            elif not shown.worn_by:
                over = [subject.box[i] - shown.box[i] for i in (0, 1)]
                over += [shown.box[i] - subject.box[i] for i in (2, 3)]
                assert max(over) <= REACH, (job.id, subject, shown)
    assert seen["worn"] or split == "yollava"


def test_clothes_are_worn_by_a_subject_or_else_by_somebody() -> None:
    known, plan = plan_of("msbench")
    engine = PlayroomEngine(known)

    def worn(categories: list[str]) -> list[str]:
        job = next(j for j in plan.jobs if [one.category for one in j.subjects] == categories)
        living = job.subjects[0].concept
        shown = engine.draw(job, 0).subjects
        return ["wearer" if one.worn_by == living else one.worn_by for one in shown]

    assert worn(["living", "object", "midwear"]) == ["", "", "wearer"]
    # A dress and trousers can't be worn together: the trousers lie in their own box.
    assert worn(["upwear", "wholewear", "downwear"]) == [NOBODY_NAMED, NOBODY_NAMED, ""]
    assert worn(["midwear"]) == [""]


def test_pictures_of_a_scene_are_seldom_near_copies() -> None:
    known, plan = plan_of("msbench")
    engine = PlayroomEngine(known)
    seen: dict[str, list[np.ndarray]] = {}
    for job in plan.jobs:
        subject = job.subjects[0]
        if len(job.subjects) == 1 and subject.category == "scene":
            seen.setdefault(subject.concept, []).append(fingerprint(engine.draw(job, 0).image))
    pairs = [one @ other >= NEAR for two in seen.values() for one, other in combinations(two, 2)]
    assert len(pairs) > 200
    assert np.mean(pairs) < 0.1  # nearly all of a scene in every picture: 0.17


def test_an_attempt_is_the_same_picture_and_the_next_one_is_not() -> None:
    known, plan = plan_of("yollava")
    engine, job = PlayroomEngine(known), plan.jobs[0]

    def pixels(attempt: int) -> np.ndarray:
        return np.asarray(engine.draw(job, attempt).image)

    assert np.array_equal(pixels(0), pixels(0))
    assert not np.array_equal(pixels(0), pixels(1))


def test_questions_ask_for_look_alikes_that_are_not_there() -> None:
    known, plan = plan_of("yollava")
    job: Job = next(job for job in plan.jobs if job.part == "train")
    (subject,) = (one for one in known if one.name == job.subjects[0].concept)
    (twin,) = (one for one in known if one.resembles(subject))
    asked = {one.question: one.answer for one in PlayroomEngine(known).draw(job, 0).questions}
    answers = {name: asked[question] for question in asked for name in (subject.name, twin.name)
               if f"see <{name}>" in question}  # fmt: skip
    assert answers == {subject.name: "Yes", twin.name: "No"}


@pytest.mark.parametrize(
    ("box", "visible", "cause"),
    [
        ((0.2, 0.2, 0.5, 0.6), 0.8, None),
        ((0.2, 0.2, 0.5, 0.6), 0.4, "SUBJECT_COVERED"),
        ((0.0, 0.0, 0.0, 0.0), 0.0, "SUBJECT_MISSING"),
        ((0.2, 0.2, 0.5, 0.23), 1.0, "SUBJECT_SMALL"),
        (None, None, None),
    ],
)
def test_a_picture_is_judged_by_what_is_known_of_its_subjects(
    box: tuple[float, float, float, float] | None, visible: float | None, cause: str | None
) -> None:
    whole = Shown((0, 0, 1, 1), 1.0)
    drawn = Drawn(Image.new("RGB", (8, 8)), (whole, Shown(box, visible)), "", ())
    assert judge_by_truth(drawn) == cause
