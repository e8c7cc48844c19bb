"""The yes/no queries of thesis 4.2.2, and the measures made of their answers.

For C concepts with T photos each, M settings of m concepts with T_m photos each, they are

- positive: C·T + M·T_m·(m+1): each photo of one concept asked for it; each of several for every one
  of them, and for all together;
- negative: C·T·(C-1) + 50·C + 50·C at most: each photo of one concept asked for every other one,
  and outside photos, of one thing and of several, for all.

The settings of samples are `single`, `multi`, `outside` and `outside-multi`. Of figures, `single`
takes in the outside photos of one thing and `multi` those of several, as 4.2.2 counts them;
`weighted` is the mean of these two by their samples. Where nothing that is asked for is there, only
the accuracy tells something; where all of it is, as of photos of several without outside ones,
precision and F1 tell nothing. There are no such figures then, and means leave them out.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Final

from evaluation.manifest import Dataset, Photo
from evaluation.metrics import Counts
from evaluation.results import Answered
from evaluation.samples import Sample, Task
from evaluation.statistics import Estimate, mean
from evaluation.tasks import numbers
from evaluation.tasks.asking import Limits, Measured, sample_id
from evaluation.tasks.choice import outside_each, photos_each, singles, some

QUESTION: Final = "Can you see {} in this photo? Answer the question using a single word Yes or No."
"""Thesis, 4.2.2."""

_METRICS: Final[Mapping[str, numbers.Scale]] = {
    "accuracy": numbers.SHARE,
    "precision": numbers.SHARE,
    "recall": numbers.SHARE,
    "f1": numbers.F1,
    "balanced_accuracy": numbers.SHARE,
}
"""By name, how each grows with a share."""
_OF_NEGATIVES: Final = ("precision", "f1")
"""Those that who says yes to all would have at their best, were there no negatives."""
_SINGLE: Final = ("single", "outside")
_MULTI: Final = ("multi", "outside-multi")


def queries(task: Task, dataset: Dataset, limits: Limits, seed: int) -> Iterator[Sample]:
    """All queries; `truth` is whether the photo shows all that is asked for.

    Args:
        task: Whose samples they are.
        dataset: What to ask about.
        limits: `queries` and `multis` count.
        seed: Where chance begins.
    """
    names = [concept.name for concept in dataset.concepts]
    query = partial(_query, task, dataset)
    for photo in singles(dataset, photos_each(dataset, limits.queries), seed):
        yield from (query("single", photo, [name]) for name in names)
    for photo in some(dataset.multis, limits.multis, seed):
        yield from (query("multi", photo, [name]) for name in photo.concepts)
        yield query("multi", photo, photo.concepts)
    each = outside_each(dataset, limits.queries)
    for setting, photos in (
        ("outside", dataset.outside),
        ("outside-multi", dataset.outside_multi),
    ):
        for photo in some(photos, each, seed):
            yield from (query(setting, photo, [name]) for name in names)


def figures(answered: Sequence[Answered], said: Sequence[bool | None]) -> list[Measured]:
    """Accuracy, precision, recall, F1 and balanced accuracy of each setting.

    `detail` of an accuracy holds the counts [tp, fp, tn, fn], and of a single one also those of
    each concept.

    Args:
        answered: Answers to queries.
        said: What each says; None for one that could not be read.
    """
    both = list(zip(answered, said, strict=True))
    made: list[Measured] = []
    for setting, parts in (("single", _SINGLE), ("multi", _MULTI)):
        some_ = [(one, what) for one, what in both if one.sample.setting in parts]
        made += _of_one(setting, some_)
    for setting in ("outside", "outside-multi"):
        some_ = [(one, what) for one, what in both if one.sample.setting == setting]
        rows = [(numbers.group_of(one), what is False) for one, what in some_]
        unparsed = sum(what is None for _, what in some_)
        made += numbers.share(setting, "accuracy", rows, unparsed)
    return made + _weighted(made)


def _query(
    task: Task, dataset: Dataset, setting: str, photo: Photo, asked: Sequence[str]
) -> Sample:
    return Sample(
        sample_id(dataset, task, setting, photo.id, *asked),
        task,
        dataset.name,
        setting,
        photo.path,
        photo.concepts,
        tuple(asked),
        QUESTION.format(" ".join(f"<{name}>" for name in asked))
        if task is Task.RECOGNITION
        else "",
        set(asked) <= set(photo.concepts),
    )


_Both = Sequence[tuple[Answered, bool | None]]


def _of_one(setting: str, both: _Both) -> list[Measured]:
    counts = [_counts(one, said) for one, said in both]
    rows = [
        (numbers.group_of(one), _row(count)) for (one, _), count in zip(both, counts, strict=True)
    ]
    total = sum(counts, Counts())
    detail: dict[str, object] = {"counts": list(_row(total))}
    if setting == "single":
        detail["by_concept"] = _by_concept(both)
    metrics = {
        metric: numbers.Measure(partial(_of_counts, metric), scale)
        for metric, scale in _METRICS.items()
        if metric == "accuracy"
        or (total.tp + total.fn and (metric not in _OF_NEGATIVES or total.fp + total.tn))
    }
    return numbers.of_sums(setting, metrics, rows, total.unparsed, {"accuracy": detail})


def _of_counts(metric: str, sums: numbers.Sums) -> float | None:
    value: float | None = getattr(numbers.counts_in(sums), metric)
    return value


def _weighted(made: Sequence[Measured]) -> list[Measured]:
    """The mean of single and multi, which have no photo in common, by their samples."""
    means = []
    for metric in _METRICS:
        parts = [one for one in made if one.metric == metric and one.setting in ("single", "multi")]
        if parts:
            samples = [one.samples for one in parts]
            found = mean([Estimate(one.value, one.low, one.high) for one in parts], samples)
            unparsed = sum(one.unparsed for one in parts)
            means.append(Measured("weighted", metric, *found, sum(samples), unparsed))
    return means


def _by_concept(both: _Both) -> dict[str, list[int]]:
    """The counts of each concept's own photos: whether it is found there, and nobody else is."""
    found: dict[str, Counts] = {}
    for one, said in both:
        for name in one.sample.present:
            found[name] = found.get(name, Counts()) + _counts(one, said)
    return {name: list(_row(found[name])) for name in sorted(found)}


def _counts(answered: Answered, said: bool | None) -> Counts:
    return Counts.of(answered.sample.truth, said)


def _row(counts: Counts) -> tuple[int, int, int, int]:
    return counts.tp, counts.fp, counts.tn, counts.fn
