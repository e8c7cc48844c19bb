"""What a method costs, taken one call after the other with nothing beside them.

Settings are `remember` (of one more concept, its training included), `retrieve`, `recognition` and
`caption`. Figures are `seconds_p50` and `seconds_p95`, and the means `bytes_sent` and, of answers
in words, `prompt_tokens` and `answer_tokens`: 0 for a system that does not tell. The value is true.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import captioning, found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, in_words, sample_id
from evaluation.tasks.choice import some
from evaluation.tasks.queries import QUESTION

NEEDS: Final = Needs()
ABOUT: Final = "photo of a concept"
ALONE: Final = True
together = alone

_SETTINGS: Final = ("remember", "retrieve", "recognition", "caption")
_TOKENS: Final = ("prompt_tokens", "answer_tokens")
_REMEMBERED: Final = 8
"""Photos for each concept that is remembered: a training costs as much as many queries."""


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """At most as many photos as `limits.costs` says, of one concept or of several."""
    photos = some(dataset.photos, limits.costs, seed)
    made = []
    for number, photo in enumerate(photos):
        name = photo.concepts[0]
        for setting, question in (
            ("remember", ""),
            ("retrieve", ""),
            ("recognition", QUESTION.format(f"<{name}>")),
            ("caption", captioning.NEUTRAL),
        ):
            if setting == "remember" and number % _REMEMBERED:
                continue
            made.append(
                Sample(
                    sample_id(dataset, Task.COST, setting, photo.id),
                    Task.COST,
                    dataset.name,
                    setting,
                    photo.path,
                    photo.concepts,
                    (name,),
                    question,
                )
            )
    return made


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One call."""
    (sample,) = samples
    if sample.setting == "remember":
        return [_remember(asker, sample)]
    if sample.setting == "retrieve":
        (answer,) = found.look(asker, samples)
        return [replace(answer, value=True)]
    true = sample.present if sample.setting == "caption" else sample.asked
    reply = asker.ask(sample.question, sample.photo, true)
    return [in_words(sample, reply, True)]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module."""
    made: list[Measured] = []
    for setting in _SETTINGS:
        some_ = [one for one in answered if one.sample.setting == setting]
        seconds = [one.said.seconds for one in some_]
        made += numbers.quantile(setting, "seconds_p50", seconds, 0.5)
        made += numbers.quantile(setting, "seconds_p95", seconds, 0.95)
        has_words = setting in ("recognition", "caption")
        for metric in ("bytes_sent", *(_TOKENS if has_words else ())):
            made += numbers.mean(
                setting,
                metric,
                [(numbers.group_of(one), getattr(one.said, metric)) for one in some_],
            )
    return made


def right(answered: Answered) -> None:
    """Costs are not right or wrong."""


def _remember(asker: Asker, sample: Sample) -> Said:
    """Remember a concept by another name, and forget it again."""
    concept = asker.concepts[sample.asked[0]]
    again = replace(concept, name=f"{concept.name}-again")
    began = time.monotonic()
    size = asker.session.remember(again)
    seconds = time.monotonic() - began
    asker.session.forget(again.name)
    return Said(sample.id, True, seconds=seconds, bytes_sent=size)
