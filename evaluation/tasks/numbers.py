"""Figures with their 95 % intervals, resampled by photo."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Counts
from evaluation.results import Answered
from evaluation.statistics import bootstrap
from evaluation.tasks.asking import Measured

Row = tuple[str, Sequence[float]]
"""The photo, and what an answer adds to each sum."""


def group_of(answered: Answered) -> str:
    """What a sample is resampled with: its photo, or itself where there is none."""
    return str(answered.sample.photo or answered.sample.id)


def of_sums(
    setting: str,
    metric: str,
    rows: Sequence[Row],
    value_of: Callable[[NDArray[np.float64]], float],
    unparsed: int = 0,
    detail: Mapping[str, Any] | None = None,
) -> list[Measured]:
    """A figure that is computed from sums over the answers; none if there are no answers.

    Args:
        setting: Of the figure.
        metric: Of the figure.
        rows: One an answer, [sums].
        value_of: Of the sums over all answers, [sums].
        unparsed: Answers that could not be read.
        detail: What a plot needs besides.
    """
    if not rows:
        return []
    by_photo: dict[str, NDArray[np.float64]] = {}
    for photo, row in rows:
        by_photo[photo] = by_photo.get(photo, 0) + np.asarray(row, np.float64)
    sums = np.stack([by_photo[photo] for photo in sorted(by_photo)])
    low, high = bootstrap(sums, lambda drawn: value_of(drawn.sum(axis=0)))
    value = value_of(sums.sum(axis=0))
    return [Measured(setting, metric, value, low, high, len(rows), unparsed, detail or {})]


def share(
    setting: str,
    metric: str,
    hits: Sequence[tuple[str, float]],
    **more: Any,  # noqa: ANN401
) -> list[Measured]:
    """A mean over answers, such as a share of right ones.

    Args:
        setting: Of the figure.
        metric: Of the figure.
        hits: The photo and the value of each answer.
        more: See `of_sums`.
    """
    rows = [(photo, (float(hit), 1.0)) for photo, hit in hits]
    return of_sums(setting, metric, rows, lambda sums: float(sums[0] / sums[1]), **more)


def quantile(setting: str, metric: str, values: Sequence[float], at: float) -> list[Measured]:
    """A quantile of single answers, such as the seconds that 95 % of them stay below."""
    if not values:
        return []
    told = np.sort(np.asarray(values, np.float64))
    low, high = bootstrap(told, lambda drawn: float(np.quantile(drawn, at)))
    return [Measured(setting, metric, float(np.quantile(told, at)), low, high, len(told))]


def counts_in(sums: NDArray[np.float64]) -> Counts:
    """Four sums, [tp, fp, tn, fn], as counts."""
    return Counts(*(int(number) for number in sums))
