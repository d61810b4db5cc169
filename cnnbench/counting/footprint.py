"""What a pass or a training step holds in memory: weights, gradients, state, activations."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from cnnbench.counting.cost import Count, Trace
from cnnbench.counting.optimizers import STEP_BYTES, Optimizer


@dataclass(frozen=True, kw_only=True)
class Footprint:
    """Memory in bytes.

    `weight_bytes` are parameters and buffers, `gradient_bytes` those of all parameters that have
    one, `optimizer_bytes` what the optimiser keeps from step to step, `activation_bytes` the most
    that is alive beside them. `total_bytes` is the most that is held at once, which is less than
    their sum: activations go while gradients come.
    """

    optimizer: Optimizer | None = None
    weight_bytes: Count
    gradient_bytes: Count = 0
    optimizer_bytes: Count = 0
    activation_bytes: Count
    total_bytes: Count

    def record(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def footprint(trace: Trace, optimizer: Optimizer | None = None) -> Footprint:
    """The memory of a pass; with an optimiser of a step: forward, backward, update.

    Gradients are none when a step begins, as after `zero_grad()`. The update holds the input, every
    gradient and what it makes beside for the largest parameter.
    """
    gradients = [buffer.size for buffer in trace.buffers if buffer.gradient]
    whole = sum(gradients)
    state = update = 0
    if optimizer is not None:
        state, update = optimizer.kept * whole, trace.input_bytes + whole
        if optimizer.is_adaptive:
            state += STEP_BYTES * len(gradients)
            update += 2 * max(gradients, default=0)
    return Footprint(
        optimizer=optimizer,
        weight_bytes=trace.weight_bytes,
        gradient_bytes=whole,
        optimizer_bytes=state,
        activation_bytes=_beside_gradients(trace),
        total_bytes=trace.weight_bytes + state + max(update, trace.peak_activation_bytes),
    )


def _beside_gradients(trace: Trace) -> int:
    """The largest sum of live storages that are no parameter's gradient."""
    born: dict[int, int] = {}
    for buffer in trace.buffers:
        if buffer.gradient:
            born[buffer.born] = born.get(buffer.born, 0) + buffer.size
    most, gradients = 0, 0
    for index, op in enumerate(trace.operators):
        gradients += born.get(index, 0)
        most = max(most, op.live_bytes - gradients)
    return most if trace.operators else trace.input_bytes
