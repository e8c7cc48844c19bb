"""Captioning: which concepts a caption names (thesis 4.2.2 and 5.4, Tables 5.6 to 5.9).

Asked by two prompts: RAP's neutral one, and MC-LLaVA's, which names who is there. The settings of
samples are `single`, `two`, `three`, ... by how many concepts a photo shows, with `-primed` behind
it for the second prompt. Of figures there are also `multi` and `multi-primed`, of several concepts.

The value is the list of names in angle brackets. Precision is named and right / named, recall named
and right / present, both counted over all captions. There is no precision where nobody is named.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset, Photo
from evaluation.metrics import Counts, named
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, in_words, sample_id
from evaluation.tasks.choice import singles, some

NEEDS: Final = Needs()
ABOUT: Final = "photo of a concept"
ALONE: Final = False
together = alone

NEUTRAL: Final = "Please provide a caption for this image."
PRIMED: Final = (
    "Can you see {} in the image? Don't answer the question, but remember it, and only respond "
    "with a detailed caption for the image. Your caption:"
)
_NUMBERS: Final = ("", "single", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_PRIMED: Final = "-primed"
_METRICS: Final = {
    "precision": numbers.SHARE,
    "recall": numbers.SHARE,
    "f1": numbers.F1,
}
"""By name, how each grows with a share."""


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Each photo, by both prompts; `truth` is the list of who is there."""
    photos = [
        *singles(dataset, limits.photos, seed),
        *some(dataset.multis, limits.multis, seed),
    ]
    return [
        _sample(dataset, photo, prompt, primed)
        for photo in photos
        for prompt, primed in ((NEUTRAL, ""), (PRIMED, _PRIMED))
    ]


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """A caption each; those who are told are told who is there."""
    replies = [(one, asker.ask(one.question, one.photo, one.present)) for one in samples]
    return [in_words(one, reply, named(reply.given.text, one.present)) for one, reply in replies]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """Precision, recall and F1 of each setting; `detail` of an F1 holds [right, wrong, missed]."""
    made: list[Measured] = []
    for primed in ("", _PRIMED):
        some_ = [one for one in answered if one.sample.setting.endswith(_PRIMED) == bool(primed)]
        several = [one for one in some_ if len(one.sample.present) > 1]
        for setting in sorted({one.sample.setting for one in some_}):
            made += _of_one(setting, [one for one in some_ if one.sample.setting == setting])
        made += _of_one(f"multi{primed}", several)
    return made


def right(answered: Answered) -> bool:
    """Whether exactly those are named who are there."""
    return set(answered.said.value) == set(answered.sample.present)


def counts(answered: Answered) -> Counts:
    """Of one caption: named and right, named and wrong, missed."""
    told, there = set(answered.said.value), set(answered.sample.present)
    return Counts(tp=len(told & there), fp=len(told - there), fn=len(there - told))


def _sample(dataset: Dataset, photo: Photo, prompt: str, primed: str) -> Sample:
    number = len(photo.concepts)
    setting = (_NUMBERS[number] if number < len(_NUMBERS) else str(number)) + primed
    return Sample(
        sample_id(dataset, Task.CAPTIONING, setting, photo.id),
        Task.CAPTIONING,
        dataset.name,
        setting,
        photo.path,
        photo.concepts,
        photo.concepts if primed else (),
        prompt.format(" ".join(f"<{name}>" for name in photo.concepts)),
        list(photo.concepts),
    )


def _of_one(setting: str, answered: Sequence[Answered]) -> list[Measured]:
    rows = []
    for one in answered:
        count = counts(one)
        rows.append((numbers.group_of(one), (count.tp, count.fp, count.fn)))
    total = [int(sum(row[place] for _, row in rows)) for place in range(3)]
    metrics = {
        metric: numbers.Measure(partial(_of_names, metric), scale)
        for metric, scale in _METRICS.items()
    }
    return numbers.of_sums(setting, metrics, rows, details={"f1": {"counts": total}})


def _of_names(metric: str, sums: numbers.Sums) -> float | None:
    named_right, named_wrong, missed = (int(one) for one in sums)
    value: float | None = getattr(Counts(tp=named_right, fp=named_wrong, fn=missed), metric)
    return value
