"""Throughput over a longer time: whether the device keeps what it does at first."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing
from cnnbench.timing.session import StopRule

_PARTS = 20
_NEVER = 1e-12  # a precision that ends no sampling
_MINUTE_S = 60.0


@dataclass(frozen=True)
class Part:
    """A stretch of passes: when it began and ended, in seconds of passes, and its throughput."""

    start_s: float
    end_s: float
    throughput_images_per_s: float


@dataclass(frozen=True)
class Sustained:
    """The parts of a run, and the last minute's throughput over the first's.

    Of a run of less than two minutes they are its first and last quarter.
    """

    parts: tuple[Part, ...]
    stretch_s: float
    first_images_per_s: float
    last_images_per_s: float

    @property
    def kept(self) -> float:
        """The last stretch's throughput over the first's."""
        return self.last_images_per_s / self.first_images_per_s

    def record(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "kept": self.kept}


def sustaining(rule: StopRule, seconds: float) -> StopRule:
    """The rule of a run that lasts so long, in one process."""
    return StopRule(_NEVER, seconds, rule.seed, min(1, rule.processes))


def without_end(timing: Timing) -> Timing:
    """The timing of such a run, which was not to end at any precision."""
    rows = [
        replace(
            row,
            converged=True,
            warnings=tuple(one for one in row.warnings if one.name != "not_converged"),
        )
        for row in timing.latencies
    ]
    return replace(timing, latencies=rows)


def sustained(row: Latency) -> Sustained | None:
    """What its raw samples say of the time they took; None of too few."""
    seconds = np.array(row.samples_s) * row.repeats
    if len(seconds) < _PARTS:
        return None
    ends = np.cumsum(seconds)
    whole = float(ends[-1])
    images = row.setting.batch * row.repeats

    def rate(low: float, high: float) -> float:
        """Images a second; a sample that lies in it in part counts so far."""
        inside = np.minimum(ends, high) - np.maximum(ends - seconds, low)
        shares = np.clip(inside, 0.0, None) / seconds
        return float(images * shares.sum() / (high - low))

    edges = [*np.linspace(0.0, whole, _PARTS + 1).tolist()[:-1], whole]
    parts = [Part(low, high, rate(low, high)) for low, high in pairwise(edges)]
    stretch = _MINUTE_S if whole >= 2 * _MINUTE_S else whole / 4
    return Sustained(
        tuple(parts),
        stretch,
        rate(0.0, stretch),
        rate(whole - stretch, whole),
    )
