"""torch's own FlopCounterMode: two a multiply-add of convolutions and products, nothing else."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from cnnbench.studies.audit.calls import operators, where
from cnnbench.studies.audit.counter import Pass, Term, What

_UNKNOWN = {"mv", "addmv", "dot", "vdot"}
_ATTENTION, _FUSED = "scaled_dot_product_attention", 4  # dimensions of what a CPU's kernel takes


def ask(net: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, dict[str, int]]:
    """Its count: it listens to a real forward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    own: Tally[str] = Tally()
    # Without gradients attention is one kernel that it ignores.
    with torch.enable_grad(), where(net) as path:

        class Located(FlopCounterMode):
            """Counts by path: its own table has the caller's names, which may stand twice."""

            def _count_flops(self, *operator: Any) -> Any:
                before = self.get_total_flops()
                out = super()._count_flops(*operator)  # type: ignore[no-untyped-call]
                own[path()] += self.get_total_flops() - before
                return out

        with Located(display=False) as counter:
            net(*inputs)
    return int(counter.get_total_flops()), dict(own)


def terms(done: Pass) -> Iterator[Term]:
    """Every product that is not hidden in a kernel of a recurrent layer."""
    for op, module in operators(done):
        fused = op.operator == _ATTENTION and len(op.output) == _FUSED
        hidden = fused or isinstance(module, nn.LSTM) or op.operator in _UNKNOWN
        if op.cost.macs and not hidden:
            yield Term(What.MACS, op.cost.macs, op)
