"""Rules that files of every format share: what torch's operators cost, activations taken in."""

from __future__ import annotations

from collections.abc import Callable

from cnnbench.counting.cost import Kind
from cnnbench.counting.files.graph import Node
from cnnbench.counting.rules import convention
from cnnbench.counting.rules.table import RULES as OF_TORCH
from cnnbench.counting.rules.work import Work
from cnnbench.models.inputs import Shape

Rule = Callable[[Node], Work]

# Of a recurrent cell's hidden units: activations and arithmetic, as torch's own cells come to.
CELL = {"LSTM": 9, "GRU": 10, "RNN": 1, "SVDF": 1}


def same(name: str) -> Rule:
    """What torch's operator of that name costs."""
    rule = OF_TORCH[name]
    return lambda node: rule(node.out, *node.inputs)


def moved(node: Node) -> Work:
    """Bytes are moved, nothing is computed."""
    return Work(Kind.OTHER)


def fused(rule: Rule, option: str) -> Rule:
    """With the activation that it has taken in where the option says so, one FLOP an output."""

    def activated(node: Node) -> Work:
        work = rule(node)
        return work.activated(node.out.numel()) if node.option(option) else work

    return activated


def product(node: Node, macs: int, weight: Shape | None) -> Work:
    """A product of two activations; with a constant `weight` a linear layer."""
    if weight is None:
        return Work(Kind.MATMUL, macs=macs)
    return Work(Kind.LINEAR, macs=macs, activations=node.out.numel(), weight=weight)


def combined(node: Node, times: int) -> Work:
    """Inputs that are combined one by one: so many FLOPs an output element."""
    flops = times * node.out.numel() * convention.ARITHMETIC
    return Work(Kind.OTHER, elementwise_flops=flops)


def interpolated(node: Node, taps: int) -> Work:
    """A resizing: one FLOP for each pixel that an output pixel is made of; none where it copies.

    `taps` are those along each dimension that changes.
    """
    changed = sum(a != b for a, b in zip(node.x().shape, node.out.shape, strict=True))
    flops = taps ** max(changed, 1) * node.out.numel() if taps else 0
    return Work(Kind.OTHER, elementwise_flops=flops)


def local_response(node: Node, size: int) -> Work:
    """A normalisation over n channels: n + 5 for each output element, as torch's comes to."""
    return Work(Kind.NORMALISATION, elementwise_flops=(size + 5) * node.out.numel())


def overlaps(number: int, times: int = 1) -> Work:
    """A suppression of boxes that are not the largest: the overlap of each pair."""
    return Work(Kind.OTHER, elementwise_flops=times * number * (number - 1) // 2)
