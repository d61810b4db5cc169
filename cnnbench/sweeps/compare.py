"""Results beside each other: blocks of one sweep, or what changed between two runs or devices.

Blocks stand beside the reference that they are named after. What was timed in the same rounds is
compared round by round, the rest by two intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cnnbench.errors import StoreError
from cnnbench.models.spec import Spec
from cnnbench.studies.comparison.stages import REDUCTIONS, label, place
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.results import NOWHERE, Result
from cnnbench.sweeps.views import dtype
from cnnbench.timing.samples.history import ASSUMED, What
from cnnbench.timing.samples.pairing import unpaired, verdict
from cnnbench.timing.samples.reruns import expected
from cnnbench.timing.samples.statistics import Interval

PAIRS = (("conv", "separable"), *REDUCTIONS)


@dataclass(frozen=True)
class Pair:
    """b beside a, at the map that `label` names.

    `measured` is time of a / time of b, with the interval of another run.
    """

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
    """Time of a / time of b, and where another run's is expected.

    None where either was not timed, too rarely, or on a busy machine.
    """
    if a.latency is None or b.latency is None or not a.latency_s or not b.latency_s:
        return None
    if not (a.reliable and b.reliable):
        return None
    first, second = _samples(a), _samples(b)
    if not first or not second:
        return None
    if bool(a.rounds) and a.rounds == b.rounds and len(first) == len(second):
        found = expected(np.array(first) / np.array(second), ASSUMED[What.RATIO])
    else:
        found = unpaired(a.latency.rerun, b.latency.rerun)
    return found if math.isfinite(found.high) and found.low > 0 else None


def _samples(result: Result) -> Sequence[float]:
    return result.latency.samples_s if result.latency else ()


@dataclass(frozen=True)
class RunChange:
    """One configuration in both runs; `measured` is time in a / time in b, None where unknown."""

    a: Result
    b: Result
    measured: Interval | None

    @property
    def recounted(self) -> bool:
        """Whether it costs something else now."""
        return self.a.cost != self.b.cost


@dataclass(frozen=True)
class RunChanges:
    """Configurations that both runs have, and how many one of them has alone."""

    rows: list[RunChange]
    only_a: int
    only_b: int


def changes(a: Sequence[Result], b: Sequence[Result]) -> RunChanges:
    """Match configurations: on the same device where both have one, else across two devices.

    StoreError where runs that share no device have several, or no configuration in common.
    """
    shared = ({one.place for one in a} & {one.place for one in b}) - {NOWHERE}
    for run in (a, b):
        places = {one.place[0] for one in run if one.place != NOWHERE}
        if not shared and len(places) > 1:
            raise StoreError(
                f"a run was measured on {', '.join(sorted(places))}, and the other on none of "
                "them; compare stores of one device each"
            )

    def where(one: Result) -> tuple[Configuration, tuple[str, int]]:
        return one.configuration, one.place if shared else NOWHERE

    after = {where(one): one for one in b}
    anywhere = {one.configuration: one for one in b}
    failed = {one.configuration: one for one in b if one.place == NOWHERE}
    rows = []
    for one in a:
        # What failed while it was counted was so nowhere, and is beside what the other run has.
        other = after.get(where(one)) or failed.get(one.configuration)
        if other is None and one.place == NOWHERE:
            other = anywhere.get(one.configuration)
        if other is not None:
            rows.append(RunChange(one, other, compared(one, other)))
    if not rows:
        raise StoreError("the two runs have no configuration in common")
    met = {id(row.b) for row in rows}
    return RunChanges(rows, len(a) - len(rows), sum(id(one) not in met for one in b))


def record(change: RunChange) -> dict[str, Any]:
    """One configuration in both runs, as `compare` has two models."""
    found = change.measured
    ends = {"a": change.a, "b": change.b}
    return {
        "model": change.a.model,
        **change.a.setting.record(),
        "dtype": dtype(change.a),
        **{f"device_{end}": one.place[0] or None for end, one in ends.items()},
        **{f"threads_{end}": one.place[1] or None for end, one in ends.items()},
        **{f"torch_{end}": one.environment and one.environment.torch for end, one in ends.items()},
        **{
            f"{key}_{end}": one.cost and getattr(one.cost, key)
            for key in ("params", "macs", "peak_activation_bytes")
            for end, one in ends.items()
        },
        **{f"latency_s_{end}": one.latency_s for end, one in ends.items()},
        "measured_speedup": found and found.median,
        "ci_low": found and found.low,
        "ci_high": found and found.high,
        "verdict": found and verdict(found, found),
        "recounted": change.recounted,
        **{f"failure_{end}": one.failure for end, one in ends.items()},
    }
