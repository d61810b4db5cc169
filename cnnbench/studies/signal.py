"""What is known of a signal through depth: blocks in order, the ratio of their ends, a verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from cnnbench.timing.statistics import Interval

# The first block's gradient over the last's beyond which one learning rate does not serve both. A
# convention, set between networks for CIFAR-10 that He et al. 2015 could train with batch norm
# (plain-20: 16, ResNet-20 to 110: 5 to 50) and those whose training error they found to rise with
# depth (plain-32 to 110: 150 to 10 million).
VANISHING, EXPLODING = 0.01, 100.0


class Verdict(StrEnum):
    """Whether one learning rate can serve the first block and the last."""

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
    def verdict(self) -> Verdict:
        """Of the gradient."""
        return verdict(self.gradient_ratio)


@dataclass(frozen=True)
class Signals:
    """All of them; where Ctrl-C ended it, those so far."""

    rows: list[Signal]
    interrupted: bool = False


def verdict(ratio: Interval) -> Verdict:
    """Of the first block's gradient over the last's: by its interval, or where none by its median.

    Undecided where the interval holds a bound.
    """
    bounded = ratio.low > -math.inf  # else too few seeds
    low, high = (ratio.low, ratio.high) if bounded else (ratio.median, ratio.median)
    if high < VANISHING:
        return Verdict.VANISHING
    if low > EXPLODING:
        return Verdict.EXPLODING
    return Verdict.HEALTHY if low >= VANISHING and high <= EXPLODING else Verdict.UNDECIDED
