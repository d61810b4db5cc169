"""Statistics of raw seconds, against scipy, and against simulation from known distributions."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from cnnbench.timing.samples import statistics
from cnnbench.timing.samples.sampling import looks

Draw = Callable[[np.random.Generator, tuple[int, int]], NDArray[np.float64]]

# Each with median 1: a clock's noise is skewed, has heavy tails, and often two modes.
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(1, 0.1, shape),
    "skewed": lambda rng, shape: rng.lognormal(0, 0.3, shape),
    "exponential": lambda rng, shape: 0.5 + rng.exponential(0.5 / np.log(2), shape),
    "heavy": lambda rng, shape: 1 + 0.05 * rng.standard_t(1.5, shape),
    "two modes": lambda rng, shape: (
        np.where(rng.random(shape) < 0.5, 1 - 0.3, 1 + 0.3) + rng.normal(0, 0.2, shape)
    ),
}
seconds = st.lists(st.floats(1e-6, 10), min_size=1, max_size=80)


@given(seconds)
def test_the_interval_is_scipys(values: list[float]) -> None:
    found = statistics.interval(values)
    theirs = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert found.median == np.median(values)
    assert np.isnan(theirs.low) == np.isinf(found.low)
    if np.isfinite(found.low):
        # scipy takes the narrowest, which may lie one rank further in on one side
        assert found.low <= theirs.low and theirs.high <= found.high


@pytest.mark.parametrize("n", [6, 7, 8, 15, 16, 17, 64, 100, 999, 5000, 20000])
def test_the_rank_is_the_binomials(n: int) -> None:
    k = statistics.order_statistic(n)
    if n > 10_000:  # by the normal approximation, a few ranks to the safe side
        assert 0 < stats.binom.ppf(0.025, n, 0.5) - k < 4
        return
    assert 2 * stats.binom.cdf(k - 1, n, 0.5) <= 0.05 < 2 * stats.binom.cdf(k, n, 0.5)


def test_below_six_samples_there_is_no_interval() -> None:
    assert [statistics.order_statistic(n) for n in range(1, 7)] == [0, 0, 0, 0, 0, 1]
    found = statistics.interval([1.0, 2.0, 3.0])
    assert (found.median, found.low, found.high) == (2.0, -np.inf, np.inf)
    assert found.precision == np.inf and found.holds(1e9)


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("n", [6, 9, 16, 50])
def test_the_interval_covers_the_median_whatever_the_distribution(name: str, n: int) -> None:
    rng = np.random.default_rng(n)
    trials = 4000
    samples = np.sort(DISTRIBUTIONS[name](rng, (trials, n)), axis=1)
    k = statistics.order_statistic(n)
    covered = np.mean((samples[:, k - 1] <= 1) & (samples[:, n - k] >= 1))
    assert covered >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / trials)
    one = statistics.interval(samples[0])
    assert (one.low, one.high) == (samples[0, k - 1], samples[0, n - k])


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("precision", [0.01, 0.03, 0.1])
def test_stopping_at_a_narrow_interval_keeps_its_coverage(name: str, precision: float) -> None:
    rng = np.random.default_rng(round(1000 * precision))
    numbers = list(itertools.takewhile(lambda n: n <= 2048, looks()))
    trials = 1000
    samples = DISTRIBUTIONS[name](rng, (trials, numbers[-1]))
    covered = 0
    for sample in samples:
        for n in numbers:
            found = statistics.interval(sample[:n])
            if found.precision <= precision:
                break
        covered += found.holds(1.0)
    assert covered / trials >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / trials)


def test_percentiles_need_samples() -> None:
    assert (statistics.least(0.9), statistics.least(0.99)) == (64, 662)
    assert statistics.percentile(range(63), 0.9) is None
    assert statistics.percentile(range(64), 0.9) == pytest.approx(np.percentile(range(64), 90))
    assert statistics.percentile(range(661), 0.99) is None
    assert statistics.percentile(range(662), 0.99) is not None


def test_the_range_of_that_many_covers_the_share() -> None:
    """Wilks's bound by simulation: 99 of 100 samples of 64 enclose 90% of the distribution."""
    rng = np.random.default_rng(0)
    sample = rng.random((20000, 64))
    enclosed = sample.max(axis=1) - sample.min(axis=1)  # of a uniform distribution
    assert np.mean(enclosed >= 0.9) == pytest.approx(0.9905, abs=0.003)


def test_outliers_are_counted_by_tukeys_fences() -> None:
    assert statistics.outliers([1.0] * 10) == 0
    assert statistics.outliers([*range(1, 10), 100, -100]) == 2


@given(st.lists(st.floats(0.9, 1.1), min_size=12, max_size=40))
def test_drift_is_seen_where_the_halves_are_apart_and_only_there(values: list[float]) -> None:
    assert statistics.drifted([*values, *(2 * value for value in values)])
    assert not statistics.drifted([*values, *values])
    assert not statistics.drifted(values[:4])
