"""Multiple choice about a photo (setting `visual`) and from what is remembered alone (`text`).

The wording is RAP's. Options are shuffled by the seed: of the published text-only questions 390 of
400 have the answer A. `truth` is {"answer": ..., "options": [...]} as they were offered, the value
the option that was picked, or null where that is unclear, which counts as wrong.
"""

import random
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset, Photo, Question
from evaluation.metrics import option
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, in_words, sample_id
from evaluation.tasks.choice import singles, some

NEEDS: Final = Needs()
ABOUT: Final = "question with options"
ALONE: Final = False
together = alone


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Each question of the photos that are asked about."""
    photos = [
        *singles(dataset, limits.photos, seed),
        *some(dataset.multis, limits.multis, seed),
    ]
    return [
        _sample(dataset, photo, number, question, seed)
        for photo in photos
        for number, question in enumerate(photo.questions)
    ]


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One question each; those who are told are told whom it is about."""
    replies = [(one, asker.ask(one.question, one.photo, one.asked)) for one in samples]
    return [
        in_words(one, reply, option(reply.given.text, one.truth["options"]))
        for one, reply in replies
    ]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """Accuracy of each setting; `detail` tells `chance`, that of guessing."""
    made: list[Measured] = []
    for setting in ("visual", "text"):
        some_ = [one for one in answered if one.sample.setting == setting]
        if not some_:
            continue
        chances = [1 / len(one.sample.truth["options"]) for one in some_]
        made += numbers.share(
            setting,
            "accuracy",
            [(numbers.group_of(one), right(one)) for one in some_],
            unparsed=sum(one.said.value is None for one in some_),
            detail={"chance": sum(chances) / len(chances)},
        )
    return made


def right(answered: Answered) -> bool:
    """Whether the right option was picked."""
    return bool(answered.said.value == answered.sample.truth["answer"])


def worded(question: str, options: Sequence[str]) -> str:
    """A question with its options in RAP's words (`eval/VQA.py`)."""
    lines = "".join(
        f"{letter}. {text}\n" for letter, text in zip(ascii_uppercase, options, strict=False)
    )
    return (
        f"Question: {question}\nOptions:\n{lines}"
        "Please give a single character from the options above. \n"
    )


def _sample(dataset: Dataset, photo: Photo, number: int, question: Question, seed: int) -> Sample:
    setting = "visual" if question.about_photo else "text"
    name = sample_id(dataset, Task.QUESTIONS, setting, photo.id, str(number), *question.concepts)
    options = list(question.options)
    random.Random(f"{seed} {name}").shuffle(options)
    return Sample(
        name,
        Task.QUESTIONS,
        dataset.name,
        setting,
        photo.path if question.about_photo else None,
        photo.concepts,
        question.concepts,
        worded(question.text, options),
        {"answer": question.answer, "options": options},
    )
