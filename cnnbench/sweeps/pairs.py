"""Blocks of a sweep beside the reference that they are named after: what is saved, how much faster.

A pair that was timed in the same rounds is compared round by round, another by its two intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cnnbench.models.spec import Spec
from cnnbench.studies.comparison.stages import REDUCTIONS, label, place
from cnnbench.sweeps.results import Result
from cnnbench.timing.pairing import ratio, unpaired
from cnnbench.timing.statistics import Interval

PAIRS = (("conv", "separable"), *REDUCTIONS)


@dataclass(frozen=True)
class Pair:
    """b beside a, at the map that `label` names; `measured` is time of a / time of b."""

    label: str
    a: Result
    b: Result
    measured: Interval | None

    @property
    def macs_ratio(self) -> float | None:
        """a's multiply-accumulates / b's."""
        if self.a.cost is None or self.b.cost is None or not self.b.cost.macs:
            return None
        return self.a.cost.macs / self.b.cost.macs

    @property
    def predicted_speedup(self) -> float | None:
        """a's predicted time / b's."""
        if self.a.prediction is None or self.b.prediction is None:
            return None
        return self.a.prediction.predicted_s / self.b.prediction.predicted_s


def pairs(results: Iterable[Result], names: tuple[str, str]) -> list[Pair]:
    """Every two blocks of these names that stand at one place and ran in one way."""
    found: dict[Any, dict[str, tuple[Spec, Result]]] = {}
    for result in results:
        block = result.block
        if block is None or block.model.name not in names or result.failure:
            continue
        way = replace(result.configuration, model="")
        where = (way, result.place, tuple(place(block).items()))
        found.setdefault(where, {})[block.model.name] = (block, result)
    made = []
    for both in found.values():
        if len(both) == len(names):
            (spec, a), (_, b) = (both[name] for name in names)
            made.append(Pair(label(spec), a, b, compared(a, b)))
    return made


def compared(a: Result, b: Result) -> Interval | None:
    """Time of a / time of b with its interval; None where either was not timed, or too rarely."""
    if a.latency is None or b.latency is None or not a.latency_s or not b.latency_s:
        return None
    first, second = _samples(a), _samples(b)
    if not first or not second:
        return None
    together = bool(a.rounds) and a.rounds == b.rounds and len(first) == len(second)
    found = ratio(first, second) if together else unpaired(first, second)
    return found if math.isfinite(found.high) and found.low > 0 else None


def _samples(result: Result) -> Sequence[float]:
    return result.latency.samples_s if result.latency else ()
