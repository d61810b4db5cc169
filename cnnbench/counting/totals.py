"""What a pass costs as a whole: the record of a count, written and read by one declaration."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter

from cnnbench.counting.cost import Cost, Count, OpCost, Trace
from cnnbench.counting.workspace import workspace_bytes
from cnnbench.devices.warnings import Warning, warning
from cnnbench.models.given import On


@dataclass(frozen=True, kw_only=True)
class Totals(Cost):
    """The cost of a pass, what does not add up over operators, and what a reader must know.

    `input` has the batch first; `unread_params` are by module, `uncounted` by operator. `forward`
    and `backward` are the parts of a training step. `counted_on`, `values_asked_at`, `random`,
    `file` and `branches` as in the trace.
    """

    input: tuple[tuple[Count, ...], ...]
    dtype: str
    peak_activation_bytes: Count
    peak_operator: dict[str, str] | None = None
    arena_bytes: Count
    workspace_bytes: Count = 0
    weight_bytes: Count = 0
    frozen_params: Count = 0
    idle_params: Count = 0
    zero_params: Count = 0
    unread_params: dict[str, int] = field(default_factory=dict)
    uncounted: dict[str, int] = field(default_factory=dict)
    by_formula: dict[str, int] = field(default_factory=dict)
    counted_on: On = On.SHAPES
    values_asked_at: str = ""
    random: bool = False
    file: str = ""
    branches: tuple[str, ...] = ()
    training: bool = False
    forward: dict[str, Any] | None = None
    backward: dict[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """Plain data; the parts of a step only where there is one."""
        parts = {key: getattr(self, key) for key in ("forward", "backward")}
        return {
            "input": [list(shape) for shape in self.input],
            "dtype": self.dtype,
            **Cost.record(self),
            **{key: value for key, value in asdict(self).items() if key not in (*parts, "input")},
            **{key: value for key, value in parts.items() if value is not None},
        }


TOTALS, TRACE = TypeAdapter(Totals), TypeAdapter(Trace)  # what writes and reads them


def totals(trace: Trace) -> Totals:
    """The totals of a trace."""
    return Totals(
        **asdict(trace.total),
        input=trace.input_shapes,
        dtype=trace.dtype,
        peak_activation_bytes=trace.peak_activation_bytes,
        peak_operator=place(trace.operators[trace.peak]) if trace.operators else None,
        arena_bytes=trace.arena_bytes,
        workspace_bytes=workspace_bytes(trace),
        weight_bytes=trace.weight_bytes,
        frozen_params=trace.frozen_params,
        idle_params=trace.idle_params,
        zero_params=trace.zero_params,
        unread_params=trace.unread_params,
        uncounted=trace.uncounted,
        by_formula=trace.by_formula,
        counted_on=trace.counted_on,
        values_asked_at=trace.values_asked_at,
        random=trace.random,
        file=trace.file,
        branches=trace.branches,
        training=trace.trained,
        forward=trace.forward.record() if trace.trained else None,
        backward=trace.backward.record() if trace.trained else None,
    )


def conditions(of: Trace | Totals) -> list[Warning]:
    """What a count holds for, where that is more than shapes."""
    found = []
    if of.counted_on is On.VALUES:
        found.append(warning("counted_on_values", place=of.values_asked_at or "--on-values"))
    if of.by_formula:
        found.append(warning("by_formula", operators=", ".join(of.by_formula)))
    if of.branches:
        found.append(warning("branches", places=", ".join(of.branches)))
    if of.random:
        found.append(warning("random"))
    return found


def place(op: OpCost) -> dict[str, str]:
    """The layer of an operator, and its name."""
    return {"layer": op.path, "operator": op.operator}
