"""What is known of a signal through depth: blocks in order, the ratio of their ends, a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from cnnbench.timing.samples.statistics import Interval

# What a signal is multiplied by from end to end beyond which it does not survive: the gradient from
# the last block to the first, and the deviation, the root of the variance, from the first to the
# last. A convention, set between networks for CIFAR-10 that He et al. 2015 could train with batch
# norm (plain-20: 16, ResNet-20 to 110: 5 to 50, of the gradient) and those whose training error
# they found to rise with depth (plain-32 to 110: 150 to 60 million).
VANISHING, EXPLODING = 0.01, 100.0


class SignalVerdict(StrEnum):
    """What becomes of a signal from end to end."""

    HEALTHY = "healthy"
    VANISHING = "vanishing"
    EXPLODING = "exploding"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Block:
    """One block, counted from 1: the signal forward and back, medians over seeds."""

    depth: int
    name: str
    variance: Interval
    gradient: Interval


@dataclass(frozen=True)
class Signal:
    """A network's blocks in execution order, with batch norm or without.

    `gradient_ratio` is the first block's gradient over the last's, `variance_ratio` the last's
    variance over the first's, both of one seed and then their median.
    """

    model: str
    input: tuple[tuple[int, ...], ...]
    dtype: str
    batch_norm: bool
    seeds: tuple[int, ...]
    blocks: tuple[Block, ...]
    gradient_ratio: Interval
    variance_ratio: Interval

    @property
    def verdict(self) -> SignalVerdict:
        """The verdict of both ways."""
        return verdict(self.gradient_ratio, self.variance_ratio)


@dataclass(frozen=True)
class Signals:
    """All of them; where Ctrl-C ended it, those so far."""

    rows: list[Signal]
    interrupted: bool = False


def verdict(gradient: Interval, variance: Interval) -> SignalVerdict:
    """The worse verdict of the two ways: the gradient's first/last, the variance's last/first.

    Where they differ in what is wrong, the gradient's. Undecided where nothing is known to be wrong
    and an interval holds a bound.
    """
    ways = (judged(gradient), judged(variance, power=2))
    for way in ways:
        if way in (SignalVerdict.VANISHING, SignalVerdict.EXPLODING):
            return way
    return SignalVerdict.UNDECIDED if SignalVerdict.UNDECIDED in ways else SignalVerdict.HEALTHY


def judged(ratio: Interval, power: int = 1) -> SignalVerdict:
    """One way, by the ratio's interval, or where there is none by its median.

    `power` 2 is of squares. Undecided where the interval holds a bound.
    """
    least, most = VANISHING**power, EXPLODING**power
    bounded = ratio.low > -math.inf  # else too few seeds
    low, high = (ratio.low, ratio.high) if bounded else (ratio.median, ratio.median)
    if high < least:
        return SignalVerdict.VANISHING
    if low > most:
        return SignalVerdict.EXPLODING
    return SignalVerdict.HEALTHY if low >= least and high <= most else SignalVerdict.UNDECIDED
