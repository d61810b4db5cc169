"""Causes: what a measured pass spends its time on, by the record of what ran.

Of eager PyTorch that record is the time of each operator and oneDNN's own log, of a runtime the
time of each node. Nothing in it is predicted, but for what Python and a call cost, which are the
device's. What no cause accounts for stands beside them, so that all add up to the pass.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

from cnnbench.counting.cost import Kind, OpCost
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.latency import FAULT_S
from cnnbench.timing.layers import LayerTimes, OpTime

_LAYOUTS = re.compile("reorder|transpose|permute", re.IGNORECASE)
_CONVOLUTIONS = (Kind.CONVOLUTION, Kind.POINTWISE, Kind.DEPTHWISE)


@dataclass(frozen=True)
class Causes:
    """Seconds of one pass by what they went into; they add up to the pass.

    `computing_s` is what multiplies; `packing_s` changes the layout of weights, `layouts_s` that of
    images; `elementwise_s` is what reads and writes memory and multiplies nothing. `calls_s` is
    Python, dispatch and memory asked for, `page_faults_s` the system's giving it. `unexplained_s`
    is left, below zero where the clocks on operators took time themselves: that of a runtime's
    nodes is taken off each alike.
    """

    computing_s: float = 0.0
    packing_s: float = 0.0
    layouts_s: float = 0.0
    elementwise_s: float = 0.0
    calls_s: float = 0.0
    page_faults_s: float = 0.0
    unexplained_s: float = 0.0

    @property
    def whole_s(self) -> float:
        """The pass."""
        return float(sum(asdict(self).values()))

    def share(self, name: str) -> float:
        """A cause's part of the pass."""
        part: float = getattr(self, name)
        return part / self.whole_s if self.whole_s else 0.0

    def of(self, seconds: float) -> Causes:
        """The same shares of a pass that takes so long."""
        scale = seconds / self.whole_s if self.whole_s else 0.0
        return Causes(**{name: part * scale for name, part in asdict(self).items()})


NAMES = tuple(field.name for field in fields(Causes))
WORDS = dict(
    zip(
        NAMES,
        (
            *("computing", "packing weights", "changing layouts", "passes over memory"),
            *("calls", "new memory", "what no clock explains"),
        ),
        strict=True,
    )
)


def take(name: str) -> str:
    """`calls take`, `computing takes`."""
    return "take" if name in ("elementwise_s", "calls_s") else "takes"


def causes(layers: LayerTimes, profile: Profile) -> Causes | None:
    """What a pass went into whose operators were timed in the same rounds; None where none were."""
    if layers.whole.latency_s is None or not layers.operators:
        return None
    if layers.whole.setting.backend == EAGER:
        return _of_eager(layers, layers.whole.latency_s, profile)
    return _of_runtime(layers.operators, layers.whole.latency_s)


def _of_eager(layers: LayerTimes, whole: float, profile: Profile) -> Causes:
    """By laps of operators; within those of convolutions by oneDNN's log, as far as it has them."""
    products = [op.time_s for op in layers.operators if _multiplies(op)]
    others = [op.time_s for op in layers.operators if not _multiplies(op)]
    call = profile.call_s or 0.0
    calls = sum(min(lap, call) for lap in others)
    elementwise = sum(others) - calls
    calls += len(layers.operators) * profile.layer_s
    computing, packing, images = sum(products), 0.0, 0.0
    log = layers.reorders
    logged = _logged(layers.operators, log.convolutions) if log else 0.0
    if log is not None and log.seconds and logged:
        scale = min(1.0, logged / log.seconds)  # a log takes time itself
        packing, images = scale * log.packing_s, scale * log.images_s
        asked = logged - scale * log.seconds
        computing -= packing + images + asked
        calls += asked
    faults = min((layers.whole.page_faults or 0.0) * FAULT_S, elementwise)
    known = computing + packing + images + elementwise + calls
    return Causes(
        computing, packing, images, elementwise - faults, calls, faults, unexplained_s=whole - known
    )


def _logged(operators: Sequence[OpTime], convolutions: Sequence[Sequence[int]]) -> float:
    """Seconds of the convolutions that oneDNN ran; torch has kernels of its own for small ones."""
    left, seconds = list(convolutions), 0.0
    for op in operators:
        if left and op.cost.kind in _CONVOLUTIONS and _problem(op.cost) == tuple(left[0]):
            del left[0]
            seconds += op.time_s
    return 0.0 if left else seconds


def _problem(op: OpCost) -> tuple[int, int, int, int]:
    """Groups, channels, filters, window; as oneDNN's log has them."""
    return op.groups, op.inputs[0][1], op.output[1], math.prod(op.kernel)


def _of_runtime(nodes: Sequence[OpTime], whole: float) -> Causes:
    """By nodes, less what the clock on each takes; a runtime packs weights before it runs."""
    clock = max(0.0, sum(node.time_s for node in nodes) - whole) / len(nodes)
    nodes = [replace(node, time_s=max(0.0, node.time_s - clock)) for node in nodes]
    computing = sum(node.time_s for node in nodes if _multiplies(node))
    layouts = sum(node.time_s for node in nodes if _changes_layout(node))
    every = sum(node.time_s for node in nodes)
    return Causes(
        computing,
        layouts_s=layouts,
        elementwise_s=every - computing - layouts,
        unexplained_s=whole - every,
    )


def _multiplies(op: OpTime) -> bool:
    return op.cost.cost.macs > 0


def _changes_layout(node: OpTime) -> bool:
    return not _multiplies(node) and bool(_LAYOUTS.search(node.kernel or node.cost.operator))
