"""Operators' times beside their costs, and what bounds each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cnnbench.counting.cost import OpCost
from cnnbench.counting.division import names
from cnnbench.roofline.bound import Bound, bound, least_seconds
from cnnbench.roofline.profile import Profile
from cnnbench.timing.by_layer.by_operator import Medians
from cnnbench.timing.by_layer.onednn import Reorders
from cnnbench.timing.by_layer.threads import Threads
from cnnbench.timing.latency import Latency


@dataclass(frozen=True)
class OpTime:
    """One operator's cost and time.

    `bound` is what its least time follows from, `fraction_of_bound` that least time over the
    measured one: near 1 it runs at the bound. `kernel` is what a runtime calls what ran.
    """

    cost: OpCost
    seconds: float
    bound: Bound | None
    fraction_of_bound: float | None
    kernel: str = ""

    @property
    def flops_per_s(self) -> float:
        """Achieved, of multiply-accumulates alone."""
        return self.cost.cost.flops / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class LayerTimes:
    """A network's operators timed one by one, beside the pass as a whole; none where it failed.

    `reorders` is what oneDNN spends on layouts within its convolutions, `threads` what tells how
    long threads waited.
    """

    whole: Latency
    operators: list[OpTime]
    reorders: Reorders | None = None
    threads: Threads | None = None

    def record(self) -> list[dict[str, Any]]:
        """One record an operator, in execution order; `share` is of the whole pass."""
        whole = self.whole.latency_s or 0.0
        called = names([op.cost for op in self.operators])
        return [
            {
                "layer": op.cost.path,
                "name": name,
                "operator": op.cost.operator,
                "kind": str(op.cost.kind),
                "kernel": op.kernel or None,
                "output": list(op.cost.output),
                "time_s": op.seconds,
                "share": op.seconds / whole if whole else 0.0,
                "params": op.cost.cost.params,
                "macs": op.cost.cost.macs,
                "flops": op.cost.cost.flops,
                "elementwise_flops": op.cost.cost.elementwise_flops,
                "bytes_moved": op.cost.cost.bytes_moved,
                "live_bytes": op.cost.live_bytes,
                "intensity": op.cost.cost.intensity,
                "flops_per_s": op.flops_per_s,
                "bound": op.bound,
                "fraction_of_bound": op.fraction_of_bound,
            }
            for op, name in zip(self.operators, called, strict=True)
        ]

    @property
    def added_s(self) -> float:
        """What its operators take longer one by one than the whole pass."""
        return max(0.0, sum(op.seconds for op in self.operators) - (self.whole.latency_s or 0.0))

    @property
    def between_s(self) -> float | None:
        """What the whole pass takes longer than its operators: Python, dispatch, allocation.

        None where the operators took longer one by one: the machine was slower for them, or their
        clock takes time itself.
        """
        left = (self.whole.latency_s or 0.0) - sum(op.seconds for op in self.operators)
        return left if left >= 0 else None


def op_times(medians: Medians, profile: Profile, dtype: str) -> list[OpTime]:
    """Each operator's time beside its bound."""
    return [_timed(op, seconds, kernel, profile, dtype) for op, seconds, kernel in medians]


def _timed(op: OpCost, seconds: float, kernel: str, profile: Profile, dtype: str) -> OpTime:
    if not op.inputs and not op.output:  # what a runtime has put in between
        return OpTime(op, seconds, None, None, kernel)
    least = least_seconds(op.cost, profile, dtype)
    which = bound(least)
    fraction = least[which] / seconds if which is not None and seconds else None
    return OpTime(op, seconds, which, fraction, kernel)
