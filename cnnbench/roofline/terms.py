"""What of a pass takes time on its own: of eager torch, every operator."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cnnbench.counting.cost import OpCost, Trace
from cnnbench.roofline.sizes import Sizes, sampled_as, sizes_of


@dataclass(frozen=True)
class Term:
    """An operator, or several that run in one.

    `names` are those under which the like of it may have been sampled, the best first, `sizes` what
    was sampled of them; `bytes_moved` are read and written, `new_bytes` of memory that it takes.
    """

    op: OpCost
    names: tuple[str, ...]
    sizes: Sizes
    bytes_moved: int
    new_bytes: int = 0


def of_torch(trace: Trace) -> Iterator[Term]:
    """Every operator of a pass, in its order."""
    made = [0] * len(trace.operators)
    for buffer in trace.buffers:
        if buffer.output and buffer.born >= 0:
            made[buffer.born] += buffer.size
    for op, new in zip(trace.operators, made, strict=True):
        yield Term(op, sampled_as(op, in_place=not new), sizes_of(op), op.cost.bytes_moved, new)
