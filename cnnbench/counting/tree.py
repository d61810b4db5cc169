"""A trace as a tree of stages, blocks and lines: the structure of a paper's figure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace, total
from cnnbench.models.inputs import Shape

# Levels that stand in the code and in no figure: their layers belong to the block around them.
TRANSPARENT = frozenset({"body"})
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm"})


@dataclass(frozen=True)
class Node:
    """A stage or block with children, or a line: a layer and what normalises and activates it.

    `parts` are a line's operators, module by module; `repeats` counts equal neighbours folded
    into one; `closes` says which shortcut an addition ends: "shortcut", "identity" or neither.
    """

    name: str
    output: Shape
    cost: Cost
    parts: tuple[tuple[OpCost, ...], ...] = ()
    closes: str = ""
    children: tuple[Node, ...] = ()
    repeats: int = 1

    def operators(self) -> Iterator[OpCost]:
        """Its operators, of a block its children's, in execution order within each."""
        for part in self.parts:
            yield from part
        for child in self.children:
            yield from child.operators()

    def lines(self) -> Iterator[Node]:
        """The lines that it is made of, from the first to the last."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.lines()

    @property
    def main(self) -> OpCost:
        """Its operator with the most MACs, the first where none has any."""
        return max(self.operators(), key=lambda op: op.cost.macs)

    @property
    def outputs(self) -> tuple[Shape, ...]:
        """Every map that a line makes: several where its module runs at several places."""
        if not self.parts:
            return (self.output,)
        last = self.parts[-1]
        made = dict.fromkeys(op.output for op in last if op.operator == last[-1].operator)
        return tuple(made) if len(made) > 1 else (self.output,)


@dataclass
class _Module:
    """The operators of one module and, in order of first use, its children."""

    name: str
    steps: list[OpCost | _Module] = field(default_factory=list)
    children: dict[str, _Module] = field(default_factory=dict)

    def operators(self) -> Iterator[OpCost]:
        for step in self.steps:
            yield from step.operators() if isinstance(step, _Module) else (step,)


def tree(trace: Trace, *, fold: bool = True, apart: bool = False) -> tuple[Node, ...]:
    """Top-level nodes; with `fold`, equal neighbours become one with a count.

    A module that runs at several places is one node where it runs first; `apart` one at each. A
    line is joined by what reads it.
    """
    root = _Module("")
    places = {id(op): place for place, op in enumerate(trace.operators)}
    for op in trace.operators:
        module = root
        for name in filter(None, op.path.split(".")):
            if name in TRANSPARENT:
                continue
            known = module.children.get(name)
            if known is None or (
                apart and (module.steps[-1] is not known or _is_called_again(known, op, places))
            ):
                known = module.children[name] = _Module(name)
                module.steps.append(known)
            module = known
        module.steps.append(op)
    return _nodes(root, fold, places)


def lines(trace: Trace) -> Iterator[Node]:
    """All lines, a module that runs at several places at each of them."""
    for node in tree(trace, fold=False, apart=True):
        yield from node.lines()


def _is_called_again(module: _Module, op: OpCost, places: Mapping[int, int]) -> bool:
    """Whether an operator of a module begins another call of it.

    It is the module's first one again, whose weights are read by then, and reads nothing of what
    the module has made; or the only one that it has, as of a pooling that is called twice.
    """
    first = next(module.operators())
    again = op.path == first.path and op.operator == first.operator and op.weight == first.weight
    if not again or op.cost.params:
        return False
    own = {places[id(one)] for one in module.operators()}
    return len(own) == 1 or not own & set(op.sources)


def _nodes(module: _Module, fold: bool, places: Mapping[int, int]) -> tuple[Node, ...]:
    nodes: list[Node] = []
    for step in module.steps:
        if isinstance(step, _Module):
            node = _node(step, fold, places)
        else:
            node = _line("", (step,), _closes(step, module))
        if nodes and not nodes[-1].children and _follows(node, nodes[-1], places):
            nodes[-1] = _joined(nodes[-1], node)
        else:
            nodes.append(node)
    return _folded(nodes) if fold else tuple(nodes)


def _node(module: _Module, fold: bool, places: Mapping[int, int]) -> Node:
    """A leaf is one line; a container whose layers join into one line is that line."""
    operators = tuple(module.operators())
    if not module.children:
        return _line(module.name, operators)
    children = _nodes(module, fold, places)
    if len(children) == 1 and not children[0].children and children[0].repeats == 1:
        return replace(children[0], name=module.name)
    cost = total([op.cost for op in operators])
    return Node(module.name, operators[-1].output, cost, children=children)


def _line(name: str, operators: tuple[OpCost, ...], closes: str = "") -> Node:
    cost = total([op.cost for op in operators])
    return Node(name, operators[-1].output, cost, (operators,), closes)


def _follows(node: Node, line: Node, places: Mapping[int, int]) -> bool:
    """Whether it is a normalisation or activation, which stands on the line it follows.

    It reads that line; one that runs at several places follows none.
    """
    if len(node.outputs) > 1:
        return False
    operators = [op for part in node.parts for op in part]
    if not operators:
        return False
    if not {places[id(op)] for op in line.parts[-1]} & set(operators[0].sources):
        return False
    kinds = {op.kind for op in operators}
    if kinds == {Kind.NORMALISATION}:
        return all(op.operator in NORMS for op in operators)
    return Kind.ACTIVATION in kinds and kinds <= {Kind.ACTIVATION, Kind.OTHER}


def _joined(node: Node, follower: Node) -> Node:
    # A layer norm over channels runs on a permuted map: the line keeps the layer's own.
    permuted = sorted(node.output) == sorted(follower.output)
    return replace(
        node,
        output=node.output if permuted else follower.output,
        cost=node.cost + follower.cost,
        parts=node.parts + follower.parts,
    )


def _closes(op: OpCost, block: _Module) -> str:
    """Which shortcut an addition ends, where the block around it shows one."""
    if op.operator != "add" or len(op.inputs) != 2 or op.inputs[0] != op.inputs[1]:
        return ""
    if "shortcut" in block.children:
        return "shortcut"
    first = next(block.operators())
    return "identity" if first is not op and op.output in first.inputs else ""


def _folded(nodes: list[Node]) -> tuple[Node, ...]:
    """Join neighbours that differ in nothing but their number."""
    return tuple(
        replace(group[0], name=_range(group[0].name, group[-1].name), repeats=len(group))
        if len(group) > 1
        else group[0]
        for group in neighbours(nodes)
    )


def neighbours(nodes: Sequence[Node]) -> list[list[Node]]:
    """Nodes in their order; equal neighbours in one list, whose operators match one by one."""
    if len(nodes) == 1:  # a signature at each level of a deep chain would be many
        return [list(nodes)]
    groups: list[list[Node]] = []
    for node in nodes:
        if groups and _signature(node) == _signature(groups[-1][0]):
            groups[-1].append(node)
        else:
            groups.append([node])
    return groups


def _range(first: str, last: str) -> str:
    """`block2`, `block5` -> `block2…5`."""
    common = re.match(r"\D*", last)
    assert common is not None
    return f"{first}…{last[common.end() :]}"


def _signature(node: Node) -> tuple[Any, ...]:
    """All that makes a node what it is, without where it stands."""
    operators = [
        replace(op, path="", live_bytes=0, sources=()) for part in node.parts for op in part
    ]
    children = [_signature(child) for child in node.children]
    return (re.sub(r"\d+", "#", node.name), operators, node.closes, children, node.repeats)
