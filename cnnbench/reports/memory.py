"""How the memory of a pass reads, of a training step, and the largest batch that fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cnnbench import units
from cnnbench.counting.footprint import Footprint
from cnnbench.reports import columns as col
from cnnbench.reports.report import Column, Table

COLUMNS = (
    col.MODEL,
    Column("batch", "batch"),
    Column("weight_bytes", "weights", units.size),
    Column("gradient_bytes", "gradients", units.size),
    Column("optimizer_bytes", "optimiser", units.size),
    Column("activation_bytes", "activations", units.size),
    Column("total_bytes", "most\nat once", units.size),
)


@dataclass(frozen=True)
class Held:
    """The memory of a pass, and the largest batch that `limit_bytes` hold, where it is asked."""

    footprint: Footprint
    limit_bytes: int | None = None
    largest_batch: int | None = None

    def record(self) -> dict[str, Any]:
        """Plain data."""
        found = self.footprint.record()
        if self.limit_bytes is not None:
            found |= {"limit_bytes": self.limit_bytes, "largest_batch": self.largest_batch}
        return found


def table(held: Mapping[str, Held], batch: int) -> Table:
    """One row a model; of evaluation without what training keeps."""
    optimizer = next(iter(held.values())).footprint.optimizer
    what = "of a pass" if optimizer is None else f"of a training step with {optimizer}"
    training = ("gradient_bytes", "optimizer_bytes")
    columns = [one for one in COLUMNS if optimizer is not None or one.key not in training]
    rows = [{"model": spec, "batch": batch, **one.record()} for spec, one in held.items()]
    return Table(tuple(columns), rows, f"Memory {what}")


def findings(held: Mapping[str, Held]) -> list[str]:
    """The largest batches."""
    return [_largest(spec, one) for spec, one in held.items() if one.limit_bytes is not None]


def _largest(spec: str, held: Held) -> str:
    limit = units.size(held.limit_bytes or 0)
    if not held.largest_batch:
        return f"{spec}: not even one image fits into {limit}"
    return f"{spec}: the largest batch that fits into {limit} is {held.largest_batch:,}"


def notes(held: Mapping[str, Held]) -> list[str]:
    """What a reader must know of these sizes."""
    if not held:
        return []
    training = any(one.footprint.optimizer for one in held.values())
    goes = "most at once: activations go while gradients come, so it is less than the sum"
    kernels = "not in it: what kernels and the framework take for themselves; leave some room"
    return [goes, kernels] if training else [kernels]
