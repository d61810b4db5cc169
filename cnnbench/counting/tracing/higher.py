"""Operators that take functions: a branch that values choose, attention with a function of scores.

Torch hands them to a mode only where a rule for that mode is registered with them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from cnnbench.counting.rules.operators import attention
from cnnbench.counting.tracing.recorder import Recorder
from cnnbench.counting.tracing.tensors import tensors_in


@cache
def load() -> None:
    """Register ours with torch's, once."""
    for name, rule in (("cond", _branch), ("flex_attention", _attention)):
        operator = getattr(torch.ops.higher_order, name, None)
        if operator is not None:
            operator.py_impl(Recorder)(rule)


def _branch(mode: Recorder, chosen: Any, first: Any, second: Any, operands: Any = ()) -> Any:
    """The branch that runs; without values nobody knows which."""
    with mode:
        return (first if bool(chosen) else second)(*operands)


def _attention(mode: Recorder, query: Any, key: Any, value: Any, *more: Any, **_: Any) -> Any:
    """Attention with all its scores, whatever a mask of blocks leaves out.

    Its outputs are of the right shape, and 0.
    """
    shape = (*query.shape[:-1], value.shape[-1])
    out, sums = query.new_zeros(shape), query.new_zeros(shape[:-1], dtype=torch.float32)
    held = tensors_in(more)  # which the function of the scores reads
    mode.record("flex_attention", attention, (query, key, value, *held), (out, sums, sums))
    return out, sums, sums
