"""Whether what was said is true: names in their places, and answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from kith.demo.story import Question
from kith.messages import Box, Retrieval

SAME_PLACE = 0.5
"""Overlap (intersection over union) from which on two boxes are the same place."""


@dataclass(frozen=True)
class Naming:
    """What became of one name in one picture."""

    name: str
    verdict: Literal["right", "missed", "in the wrong place", "not there"]
    said: Box | None
    true: Box | None


def judge_names(found: Retrieval, present: Mapping[str, Box]) -> list[Naming]:
    """One naming for each concept that is there, and one for each name given wrongly."""
    said = {used.concept: used.box for used in found.accepted}
    judged = []
    for name, true in present.items():
        box = said.get(name)
        if name not in said:
            judged.append(Naming(name, "missed", None, true))
        elif box is not None and overlap(box, true) >= SAME_PLACE:
            judged.append(Naming(name, "right", box, true))
        else:
            judged.append(Naming(name, "in the wrong place", box, true))
    wrong = [
        Naming(name, "not there", box, None) for name, box in said.items() if name not in present
    ]
    return judged + wrong


def judge_answer(question: Question, answer: str) -> bool:
    """Whether `answer` is the true one: that and nothing more, but for case, stops and article.

    A caption is free in its words: it must name those who are there in brackets, and nobody else.
    """
    if question.kind == "caption":
        return _names(answer) == _names(question.answer)
    return _words(answer) == _words(question.answer)


def _names(text: str) -> set[str]:
    return set(re.findall(r"<(.+?)>", text))


def _words(text: str) -> list[str]:
    words = re.findall(r"\w+", text.lower())
    return words[1:] if words[:1] in (["a"], ["an"], ["the"]) else words


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    wide = min(one.x2, other.x2) - max(one.x1, other.x1)
    high = min(one.y2, other.y2) - max(one.y1, other.y1)
    common = max(0.0, wide) * max(0.0, high)
    return common / (_area(one) + _area(other) - common)


def _area(box: Box) -> float:
    return (box.x2 - box.x1) * (box.y2 - box.y1)
