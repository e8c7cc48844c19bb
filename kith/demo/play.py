"""Plays the story to a memory, a step at a time, each judged as it comes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from kith.client import Client
from kith.demo.judge import Naming, judge_answer, judge_names
from kith.demo.story import Introduction, Question, Scene, Story
from kith.messages import Answer, Concept, Retrieval


@dataclass(frozen=True)
class Remembered:
    """A concept was remembered by its one picture."""

    introduction: Introduction
    concept: Concept
    seconds: float


@dataclass(frozen=True)
class Looked:
    """A new picture was searched for what is known."""

    scene: Scene
    found: Retrieval
    namings: tuple[Naming, ...]
    """Empty where nobody is known and nobody was named: that is right, too."""
    seconds: float

    @property
    def counted(self) -> tuple[int, int]:
        """How many of the names are right, and of how many."""
        if not self.namings:
            return 1, 1
        return sum(one.verdict == "right" for one in self.namings), len(self.namings)


@dataclass(frozen=True)
class Answered:
    """A question was answered."""

    question: Question
    scene: Scene | None
    """The picture it was about; None for one from memory."""
    answer: Answer
    right: bool
    seconds: float


Step = Remembered | Looked | Answered


@dataclass(frozen=True)
class Score:
    """How many of the names and of the answers are right."""

    names_right: int
    names: int
    answers_right: int
    answers: int


def play(kith: Client, story: Story) -> Iterator[Step]:
    """Remember the concepts, then look at each picture and ask about it."""
    for one in story.concepts:
        began = time.perf_counter()
        concept = kith.remember(
            one.name, one.picture, category=one.category, description=one.description
        )
        yield Remembered(one, concept, time.perf_counter() - began)
    names = [one.name for one in story.concepts]
    for scene in story.scenes:
        began = time.perf_counter()
        found = kith.retrieve(scene.picture)
        namings = tuple(judge_names(found, scene.present))
        yield Looked(scene, found, namings, time.perf_counter() - began)
        for question in scene.questions:
            yield _ask(kith, question, scene, names)
    for question in story.questions:
        yield _ask(kith, question, None, names)


def score(steps: list[Step]) -> Score:
    """Count what is right."""
    looks = [step.counted for step in steps if isinstance(step, Looked)]
    answers = [step.right for step in steps if isinstance(step, Answered)]
    return Score(
        names_right=sum(right for right, _ in looks),
        names=sum(count for _, count in looks),
        answers_right=sum(answers),
        answers=len(answers),
    )


def _ask(kith: Client, question: Question, scene: Scene | None, names: list[str]) -> Answered:
    began = time.perf_counter()
    answer = kith.ask(question.text, scene.picture if scene else None)
    seconds = time.perf_counter() - began
    return Answered(question, scene, answer, judge_answer(question, answer.text, names), seconds)
