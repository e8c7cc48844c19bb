"""What answers are worth: how they are read, and the measures made of them."""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.manifest import Box

_LEAD: Final = re.compile(
    r"[\W_]*(?:the\s+)?(?:correct\s+|final\s+)?answer(?:\s+is\b|[*_\s]*:)", re.IGNORECASE
)
"""What may stand before an answer: "Answer:", "The answer is"."""
_NAME: Final = re.compile(r"<(?!\s*(?:yes|no)\s*>)[^<>]+>", re.IGNORECASE)
_YES_OR_NO: Final = re.compile(
    r"[\W_]*(yes|no)(?![^\W_])(?!\s*(?:/|or\b|and\b)\s*(?:yes|no)\b)", re.IGNORECASE
)
_ANSWERS: Final = re.compile(
    r"(?<![^\W_])(?:(yes)|no(?!\s+[^\W_]|-[^\W_]))(?![^\W_])", re.IGNORECASE
)
"""Each yes, and each no but one before another word, as in "no one"."""
_LETTER: Final = re.compile(r"\W*([A-Za-z])\W*")
_LETTER_AND_TEXT: Final = re.compile(r"\W*([A-Za-z])\s*[.):]\s*(.+)", re.DOTALL)
_AROUND: Final = " .,;:!?*_\"'“”()[]"
_IDENTIFIER: Final = re.compile(r"<([^<>]+)>")


@dataclass(frozen=True)
class Counts:
    """Answers by what they say and what is true.

    A measure is None where it is undefined, a division by zero.
    """

    tp: int = 0
    fp: int = 0
    tn: int = 0
    fn: int = 0
    unparsed: int = 0
    """Of `fp` and `fn`, the answers that could not be read: they count as wrong."""

    @classmethod
    def of(cls, truth: bool, said: bool | None) -> "Counts":
        """One answer; None for one that could not be read."""
        if said is None:
            return cls(fn=1, unparsed=1) if truth else cls(fp=1, unparsed=1)
        if said:
            return cls(tp=1) if truth else cls(fp=1)
        return cls(fn=1) if truth else cls(tn=1)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def total(self) -> int:
        """All answers."""
        return self.tp + self.fp + self.tn + self.fn

    @property
    def accuracy(self) -> float | None:
        """The share of right answers."""
        return _share(self.tp + self.tn, self.total)

    @property
    def precision(self) -> float | None:
        """Of what was said to be there, the share that is."""
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Of what is there, the share that was found: TP / (TP + FN)."""
        return _share(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall; 0 where nothing true was found."""
        return _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def balanced_accuracy(self) -> float | None:
        """The mean of the shares of right answers where the truth is yes and where it is no.

        RAP's "weighted" recognition. As with scikit-learn, a truth that never occurs is left out.
        """
        by_truth = [(self.tp, self.tp + self.fn), (self.tn, self.tn + self.fp)]
        shares = [right / all_ for right, all_ in by_truth if all_]
        return _share(sum(shares), len(shares))


def yes_or_no(text: str) -> bool | None:
    """What an answer says; None if it can't be read.

    It is read by its first word, yes or no, after concepts in angle brackets and "Answer:" or "The
    answer is". It can't be read where it says the other word too, as do "Yes/No", "Yes and no" and
    "No problem: yes"; a "no" that goes with a word, as in "Yes, and no one else", does not count.
    """
    words = _after_lead(_NAME.sub(" ", text))
    found = _YES_OR_NO.match(words)
    if not found:
        return None
    says = found[1].lower() == "yes"
    others = (bool(one[1]) != says for one in _ANSWERS.finditer(words, found.end()))
    return None if any(others) else says


def option(text: str, options: Sequence[str]) -> str | None:
    """The option that an answer picks; None if it is unclear.

    It is that of `picked`, be it after "Answer:" or "The answer is".
    """
    return picked(text, options) or picked(_after_lead(text), options)


def picked(text: str, options: Sequence[str]) -> str | None:
    """The option that is meant by its letter, its words or both; None if it is unclear.

    Args:
        text: Such as "B", "(b)", "B. on the left", "On the left.".
        options: Under A, B, C ... in this order, at most 26.
    """
    by_words = {words: one for one in options if (words := _plain(one))}
    if (meant := by_words.get(_plain(text))) is not None:
        return meant
    if alone := _LETTER.fullmatch(text):
        return _lettered(alone[1], options)
    if both := _LETTER_AND_TEXT.fullmatch(text):
        meant = _lettered(both[1], options)
        return meant if by_words.get(_plain(both[2]), meant) == meant else None
    return None


def named(caption: str, known: Collection[str]) -> list[str]:
    """The identifiers in angle brackets, without these, each once, in their order.

    One that is not known is told as it stands: an invented name is a false one.

    Args:
        caption: With names such as <bo>.
        known: Names; one that differs only in capitals from a single one of these is that one.
    """
    by_fold: dict[str, list[str]] = {}
    for name in known:
        by_fold.setdefault(name.casefold(), []).append(name)
    found = []
    for identifier in _IDENTIFIER.findall(caption):
        name = unicodedata.normalize("NFC", identifier).strip()
        meant = by_fold.get(name.casefold(), [])
        found.append(meant[0] if name not in known and len(meant) == 1 else name)
    return list(dict.fromkeys(filter(None, found)))


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0 where both are empty."""
    wide = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    high = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = wide * high
    areas = sum(max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1]) for box in (a, b))
    return both / (areas - both) if areas > both else 0.0


class Curve(NamedTuple):
    """Precision and recall over the threshold, from the highest score down: float64 [n] each."""

    thresholds: NDArray[np.float64]
    """The different scores; what scores as much or more is accepted."""
    precisions: NDArray[np.float64]
    recalls: NDArray[np.float64]


def pr_curve(scores: Sequence[float], truths: Sequence[bool]) -> Curve:
    """Precision and recall at each different score.

    Args:
        scores: [samples], higher is likelier; finite.
        truths: [samples], whether it is so.

    Raises:
        ValueError: They differ in length, a score is not finite, or nothing is true.
    """
    values, true = np.asarray(scores, np.float64), np.asarray(truths, np.bool_)
    if values.shape != true.shape or not np.isfinite(values).all():
        raise ValueError(f"scores: {values.shape} finite ones for {true.shape} truths are needed")
    if not true.any():
        raise ValueError("truths: none is true, so that there is no recall")
    order = np.argsort(-values, kind="stable")
    values, hits = values[order], np.cumsum(true[order])
    last = np.append(np.flatnonzero(np.diff(values)), values.size - 1)
    return Curve(values[last], hits[last] / (last + 1), hits[last] / hits[-1])


def _after_lead(text: str) -> str:
    lead = _LEAD.match(text)
    return text[lead.end() :] if lead else text


def _lettered(letter: str, options: Sequence[str]) -> str | None:
    place = ord(letter.upper()) - ord("A")
    return options[place] if place < len(options) else None


def _plain(text: str) -> str:
    """In small letters, without the space, quotes and full stops around it."""
    return " ".join(text.casefold().split()).strip(_AROUND)


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
