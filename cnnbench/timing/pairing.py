"""Ratios of two networks timed in the same rounds: drift that hits both is not in them."""

from __future__ import annotations

import math
from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike

from cnnbench.timing.confidence import OF_RATIO
from cnnbench.timing.sampling import Rows
from cnnbench.timing.statistics import Interval, interval


class Verdict(StrEnum):
    """What a ratio a / b and its interval say of b against a."""

    FASTER = "faster"
    SLOWER = "slower"
    INDISTINGUISHABLE = "indistinguishable"
    NOT_CONVERGED = "not converged"


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


def unpaired(a: ArrayLike, b: ArrayLike) -> Interval:
    """Time of a / time of b where they ran at different times: of the medians, and its bounds.

    Both medians' intervals hold at once as often as OF_RATIO says (Bonferroni), so the bounds are
    wider than needed. What the machine did between the two is not in them.
    """
    first, second = (
        interval(np.asarray(values, dtype=float), (1 + OF_RATIO) / 2) for values in (a, b)
    )
    if not (math.isfinite(first.high) and math.isfinite(second.high)):
        return Interval(first.median / second.median, 0.0, math.inf)
    return Interval(first.median / second.median, first.low / second.high, first.high / second.low)


def widest(rows: Rows) -> float:
    """The widest interval of a ratio to the first entry: what a comparison waits for."""
    first, *others = rows.T
    return max((ratio(first, other).precision for other in others), default=0.0)


def verdict(found: Interval, converged: bool = True) -> Verdict:
    """b against a, where the ratio's interval excludes 1; else whether more could be known."""
    if found.low > 1:
        return Verdict.FASTER
    if found.high < 1:
        return Verdict.SLOWER
    return Verdict.INDISTINGUISHABLE if converged else Verdict.NOT_CONVERGED
