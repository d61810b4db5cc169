"""A trace as a tree of stages, blocks and layers: what a paper's figure shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from cnnbench import units
from cnnbench.counting.cost import Cost, Kind, OpCost, Trace, total
from cnnbench.models.spec import Shape

# Levels that stand in the code and in no figure: their layers belong to the block around them.
TRANSPARENT = frozenset({"body"})

_NORMS = {"batch_norm": "BN", "layer_norm": "LN", "group_norm": "GN", "instance_norm": "IN"}
_WORDS = {"cat": "concatenate", "mul": "multiply", "sub": "subtract", "pad": "zero padding"}
_ACTIVATIONS = {"relu": "ReLU", "relu6": "ReLU6", "silu": "SiLU", "gelu": "GELU", "elu": "ELU"}


@dataclass(frozen=True)
class Node:
    """A stage, block or layer; `repeats` counts equal neighbours folded into one."""

    name: str
    text: str
    output: Shape
    cost: Cost
    children: tuple[Node, ...] = ()
    repeats: int = 1


@dataclass
class _Module:
    """The operators of one module and, in order of first use, its children."""

    name: str
    steps: list[OpCost | _Module] = field(default_factory=list)
    children: dict[str, _Module] = field(default_factory=dict)

    def operators(self) -> Iterable[OpCost]:
        for step in self.steps:
            yield from step.operators() if isinstance(step, _Module) else (step,)


def tree(trace: Trace, *, fold: bool = True) -> tuple[Node, ...]:
    """Top-level nodes; with `fold`, equal neighbours become one with a count."""
    root = _Module("")
    for op in trace.operators:
        module = root
        for name in filter(None, op.path.split(".")):
            if name in TRANSPARENT:
                continue
            if name not in module.children:
                child = module.children[name] = _Module(name)
                module.steps.append(child)
            module = module.children[name]
        module.steps.append(op)
    return _nodes(root, fold)


def _nodes(module: _Module, fold: bool) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for step in module.steps:
        node = _node(step, fold) if isinstance(step, _Module) else _line("", [step], module)
        if nodes and not nodes[-1].children and _follows(step):
            nodes[-1] = _joined(nodes[-1], node)
        else:
            nodes.append(node)
    return _folded(nodes) if fold else tuple(nodes)


def _node(module: _Module, fold: bool) -> Node:
    """A leaf is one line; a container whose layers join into one line is that line."""
    if not module.children:
        return _line(module.name, list(module.operators()), module)
    children = _nodes(module, fold)
    if len(children) == 1 and not children[0].children and children[0].repeats == 1:
        return replace(children[0], name=module.name)
    operators = list(module.operators())
    cost = total([op.cost for op in operators])
    return Node(module.name, "", operators[-1].output, cost, children)


def _follows(step: OpCost | _Module) -> bool:
    """Normalisation and activation stand on the line of what they follow."""
    operators = list(step.operators()) if isinstance(step, _Module) else [step]
    kinds = {op.kind for op in operators}
    if kinds == {Kind.NORMALISATION}:
        return all(op.operator in _NORMS for op in operators)
    return Kind.ACTIVATION in kinds and kinds <= {Kind.ACTIVATION, Kind.OTHER}


def _joined(node: Node, follower: Node) -> Node:
    text = f"{node.text}, {follower.text}"
    return replace(node, text=text, output=follower.output, cost=node.cost + follower.cost)


def _line(name: str, operators: list[OpCost], around: _Module) -> Node:
    cost = total([op.cost for op in operators])
    return Node(name, _describe(operators, around), operators[-1].output, cost)


def _folded(nodes: list[Node]) -> tuple[Node, ...]:
    """Join neighbours that differ in their number alone."""
    groups: list[list[Node]] = []
    for node in nodes:
        if groups and _unnumbered(node) == _unnumbered(groups[-1][0]):
            groups[-1].append(node)
        else:
            groups.append([node])
    return tuple(
        replace(g[0], name=f"{g[0].name}…{g[-1].name}", repeats=len(g)) if len(g) > 1 else g[0]
        for g in groups
    )


def _unnumbered(node: Node) -> Node:
    return replace(node, name=re.sub(r"\d+", "#", node.name))


def _describe(operators: list[OpCost], around: _Module) -> str:
    """One module's operators in a paper's words."""
    if {op.kind for op in operators} == {Kind.NORMALISATION} and len(operators) > 1:
        return "local response norm"
    activations = [op for op in operators if op.kind is Kind.ACTIVATION]
    if len(activations) == 1 and {op.kind for op in operators} <= {Kind.ACTIVATION, Kind.OTHER}:
        operators = activations  # a scaled tanh is a tanh
    words = [_word(op, around) for op in operators]
    return ", ".join(dict.fromkeys(words))


def _word(op: OpCost, around: _Module) -> str:
    name = op.operator
    window = units.kernel(op.kernel)
    step = f" /{units.stride(op.stride)}" if set(op.stride) - {1} else ""
    if op.weight is not None and op.kernel:
        filters = op.output[1] if len(op.output) > 1 else op.output[0]
        what = "depthwise" if op.kind is Kind.DEPTHWISE else "conv"
        what = f"transposed {what}" if "transpose" in name else what
        groups = f", {op.groups} groups" if op.groups > 1 and what == "conv" else ""
        return f"{window} {what}{step}, {filters}{groups}"
    if op.kind is Kind.LINEAR:
        return f"linear, {op.output[-1]}"
    if op.kind is Kind.POOLING:
        if name.startswith("adaptive") or not op.kernel:
            how = "max" if "max" in name else "average"
            whole = all(side == 1 for side in op.output[2:])
            size = "global" if whole else f"to {units.shape(op.output[2:])}"
            return f"{size} {how} pool"
        return f"{window} {'max' if 'max' in name else 'average'} pool{step}"
    if name == "add" and len(op.inputs) == 2 and op.inputs[0] == op.inputs[1]:
        return _addition(op, around)
    return {**_NORMS, **_ACTIVATIONS, **_WORDS}.get(name) or name.strip("_")


def _addition(op: OpCost, around: _Module) -> str:
    """Name the shortcut an addition closes, where the block around it shows which."""
    if "shortcut" in around.children:
        return "+ shortcut"
    first = next(iter(around.operators()))
    return "+ identity" if first is not op and op.output in first.inputs else "add"
