"""Strangers: how often a photo that shows nobody known is given a name.

Settings `outside` and `outside-multi` are asked by `Retrieve`: the value is what was found, see
`found`. Setting `caption` asks for a caption, by the neutral prompt: the value is the list of names
in it.

`false_accepts` is the share of photos that are given any name, at the threshold that is shipped.
"""

from collections.abc import Sequence
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.metrics import named
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import captioning, found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, in_words, sample_id
from evaluation.tasks.choice import some

NEEDS: Final = Needs(retrieval=True)
ABOUT: Final = "photo of nobody"
ALONE: Final = False
together = alone

_SETTINGS: Final = ("outside", "outside-multi", "caption")


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Outside photos of both kinds, each looked at and captioned; `truth` is that nobody is there.

    Those that are captioned are both kinds together.
    """
    of_kind = {
        setting: some(photos, limits.outside, seed)
        for setting, photos in (
            ("outside", dataset.outside),
            ("outside-multi", dataset.outside_multi),
        )
    }
    of_kind["caption"] = [*of_kind["outside"], *of_kind["outside-multi"]]
    return [
        Sample(
            sample_id(dataset, Task.STRANGERS, setting, photo.id),
            Task.STRANGERS,
            dataset.name,
            setting,
            photo.path,
            (),
            question=captioning.NEUTRAL if setting == "caption" else "",
            truth=[],
        )
        for setting in _SETTINGS
        for photo in of_kind[setting]
    ]


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One request each."""
    (sample,) = samples
    if sample.setting != "caption":
        return found.look(asker, samples)
    reply = asker.ask(sample.question, sample.photo, ())
    return [in_words(sample, reply, named(reply.given.text, ()))]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module."""
    return [
        measured
        for setting in _SETTINGS
        for measured in numbers.share(
            setting,
            "false_accepts",
            [
                (numbers.group_of(one), not right(one))
                for one in answered
                if one.sample.setting == setting
            ],
        )
    ]


def right(answered: Answered) -> bool:
    """Whether nobody is named."""
    value = answered.said.value
    return not (value if answered.sample.setting == "caption" else found.accepted(value))
