"""What a device's ceilings say that a pass takes, without running it there.

Each operator takes the larger of its work / peak and its bytes / bandwidth, and the cost of a call:
the roofline (Williams et al. 2009). Where the device's kinds of operators have been measured, an
operator is as far from that roof as those most like it: interpolated between them by kriging.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from statistics import NormalDist

import numpy as np
import torch

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.errors import DeviceError
from cnnbench.models.inputs import Dtype
from cnnbench.roofline.bound import Bound, bound, least_seconds
from cnnbench.roofline.kriging import Kriging
from cnnbench.roofline.profile import Profile, Runtime
from cnnbench.roofline.runtimes.nodes import of_runtime
from cnnbench.roofline.sizes import moved, sizes_type
from cnnbench.roofline.terms import Term, of_torch

_LEAST = 0.05  # of a deviation: no two sittings agree better
_UNKNOWN = 0.5  # of an operator that was not sampled
_FAR = 3.0  # octaves from the nearest sample
_BEYOND_ROOF = 6.0  # times the roofline's time, within which nine of ten networks were


@dataclass(frozen=True)
class OpPrediction:
    """One operator's cost, its predicted seconds, and what they follow from.

    `kind` is the sampled kind that it was foretold by, none where the roof alone was; `far` tells
    that no sample of it is near.
    """

    cost: OpCost
    seconds: float
    bound: Bound | None
    kind: str = ""
    far: bool = False


@dataclass(frozen=True)
class Prediction:
    """A pass's operators in execution order, each with its predicted seconds.

    `ridge_point` is the device's, in FLOP for each byte; `deviations` are by kind how far a
    sample's logarithm lies from what the others foretell, empty of a profile without samples.
    """

    operators: tuple[OpPrediction, ...]
    ridge_point: float | None = None
    deviations: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def by_operator(self) -> dict[int, OpPrediction]:
        """What is predicted of each operator of the trace, by its identity."""
        return {id(op.cost): op for op in self.operators}

    @cached_property
    def seconds(self) -> float:
        """Seconds of the whole pass."""
        return sum(op.seconds for op in self.operators)

    @cached_property
    def bound(self) -> Bound | None:
        """What holds the largest part of the pass's time."""
        return max(Bound, key=self.share) if self.operators else None

    @cached_property
    def deviation(self) -> float | None:
        """The standard deviation of its logarithm, errors of all operators taken to agree.

        They agree in part: what is slower in a network than alone is so for several kinds. None
        where the roof alone foretells it.
        """
        if not self.deviations or not self.seconds:
            return None
        whole = sum(op.seconds * self.deviations.get(op.kind, _UNKNOWN) for op in self.operators)
        return max(_LEAST, whole / self.seconds)

    @property
    def interval(self) -> tuple[float, float]:
        """Seconds between which 90% of networks are expected.

        Of the roof alone it is the least that a pass can take, to what nine of ten took here.
        """
        if self.deviation is None:
            return self.seconds, _BEYOND_ROOF * self.seconds
        factor = math.exp(NormalDist().inv_cdf(0.95) * self.deviation)
        return self.seconds / factor, self.seconds * factor

    def within(self, seconds: float) -> float | None:
        """How likely it takes at most so long; None where the roof alone foretells it."""
        if self.deviation is None or seconds <= 0 or not self.seconds:
            return None
        return NormalDist(0.0, self.deviation).cdf(math.log(seconds / self.seconds))

    @property
    def far_share(self) -> float:
        """Part of the time that operators take of which no sample is near."""
        far = sum(op.seconds for op in self.operators if op.far)
        return far / self.seconds if self.seconds else 0.0

    def share(self, which: Bound) -> float:
        """Part of the time that operators take which that bound holds."""
        held = sum(op.seconds for op in self.operators if op.bound is which)
        return held / self.seconds if self.seconds else 0.0


def dtype_of(trace: Trace) -> str:
    """The number format that a pass computes in; float32 where its input are indices."""
    return trace.dtype if trace.dtype in list(Dtype) else Dtype.FLOAT32


class Predictor:
    """Predicts passes in one dtype on the device of a profile, of eager torch or of a runtime."""

    def __init__(self, profile: Profile, dtype: str, backend: str | None = None) -> None:
        """DeviceError where the profile knows no ceiling for the dtype, or not the runtime in it.

        Without a `backend` it is eager torch's.
        """
        if dtype not in profile.flops_per_s:
            known = ", ".join(profile.flops_per_s) or "none"
            raise DeviceError(
                f"{profile.name or profile.device} has no ceiling in {dtype}, but in {known}"
            )
        operators = profile.operators
        self._terms: Callable[[Trace], Iterable[Term]] = of_torch
        self._python_s, self._keeps = profile.layer_s, False
        if backend is not None:
            runtime = profile.backends.get(backend, Runtime())
            operators = runtime.operators
            if dtype not in operators:
                how = f"; 'cnnbench device --backend {backend} --output device.toml' measures them"
                raise DeviceError(
                    f"{profile.name or profile.device} has no speeds of {backend} in {dtype}"
                    f"{how if dtype == Dtype.FLOAT32 else ''}"
                )
            self._terms = partial(of_runtime, runtime=runtime, dtype=dtype)
            self._python_s, self._keeps = 0.0, True
        self._profile = profile
        self._dtype = dtype
        self._itemsize: int = getattr(torch, dtype).itemsize
        self._slowness = {
            kind: self._interpolated(kind, rows) for kind, rows in operators.get(dtype, {}).items()
        }

    def __call__(self, trace: Trace) -> Prediction:
        """Predict each operator of a pass; of a runtime each that runs on its own."""
        return Prediction(
            tuple(map(self._operator, self._terms(trace))),
            self._profile.ridge_point(self._dtype),
            {kind: known.deviation for kind, known in self._slowness.items()},
        )

    @property
    def adds_up(self) -> bool:
        """Whether a pass takes what its pieces take; a runtime changes layouts between them."""
        return not self._keeps

    def seconds(self, trace: Trace) -> float:
        """Seconds of the whole pass."""
        return self(trace).seconds

    def _operator(self, term: Term) -> OpPrediction:
        op = term.op
        which = bound(least_seconds(op.cost, self._profile, self._dtype))
        kind = next((name for name in term.names if name in self._slowness), None)
        if kind is None or not isinstance(term.sizes, sizes_type(kind)):
            flops = op.cost.flops + op.cost.elementwise_flops
            roof = self._roof(flops, op.cost.bytes_moved, term.new_bytes)
            return OpPrediction(op, roof + self._python_s, which, far=True)
        known, at = self._slowness[kind], term.sizes.position
        roof = self._roof(op.cost.flops, term.bytes_moved, term.new_bytes)
        seconds = float(np.exp(known([at])[0])) * roof + self._python_s
        return OpPrediction(op, seconds, which, kind, known.distance(at) > _FAR)

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
            keeps = self._keeps or kind.endswith("_")
            new = 0 if keeps else self._itemsize * known.outputs
            roof = self._roof(2 * known.macs, self._itemsize * moved(known), new)
            slowness.append(float(np.log(row[-1] / roof)))
        return Kriging([known.position for known in sizes], slowness)
