"""One layer of a network in a paper's words: `7x7 conv /2, 64, BN, ReLU`."""

from __future__ import annotations

from cnnbench import units
from cnnbench.counting.cost import Kind, OpCost
from cnnbench.counting.rules import convention
from cnnbench.counting.tree import Node

_WORDS = {
    "batch_norm": "BN",
    "layer_norm": "LN",
    "group_norm": "GN",
    "instance_norm": "IN",
    "relu": "ReLU",
    "relu6": "ReLU6",
    "silu": "SiLU",
    "gelu": "GELU",
    "elu": "ELU",
    "cat": "concatenate",
    "mul": "multiply",
    "sub": "subtract",
    "pad": "zero padding",
}


def describe(node: Node) -> str:
    """Return a line's layers; nothing for a stage or block, which its children describe."""
    words = [_describe(part) for part in node.parts]
    if node.closes:
        words[0] = f"+ {node.closes}"
    return ", ".join(words)


def _describe(operators: tuple[OpCost, ...]) -> str:
    """One module's operators."""
    kinds = {op.kind for op in operators}
    named = {op.operator for op in operators}
    if kinds == {Kind.NORMALISATION} and not named <= convention.NORMALISATIONS and len(named) > 1:
        return "local response norm"
    activations = tuple(op for op in operators if op.kind is Kind.ACTIVATION)
    if len(activations) == 1 and kinds <= {Kind.ACTIVATION, Kind.OTHER}:
        operators = activations  # a scaled tanh is a tanh
    return ", ".join(dict.fromkeys(_word(op) for op in operators))


def _word(op: OpCost) -> str:
    name = op.operator
    if op.weight is not None and op.kernel:
        what = "depthwise" if op.kind is Kind.DEPTHWISE else "conv"
        what = f"transposed {what}" if "transpose" in name.lower() else what
        step, apart = units.steps(op.stride, " /"), _apart(op)
        groups = f", {op.groups} groups" if op.groups > 1 and what == "conv" else ""
        return f"{units.shape(op.kernel)} {what}{step}, {op.filters}{groups}{apart}"
    if op.kind is Kind.LINEAR:
        return f"linear, {op.output[-1]}"
    if op.kind is Kind.POOLING:
        return _pool(op)
    return _WORDS.get(name.lower()) or name.strip("_")


def _apart(op: OpCost) -> str:
    """The dilation, where a window has several places."""
    wide = tuple(
        step if side > 1 else 1 for step, side in zip(op.dilation, op.kernel, strict=False)
    )
    return units.steps(wide, ", dilation ")


def _pool(op: OpCost) -> str:
    how = "max" if "max" in op.operator.lower() else "average"
    if op.kernel and not op.operator.startswith("adaptive"):
        return f"{units.shape(op.kernel)} {how} pool{units.steps(op.stride, ' /')}{_apart(op)}"
    size = "global" if all(side == 1 for side in op.sides) else f"to {units.shape(op.sides)}"
    return f"{size} {how} pool"
