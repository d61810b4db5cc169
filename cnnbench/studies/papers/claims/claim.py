"""What a claim is: what is promised, within what it is confirmed or qualified, how it is found."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cnnbench import units
from cnnbench.timing.session import Session


class ClaimVerdict(StrEnum):
    """What a number says of a claim."""

    CONFIRMED = "confirmed"
    QUALIFIED = "qualified"
    REFUTED = "refuted"


class Need(StrEnum):
    """What it takes to find a claim's number."""

    COUNTING = "counting"
    TIMING = "timing"
    TRAINING = "training"


@dataclass(frozen=True)
class Band:
    """Numbers from `low` to `high` confirm, those from `wide_low` to `wide_high` qualify."""

    low: float
    high: float
    wide_low: float
    wide_high: float

    def verdict(self, low: float, high: float | None = None) -> ClaimVerdict:
        """The verdict of a number or an interval, which confirms as a whole, or lies beyond.

        One that is no number refutes.
        """
        high = low if high is None else high
        if self.low <= low and high <= self.high:
            return ClaimVerdict.CONFIRMED
        meets = low <= self.wide_high and high >= self.wide_low
        return ClaimVerdict.QUALIFIED if meets else ClaimVerdict.REFUTED

    def words(self, show: Callable[[float], str]) -> str:
        """The words a reader sees: `8.00x … 9.00x confirms, 6.00x … 11.0x qualifies`."""
        confirms = _range(self.low, self.high, show)
        return f"{confirms} confirms, {_range(self.wide_low, self.wide_high, show)} qualifies"


def about(value: float, share: float, wide: float) -> Band:
    """Within so much of a number."""
    return Band(value * (1 - share), value * (1 + share), value * (1 - wide), value * (1 + wide))


def at_least(value: float, wide: float) -> Band:
    """A band of as much or more."""
    return Band(value, math.inf, wide, math.inf)


def at_most(value: float, wide: float) -> Band:
    """A band of as much or less."""
    return Band(-math.inf, value, -math.inf, wide)


def _range(low: float, high: float, show: Callable[[float], str]) -> str:
    if math.isinf(high):
        return f"at least {show(low)}"
    return f"at most {show(high)}" if math.isinf(low) else f"{show(low)} … {show(high)}"


@dataclass(frozen=True)
class Setup(Session):
    """The machine and the thoroughness of what is found."""

    losses: dict[tuple[str, int], float] = field(default_factory=dict)  # that claims share


@dataclass(frozen=True)
class Answer:
    """The number, what a reader should know beside it, and where it has one its interval."""

    value: float
    detail: str = ""
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class Claim:
    """One sentence of a paper or of the course, and how its number is found and shown.

    `backend` is the runtime that it needs beside torch.
    """

    name: str
    text: str
    source: str
    promised: str
    band: Band
    need: Need
    find: Callable[[Setup], Answer]
    show: Callable[[float], str] = units.ratio
    backend: str = ""

    @property
    def threshold(self) -> str:
        """What confirms and what qualifies."""
        return self.band.words(self.show)
