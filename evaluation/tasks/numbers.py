"""Figures with their 95 % intervals, resampled by photo."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evaluation.metrics import Counts
from evaluation.results import Answered
from evaluation.statistics import CONFIDENCE, bootstrap
from evaluation.tasks.asking import Measured

Row = tuple[str, Sequence[float]]
"""The photo, and what an answer adds to each sum."""
Sums = NDArray[np.float64]

_DRAWS: Final = 1000
_AT_ONCE: Final = 4_000_000
"""Numbers that are drawn at once: 32 MB."""


def group_of(answered: Answered) -> str:
    """What a sample is resampled with: its photo, or itself where there is none."""
    return str(answered.sample.photo or answered.sample.id)


def of_sums(
    setting: str,
    metrics: Mapping[str, Callable[[Sums], float]],
    rows: Sequence[Row],
    unparsed: int = 0,
    details: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Measured]:
    """Figures that are computed from sums over the answers; none if there are no answers.

    The intervals are those of `statistics.bootstrap`, with photos as groups; the sums of each draw
    are made once for all metrics.

    Args:
        setting: Of the figures.
        metrics: What each makes of the sums over all answers, [sums].
        rows: One an answer.
        unparsed: Answers that could not be read.
        details: What a plot needs besides, by metric.
    """
    if not rows:
        return []
    sums = _by_photo(rows)
    drawn, whole = _drawn(sums), sums.sum(axis=0)
    made = []
    for metric, value_of in metrics.items():
        low, high = _ends([value_of(one) for one in drawn])
        detail = (details or {}).get(metric, {})
        value = float(value_of(whole))
        made.append(Measured(setting, metric, value, low, high, len(rows), unparsed, detail))
    return made


def share(
    setting: str,
    metric: str,
    hits: Sequence[tuple[str, float]],
    unparsed: int = 0,
    detail: Mapping[str, Any] | None = None,
) -> list[Measured]:
    """A mean over answers, such as a share of right ones.

    Args:
        setting: Of the figure.
        metric: Of the figure.
        hits: The photo and the value of each answer.
        unparsed: See `of_sums`.
        detail: What a plot needs besides.
    """
    rows = [(photo, (float(hit), 1.0)) for photo, hit in hits]
    means = {metric: lambda sums: float(sums[0] / sums[1])}
    return of_sums(setting, means, rows, unparsed, {metric: detail or {}})


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


def _ends(values: Sequence[float]) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1 - tail])
    return float(low), float(high)
