"""Identification: who is in the photo, told by `Retrieve` alone.

The value is what was found, see `found`. Settings are `single` and `multi`. Of figures,

- `top1` is the share of photos whose nearest match over all regions, accepted or not, is right; of
  a photo of m concepts, the share of these among the m nearest ones;
- `accepted` is the share of photos for which exactly those are accepted who are there.
"""

from collections.abc import Sequence
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, sample_id
from evaluation.tasks.choice import singles, some

NEEDS: Final = Needs(retrieval=True)
ABOUT: Final = "photo of a concept"
ALONE: Final = False
together = alone


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Each photo; `truth` is the list of who is there."""
    photos = [
        *singles(dataset, limits.photos, seed),
        *some(dataset.multis, limits.multis, seed),
    ]
    return [
        Sample(
            sample_id(dataset, Task.IDENTIFICATION, setting, photo.id),
            Task.IDENTIFICATION,
            dataset.name,
            setting,
            photo.path,
            photo.concepts,
            truth=list(photo.concepts),
        )
        for photo in photos
        for setting in ["single" if len(photo.concepts) == 1 else "multi"]
    ]


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One request each."""
    return found.look(asker, samples)


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module."""
    made: list[Measured] = []
    for setting in ("single", "multi"):
        some_ = [one for one in answered if one.sample.setting == setting]
        for metric, value_of in (("top1", _near), ("accepted", right)):
            made += numbers.share(
                setting, metric, [(numbers.group_of(one), value_of(one)) for one in some_]
            )
    return made


def right(answered: Answered) -> bool:
    """Whether exactly those are accepted who are there."""
    return set(found.accepted(answered.said.value)) == set(answered.sample.present)


def _near(answered: Answered) -> float:
    there = answered.sample.present
    near = [name for name, _ in found.nearest(answered.said.value)[: len(there)]]
    return len(set(near) & set(there)) / len(there)
