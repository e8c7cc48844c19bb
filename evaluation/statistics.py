"""How sure a figure is: its interval, and McNemar's test between two methods."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

CONFIDENCE: Final = 0.95
_EXACT_BELOW: Final = 25
"""Disagreements from which the normal approximation is good enough (McNemar 1947; Edwards 1948)."""


class Estimate(NamedTuple):
    """A value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


def bootstrap(
    values: NDArray[Any],
    statistic: Callable[[NDArray[Any]], float],
    groups: NDArray[Any] | None = None,
    seed: int = 0,
    draws: int = 1000,
) -> tuple[float, float]:
    """The 95 % percentile bootstrap interval of a statistic (Efron 1979).

    Args:
        values: [samples, ...], at least one sample.
        statistic: Of some samples, [samples, ...] in any number and order, some of them repeated.
        groups: [samples], what each belongs to. Samples that share a photo are not independent of
            each other: whole groups are drawn then. Left out, each sample is its own.
        seed: Where chance begins.
        draws: How often the samples are drawn anew.

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: There is no sample, or there are not as many groups as samples.
    """
    count = len(values)
    labels = np.arange(count) if groups is None else np.asarray(groups)
    if not count:
        raise ValueError("values: there are no samples; leave the figure out")
    if labels.shape != (count,):
        raise ValueError(f"values: {count} samples with {labels.shape} groups; give one for each")
    _, place, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(seed)
    found = [
        statistic(values[order[_members(picked, starts, sizes)]])
        for picked in rng.integers(len(sizes), size=(draws, len(sizes)))
    ]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return float(low), float(high)


def wilson(hits: float, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which has a width even where the share is 0 or 1.

    Args:
        hits: Of so many trials that do not depend on each other; a trial may count in part.
        of: At least 1.
    """
    share, z = hits / of, float(stats.norm.ppf((1 + CONFIDENCE) / 2))
    middle = share + z**2 / (2 * of)
    half = z * math.sqrt(share * (1 - share) / of + z**2 / (4 * of**2))
    low, high = ((middle + way * half) / (1 + z**2 / of) for way in (-1, 1))
    return min(share, max(0.0, low)), max(share, min(1.0, high))


def mean(parts: Sequence[Estimate], weights: Sequence[float]) -> Estimate:
    """The weighted mean of values that do not depend on each other.

    The ends of its interval are found by MOVER (Zou and Donner, Statistics in Medicine 27, 2008),
    which combines those of the parts.

    Args:
        parts: At least one.
        weights: One for each, in any unit.
    """
    shares = [weight / sum(weights) for weight in weights]
    both = list(zip(shares, parts, strict=True))
    value = sum(share * one.value for share, one in both)
    below = math.hypot(*(share * (one.value - one.low) for share, one in both))
    above = math.hypot(*(share * (one.high - one.value) for share, one in both))
    return Estimate(value, value - below, value + above)


def mcnemar(first_right: Sequence[bool], second_right: Sequence[bool]) -> float:
    """The p-value of the hypothesis that two methods are right equally often.

    Below 25 disagreements it is the exact binomial one, from there on that of chi-squared with
    Edwards' continuity correction. It takes samples for independent of each other, also those about
    one photo, so that it may be too small where a photo is asked about often.

    Args:
        first_right: [samples], whether the first method is right.
        second_right: [samples], whether the second is, on the same samples.

    Raises:
        ValueError: They differ in length.
    """
    first, second = np.asarray(first_right, np.bool_), np.asarray(second_right, np.bool_)
    if first.shape != second.shape:
        raise ValueError(f"second_right: {second.shape} of {first.shape} samples; give all")
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    differing = only_first + only_second
    if not differing:
        return 1.0
    if differing < _EXACT_BELOW:
        return float(stats.binomtest(only_first, differing).pvalue)
    apart = max(0, abs(only_first - only_second) - 1)
    return float(stats.chi2.sf(apart**2 / differing, df=1))


def _members(
    picked: NDArray[np.intp], starts: NDArray[np.intp], sizes: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Where the members of the picked groups stand, when groups lie one after the other."""
    lengths = sizes[picked]
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts[picked] - before, lengths) + np.arange(lengths.sum())
