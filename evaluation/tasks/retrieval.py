"""Recognition without a language model: the same queries, answered by `Recognize`.

One request answers all queries about a photo. The value is {"present": whether all that was asked
for is said to be there, "score": the least certain one's score, 0 to 1}.
"""

from collections.abc import Sequence
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import queries
from evaluation.tasks.asking import Limits, Measured, Needs, by_photo, shared

NEEDS: Final = Needs(retrieval=True)
ABOUT: Final = "photo"
ALONE: Final = False
together = by_photo


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """See `queries`."""
    return list(queries.queries(Task.RETRIEVAL, dataset, limits, seed))


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One request for all concepts that any of the samples asks for."""
    names = list(dict.fromkeys(name for one in samples for name in one.asked))
    photo = samples[0].photo
    assert photo is not None  # `queries` gives each one
    reply = asker.recognize(photo, names)
    found = dict(zip(names, reply.given, strict=True))
    answers = []
    for one in samples:
        asked = [found[name] for name in one.asked]
        value = {
            "present": all(each.present for each in asked),
            "score": min(each.score for each in asked),
        }
        answers.append(shared(one, reply, value, len(samples)))
    return answers


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See `queries`."""
    return queries.figures(answered, [one.said.value["present"] for one in answered])


def right(answered: Answered) -> bool:
    """Whether all that was asked for is said to be there exactly where it is."""
    return bool(answered.said.value["present"] is answered.sample.truth)
