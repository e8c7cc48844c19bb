"""Multiple-choice questions, as each dataset writes them."""

import random
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from evaluation import metrics
from evaluation.datasets.files import mapping, short, text, wrong
from evaluation.manifest import Question

OPTIONS: Final = 4
"""Of a question that has only an answer: that one, and others of its kind, at most so many."""
_PLACEHOLDER: Final = re.compile(r"<sks>|\bsks\b")
_MARK: Final = re.compile(r"(?:^|(?<=\s))\(?([A-Z])[.):]\s*")


def with_others(
    asked: str, answer: str, others: Collection[str], concept: str, *, about_photo: bool, key: str
) -> Question:
    """A question that has only an answer, with options among which the answer lies.

    Args:
        asked: Its words.
        answer: The true one.
        others: Answers to questions of its kind, at least one other one.
        concept: Whom it is about.
        about_photo: Whether the photo is shown.
        key: What chance hangs on: the same one gives the same options in the same order.
    """
    chance = random.Random(key)
    wrong_ones = sorted(set(others) - {answer})
    options = [answer, *chance.sample(wrong_ones, min(OPTIONS - 1, len(wrong_ones)))]
    chance.shuffle(options)
    return Question(asked, tuple(options), answer, (concept,), about_photo)


def of_rap(where: str, told: object, concept: str, *, about_photo: bool) -> Question | None:
    """A question of Yo'LLaVA's and RAP's files; None where two of its options are the same.

        {"question": "What is behind sks?", "options": {"A": "A lake", "B": "A street"},
         "correct_answer": "A"}

    The text-only file says `option`. `sks` or `<sks>` stands for the concept.

    Raises:
        InvalidInput: It is of another form, or the answer is none of the options.
    """
    entry = mapping(where, told)
    key = "options" if "options" in entry else "option"
    options = {
        letter: text(f"{where}.{key}.{letter}", one)
        for letter, one in mapping(f"{where}.{key}", entry.get(key)).items()
    }
    answer = entry.get("correct_answer")
    if not isinstance(answer, str) or answer not in options:
        known = ", ".join(options) or "none"
        raise wrong(f"{where}.correct_answer", f"{short(answer)} is no option; give one of {known}")
    asked = _PLACEHOLDER.sub(f"<{concept}>", text(f"{where}.question", entry.get("question")))
    return _question(asked, list(options.values()), options[answer], (concept,), about_photo)


def of_mc_llava(
    asked: str, answer: str, known: Collection[str], concepts: Sequence[str], *, about_photo: bool
) -> Question | None:
    """A question of MC-LLaVA's files, whose options stand in its text; None if they can't be read.

    Args:
        asked: Such as "What is <bo> doing? A. sitting B. running".
        answer: A letter, or one with the option's words.
        known: The dataset's concepts.
        concepts: Whom it is about, if it names none of these.
        about_photo: Whether the photo is shown.
    """
    asked = _PLACEHOLDER.sub(f"<{concepts[0]}>", asked)
    marks = list(_MARK.finditer(asked))
    while marks and not _is_alphabet([mark[1] for mark in marks]):
        del marks[0]
    ends = [mark.start() for mark in marks[1:]] + [len(asked)]
    options = [
        asked[mark.end() : end].strip(" \n,;") for mark, end in zip(marks, ends, strict=False)
    ]
    right = metrics.picked(answer, options)
    if right is None:
        return None
    named = [name for name in metrics.named(asked, known) if name in known]
    return _question(
        asked[: marks[0].start()].strip(), options, right, named or concepts, about_photo
    )


def _is_alphabet(letters: Sequence[str]) -> bool:
    return all(letter == chr(ord("A") + place) for place, letter in enumerate(letters))


def _question(
    asked: str, options: list[Any], answer: str, concepts: Sequence[str], about_photo: bool
) -> Question | None:
    different = len(options) > 1 and len(set(options)) == len(options) and all(options)
    if not different or not asked:
        return None
    return Question(asked, tuple(options), answer, tuple(concepts), about_photo)
