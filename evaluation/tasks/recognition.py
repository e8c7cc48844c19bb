"""Recognition: the language model is asked whether it sees a concept (thesis 4.2.2).

See `queries` for what is asked and for the figures. The answer's value is true or false, and null
for one that can't be read: it counts as wrong, and is told.
"""

from collections.abc import Sequence
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.metrics import yes_or_no
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import queries
from evaluation.tasks.asking import Limits, Measured, Needs, alone, in_words

NEEDS: Final = Needs()
ABOUT: Final = "photo"
ALONE: Final = False
together = alone


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """See `queries`."""
    return list(queries.queries(Task.RECOGNITION, dataset, limits, seed))


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One question each."""
    replies = [(one, asker.ask(one.question, one.photo, one.asked)) for one in samples]
    return [in_words(one, reply, yes_or_no(reply.given.text)) for one, reply in replies]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See `queries`."""
    return queries.figures(answered, [one.said.value for one in answered])


def right(answered: Answered) -> bool:
    """Whether the answer is yes where all that was asked for is there, and no elsewhere."""
    return bool(answered.said.value is answered.sample.truth)
