"""Figures with their 95 % intervals, by photo. One that is undefined is left out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Counts
from evaluation.results import Answered
from evaluation.statistics import CONFIDENCE, bootstrap, wilson
from evaluation.tasks.asking import Measured

Row = tuple[str, Sequence[float]]
"""The photo, and what an answer adds to each sum."""
Sums = NDArray[np.float64]


class Scale(NamedTuple):
    """How a measure grows with a share, from 0 to 1."""

    of: Callable[[float], float]
    """What it is at a share."""
    share: Callable[[float], float]
    """At which share it has a value."""


SHARE: Final = Scale(lambda share: share, lambda value: value)
"""Of measures that are shares."""
F1: Final = Scale(lambda share: 2 * share / (1 + share), lambda value: value / (2 - value))
"""F1, where of all that is named or there, this share is both (Jaccard's index)."""


@dataclass(frozen=True)
class Measure:
    """What is computed from sums over answers."""

    of: Callable[[Sums], float | None]
    """Of the sums, [sums]; None where it is undefined."""
    scale: Scale | None = None
    """For one that grows with a share."""


_DRAWS: Final = 1000
_AT_ONCE: Final = 4_000_000
"""Numbers that are drawn at once: 32 MB."""


def group_of(answered: Answered) -> str:
    """What a sample is resampled with: its photo, or itself where there is none."""
    return str(answered.sample.photo or answered.sample.id)


def of_sums(
    setting: str,
    metrics: Mapping[str, Measure],
    rows: Sequence[Row],
    unparsed: int = 0,
    details: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Measured]:
    """Figures that are computed from sums over the answers; none if there are no answers.

    The intervals are those of `statistics.bootstrap`, with photos as groups; the sums of each draw
    are made once for all metrics. Where photos agree, so that every draw gives the same, the
    interval of what grows with a share is Wilson's, by the number of photos that it rests on; a
    mean of anything else has no width then.

    Args:
        setting: Of the figures.
        metrics: What is made of the sums over all answers, by name.
        rows: One an answer.
        unparsed: Answers that could not be read.
        details: What a plot needs besides, by metric.
    """
    if not rows:
        return []
    sums = _by_photo(rows)
    drawn, whole = _drawn(sums), sums.sum(axis=0)
    made = []
    for metric, measure in metrics.items():
        value = measure.of(whole)
        if value is None:
            continue
        low, high = _ends(measure, drawn)
        if measure.scale and math.isclose(low, high, abs_tol=1e-9):
            low, high = _agreed(measure, measure.scale, sums, value)
        detail = (details or {}).get(metric, {})
        made.append(Measured(setting, metric, value, low, high, len(rows), unparsed, detail))
    return made


def share(
    setting: str,
    metric: str,
    hits: Sequence[tuple[str, float]],
    unparsed: int = 0,
    detail: Mapping[str, Any] | None = None,
) -> list[Measured]:
    """A share, such as that of right answers.

    Args:
        setting: Of the figure.
        metric: Of the figure.
        hits: The photo of each answer, and how much of the answer counts, 0 to 1.
        unparsed: See `of_sums`.
        detail: What a plot needs besides.
    """
    measure = {metric: Measure(_mean_of, SHARE)}
    return of_sums(setting, measure, _summed(hits), unparsed, {metric: detail or {}})


def mean(setting: str, metric: str, values: Sequence[tuple[str, float]]) -> list[Measured]:
    """A mean over answers that is no share of anything, such as of bytes.

    Args:
        setting: Of the figure.
        metric: Of the figure.
        values: The photo and the value of each answer.
    """
    return of_sums(setting, {metric: Measure(_mean_of)}, _summed(values))


def quantile(setting: str, metric: str, values: Sequence[float], at: float) -> list[Measured]:
    """A quantile of single answers, such as the seconds that 95 % of them stay below."""
    if not values:
        return []
    told = np.sort(np.asarray(values, np.float64))
    low, high = bootstrap(told, lambda drawn: float(np.quantile(drawn, at)))
    return [Measured(setting, metric, float(np.quantile(told, at)), low, high, len(told))]


def counts_in(sums: Sums) -> Counts:
    """Four sums, [tp, fp, tn, fn], as counts."""
    tp, fp, tn, fn = sums.tolist()
    return Counts(int(tp), int(fp), int(tn), int(fn))


def _summed(values: Sequence[tuple[str, float]]) -> list[Row]:
    return [(photo, (float(value), 1.0)) for photo, value in values]


def _mean_of(sums: Sums) -> float:
    return float(sums[0] / sums[1])


def _by_photo(rows: Sequence[Row]) -> Sums:
    """[photos, sums]."""
    found: dict[str, Sums] = {}
    for photo, row in rows:
        found[photo] = found.get(photo, 0) + np.asarray(row, np.float64)
    return np.stack([found[photo] for photo in sorted(found)])


def _drawn(sums: Sums) -> Sums:
    """The sums of each draw of photos, [draws, sums]."""
    photos = len(sums)
    picked = np.random.default_rng(0).integers(photos, size=(_DRAWS, photos))
    some = max(1, _AT_ONCE // sums.size)
    parts = [sums[picked[start : start + some]].sum(axis=1) for start in range(0, _DRAWS, some)]
    return np.concatenate(parts)


def _agreed(measure: Measure, scale: Scale, sums: Sums, value: float) -> tuple[float, float]:
    """The interval where every draw gives the same."""
    photos = sum(measure.of(one) is not None for one in sums)
    low, high = wilson(scale.share(value) * photos, photos)
    return scale.of(low), scale.of(high)


def _ends(measure: Measure, drawn: Sums) -> tuple[float, float]:
    """The interval that draws give; those for which the measure is undefined tell nothing."""
    values = [value for one in drawn if (value := measure.of(one)) is not None]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
