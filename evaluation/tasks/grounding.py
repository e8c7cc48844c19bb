"""Grounding: where a concept is said to be, beside where it is.

Asked are photos whose boxes are known, by `Retrieve`: one request for all concepts of a photo. The
value is the accepted concept's box in shares of the photo, null where it is not accepted or no box
is told, which counts as an overlap of 0. Settings are `single` and `multi`; figures are `iou`, the
mean intersection over union, and `iou50`, the share that is at least 0.5.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Box, Dataset
from evaluation.metrics import iou
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, by_photo, sample_id
from evaluation.tasks.choice import singles, some

NEEDS: Final = Needs(retrieval=True)
ABOUT: Final = "photo that tells where a concept is"
ALONE: Final = False
together = by_photo

_ENOUGH: Final = 0.5


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Each concept of each photo; `truth` is its box [x1, y1, x2, y2] in shares of the photo."""
    photos = [
        *singles(dataset, limits.photos, seed),
        *some(dataset.multis, limits.multis, seed),
    ]
    return [
        Sample(
            sample_id(dataset, Task.GROUNDING, setting, photo.id, name),
            Task.GROUNDING,
            dataset.name,
            setting,
            photo.path,
            photo.concepts,
            (name,),
            truth=list(photo.boxes[name]),
        )
        for photo in photos
        for setting in ["single" if len(photo.concepts) == 1 else "multi"]
        for name in photo.concepts
        if name in photo.boxes
    ]


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One request for all."""
    answers = found.look(asker, samples)
    return [
        replace(answer, value=_box(answer.value, sample.asked[0]))
        for sample, answer in zip(samples, answers, strict=True)
    ]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module."""
    made: list[Measured] = []
    for setting in ("single", "multi"):
        overlaps = [
            (numbers.group_of(one), _overlap(one))
            for one in answered
            if one.sample.setting == setting
        ]
        made += numbers.mean(setting, "iou", overlaps)
        hits = [(photo, overlap >= _ENOUGH) for photo, overlap in overlaps]
        made += numbers.share(setting, "iou50", hits)
    return made


def right(answered: Answered) -> bool:
    """Whether the boxes overlap by half."""
    return _overlap(answered) >= _ENOUGH


def _overlap(answered: Answered) -> float:
    said: Box | None = answered.said.value and tuple(answered.said.value)
    return iou(tuple(answered.sample.truth), said) if said else 0.0


def _box(value: found.Found, name: str) -> list[float] | None:
    """The box of the most certain place where a concept is accepted."""
    return next((one["box"] for one in value["accepted"] if one["concept"] == name), None)
