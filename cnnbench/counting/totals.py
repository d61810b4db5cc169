"""What a pass costs as a whole: the record of a count, written and read by one declaration."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

from pydantic import Field

from cnnbench.counting.cost import Cost, OpCost, Trace

# Within bounds that any pass keeps, so that no file makes nonsense of a page.
Count = Annotated[int, Field(ge=0, le=10**24)]
Ratio = Annotated[float, Field(ge=0, le=1e24)]


@dataclass(frozen=True, kw_only=True)
class Totals:
    """The totals of a pass under the vocabulary's words, and what a reader must know beside them.

    `input` has the batch first; `unread_params` are by module, `uncounted` by operator. `forward`
    and `backward` are the parts of a training step.
    """

    input: tuple[tuple[Count, ...], ...]
    dtype: str
    params: Count
    macs: Count
    flops: Count
    elementwise_flops: Count
    activations: Count
    bytes_moved: Count
    intensity: Ratio
    peak_activation_bytes: Count
    peak_operator: dict[str, str] | None = None
    arena_bytes: Count
    frozen_params: Count = 0
    unread_params: dict[str, int] = field(default_factory=dict)
    uncounted: dict[str, int] = field(default_factory=dict)
    training: bool = False
    forward: dict[str, Any] | None = None
    backward: dict[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """Plain data; the parts of a step only where there is one."""
        found = {**asdict(self), "input": [list(shape) for shape in self.input]}
        return {
            key: value
            for key, value in found.items()
            if value is not None or key not in ("forward", "backward")
        }


def totals(trace: Trace) -> Totals:
    """The totals of a trace."""
    return Totals(
        input=trace.input_shapes,
        dtype=trace.dtype,
        **fields_of(trace.total),
        peak_activation_bytes=trace.peak_activation_bytes,
        peak_operator=place(trace.operators[trace.peak]) if trace.operators else None,
        arena_bytes=trace.arena_bytes,
        frozen_params=trace.frozen_params,
        unread_params=trace.unread_params,
        uncounted=trace.uncounted,
        training=trace.trained,
        forward=fields_of(trace.forward) if trace.trained else None,
        backward=fields_of(trace.backward) if trace.trained else None,
    )


def fields_of(cost: Cost) -> dict[str, Any]:
    """A cost's fields and what follows from them."""
    own = asdict(cost)
    return {
        "params": own.pop("params"),
        "macs": own.pop("macs"),
        "flops": cost.flops,
        **own,
        "intensity": cost.intensity,
    }


def place(op: OpCost) -> dict[str, str]:
    """Where an operator runs, and what it is."""
    return {"layer": op.path, "operator": op.operator}
