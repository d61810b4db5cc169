"""fvcore's FlopCountAnalysis: one a multiply-add, by operator of a traced graph.

Batch norm 2 an element, other normalisations 5, average pooling to a size 1 an input element;
biases, activations and other pooling are free, and so is a convolution padded by name ('same').
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterator
from math import prod

import torch
from torch import Tensor, nn

from cnnbench.counting.cost import OpCost
from cnnbench.studies.audit.calls import operators
from cnnbench.studies.audit.counter import Pass, Term, What

_PRODUCTS = {"linear", "matmul", "mm", "bmm", "addmm"}


def ask(net: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[int, dict[str, int]]:
    """It traces a real forward pass."""
    from fvcore.nn import FlopCountAnalysis

    with torch.enable_grad():  # without gradients attention is one kernel that it ignores
        analysis = FlopCountAnalysis(net, inputs)
        analysis.tracer_warnings("none")
        total, inside = int(analysis.total()), analysis.by_module()
    own: Tally[str] = Tally({path: int(number) for path, number in inside.items()})
    for path, number in inside.items():  # a module's number has its children's in it
        if path:
            own[path.rpartition(".")[0]] -= int(number)
    return total, dict(own)


def terms(done: Pass) -> Iterator[Term]:
    """What its handlers count."""
    for op, module in operators(done):
        for name, amount in _terms(op, module):
            yield Term(name, amount, op)


def _terms(op: OpCost, module: nn.Module) -> Iterator[tuple[What, int]]:
    name, elements = op.operator, prod(op.inputs[0]) if op.inputs else 0
    if isinstance(module, nn.RNNBase):  # an operator of its own, which it does not know
        return
    if name.startswith("conv") and op.weight:
        by_name = isinstance(getattr(module, "padding", 0), str)
        yield What.MACS, 0 if by_name else op.cost.macs
    elif name in _PRODUCTS:
        yield What.MACS, op.cost.macs
    elif name == "batch_norm" and all(len(shape) == 1 for shape in op.inputs):
        # Of weights, with statistics of their own, and perhaps a gain that is computed.
        yield What.NORM, prod(op.output) * (5 if op.inputs else 4)
    elif name == "batch_norm":
        yield What.NORM, elements * (2 if getattr(module, "affine", True) else 1)
    elif name in ("layer_norm", "group_norm", "instance_norm"):
        affine = getattr(module, "affine", getattr(module, "elementwise_affine", True))
        yield What.NORM, elements * (5 if affine else 4)
    elif name == "adaptive_avg_pool2d":
        yield What.POOL, elements
    elif name in ("upsample_nearest2d", "upsample_bilinear2d"):
        yield What.RESIZE, prod(op.output) * (4 if "linear" in name else 1)
