"""A file's pass as its counters see it: every node with its shapes, and our cost of it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto, NodeProto, helper

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.files.count import check_given
from cnnbench.counting.files.graph import Graph
from cnnbench.counting.files.onnx import reading
from cnnbench.counting.files.onnx.nodes import Reader
from cnnbench.counting.files.onnx.paths import path_of
from cnnbench.counting.files.onnx.shapes import shapes_of
from cnnbench.counting.files.passes import trace_of
from cnnbench.errors import SourceError, reason_of
from cnnbench.models.given import Given
from cnnbench.models.inputs import Shape
from cnnbench.studies.audit.counter import Term, What


@dataclass(frozen=True)
class Step:
    """A node: its operator, shapes of what it reads and gives, and its cost in our trace.

    `counted` is False of one that our trace has not: what is computed from constants, or not read.
    """

    operator: str
    inputs: tuple[Shape, ...]
    outputs: tuple[Shape, ...]
    attributes: Mapping[str, Any]
    op: OpCost
    counted: bool

    @property
    def elements(self) -> int:
        """Of the first output."""
        return prod(self.outputs[0])

    def read(self, index: int = 0) -> int:
        """Elements of an input."""
        return prod(self.inputs[index])

    @property
    def what(self) -> What:
        """What a counter's number for it is, where it counts elements."""
        return _OF_KIND.get(self.op.kind, What.ARITHMETIC)


_OF_KIND = {
    Kind.NORMALISATION: What.NORM,
    Kind.ACTIVATION: What.ACTIVATION,
    Kind.POOLING: What.POOL,
}


@dataclass(frozen=True)
class FilePass:
    """A pass through a file that has been counted: its model with these inputs, and its trace."""

    model: ModelProto
    steps: Sequence[Step]
    trace: Trace
    places: Mapping[str, str]  # a node's name, and its layer

    def kinds(self, paths: Collection[str]) -> list[str]:
        """What runs in these layers."""
        return sorted({step.operator for step in self.steps if step.op.path in paths})


def prepare(path: Path, given: Given, batch: int) -> FilePass:
    """Read a file with its weights, which its counters look at, and count it."""
    check_given(path, given, batch)
    reading.check_places(path, reading.model_of(path).graph)
    try:
        model = onnx.load(path)
    except Exception as error:  # weights beside it that are not there, or not as it says
        raise SourceError(f"{path} cannot be read with its weights: {reason_of(error)}") from error
    reading.fix(path, model, given, batch)
    shown, run = reading.understood(path, _copy(model), given)
    graph = Reader(str(path), run).graph(shown)
    trace = trace_of(graph, path.suffix[1:].lower())
    costs = _costs(graph, trace)
    shapes = {name: shape for name, (shape, _) in shapes_of(shown.graph).items()} | run
    shapes |= {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    weights = {tensor.name for tensor in model.graph.initializer}
    steps, places = [], {}
    for node in model.graph.node:
        read = [name for name in node.input if name]
        layer = path_of(node, (name for name in read if name in weights))
        places[node.name] = layer
        known = [shapes.get(name) for name in (*read, *node.output[:1])]
        sides = tuple(shape for shape in known if shape is not None)
        if len(sides) == len(known):
            op = costs.get(next(iter(node.output), ""))
            made = op or OpCost(layer, node.op_type, Kind.OTHER, (), sides[-1], Cost(), 0)
            steps.append(
                Step(node.op_type, sides[:-1], sides[-1:], _attributes(node), made, op is not None)
            )
    return FilePass(model, steps, trace, places)


def _copy(model: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    return copy


def _attributes(node: NodeProto) -> dict[str, Any]:
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}


def _costs(graph: Graph, trace: Trace) -> dict[str, OpCost]:
    """What each node of the trace costs, by the name of its first output."""
    nodes = [node for node in graph.nodes if node.is_known and node.work() is not None]
    pairs = zip(nodes, trace.operators, strict=True)
    return {node.out.name: op for node, op in pairs if node.outputs}


def terms(
    done: FilePass, of_step: Callable[[Step], Iterator[tuple[What, float]]]
) -> Iterator[Term]:
    """What a counter counts of every node; what our trace has not, by that."""
    for step in done.steps:
        for what, amount in of_step(step):
            yield Term(what if step.counted else What.CONSTANT, amount, step.op)
