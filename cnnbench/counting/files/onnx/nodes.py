"""The operators of a model in the order they run: constants apart, loops and branches taken in.

Of two branches the costlier is taken. A loop's body stands once, and counts as often as it runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper

from cnnbench.counting.files.branches import Branches
from cnnbench.counting.files.graph import (
    Graph,
    Node,
    Value,
    Weight,
    bytes_of,
    joined,
    live_of,
    unmade,
)
from cnnbench.counting.files.onnx import loops, rules
from cnnbench.counting.files.onnx.paths import path_of
from cnnbench.counting.files.onnx.scope import Scope
from cnnbench.counting.files.onnx.shapes import Shapes, constant_of, dtype_of, shapes_of
from cnnbench.counting.files.onnx.tables import OF_SHAPES, PARAMS, STANDARD, STATE, VIEWS
from cnnbench.counting.files.rules import moved
from cnnbench.errors import SourceError
from cnnbench.models.given import On

_DEPTH = 50  # of graphs in graphs
_RANDOM = frozenset("RandomNormal RandomUniform Bernoulli Multinomial".split())
_MAKERS = frozenset("Constant ConstantOfShape Range EyeLike".split())


@dataclass
class Reader:
    """Reads a model whose shapes are inferred; `run` are shapes that a pass has shown."""

    path: str
    run: Shapes = field(default_factory=dict)
    weights: list[Weight] = field(default_factory=list)
    weight_bytes: int = 0
    branches: Branches = field(default_factory=Branches)

    def graph(self, model: ModelProto) -> Graph:
        """The graph; SourceError where it is none that could run."""
        scope = Scope({}, {})
        nodes = list(self._nodes(model.graph, scope, 1, 0))
        outputs = [self._needed(scope, one.name, "its outputs") for one in model.graph.output]
        initial = self._initial(model.graph)
        inputs = [scope.values[one.name] for one in model.graph.input if one.name not in initial]
        live = live_of(nodes, outputs)
        return Graph(
            inputs,
            live,
            outputs,
            self.weights,
            self.weight_bytes,
            counted_on=On.VALUES if self.run else On.SHAPES,
            asked_at=self._asked(live),
            branches=tuple(self.branches.names),
        )

    def _asked(self, nodes: Sequence[Node]) -> str:
        """The first operator whose output's shape a run has shown."""
        asked = (n for n in nodes for out in n.outputs if out.name in self.run)
        first = next(asked, None)
        return f"{first.operator} {first.path}" if first else ""

    def _initial(self, graph: GraphProto) -> set[str]:
        sparse = {one.values.name for one in graph.sparse_initializer}
        return {tensor.name for tensor in graph.initializer} | sparse

    def _nodes(self, graph: GraphProto, scope: Scope, times: int, depth: int) -> Iterator[Node]:
        """The operators of a graph, those of graphs in it among them."""
        if depth > _DEPTH:
            raise SourceError(f"{self.path}: its graphs lie too deep in each other")
        shapes = shapes_of(graph)
        for tensor in graph.initializer:
            self._constant(scope, tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            kind = dtype_of(sparse.values.data_type)
            self._weight(scope, sparse.values.name, tuple(sparse.dims), kind, sparse.values.dims[0])
        for info in graph.input:
            if info.name not in scope.values:
                scope.values[info.name] = self._value(info.name, shapes)
        for node in graph.node:
            yield from self._taken(node, scope, shapes, times, depth)

    def _taken(
        self,
        node: NodeProto,
        scope: Scope,
        shapes: Mapping[str, Any],
        times: int,
        depth: int,
    ) -> Iterator[Node]:
        """One operator: none of a constant or a view, several of a loop."""
        attributes = _attributes(node)
        inputs = tuple(
            self._needed(scope, name, f"{node.op_type} {node.name}".strip()) if name else None
            for name in node.input
        )
        given = [value for value in inputs if value is not None]
        standard = node.domain in STANDARD
        if node.op_type == "Constant" and standard and not node.input:
            self._literal(node, attributes, scope, shapes)
            return
        own = node.op_type in ("If", "Loop", "Scan") and standard
        fixed = all(value.constant for value in given) and (given or node.op_type in _MAKERS)
        if (standard and node.op_type in OF_SHAPES) or (
            fixed and not own and node.op_type not in _RANDOM
        ):
            self._derived(node, given, scope, shapes)
            return
        if node.op_type in VIEWS and standard:
            for name in filter(None, node.output[:1]):
                scope.values[name] = self._value(name, shapes, given[0] if given else None)
            for name in filter(None, node.output[1:]):  # the mask of a dropout
                scope.values[name] = self._value(name, shapes)
            return
        if own:
            within = yield from self._within(node, attributes, inputs, scope, times, depth)
            given = [*given, *within]
        if node.op_type == "If" and own:
            for name, value in zip(node.output, within, strict=False):
                made = self._value(name, shapes, value)
                sides = made.sides if value.sides is None else value.sides
                scope.values[name] = replace(made, sides=sides)
            outputs = tuple(scope.values[name] for name in node.output if name)
            yield Node(path_of(node, ()), "If", inputs, outputs, rule=moved, times=times)
            return
        for name in filter(None, node.output):
            scope.values[name] = self._value(name, shapes)
        outputs = tuple(scope.values[name] for name in node.output if name)
        rule = rules.rule_of(node.domain, node.op_type)
        called = node.op_type if rule or standard else f"{node.domain}::{node.op_type}"
        if own and not within:
            rule, called = None, f"{node.op_type} of unknown length"
        path = path_of(node, (w.name for value in given for w in value.weights))
        yield Node(
            path,
            called,
            tuple(given) if own else inputs,
            outputs,
            attributes,
            rule,
            times,
            PARAMS.get(node.op_type, ()),
            STATE.get(node.op_type, ()),
            node.name or next(iter(node.output), ""),
        )

    def _within(
        self,
        node: NodeProto,
        attributes: Mapping[str, Any],
        inputs: Sequence[Value | None],
        scope: Scope,
        times: int,
        depth: int,
    ) -> Any:
        """The operators of a branch or a loop's body; what they give."""
        if node.op_type == "If":
            return (yield from self._branch(node, attributes, scope, times, depth))
        count = scope.number(node.input[0]) if node.input and node.input[0] else None
        turns = loops.turns(node, inputs, attributes, count)
        body = attributes.get("body")
        if turns is None or not isinstance(body, GraphProto):
            return []
        inner = Scope({}, {}, scope)
        shapes = shapes_of(body)
        outer = loops.handed(node, inputs, attributes, len(body.input))
        for info, value in zip(body.input, outer, strict=False):
            shape, dtype = shapes.get(info.name, (None, ""))
            known = value.sides if shape is None and value is not None else shape
            inner.values[info.name] = Value(info.name, self.run.get(info.name, known), dtype)
        yield from self._nodes(body, inner, times * turns, depth + 1)
        return [self._needed(inner, one.name, node.op_type) for one in body.output]

    def _branch(
        self,
        node: NodeProto,
        attributes: Mapping[str, Any],
        scope: Scope,
        times: int,
        depth: int,
    ) -> Any:
        """The branch that a constant chooses, else the costlier of the two."""
        branches = [attributes.get(f"{which}_branch") for which in ("then", "else")]
        chosen = scope.number(node.input[0]) if node.input else None
        if chosen is not None and chosen.size == 1:
            branches = [branches[0 if bool(chosen.reshape(-1)[0]) else 1]]

        def way(branch: Any, nodes: list[Node]) -> list[Value]:
            if not isinstance(branch, GraphProto):
                raise SourceError(f"{self.path}: an If lacks a branch")
            inner = Scope({}, {}, scope)
            nodes += self._nodes(branch, inner, times, depth + 1)
            return [self._needed(inner, one.name, "If") for one in branch.output]

        called = node.name or next(iter(node.output), "")
        nodes, outputs = self.branches.costlier(
            [partial(way, branch) for branch in branches], lambda _: called
        )
        yield from nodes
        return outputs

    def _needed(self, scope: Scope, name: str, reader: str) -> Value:
        found = scope.find(name)
        if found is None:
            raise unmade(self.path, reader, name)
        return found

    def _value(self, name: str, shapes: Mapping[str, Any], root: Value | None = None) -> Value:
        shape, dtype = shapes.get(name, (None, ""))
        if shape is None:
            shape = self.run.get(name)
        if not dtype and root is not None:
            dtype = root.dtype
        weights = root.weights if root is not None else ()
        return Value(name, shape, dtype, root, weights=weights)

    def _derived(
        self, node: NodeProto, given: Sequence[Value], scope: Scope, shapes: Mapping[str, Any]
    ) -> None:
        """What is computed from constants alone is one, made of the weights that they are."""
        places = STATE.get(node.op_type, ())
        stored = node.op_type == "DequantizeLinear"
        read = [v for at, v in enumerate(given) if at not in places]
        weights = joined(read) if node.op_type not in OF_SHAPES else ()
        weights = tuple(replace(w, real=True) for w in weights) if stored else weights
        for name in filter(None, node.output):
            made = replace(self._value(name, shapes), constant=True)
            if node.op_type == "ConstantOfShape" and made.sides is not None:
                self._weight(scope, name, made.sides, made.dtype, made.numel())
            else:
                scope.values[name] = replace(made, weights=weights)

    def _literal(
        self,
        node: NodeProto,
        attributes: Mapping[str, Any],
        scope: Scope,
        shapes: Mapping[str, Any],
    ) -> None:
        """A `Constant`: a tensor or numbers as an attribute."""
        name = next(iter(node.output), "")
        value = attributes.get("value")
        if isinstance(value, TensorProto):
            self._constant(scope, name, value)
            return
        made = self._value(name, shapes)
        scope.values[name] = replace(made, constant=True)
        for key in ("value_int", "value_ints", "value_float", "value_floats"):
            if key in attributes:
                scope.numbers[name] = np.asarray(attributes[key])

    def _constant(self, scope: Scope, name: str, tensor: TensorProto) -> None:
        if scope.find(name) is not None:  # a constant from around it, where inference looks
            return
        shape, dtype = tuple(tensor.dims), dtype_of(tensor.data_type)
        value = Value(name, shape, dtype)
        self._weight(scope, name, shape, dtype, value.numel())
        if (numbers := constant_of(tensor)) is not None:
            scope.numbers[name] = numbers

    def _weight(
        self, scope: Scope, name: str, shape: tuple[int, ...], dtype: str, elements: int
    ) -> None:
        """A constant of the file: a weight where it has a dimension."""
        weight = Weight(f"{name}#{len(self.weights)}", elements, "float" in dtype and bool(shape))
        value = Value(name, shape, dtype, constant=True, weights=(weight,) if shape else ())
        self.weights += value.weights
        self.weight_bytes += bytes_of(elements, dtype)
        scope.values[name] = value


def _attributes(node: NodeProto) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in node.attribute:
        if one.type in (AttributeProto.GRAPH, AttributeProto.TENSOR):
            found[one.name] = one.g if one.type == AttributeProto.GRAPH else one.t
            continue
        try:
            value = helper.get_attribute_value(one)
        except ValueError:  # a reference to a function's, which is left out
            continue
        if isinstance(value, bytes):
            value = value.decode(errors="replace")
        elif isinstance(value, Iterable) and not isinstance(value, str):
            value = list(value)
        found[one.name] = value
    return found
