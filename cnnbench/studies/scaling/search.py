"""The largest network of a front that keeps within a latency, found by timing few of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from cnnbench.studies.scaling.variants import Variant
from cnnbench.timing.latency import Latency
from cnnbench.timing.measure import Timing, timed
from cnnbench.timing.session import Session
from cnnbench.timing.setting import Setting

_BELOW, _ABOVE = 2, 1  # neighbours that are tried beside the largest that should fit
WINDOW = _BELOW + 1 + _ABOVE  # networks that are timed together, at most
_PASSES = 4  # of timing; one in which nothing could run is none

Measure = Callable[[list[Variant]], Timing]


def timer(session: Session, setting: Callable[[Variant], Setting]) -> Measure:
    """What times variants in the same rounds, each in its setting."""
    return lambda chosen: timed([(one.spec, setting(one)) for one in chosen], None, session)


@dataclass
class Search:
    """The front, what has been measured of it, and how far off predictions were."""

    front: list[Variant]
    limit: float | None
    known: dict[int, Latency] = field(default_factory=dict)
    timings: list[Timing] = field(default_factory=list)

    @property
    def correction(self) -> float:
        """Measured / predicted time: the median of what was measured, 1 before."""
        return median(map(self._ratio, self.timed)) if self.timed else 1.0

    def expected(self, index: int) -> float:
        """Predicted seconds, times what was measured / predicted of the nearest on the front."""
        near = min(self.timed, key=lambda other: abs(other - index), default=None)
        return (1.0 if near is None else self._ratio(near)) * self.front[index].expense

    def _ratio(self, index: int) -> float:
        return (self.known[index].latency_s or 0.0) / self.front[index].expense

    def fits(self, index: int) -> bool:
        """Whether it keeps within the latency: measured, its interval included, or as expected."""
        if index in self.known:
            return self.proven(index)
        return self.limit is None or self.expected(index) <= self.limit

    def proven(self, index: int) -> bool:
        """Whether it was measured, and the interval keeps within the latency."""
        latency = self.known.get(index)
        if latency is None or latency.error:
            return False
        return self.limit is None or (latency.ci_high_s or float("inf")) <= self.limit

    def best(self) -> int:
        """The largest that should fit; the smallest where none does."""
        return max((index for index in range(len(self.front)) if self.fits(index)), default=0)

    def window(self, around: int) -> range:
        """The window around an index: itself and its neighbours."""
        above = _ABOVE if self.limit is not None else 0
        return range(max(0, around - _BELOW), min(len(self.front), around + above + 1))

    def settled(self, best: int) -> bool:
        """Whether the largest that fits is known to, and the next one not to."""
        return all(i in self.known for i in (best, best + 1) if i in self.window(best))

    @property
    def timed(self) -> list[int]:
        """Indices of the networks that could run."""
        return [index for index, latency in self.known.items() if latency.latency_s]

    def time(self, around: int, measure: Measure) -> Timing:
        """Time a window, and remember what came of it."""
        indices = self.window(around)
        timing = measure([self.front[index] for index in indices])
        self.timings.append(timing)
        self.known |= dict(zip(indices, timing.latencies, strict=True))
        return timing

    def run(self, measure: Measure) -> bool:
        """Time around the largest that should fit until it is known; whether it was interrupted.

        Times that are not usable end it: nothing can be chosen by them.
        """
        passes = 0
        while passes < _PASSES and not self.settled(self.best()):
            timing = self.time(self.best(), measure)
            if timing.interrupted or timing.unusable:
                return timing.interrupted
            passes += any(latency.latency_s for latency in timing.latencies)
        if 0 not in self.known and not any(map(self.proven, self.timed)):
            return self.time(0, measure).interrupted
        return False
