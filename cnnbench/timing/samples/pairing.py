"""Ratios of two networks timed in the same rounds: drift that hits both is not in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from cnnbench.timing.samples.confidence import OF_RATIO
from cnnbench.timing.samples.sampling import Rows
from cnnbench.timing.samples.statistics import Interval, interval


class Verdict(StrEnum):
    """What a ratio a / b says of b against a: of another run too, or of this run alone."""

    FASTER = "faster"
    SLOWER = "slower"
    FASTER_HERE = "faster in this run"
    SLOWER_HERE = "slower in this run"
    INDISTINGUISHABLE = "indistinguishable"
    NOT_CONVERGED = "not converged"
    NOT_USABLE = "not usable"


def ratio(a: ArrayLike, b: ArrayLike) -> Interval:
    """Time of a / time of b: exp of the median of the rounds' log ratios, and its interval.

    Within a round a and b ran in random order. So of two equal networks the sign of a round's log
    ratio is a fair coin, whatever the machine did meanwhile, and an interval by order statistics
    excludes 1 as rarely as its level says.
    """
    logs = np.log(np.asarray(a, dtype=float)) - np.log(np.asarray(b, dtype=float))
    of_logs = interval(logs, OF_RATIO)
    high = math.exp(of_logs.high) if of_logs.high < math.inf else math.inf
    return Interval(math.exp(of_logs.median), math.exp(of_logs.low), high)


def unpaired(a: Interval, b: Interval) -> Interval:
    """Time of a / time of b of two runs, from where reruns of each are expected.

    A rerun's interval has the error of two runs in it; so has the ratio, one of a and one of b.
    """
    if not (a.low > 0 and b.low > 0 and math.isfinite(a.high) and math.isfinite(b.high)):
        return Interval(a.median / b.median, 0.0, math.inf)
    down = math.hypot(math.log(a.median / a.low), math.log(b.high / b.median))
    up = math.hypot(math.log(a.high / a.median), math.log(b.median / b.low))
    middle, half = math.log(a.median / b.median), math.sqrt(0.5)
    low, high = (math.exp(middle + end) for end in (-half * down, half * up))
    return Interval(a.median / b.median, low, high)


def widest(rows: Rows, pairs: Sequence[tuple[int, int]] = ()) -> float:
    """The widest interval of the ratios of pairs of entries: what a comparison waits for.

    Of all to the first where no pairs are given, or an entry is missing, as it cannot run.
    """
    number = rows.shape[1]
    if not pairs or number <= max(map(max, pairs)):
        pairs = [(0, other) for other in range(1, number)]
    return max((ratio(rows[:, a], rows[:, b]).precision for a, b in pairs), default=0.0)


def verdict(run: Interval, rerun: Interval, converged: bool = True) -> Verdict:
    """b against a, where both intervals exclude 1, or this run's alone; else what is missing."""
    if run.low > 1:
        return Verdict.FASTER if rerun.low > 1 else Verdict.FASTER_HERE
    if run.high < 1:
        return Verdict.SLOWER if rerun.high < 1 else Verdict.SLOWER_HERE
    return Verdict.INDISTINGUISHABLE if converged else Verdict.NOT_CONVERGED
