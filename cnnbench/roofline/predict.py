"""What a device's ceilings say that a pass takes, without running it there.

Each operator takes the larger of its work / peak and its bytes / bandwidth, and the cost of a call:
the roofline (Williams et al. 2009). Where the device's kinds of operators have been measured, an
operator is as far from that roof as those most like it: interpolated between them by kriging.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.errors import DeviceError
from cnnbench.models.inputs import Dtype
from cnnbench.roofline.bound import Bound, bound, least_seconds
from cnnbench.roofline.kriging import Kriging
from cnnbench.roofline.profile import Profile
from cnnbench.roofline.sizes import moved, sampled_as, sizes_of, sizes_type


@dataclass(frozen=True)
class OpPrediction:
    """One operator's cost, its predicted seconds, and what they follow from."""

    cost: OpCost
    seconds: float
    bound: Bound | None


@dataclass(frozen=True)
class Prediction:
    """A pass's operators in execution order, each with its predicted seconds.

    `ridge_point` is the device's, in FLOP for each byte.
    """

    operators: tuple[OpPrediction, ...]
    ridge_point: float | None = None

    @cached_property
    def seconds(self) -> float:
        """Seconds of the whole pass."""
        return sum(op.seconds for op in self.operators)

    @cached_property
    def bound(self) -> Bound | None:
        """What holds the largest part of the pass's time."""
        return max(Bound, key=self.share) if self.operators else None

    def share(self, which: Bound) -> float:
        """Part of the time that operators take which that bound holds."""
        held = sum(op.seconds for op in self.operators if op.bound is which)
        return held / self.seconds if self.seconds else 0.0


def dtype_of(trace: Trace) -> str:
    """The number format that a pass computes in; float32 where its input are indices."""
    return trace.dtype if trace.dtype in list(Dtype) else Dtype.FLOAT32


class Predictor:
    """Predicts passes in one dtype on the device of a profile."""

    def __init__(self, profile: Profile, dtype: str) -> None:
        """DeviceError where the profile knows no ceiling for the dtype."""
        if dtype not in profile.flops_per_s:
            known = ", ".join(profile.flops_per_s) or "none"
            raise DeviceError(
                f"{profile.name or profile.device} has no ceiling in {dtype}, but in {known}"
            )
        self._profile = profile
        self._dtype = dtype
        self._itemsize: int = getattr(torch, dtype).itemsize
        self._slowness = {
            kind: self._interpolated(kind, rows)
            for kind, rows in profile.operators.get(dtype, {}).items()
        }

    def __call__(self, trace: Trace) -> Prediction:
        """Predict each operator of a pass."""
        made = [0] * len(trace.operators)
        for buffer in trace.buffers:
            if buffer.output and buffer.born >= 0:
                made[buffer.born] += buffer.size
        return Prediction(
            tuple(self._operator(op, new) for op, new in zip(trace.operators, made, strict=True)),
            self._profile.ridge_point(self._dtype),
        )

    def seconds(self, trace: Trace) -> float:
        """Seconds of the whole pass."""
        return self(trace).seconds

    def _operator(self, op: OpCost, new: int) -> OpPrediction:
        """`new` are the bytes of memory that it takes."""
        which = bound(least_seconds(op.cost, self._profile, self._dtype))
        names = sampled_as(op, in_place=not new)
        kind = next((name for name in names if name in self._slowness), None)
        sizes = sizes_of(op)
        if kind is None or not isinstance(sizes, sizes_type(kind)):
            roof = self._roof(op.cost.flops + op.cost.elementwise_flops, op.cost.bytes_moved, new)
            return OpPrediction(op, roof + self._profile.layer_s, which)
        factor = float(np.exp(self._slowness[kind]([sizes.position])[0]))
        roof = self._roof(op.cost.flops, op.cost.bytes_moved, new)
        return OpPrediction(op, factor * roof + self._profile.layer_s, which)

    def _roof(self, flops: int, size: int, new: int) -> float:
        """max(FLOPs / peak, bytes / bandwidth) + call, and what new memory costs."""
        bandwidth = self._profile.bandwidth(size)
        memory = size / bandwidth if bandwidth else 0.0
        work = flops / self._profile.flops_per_s[self._dtype]
        return max(work, memory) + (self._profile.call_s or 0.0) + self._profile.allocation_s(new)

    def _interpolated(self, kind: str, rows: list[list[float]]) -> Kriging:
        """The logarithm of measured seconds / roof, over the sizes of one kind."""
        made = sizes_type(kind)
        sizes = [made(*map(round, row[:-1])) for row in rows]
        slowness = []
        for known, row in zip(sizes, rows, strict=True):
            new = 0 if kind.endswith("_") else self._itemsize * known.outputs
            roof = self._roof(2 * known.macs, self._itemsize * moved(known), new)
            slowness.append(float(np.log(row[-1] / roof)))
        return Kriging([known.position for known in sizes], slowness)
