"""Plays the story to a memory, a step at a time, each judged as it comes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from kith.client import Client
from kith.demo.judge import Naming, judge_answer, judge_names
from kith.demo.story import Introduction, Question, Scene, Story
from kith.errors import KithError, Refused, Unavailable
from kith.messages import Answer, Concept, Retrieval

MODELS: Final[Mapping[str, str]] = {
    "pocket": "The models are the small ones that ship with Kith (profile pocket).",
    "full": "The models are the large ones (profile full).",
}
"""What is to be known of the models of a profile, to judge what they say."""


@dataclass(frozen=True)
class Loaded:
    """The models were loaded, and each has run once."""

    seconds: float


@dataclass(frozen=True)
class Remembered:
    """A concept was remembered by its one picture, unless there was a problem."""

    introduction: Introduction
    concept: Concept
    seconds: float
    problem: str = ""


@dataclass(frozen=True)
class Looked:
    """A new picture was searched for what is known; after a problem all there is was missed."""

    scene: Scene
    found: Retrieval
    namings: tuple[Naming, ...]
    """Empty where nobody is known and nobody was named: that is right, too."""
    seconds: float
    problem: str = ""

    @property
    def left_unnamed(self) -> bool:
        """Whether nobody was named in a picture that was looked at."""
        return not (self.found.accepted or self.problem)


@dataclass(frozen=True)
class Answered:
    """A question was answered; after a problem the answer is empty, and not right."""

    question: Question
    scene: Scene | None
    """The picture it was about; None for one from memory."""
    answer: Answer
    right: bool
    seconds: float
    problem: str = ""


Step = Loaded | Remembered | Looked | Answered


@dataclass(frozen=True)
class Score:
    """How much is right."""

    names_right: int
    names: int
    """Of those who are there, and those who were named without being there."""
    strangers_unnamed: int
    strangers: int
    """Pictures that show nobody known."""
    answers_right: int
    answers: int


def play(kith: Client, story: Story) -> Iterator[Step]:
    """Load the models, remember the concepts, then look at each picture and ask about it.

    A call that fails counts as a wrong answer.

    Raises:
        Refused, Unavailable: A model is missing or gone; no later call could do better.
    """
    yield _load(kith, story.concepts[0])
    for one in story.concepts:
        yield _remember(kith, one)
    for scene in story.scenes:
        yield _look(kith, scene)
        for question in scene.questions:
            yield _ask(kith, question, scene)
    for question in story.questions:
        yield _ask(kith, question, None)


def score(steps: list[Step]) -> Score:
    """Count what is right."""
    looks = [step for step in steps if isinstance(step, Looked)]
    namings = [naming for look in looks for naming in look.namings]
    strangers = [look.left_unnamed for look in looks if not look.scene.present]
    answers = [step.right for step in steps if isinstance(step, Answered)]
    return Score(
        names_right=sum(one.verdict == "right" for one in namings),
        names=len(namings),
        strangers_unnamed=sum(strangers),
        strangers=len(strangers),
        answers_right=sum(answers),
        answers=len(answers),
    )


def seconds(steps: list[Step]) -> tuple[float, float]:
    """How long the models took to load, and how long the story took."""
    loading = sum(step.seconds for step in steps if isinstance(step, Loaded))
    return loading, sum(step.seconds for step in steps) - loading


class _Try:
    """A call that may fail: how long it took, and what went wrong."""

    seconds = 0.0
    problem = ""


@contextmanager
def _trying() -> Iterator[_Try]:
    trying = _Try()
    began = time.perf_counter()
    try:
        yield trying
    except (Refused, Unavailable):
        raise
    except KithError as error:
        trying.problem = str(error)
    trying.seconds = time.perf_counter() - began


def _load(kith: Client, one: Introduction) -> Loaded:
    # Each model is loaded when it is first needed, the embedder only once there is a concept.
    with _trying() as trying:
        made = kith.remember("warm-up", one.picture, category=one.category, description="-")
        try:
            kith.ask("What is this?", one.picture)
        finally:
            kith.forget(made.name)
    return Loaded(trying.seconds)


def _remember(kith: Client, one: Introduction) -> Remembered:
    concept = Concept("", one.name, one.category, "")
    with _trying() as trying:
        concept = kith.remember(
            one.name, one.picture, category=one.category, description=one.description
        )
    return Remembered(one, concept, trying.seconds, trying.problem)


def _look(kith: Client, scene: Scene) -> Looked:
    found = Retrieval(0, 0, (), ())
    with _trying() as trying:
        found = kith.retrieve(scene.picture)
    namings = tuple(judge_names(found, scene.present))
    return Looked(scene, found, namings, trying.seconds, trying.problem)


def _ask(kith: Client, question: Question, scene: Scene | None) -> Answered:
    answer = Answer("")
    with _trying() as trying:
        answer = kith.ask(question.text, scene.picture if scene else None)
    right = not trying.problem and judge_answer(question, answer.text)
    return Answered(question, scene, answer, right, trying.seconds, trying.problem)
