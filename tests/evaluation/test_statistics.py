from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from evaluation.statistics import Estimate, bootstrap, mcnemar, wilson
from evaluation.statistics import mean as weighted_mean


def mean(values: NDArray[np.float64]) -> float:
    return float(values.mean())


def test_the_interval_is_that_of_scipy() -> None:
    values = np.random.default_rng(3).normal(size=400)
    low, high = bootstrap(values, mean, draws=4000)
    known = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1)
    assert low == pytest.approx(known.confidence_interval.low, abs=0.01)
    assert high == pytest.approx(known.confidence_interval.high, abs=0.01)


def test_it_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        low, high = bootstrap(rng.normal(size=60), mean, seed=trial, draws=200)
        hits += low <= 0 <= high
    assert 0.88 <= hits / 200 <= 0.99


def test_samples_of_one_photo_are_drawn_together() -> None:
    """Copies of a sample add no knowledge: the interval is that of the photos."""
    once = np.random.default_rng(1).random(50)
    values, groups = np.repeat(once, 20), np.repeat(np.arange(50), 20)
    shuffle = np.random.default_rng(2).permutation(values.size)
    assert bootstrap(values[shuffle], mean, groups[shuffle]) == pytest.approx(bootstrap(once, mean))
    alone = bootstrap(values, mean)
    together = bootstrap(values, mean, groups)
    assert together[1] - together[0] > 3 * (alone[1] - alone[0])


def test_groups_come_whole() -> None:
    groups = np.array(["a", "b", "b", "c", "c", "c"])
    sizes = {"a": 1, "b": 2, "c": 3}

    def whole(drawn: NDArray[np.str_]) -> float:
        names, counted = np.unique(drawn, return_counts=True)
        assert all(
            count % sizes[str(name)] == 0 for name, count in zip(names, counted, strict=True)
        )
        return 1.0

    assert bootstrap(groups, whole, groups, draws=50) == (1.0, 1.0)


def test_rows_stay_together() -> None:
    rows = np.array([[1, 10], [2, 20], [3, 30]])
    assert bootstrap(rows, lambda drawn: float((drawn[:, 0] * 10 == drawn[:, 1]).all())) == (1, 1)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).random(30)
    assert bootstrap(values, mean, seed=1) == bootstrap(values, mean, seed=1)
    assert bootstrap(values, mean, seed=1) != bootstrap(values, mean, seed=2)


@pytest.mark.parametrize(
    ("count", "groups", "next_step"),
    [(0, None, "leave the figure out"), (3, np.arange(2), "give one for each")],
)
def test_an_interval_of_nothing_is_refused(
    count: int, groups: NDArray[np.int_] | None, next_step: str
) -> None:
    with pytest.raises(ValueError, match=next_step):
        bootstrap(np.zeros(count), mean, groups)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 50, 0, 0.0713), (50, 50, 0.9287, 1), (0, 1, 0, 0.7935), (3, 10, 0.1078, 0.6032)],
)
def test_wilsons_interval_has_a_width_at_either_end(
    hits: int, of: int, low: float, high: float
) -> None:
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)


def test_a_mean_of_independent_values_is_surer_than_each() -> None:
    same = Estimate(0.5, 0.4, 0.7)
    assert weighted_mean([same], [3]) == pytest.approx(same)
    found = weighted_mean([same, same], [10, 10])
    assert found == pytest.approx((0.5, 0.5 - 0.1 / 2**0.5, 0.5 + 0.2 / 2**0.5))
    assert weighted_mean([same, Estimate(1, 0.8, 1)], [1, 3]).value == pytest.approx(0.875)


def p_of(only_first: int, only_second: int, both: int = 7) -> float:
    first = [True] * only_first + [False] * only_second + [True] * both
    second = [False] * only_first + [True] * only_second + [True] * both
    return mcnemar(first, second)


def test_known_values() -> None:
    assert p_of(0, 0) == 1
    assert p_of(2, 8) == pytest.approx(2 * sum(comb(10, k) for k in range(3)) / 2**10)
    assert p_of(59, 121) == pytest.approx(stats.chi2.sf(61**2 / 180, 1))
    assert p_of(59, 121) == pytest.approx(5.45e-6, rel=0.01)
    assert p_of(20, 20) == 1


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_order_and_agreement_do_not_matter(first: int, second: int, both: int) -> None:
    p = p_of(first, second, both)
    assert 0 <= p <= 1
    assert p == pytest.approx(p_of(second, first, 0))


def test_exact_and_approximate_meet_at_25() -> None:
    assert p_of(7, 17) == pytest.approx(stats.binomtest(7, 24).pvalue)
    assert p_of(8, 17) == pytest.approx(stats.binomtest(8, 25).pvalue, abs=0.01)


def test_other_samples_are_refused() -> None:
    with pytest.raises(ValueError, match="second_right"):
        mcnemar([True], [True, False])
