import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import cast

import pytest
from PIL import Image

from kith.cli import human
from kith.cli.narrate import narrate
from kith.cli.session import say
from kith.client import Client
from kith.demo.judge import Naming, judge_answer, judge_names, overlap
from kith.demo.page import page
from kith.demo.play import Looked, Step, play, score
from kith.demo.story import FOLDER, Question, Story, load
from kith.errors import KithError, Refused
from kith.messages import Answer, Box, Concept, Retrieval, UsedConcept


def used(name: str, box: Box | None) -> UsedConcept:
    return UsedConcept(name, "", "", 0, box, 0.9)


def found(*concepts: UsedConcept) -> Retrieval:
    return Retrieval(256, 256, (), concepts)


class Oracle:
    """Answers the story as it is true, but for the picture and the question named."""

    def __init__(self, story: Story, wrong_picture: str = "", wrong_question: str = "") -> None:
        self.story = story
        self.wrong_picture = wrong_picture
        self.wrong_question = wrong_question

    def remember(self, name: str, image: Path, *, category: str, description: str) -> Concept:
        assert image.is_file()
        return Concept("users/me/concepts/1", name, category, description)

    def retrieve(self, image: Path) -> Retrieval:
        if image.name == self.wrong_picture:
            return found(used("pip", Box(0, 0, 9, 9)))
        (scene,) = [scene for scene in self.story.scenes if scene.picture == image]
        return found(*(used(name, box) for name, box in scene.present.items()))

    def forget(self, concept: str) -> None:
        assert concept == "users/me/concepts/1"

    def ask(self, question: str, image: Path | None) -> Answer:
        if question == self.wrong_question:
            return Answer("<script>alert(1)</script>")
        if question == "What is this?":
            return Answer("warm")
        scenes = [scene for scene in self.story.scenes if scene.picture == image]
        asked = scenes[0].questions if scenes else self.story.questions
        return Answer(next(one.answer for one in asked if one.text == question))


def played(story: Story, **wrong: str) -> list[Step]:
    return list(play(cast(Client, Oracle(story, **wrong)), story))


@pytest.fixture(scope="module")
def story() -> Story:
    return load()


def test_the_story_is_small_and_its_truth_lies_inside_its_pictures(story: Story) -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) < 1_500_000
    names = {one.name for one in story.concepts}
    assert len(names) == 5
    for scene in story.scenes:
        with Image.open(scene.picture) as picture:
            width, height = picture.size
        assert set(scene.present) <= names
        for box in scene.present.values():
            assert 0 <= box.x1 < box.x2 <= width
            assert 0 <= box.y1 < box.y2 <= height


def test_the_story_has_one_two_three_and_none_of_them_and_both_kinds_of_answer(
    story: Story,
) -> None:
    assert {len(scene.present) for scene in story.scenes} == {0, 1, 2, 3}
    answers = {question.answer for scene in story.scenes for question in scene.questions}
    assert {"Yes", "No"} <= answers


def test_the_truth_told_back_is_all_right(story: Story) -> None:
    counted = score(played(story))
    assert counted.names_right == counted.names > 8
    assert counted.answers_right == counted.answers > 10


def test_what_is_wrong_is_counted(story: Story) -> None:
    right = score(played(story))
    picture = story.scenes[0].picture.name
    question = story.questions[0].text
    counted = score(played(story, wrong_picture=picture, wrong_question=question))
    # In the first picture <bo> is missed and <pip> named: one more name, two of them wrong.
    assert counted == replace(
        right,
        names_right=right.names_right - 1,
        names=right.names + 1,
        answers_right=right.answers_right - 1,
    )


def test_a_name_is_right_only_in_its_place() -> None:
    there, elsewhere = Box(0, 0, 100, 100), Box(100, 100, 200, 200)
    judged = judge_names(
        found(used("bo", there), used("mia", elsewhere), used("pip", None), used("max", there)),
        {"bo": there, "mia": there, "pip": there, "sunny": there},
    )
    assert [(naming.name, naming.verdict) for naming in judged] == [
        ("bo", "right"),
        ("mia", "in the wrong place"),
        ("pip", "in the wrong place"),
        ("sunny", "missed"),
        ("max", "not there"),
    ]


def test_strangers_are_counted_apart_from_names(story: Story) -> None:
    assert not story.scenes[-1].present
    right = score(played(story))
    assert right.strangers_unnamed == right.strangers == 2
    named = score(played(story, wrong_picture=story.scenes[-1].picture.name))
    assert (named.strangers_unnamed, named.strangers) == (1, 2)
    assert (named.names_right, named.names) == (right.names_right, right.names + 1)


class Failing(Oracle):
    """Knows the truth, but every call ends with an error, once the models are loaded."""

    def __init__(self, story: Story, error: KithError) -> None:
        super().__init__(story)
        self.error = error

    def remember(self, name: str, image: Path, *, category: str, description: str) -> Concept:
        raise self.error

    def retrieve(self, image: Path) -> Retrieval:
        raise self.error

    def ask(self, question: str, image: Path | None) -> Answer:
        raise self.error


def test_a_call_that_fails_is_counted_as_wrong_and_told(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    failing = Failing(story, KithError("generation: <it> broke", reason="INTERNAL"))
    steps = list(play(cast(Client, failing), story))
    counted = score(steps)
    assert counted == replace(
        score(played(story)), names_right=0, strangers_unnamed=0, answers_right=0
    )
    told = page(steps, method="kith", profile="pocket")
    calls = len(story.concepts) + len(story.scenes) + counted.answers
    assert told.count("generation: &lt;it&gt; broke") == calls
    for step in steps:
        say(narrate(step))
    lines = " ".join(capsys.readouterr().out.split())
    assert lines.count("generation: <it> broke") == calls
    assert "✓" not in told + lines


def test_without_its_models_the_demo_ends_at_once(story: Story) -> None:
    refused = Refused("weights: no file detector.pt", reason="WEIGHTS_MISSING")
    with pytest.raises(Refused, match=r"no file detector\.pt"):
        next(play(cast(Client, Failing(story, refused)), story))


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Box(0, 0, 2, 2), Box(1, 0, 3, 2)) == pytest.approx(1 / 3)
    assert overlap(Box(0, 0, 2, 2), Box(5, 5, 6, 6)) == 0


@pytest.mark.parametrize(
    ("kind", "truth", "answer", "right"),
    [
        ("presence", "Yes", "Yes", True),
        ("presence", "Yes", " yes.", True),
        ("presence", "Yes", "Yes, <bo> is there.", False),
        ("presence", "Yes", "Yes No", False),
        ("presence", "Yes", "No", False),
        ("presence", "No", "", False),
        ("position", "on the left", "On the left.", True),
        ("position", "on the left", "It is on the left or on the right.", False),
        ("position", "on the left", "on the right", False),
        ("color", "orange", "Orange", True),
        ("color", "orange", "The orange!", True),
        ("color", "orange", "Red, blue or orange", False),
        ("count", "2", "2", True),
        ("action", "standing", "sitting, standing", False),
        ("color", "red", "It is coloured", False),
        ("caption", "<bo> <mia>", "A photo of <mia> and <bo>.", True),
        ("caption", "<bo> <mia>", "A photo of <bo>.", False),
        ("caption", "<bo>", "A photo of <bo> and <mia>.", False),
        ("caption", "<bo>", "A photo of <bo> and <somebody>.", False),
    ],
)
def test_an_answer_is_judged(kind: str, truth: str, answer: str, right: bool) -> None:
    assert judge_answer(Question("?", truth, kind), answer) is right


class Elements(HTMLParser):
    """Collects tags and text; fails on a tag that is closed without having been opened."""

    VOID = {"img", "meta"}  # noqa: RUF012 - a constant of a test

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_other_file(story: Story) -> None:
    steps = played(story, wrong_picture="scene-1.webp")
    html = page(steps, method="kith", profile="pocket")
    elements = Elements()
    elements.feed(html)
    assert elements.open == []
    images = [attributes for tag, attributes in elements.seen if tag == "img"]
    assert len(images) == len(story.concepts) + len(story.scenes)
    assert all(str(image["src"]).startswith("data:image/webp;base64,") for image in images)
    assert all(image["alt"] for image in images)
    assert not re.search(r"https?://|<script|<link|@import|url\(", html)
    counted = score(steps)
    assert f"{counted.names_right} of {counted.names}" in html
    assert "2 of 2" in html
    assert "small ones that ship with Kith" in html
    assert "✗ &lt;bo&gt; missed" in html
    assert "✗ &lt;pip&gt; not there" in html


def test_what_a_model_says_is_never_markup(story: Story) -> None:
    html = page(
        played(story, wrong_question=story.questions[0].text), method="kith", profile="pocket"
    )
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_a_missed_name_is_drawn_where_it_is_and_a_wrong_one_where_it_was_said(
    story: Story,
) -> None:
    scene = story.scenes[0]
    namings = (
        Naming("bo", "missed", None, Box(64, 128, 192, 256)),
        Naming("pip", "not there", Box(0, 0, 128, 64), None),
    )
    html = page([Looked(scene, found(), namings, 0.1)], method="kith", profile="pocket")
    assert "left:25.00%;top:50.00%;width:50.00%;height:50.00%" in html
    assert "left:0.00%;top:0.00%;width:50.00%;height:25.00%" in html
    assert "bo missed" in html


def test_the_story_is_told_line_by_line(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    for step in played(story, wrong_picture="scene-1.webp", wrong_question=story.questions[0].text):
        say(narrate(step))
    told = capsys.readouterr().out
    assert "Remembered <bo>, a dog, by one picture" in told
    assert "<bo> ✗ missed" in told
    assert "nobody known is there ✓ right" in told
    assert f"✗ wrong: {story.questions[0].answer}" in told
    assert "From memory" in told


def test_the_story_can_be_written_down_again() -> None:
    told = json.loads((FOLDER / "story.json").read_text(encoding="utf-8"))
    assert [one["name"] for one in told["concepts"]] == [one.name for one in load().concepts]
    assert human.tag("bo").plain == "<bo>"
