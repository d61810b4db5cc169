"""The operators of a model in the order they run: constants apart, branches and calls taken in.

Of two branches the costlier is taken. What runs once, before the first pass, is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from cnnbench import units
from cnnbench.counting.files.branches import Branches
from cnnbench.counting.files.graph import Graph, Node, Value, joined, live_of
from cnnbench.counting.files.rules import moved
from cnnbench.counting.files.tflite import rules
from cnnbench.counting.files.tflite.loops import counters, turns
from cnnbench.counting.files.tflite.numbers import Numbers, values
from cnnbench.counting.files.tflite.operator import Operator
from cnnbench.counting.files.tflite.paths import path_of
from cnnbench.counting.files.tflite.schema import (
    dtype_of,
    operator_of,
    options_of,
    sides_of,
    text,
    vector,
)
from cnnbench.counting.files.tflite.shapes import ImpossibleError, shapes_of
from cnnbench.counting.files.tflite.tables import OF_SHAPES, STATEFUL, VIEWS
from cnnbench.counting.files.tflite.tensors import Scope, Tensors
from cnnbench.errors import SourceError
from cnnbench.models.inputs import Shape

_DEPTH = 50  # of graphs in graphs
_MOST = 50_000  # operators, those of a graph that is called twice twice
_MOST_READ = 1_000_000  # tensors that they read and make

_Known = tuple[Value, Numbers | None]
_Given = list[_Known]


@dataclass
class Reader:
    """Reads a model, whose `tensors` are values."""

    path: str
    model: Any
    tensors: Tensors
    branches: Branches = field(default_factory=Branches)
    ran: int = 0
    read: int = 0

    def graph(self, shapes: Sequence[Shape]) -> Graph:
        """The graph for inputs of these shapes; SourceError where it is none that could run."""
        graph = self.model.Subgraphs(0)
        places = vector(graph.InputsAsNumpy())
        inputs = [
            Value(text(tensor.Name()), shape, dtype_of(tensor))
            for tensor, shape in zip(map(graph.Tensors, places), shapes, strict=True)
        ]
        nodes: list[Node] = []
        outputs = [value for value, _ in self._ran(0, [(one, None) for one in inputs], nodes, 0)]
        return Graph(
            inputs,
            live_of(nodes, outputs),
            outputs,
            list(self.tensors.weights.values()),
            self.tensors.weight_bytes,
            branches=tuple(self.branches.names),
            channels_last=True,
        )

    def _ran(self, index: int, given: Sequence[_Known], nodes: list[Node], depth: int) -> _Given:
        """Put a graph's operators behind `nodes`; what it gives."""
        if depth > _DEPTH:
            raise SourceError(f"{self.path}: its graphs lie too deep in each other")
        if not 0 <= index < self.model.SubgraphsLength():
            raise SourceError(f"{self.path} calls a graph that it does not hold")
        graph = self.model.Subgraphs(index)
        scope = Scope(graph)
        for place, (value, numbers) in zip(vector(graph.InputsAsNumpy()), given, strict=False):
            scope.put(place, value, numbers)
        for at in range(graph.OperatorsLength()):
            self.ran += 1
            if self.ran > _MOST:
                raise SourceError(f"{self.path} takes more than {_MOST:,} operators to follow")
            self._taken(graph.Operators(at), scope, nodes, depth)
        return [
            (self.tensors.needed(scope, place, "its outputs"), scope.numbers.get(place))
            for place in vector(graph.OutputsAsNumpy())
        ]

    def _taken(self, entry: Any, scope: Scope, nodes: list[Node], depth: int) -> None:
        """One operator: none of a constant or a view, those of a graph that it calls."""
        name, places = operator_of(self.model, entry), vector(entry.OutputsAsNumpy())
        read = vector(entry.InputsAsNumpy())
        self.read += len(read) + len(places)
        if self.read > _MOST_READ:
            raise SourceError(f"{self.path} reads more than {_MOST_READ:,} tensors")
        inputs = tuple(None if at < 0 else self.tensors.needed(scope, at, name) for at in read)
        operator = Operator(
            name,
            inputs,
            tuple(scope.numbers.get(at) for at in read),
            options_of(entry),
            tuple(dtype_of(self.tensors.entry(scope, place)) for place in places),
        )
        if name in _CALLING:
            self._called(operator, places, scope, nodes, depth)
            return
        given = [value for value in inputs if value is not None]
        fixed = all(value.constant for value in given) and name not in STATEFUL
        shapes = self._shapes(operator, scope, read, places)
        outputs = tuple(
            self.tensors.made(scope, place, shape)
            for place, shape in zip(places, shapes, strict=True)
        )
        if name in OF_SHAPES or (fixed and outputs):
            kept = joined(given) if name not in OF_SHAPES else ()
            outputs = tuple(replace(value, constant=True, weights=kept) for value in outputs)
        elif name in VIEWS:
            source = given[0]
            outputs = tuple(replace(v, root=source, weights=source.weights) for v in outputs)
        for place, value, numbers in zip(places, outputs, values(operator), strict=True):
            scope.put(place, value, numbers)
        if name in VIEWS or (outputs and outputs[0].constant):
            return
        nodes.append(
            Node(
                path_of(name, given, outputs),
                name,
                inputs,
                outputs,
                operator.options,
                rules.RULES.get(name),
                name=f"{name} {self.ran}",  # an operator has none of its own
            )
        )

    def _called(
        self,
        operator: Operator,
        places: Sequence[int],
        scope: Scope,
        nodes: list[Node],
        depth: int,
    ) -> None:
        """The operators of a graph that one calls, of two the costlier, of a loop all its turns."""
        if operator.name == "CALL_ONCE":  # before the first pass
            return
        given = [
            (value, numbers)
            for value, numbers in zip(operator.inputs, operator.numbers, strict=True)
            if value is not None
        ]
        if operator.name == "WHILE":
            made = self._looped(operator, given, nodes, depth)
        elif operator.name == "IF":
            made = self._chosen(operator, given, nodes, depth)
        else:
            made = self._ran(operator.option(_CALLS[operator.name]), given, nodes, depth + 1)
        for place, (value, numbers) in zip(places, made, strict=False):
            scope.put(place, value, numbers)

    def _chosen(
        self, operator: Operator, given: list[_Known], nodes: list[Node], depth: int
    ) -> _Given:
        """The branch that a constant chooses, else the costlier of the two."""
        which = operator.numbers[0] if operator.numbers else None
        graphs = [operator.option("ThenSubgraphIndex"), operator.option("ElseSubgraphIndex")]
        if which is not None and which.size == 1:
            graphs = [graphs[0 if bool(which.reshape(-1)[0]) else 1]]
        nodes_of, found = self.branches.costlier(
            [partial(self._ran, index, given[1:], depth=depth + 1) for index in graphs],
            lambda made: made[0][0].name if made else operator.name,
        )
        nodes += nodes_of
        made = [(Value(v.name, v.sides, v.dtype, v), numbers) for v, numbers in found]
        inputs = (operator.inputs[0], *(value for value, _ in found))  # its condition, too
        nodes.append(Node("", "IF", inputs, tuple(v for v, _ in made), rule=moved))
        return made

    def _looped(
        self, operator: Operator, given: list[_Known], nodes: list[Node], depth: int
    ) -> _Given:
        """A loop's body, as often as it runs; the loop is named where that is not known."""
        body, condition = operator.option("BodySubgraphIndex"), operator.option("CondSubgraphIndex")
        names = self.branches.names
        before = len(names)
        given = self._moving(body, given)
        own: list[Node] = []
        first = self._ran(body, given, own, depth + 1)
        branches = names[before:]
        second = self._ran(body, first, [], depth + 1)
        del names[before:]
        states = [[numbers for _, numbers in state] for state in (given, first, second)]
        after = counters(states)

        def goes_on(turn: int) -> bool | None:
            state = [(v, n) for (v, _), n in zip(given, after(turn), strict=True)]
            (_, found), *_ = self._ran(condition, state, [], depth + 1)
            return None if found is None or found.size != 1 else bool(found.reshape(-1)[0])

        number = turns(goes_on)
        same = [value.sides for value, _ in given] == [value.sides for value, _ in first]
        made: _Given = [(Value(v.name, v.sides, v.dtype, v), None) for v, _ in given]
        outputs, inputs = tuple(v for v, _ in made), [v for v, _ in (*given, *first)]
        if number is None or not same:
            nodes.append(Node("", "WHILE of unknown length", tuple(inputs), outputs))
            return made
        names += branches
        nodes += [replace(node, times=node.times * number) for node in own] if number else []
        nodes.append(Node("", "WHILE", tuple(inputs), outputs, rule=moved))
        return made

    def _moving(self, body: int, given: list[_Known]) -> list[_Known]:
        """A loop's state: what its body does not hand on as it is, is no constant."""
        if not 0 <= body < self.model.SubgraphsLength():
            return given
        graph = self.model.Subgraphs(body)
        ends = zip(vector(graph.InputsAsNumpy()), vector(graph.OutputsAsNumpy()), strict=False)
        kept = [a == b for a, b in ends]
        kept += [False] * (len(given) - len(kept))
        return [
            (value if same else replace(value, constant=False, weights=()), numbers)
            for (value, numbers), same in zip(given, kept, strict=False)
        ]

    def _shapes(
        self, operator: Operator, scope: Scope, read: Sequence[int], places: Sequence[int]
    ) -> Sequence[Shape | None]:
        """The outputs' shapes: as they follow, else as stored where the inputs' are as stored."""
        try:
            found = shapes_of(operator)
        except ImpossibleError as error:
            given = ", ".join(units.shape(v.shape) for v in operator.inputs if v is not None)
            raise SourceError(
                f"{self.path} is no graph that can run: {operator.name} does not take {given}"
            ) from error
        if found is not None and len(found) == len(places):
            return found
        stored = all(
            value is None or value.sides == sides_of(scope.graph.Tensors(at))
            for at, value in zip(read, operator.inputs, strict=True)
        )
        tensors = [self.tensors.entry(scope, place) for place in places]
        return [
            sides_of(one) if stored and min(sides_of(one, open_=True), default=0) >= 0 else None
            for one in tensors
        ]


_CALLS = {"CALL": "Subgraph", "STABLEHLO_COMPOSITE": "DecompositionSubgraphIndex"}  # their option
_CALLING = frozenset(("IF", "WHILE", "CALL_ONCE", *_CALLS))
