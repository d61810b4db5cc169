"""The trace of a pass through a file's graph: costs by the convention, memory by liveness."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace
from cnnbench.counting.files.graph import Graph, Node, Value, Weight
from cnnbench.counting.memory import Buffer
from cnnbench.counting.rules.work import Work
from cnnbench.models.inputs import Shape


def trace_of(graph: Graph, file: str) -> Trace:
    """Count a pass: every operator whose shapes are known; the others are named.

    An operator's output lies beside its inputs, and goes when nothing reads it any more; inputs and
    outputs of the graph are held by whoever runs it. `file` is the format.
    """
    works, uncounted = [], Counter[str]()
    for node in graph.nodes:
        work = node.work() if node.is_known else None
        if work is None:
            uncounted[_named(node)] += 1
        else:
            works.append((node, work))
    memory = _Memory.of(graph, [node for node, _ in works])
    params = _Params(graph.weights)
    sources, returned = _sources(graph, {id(node) for node, _ in works})
    operators = tuple(
        replace(_entered(node, work, params, live, graph.channels_last), sources=found)
        for (node, work), live, found in zip(works, memory.live_bytes, sources, strict=True)
    )
    real = [value for value in graph.inputs if value.real] or list(graph.inputs)
    return Trace(
        operators=operators,
        input_shapes=tuple(value.shape for value in graph.inputs),
        input_bytes=sum(value.size for value in graph.inputs),
        dtype=real[0].dtype if real else "",
        returned=returned,
        weight_bytes=graph.weight_bytes,
        unread_params={"": params.left} if params.left else {},
        uncounted=dict(uncounted),
        buffers=memory.buffers,
        counted_on=graph.counted_on,
        values_asked_at=graph.asked_at,
        branches=graph.branches,
        file=file,
    )


def _named(node: Node) -> str:
    """The operator, and why it is not counted where it has a rule."""
    if node.rule is None:
        return node.operator
    return f"{node.operator} of {'another form' if node.is_known else 'unknown shape'}"


def _sources(
    graph: Graph, counted: set[int]
) -> tuple[list[tuple[int, ...]], tuple[tuple[int, Shape], ...]]:
    """Of each counted node those that made what it reads, and what the graph returns.

    What is not counted is read through.
    """
    makers: dict[Value, tuple[int, ...]] = {
        value.storage: (-number,) for number, value in enumerate(graph.inputs, 1)
    }
    found = []
    for node in graph.nodes:
        read = [value.storage for value in node.inputs if value is not None and not value.constant]
        read += [value.storage for value in node.outputs if value.root is not None]  # a branch's
        own = tuple(dict.fromkeys(maker for value in read for maker in makers.get(value, ())))
        if id(node) in counted:
            found.append(own)
            own = (len(found) - 1,)
        makers |= {value.storage: own for value in node.outputs}
    returned = (
        (maker, value.shape)
        for value in graph.outputs
        for maker in makers.get(value.storage, ())[:1]
        if value.sides is not None
    )
    return found, tuple(returned)


def _entered(node: Node, work: Work, params: _Params, live: int, channels_last: bool) -> OpCost:
    read = [value for value in node.inputs if value is not None]
    made = [value for value in node.outputs if value.root is None]
    moved = sum(value.size for value in (*read, *made))
    times = node.times
    return OpCost(
        path=node.path,
        operator=work.name or node.operator,
        kind=work.kind,
        inputs=tuple(value.shape for value in read if not value.constant),
        output=node.out.shape if node.outputs else (),
        cost=Cost(
            params.first_read(node, work.kind),
            work.macs * times,
            work.elementwise_flops * times,
            work.activations * times,
            moved * times,
        ),
        live_bytes=live,
        weight=work.weight,
        kernel=work.kernel,
        stride=work.stride,
        dilation=work.dilation,
        groups=work.groups,
        channels_last=channels_last,
        node=node.name,
    )


class _Params:
    """The account of a file's parameters: which have been read.

    A file does not say which of its constants were trained: those of real numbers count, with at
    least one dimension, unless the operator that reads them keeps state there, or it is the one
    number of a sum or a product; and those of whole numbers that stand for real ones.
    """

    def __init__(self, weights: Sequence[Weight]) -> None:
        self._weights = weights
        self._read: set[str] = set()
        self._met: set[str] = set()

    def first_read(self, node: Node, kind: Kind) -> int:
        """Elements of parameters that this operator is the first to read."""
        found = 0
        for index, value in enumerate(node.inputs):
            if value is None:
                continue
            for weight in value.weights:
                self._met.add(weight.name)
                number = weight.elements == 1 and kind is Kind.OTHER
                counts = weight.real and index not in node.state and not number
                counts = counts or index in node.params
                if counts and weight.name not in self._read:
                    self._read.add(weight.name)
                    found += weight.elements
        return found

    @property
    def left(self) -> int:
        """Elements of real constants that no operator reads."""
        return sum(w.elements for w in self._weights if w.real and w.name not in self._met)


@dataclass(frozen=True)
class _Memory:
    """Where activations are alive: the buffers, and their sum as each operator runs."""

    buffers: tuple[Buffer, ...]
    live_bytes: list[int]

    @classmethod
    def of(cls, graph: Graph, nodes: list[Node]) -> _Memory:
        """Follow every storage from the operator that makes it to the last that reads it."""
        last = len(nodes) - 1
        born: dict[Value, int] = {value.storage: -1 for value in graph.inputs}
        used: dict[Value, int] = dict.fromkeys(born, -1)
        for index, node in enumerate(nodes):
            for value in filter(None, node.inputs):
                if not value.constant and value.storage in born:
                    used[value.storage] = index
            for value in node.outputs:
                born.setdefault(value.storage, index)
                used[value.storage] = index
        kept = {value.storage for value in graph.outputs} & born.keys()
        held = kept | {value.storage for value in graph.inputs}
        buffers = [
            Buffer(
                value.size,
                start,
                last if value in kept else used[value],
                last if value in held else used[value],
            )
            for value, start in born.items()
            if value.sides is not None
        ]
        change = [0] * (len(nodes) + 2)
        for one in buffers:
            change[max(one.born, 0)] += one.size
            change[max(one.freed, one.born, 0) + 1] -= one.size
        ordered = sorted(buffers, key=lambda b: (b.born, b.freed, b.used, b.size))
        return cls(tuple(ordered), list(accumulate(change[: len(nodes)])))
