"""What a task is: its samples, how one is asked, and the figures that the answers give."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from evaluation.controls import Asker, Reply
from evaluation.manifest import Dataset
from evaluation.results import Answered
from evaluation.samples import Said, Sample
from kith.messages import Answer


@dataclass(frozen=True)
class Limits:
    """How much of a dataset is asked about; None for all of it.

    What a smaller limit chooses, a larger one chooses too: chance orders the photos once.
    """

    queries: int | None = None
    """Recognition: how many queries the photos of one concept are to give. T follows: C·T·C is at
    most this, but T at least 1. The outside photos of each kind give a quarter of it at most, and
    there are never more than 50."""
    photos: int | None = None
    """Other tasks: photos of one concept, for each concept."""
    multis: int | None = None
    """All tasks: photos of several concepts."""
    outside: int | None = None
    """Other tasks: outside photos of each kind."""
    costs: int = 16
    """Photos by which costs are taken, and as many edits."""


@dataclass(frozen=True)
class Measured:
    """One number that a task makes of its answers; the fields are those of `Figure`."""

    setting: str
    metric: str
    value: float
    low: float
    high: float
    samples: int
    unparsed: int = 0
    detail: Mapping[str, Any] = field(default_factory=dict)


class Needs(NamedTuple):
    """What a system has to be able to do."""

    retrieval: bool = False
    """Find concepts by itself."""
    edits: bool = False
    """Heed an edit at once."""


class Asking(Protocol):
    """A task; its module is one."""

    @property
    def NEEDS(self) -> Needs:  # noqa: N802 - a constant of a module
        """What it can't be asked without."""

    @property
    def ABOUT(self) -> str:  # noqa: N802 - as above
        """What of a dataset it asks about, in words."""

    @property
    def ALONE(self) -> bool:  # noqa: N802 - as above
        """Whether its samples are asked one after the other, with nothing beside them."""

    def samples(self, dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
        """What is asked of every method, the same for the same arguments."""

    def together(self, sample: Sample) -> str:
        """The same for samples that one request answers."""

    def ask(self, asker: Asker, samples: Sequence[Sample]) -> list[Said]:
        """Ask samples that belong together; an answer each, in their order.

        Raises:
            KithError: There is no answer.
        """

    def figures(self, answered: Sequence[Answered]) -> list[Measured]:
        """The numbers that the answers to one part give, the same in whatever order they come."""

    def right(self, answered: Answered) -> bool | None:
        """Whether an answer is right, for the comparison of methods; None if it is not compared."""


def sample_id(sample_of: Dataset, *words: str) -> str:
    """An id of these words, which are a task, a setting, a photo and names."""
    return "/".join((sample_of.name, *words))


def alone(sample: Sample) -> str:
    """A key for `together` of tasks whose samples are asked one by one."""
    return sample.id


def by_photo(sample: Sample) -> str:
    """A key for `together` of tasks that ask for all concepts of a photo at once."""
    return sample.id.removesuffix("/".join(("", *sample.asked)))


def in_words(sample: Sample, reply: Reply[Answer], value: Any) -> Said:  # noqa: ANN401 - JSON
    """What a language model said to a sample.

    Args:
        sample: What it was asked.
        reply: Its answer.
        value: What that means.
    """
    answer, usage = reply.given, reply.given.usage
    return Said(
        sample.id,
        value,
        answer.text,
        reply.seconds,
        tuple(used.concept for used in answer.concepts),
        usage.prompt_tokens,
        usage.answer_tokens,
        reply.bytes_sent,
    )


def shared(sample: Sample, reply: Reply[Any], value: Any, among: int) -> Said:  # noqa: ANN401
    """What one request without a language model gave for one of several samples.

    Each has its share of what the request took, so that sums stay true.
    """
    return Said(
        sample.id, value, seconds=reply.seconds / among, bytes_sent=reply.bytes_sent // among
    )
