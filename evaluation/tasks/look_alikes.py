"""Look-alikes: whether a concept's twin is accepted in its place.

Asked are photos of one concept that has been given a look-alike, by `Retrieve`; the value is what
was found, see `found`. The setting is `single`. Of figures,

- `mistaken` is the share of photos for which a twin is accepted and the concept is not;
- `both` that for which both are;
- `accuracy` that for which the concept is accepted and no twin is. Its `detail` has `pairs`, how
  often each concept was taken for whom: [[true, said, times], ...], with "" for nobody.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.tasks import found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, sample_id
from evaluation.tasks.choice import singles

NEEDS: Final = Needs(retrieval=True)
ABOUT: Final = "photo of one concept that has a look-alike"
ALONE: Final = False
together = alone


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Each photo; `truth` is the list of those who look like who is there."""
    made = []
    for photo in singles(dataset, limits.photos, seed):
        name = photo.concepts[0]
        if alike := sorted(dataset.by_name[name].alike & dataset.by_name.keys()):
            made.append(
                Sample(
                    sample_id(dataset, Task.LOOK_ALIKES, "single", photo.id),
                    Task.LOOK_ALIKES,
                    dataset.name,
                    "single",
                    photo.path,
                    photo.concepts,
                    truth=alike,
                )
            )
    return made


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One request each."""
    return found.look(asker, samples)


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module."""
    pairs: Counter[tuple[str, str]] = Counter()
    rows: dict[str, list[tuple[str, float]]] = {"mistaken": [], "both": [], "accuracy": []}
    for one in answered:
        own, twins = _accepted(one)
        photo = numbers.group_of(one)
        rows["mistaken"].append((photo, not own and bool(twins)))
        rows["both"].append((photo, own and bool(twins)))
        rows["accuracy"].append((photo, own and not twins))
        said = [*one.sample.present] if own else []
        pairs.update((one.sample.present[0], name) for name in [*said, *twins] or [""])
    detail = {"pairs": [[*pair, times] for pair, times in sorted(pairs.items())]}
    return [
        measured
        for metric, hits in rows.items()
        for measured in numbers.share(
            "single", metric, hits, detail=detail if metric == "accuracy" else None
        )
    ]


def right(answered: Answered) -> bool:
    """Whether the concept is accepted and no twin is."""
    own, twins = _accepted(answered)
    return own and not twins


def _accepted(answered: Answered) -> tuple[bool, list[str]]:
    """Whether the concept itself is accepted, and which of its twins are."""
    names = found.accepted(answered.said.value)
    own = answered.sample.present[0] in names
    return own, [name for name in names if name in answered.sample.truth]
