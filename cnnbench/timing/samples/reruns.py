"""Where another run's value is expected: this run's own spread, and that between runs.

A run's interval holds the median of that run's passes. Another run is another process, at another
minute: its value differs by its own sampling error, and by what the machine and the processes did
in between. Both are taken together by MOVER (Zou & Donner, Statistics in Medicine 27, 2008), as in
a prediction interval ± t s √2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cnnbench.timing.samples.confidence import OF_RERUN
from cnnbench.timing.samples.statistics import Interval, interval

_JUMP = math.log(2)
_Z = NormalDist().inv_cdf(0.5 + OF_RERUN / 2)


@dataclass(frozen=True)
class Between:
    """How far runs of one thing lie apart: a standard deviation.

    It is of the value's logarithm, known with so much `freedom`; `runs` were met.
    """

    spread: float
    freedom: float
    runs: int = 0

    @property
    def reach(self) -> float:
        """How far the next run may lie from this one, with 95% confidence; of the logarithm."""
        return quantile(self.freedom) * math.sqrt(2) * self.spread

    def learnt(self, logs: Sequence[float]) -> Between:
        """The same, after so many values of one thing: variances weighted by their freedom.

        A value that is more than twice or half the others' median counts as twice or half.
        """
        more = len(logs) - 1
        near = np.clip(np.asarray(logs) - np.median(logs), -_JUMP, _JUMP)
        squares = self.freedom * self.spread**2 + more * float(np.var(near, ddof=1))
        known = self.freedom + more
        return Between(math.sqrt(squares / known), known, self.runs)


def quantile(freedom: float) -> float:
    """Student's t for that confidence, two-sided (Abramowitz & Stegun 26.7.5)."""
    z, n = _Z, freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    )


def deviation(values: Sequence[float]) -> float:
    """Standard deviation without the bias of few values: divided by c4, 0.80 of two of them."""
    number = len(values)
    gammas = math.lgamma(number / 2) - math.lgamma((number - 1) / 2)
    return float(np.std(values, ddof=1)) / (math.sqrt(2 / (number - 1)) * math.exp(gammas))


def expected(values: ArrayLike, between: Between) -> Interval:
    """Where the median of another run of these positive values is expected.

    Infinite bounds where there are too few.
    """
    logs = np.log(np.asarray(values, dtype=float))
    plain = interval(logs)
    median = plain.median
    if plain.high == math.inf:
        return Interval(math.exp(median), 0.0, math.inf)
    low, high = own(logs)
    ends = median - min(low, plain.low), max(high, plain.high) - median
    down, up = (math.hypot(math.sqrt(2) * end, between.reach) for end in ends)
    return Interval(math.exp(median), math.exp(median - down), math.exp(median + up))


def again(run: Interval) -> Interval:
    """Where the value of another run is expected that differs by its sampling alone."""
    if not (run.low > 0 and math.isfinite(run.high)):
        return run
    low, high = (run.median * (end / run.median) ** math.sqrt(2) for end in (run.low, run.high))
    return Interval(run.median, low, high)


def own(logs: NDArray[np.float64]) -> tuple[float, float]:
    """Bounds of the median where neighbours resemble each other: bursts, drift.

    As by order statistics, but of as many samples as independent ones would say as much.
    """
    number = independent(logs)
    reach = _Z / (2 * math.sqrt(number))
    low, high = np.quantile(logs, (max(0.0, 0.5 - reach), min(1.0, 0.5 + reach)))
    return float(low), float(high)


def independent(values: NDArray[np.float64]) -> float:
    """How many independent samples say as much of the median.

    The median depends on which samples lie above it alone; their signs' autocorrelation is summed
    while pairs of lags are positive (Geyer, Statistical Science 7, 1992).
    """
    number = len(values)
    signs = np.sign(values - np.median(values))
    signs = signs - signs.mean()
    power = float(np.dot(signs, signs))
    if power == 0:
        return float(number)
    together = 0.0
    for lag in range(1, number // 2, 2):
        pair = [float(np.dot(signs[:-k], signs[k:])) / power for k in (lag, lag + 1)]
        if sum(pair) <= 0:
            break
        together += sum(pair)
    return max(1.0, number / (1 + 2 * together))
