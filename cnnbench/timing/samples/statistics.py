"""What raw seconds say: pure functions of arrays, with no assumption about their distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnbench.timing.samples.confidence import OF_MEDIAN

_TOLERANCE = 0.99  # of the range that a percentile needs
_MANY = 10_000  # samples from which on the binomial is as good as normal


@dataclass(frozen=True)
class Interval:
    """A median with bounds: an interval of as much confidence as whoever computes it asks for.

    The bounds are infinite where the sample is too small for any.
    """

    median: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Half the interval's length."""
        return (self.high - self.low) / 2

    @property
    def precision(self) -> float:
        """Half the interval's length as a share of the median."""
        return self.half_width / self.median if self.median > 0 else math.inf

    @property
    def inverse(self) -> Interval:
        """That of 1 / the value: of a ratio, the other way round."""
        low = 1 / self.high if self.high < math.inf else 0.0
        return Interval(1 / self.median, low, 1 / self.low if self.low > 0 else math.inf)

    def holds(self, value: float) -> bool:
        """Whether the value is one that the sample does not speak against."""
        return self.low <= value <= self.high


@cache
def order_statistic(n: int, confidence: float = OF_MEDIAN) -> int:
    """k such that the k-th smallest and k-th largest of n enclose the median; 0 where none do.

    The number of values below the median is binomial(n, 1/2) whatever the distribution: k is the
    largest with 2 P(fewer than k) <= 1 - confidence (Conover, Practical nonparametric statistics,
    section 3.2). The first n at which it is not 0 is 6.
    """
    if n > _MANY:
        return math.floor((n - NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(n)) / 2) - 1
    tail = Fraction(1 - confidence).limit_denominator(10**6) * 2**n / 2
    outside, ways, k = 0, 1, 0  # ways to choose k of n
    while (outside := outside + ways) <= tail:
        ways = ways * (n - k) // (k + 1)
        k += 1
    return k


def interval(values: ArrayLike, confidence: float = OF_MEDIAN) -> Interval:
    """Median and its distribution-free interval by order statistics."""
    ordered = np.sort(np.asarray(values, dtype=float))
    median = float(np.median(ordered))
    k = order_statistic(len(ordered), confidence)
    if k == 0:
        return Interval(median, -math.inf, math.inf)
    return Interval(median, float(ordered[k - 1]), float(ordered[-k]))


@cache
def least(share: float) -> int:
    """Samples below which that percentile is not given: 64 for 0.9, 662 for 0.99.

    From there on, smallest and largest enclose that share of the distribution with 99% confidence:
    1 - n q^(n-1) + (n - 1) q^n (Wilks, Annals of Mathematical Statistics 12, 1941).
    """
    n = 2
    while 1 - n * share ** (n - 1) + (n - 1) * share**n < _TOLERANCE:
        n += 1
    return n


def percentile(values: ArrayLike, share: float) -> float | None:
    """Value below which that share of the sample lies; None where the sample is too small."""
    sample = np.asarray(values, dtype=float)
    return float(np.quantile(sample, share)) if len(sample) >= least(share) else None


def outliers(values: ArrayLike) -> int:
    """Values beyond 1.5 interquartile ranges from the quartiles (Tukey 1977). None is dropped."""
    sample = np.asarray(values, dtype=float)
    low, high = np.quantile(sample, (0.25, 0.75))
    reach = 1.5 * (high - low)
    return int(np.sum((sample < low - reach) | (sample > high + reach)))


def drifted(values: ArrayLike) -> bool:
    """Whether the second half's median differs from the first's beyond both intervals."""
    first, second = halves(np.asarray(values, dtype=float))
    if order_statistic(len(first)) == 0:
        return False
    a, b = interval(first), interval(second)
    return a.high < b.low or b.high < a.low


def halves(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The earlier and the later half."""
    middle = len(values) // 2
    return values[:middle], values[middle:]
