"""Which bound holds an operator: arithmetic, memory, or the cost of asking for it.

Williams, Waterman, Patterson: Roofline, Communications of the ACM 52(4), 2009, with the cost of a
call as a third bound.
"""

from __future__ import annotations

from enum import StrEnum

from cnnbench.counting.cost import Cost
from cnnbench.roofline.profile import Profile


class Bound(StrEnum):
    """What an operator's least time follows from."""

    COMPUTE = "compute"
    MEMORY = "memory"
    OVERHEAD = "overhead"


def least_seconds(cost: Cost, profile: Profile, dtype: str) -> dict[Bound, float]:
    """Least seconds by each bound: work / peak, bytes / bandwidth, one call.

    The bandwidth is a copy's of as many bytes. A bound whose ceiling was not measured is left out.
    """
    bandwidth = profile.bandwidth(cost.bytes_moved)
    peak = profile.flops_per_s.get(dtype)
    least = {}
    if peak:
        least[Bound.COMPUTE] = (cost.flops + cost.elementwise_flops) / peak
    if bandwidth:
        least[Bound.MEMORY] = cost.bytes_moved / bandwidth
    if profile.call_s:
        least[Bound.OVERHEAD] = profile.call_s
    return least


def bound(least: dict[Bound, float]) -> Bound | None:
    """The bound that holds: the one that takes longest."""
    return max(least, key=lambda which: least[which], default=None)
