"""Causes: what a measured pass spends its time on, by the record of what ran.

Of eager PyTorch on a CPU that record is the time of each operator and oneDNN's own log, of a
runtime the time of each node. What Python and a call cost is the device's, and a new page is taken
to cost a microsecond. What no cause accounts for stands beside them, so that all add up to the
pass.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

from cnnbench.counting.cost import Kind, OpCost
from cnnbench.roofline.bound import Bound
from cnnbench.roofline.profile import Profile
from cnnbench.timing.backends import EAGER
from cnnbench.timing.by_layer.by_node import LAYOUTS
from cnnbench.timing.by_layer.layers import LayerTimes, OpTime
from cnnbench.timing.latency import FAULT_S

_MOST_UNEXPLAINED = 0.3  # of a pass
_CONVOLUTIONS = (Kind.CONVOLUTION, Kind.POINTWISE, Kind.DEPTHWISE)


@dataclass(frozen=True)
class Causes:
    """Seconds of one pass by what they went into; they add up to the pass.

    `computing_s` is what multiplies; `waiting_s` is what that takes longer than threads that all
    work would, `packing_s` changes the layout of weights, `layouts_s` that of images, each None
    where nothing tells it from computing; `elementwise_s` is what reads and writes memory and
    multiplies nothing. `calls_s` is Python, dispatch and memory asked for,
    `page_faults_s` the system's giving it. `unexplained_s` is left, below zero where the clocks on
    operators took more time themselves than is taken off each alike.
    """

    computing_s: float = 0.0
    waiting_s: float | None = 0.0
    packing_s: float | None = 0.0
    layouts_s: float | None = 0.0
    elementwise_s: float = 0.0
    calls_s: float = 0.0
    page_faults_s: float = 0.0
    unexplained_s: float = 0.0

    @property
    def whole_s(self) -> float:
        """The pass."""
        return sum(map(self.seconds, NAMES))

    def seconds(self, name: str) -> float:
        """A cause's seconds, none where it is not known."""
        return float(getattr(self, name) or 0.0)

    def share(self, name: str) -> float:
        """A cause's part of the pass."""
        return self.seconds(name) / self.whole_s if self.whole_s else 0.0

    @property
    def adds_up(self) -> bool:
        """Whether they are of this pass: a slower one, as of a busy machine, says nothing of it."""
        return abs(self.share("unexplained_s")) <= _MOST_UNEXPLAINED

    def of(self, seconds: float) -> Causes:
        """The same shares of a pass that takes so long."""
        scale = seconds / self.whole_s if self.whole_s else 0.0
        known = {name: part for name, part in asdict(self).items() if part is not None}
        return replace(self, **{name: part * scale for name, part in known.items()})


NAMES = tuple(field.name for field in fields(Causes))
WORDS = dict(
    zip(
        NAMES,
        (
            *("computing", "waiting for threads", "packing weights", "changing layouts"),
            *("passes over memory", "calls", "new memory", "what no clock explains"),
        ),
        strict=True,
    )
)


def verb(name: str) -> str:
    """`calls take`, `computing takes`."""
    return "take" if name in ("elementwise_s", "calls_s") else "takes"


def causes(layers: LayerTimes, profile: Profile) -> Causes | None:
    """What a pass went into whose operators were timed in the same rounds.

    None where none were, and of eager PyTorch on a GPU, which runs beside the Python that asks it.
    """
    if layers.whole.latency_s is None or not layers.operators:
        return None
    if layers.whole.setting.backend == EAGER:
        if layers.whole.device != "cpu":
            return None
        return _of_eager(layers, layers.whole.latency_s, profile)
    return _of_runtime(layers, layers.whole.latency_s)


def _of_eager(layers: LayerTimes, whole: float, profile: Profile) -> Causes:
    """By laps of operators; within those of convolutions by oneDNN's log, as far as it has them."""
    python = len(layers.operators) * profile.layer_s
    operators = _without_clocks(layers.operators, whole - python)
    products = [op.seconds for op in operators if _multiplies(op)]
    others = [op.seconds for op in operators if not _multiplies(op)]
    call = profile.call_s or 0.0
    calls = sum(min(lap, call) for lap in others)
    elementwise = sum(others) - calls
    calls += python
    computing, log = sum(products), layers.reorders
    packing: float | None = None
    images: float | None = None
    logged = _logged(operators, log.convolutions) if log else 0.0
    if log is not None and log.seconds and logged:
        scale = min(1.0, logged / log.seconds)  # a log takes time itself
        packing, images = scale * log.packing_s, scale * log.images_s
        asked = logged - scale * log.seconds
        computing -= packing + images + asked
        calls += asked
    waiting = _waiting(operators, layers)
    if waiting is not None:
        waiting *= computing / sum(products) if computing > 0 else 0.0
        computing -= waiting
    faults = min((layers.whole.page_faults or 0.0) * FAULT_S, elementwise)
    found = Causes(computing, waiting, packing, images, elementwise - faults, calls, faults)
    return replace(found, unexplained_s=whole - found.whole_s)


def _without_clocks(operators: Sequence[OpTime], whole: float) -> list[OpTime]:
    """Operators, less what the clock on each takes: as much as they are longer than the whole."""
    clock = max(0.0, sum(op.seconds for op in operators) - whole) / len(operators)
    return [replace(op, seconds=max(0.0, op.seconds - clock)) for op in operators]


def _waiting(operators: Sequence[OpTime], layers: LayerTimes) -> float | None:
    """Seconds that threads waited in products; None where nothing tells, none of one thread."""
    if layers.whole.threads == 1:
        return 0.0
    if layers.threads is None:
        return None
    least = [_memory(op) for op in layers.operators]
    found = layers.threads.waiting([op.seconds for op in operators], least)
    if found is None:
        return None
    return sum(one for one, op in zip(found, operators, strict=True) if _multiplies(op))


def _memory(op: OpTime) -> float:
    """The least that an operator's memory takes, where that is what bounds it."""
    return op.seconds * (op.fraction_of_bound or 0.0) if op.bound is Bound.MEMORY else 0.0


def _logged(operators: Sequence[OpTime], convolutions: Sequence[Sequence[int]]) -> float:
    """Seconds of the convolutions that oneDNN ran; torch has kernels of its own for small ones."""
    left, seconds = list(convolutions), 0.0
    for op in operators:
        if left and op.cost.kind in _CONVOLUTIONS and _problem(op.cost) == tuple(left[0]):
            del left[0]
            seconds += op.seconds
    return 0.0 if left else seconds


def _problem(op: OpCost) -> tuple[int, int, int, int]:
    """Groups, channels, filters, window; as oneDNN's log has them."""
    assert op.weight is not None, "a convolution has one"
    # A parameter that is convolved is none of `inputs`.
    channels = op.inputs[0][1] if op.inputs else op.weight[1] * op.groups
    return op.groups, channels, op.output[1], math.prod(op.kernel)


def _of_runtime(layers: LayerTimes, whole: float) -> Causes:
    """By nodes, less what the clock on each takes; a runtime packs weights before it runs."""
    nodes = _without_clocks(layers.operators, whole)
    computing = sum(node.seconds for node in nodes if _multiplies(node))
    waiting = _waiting(nodes, layers)
    layouts = sum(node.seconds for node in nodes if _changes_layout(node))
    every = sum(node.seconds for node in nodes)
    return Causes(
        computing - (waiting or 0.0),
        waiting_s=waiting,
        layouts_s=layouts,
        elementwise_s=every - computing - layouts,
        unexplained_s=whole - every,
    )


def _multiplies(op: OpTime) -> bool:
    return op.cost.cost.macs > 0


def _changes_layout(node: OpTime) -> bool:
    return not _multiplies(node) and bool(LAYOUTS.search(node.kernel or node.cost.operator))
