"""Averages of figures over datasets and settings."""

from collections.abc import Sequence
from dataclasses import replace

from evaluation.samples import Figure
from evaluation.statistics import Estimate, mean


def average(figures: Sequence[Figure]) -> Figure:
    """The average of figures, at least one, each weighted by its samples, as in Table 5.3.

    They are taken for independent; see `statistics.mean` for the interval.
    """
    if len(figures) == 1:
        return figures[0]
    samples = [one.samples for one in figures]
    found = mean([Estimate(one.value, one.low, one.high) for one in figures], samples)
    return replace(
        figures[0],
        **found._asdict(),
        samples=sum(samples),
        unparsed=sum(one.unparsed for one in figures),
        detail={},
    )
