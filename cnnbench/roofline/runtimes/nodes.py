"""What of a pass takes time on its own in a runtime, which fuses and lays out maps as it likes.

Runtimes infer from a graph of ONNX, whose names they keep. What a runtime does with operators is
seen where a medley is timed (`learning`), and stands in its profile.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import torch

from cnnbench.counting.cost import Cost, Kind, OpCost, Trace, total
from cnnbench.roofline.profile import Runtime
from cnnbench.roofline.sizes import (
    BETWEEN,
    STANDS_FOR,
    Elementwise,
    Product,
    Sizes,
    moved,
    product_of,
    sizes_of,
)
from cnnbench.roofline.terms import Term

NORM = "BatchNormalization"
ADD, MEAN = "Add", "ReduceMean"
LAYOUT = "layout"  # as which changes of it were sampled
CHANGED = "(layout)"  # the path of what a runtime adds to change one
_WRITTEN = {  # in the graph, where the name is not torch's own in another spelling
    "adaptive_avg_pool2d": MEAN,
    "avg_pool2d": "AveragePool",
    "avg_pool3d": "AveragePool3d",
    "batch_norm": NORM,
    "cat": "Concat",
    "hardsigmoid": "HardSigmoid",
    "hardswish": "HardSwish",
    "hardtanh": "Clip",
    "layer_norm": "LayerNormalization",
    "max_pool2d": "MaxPool",
    "mean": MEAN,
    "relu6": "Clip",
    "silu": "Sigmoid + Mul",
}
IN_PARTS = tuple(name for name in _WRITTEN.values() if BETWEEN in name)
CONVOLUTIONS = (Kind.CONVOLUTION, Kind.POINTWISE, Kind.DEPTHWISE)
_VOLUMES = 5  # dimensions of a batch of them
_LONGEST = 5  # group of operators


def of_runtime(trace: Trace, runtime: Runtime, dtype: str) -> Iterator[Term]:
    """What runs on its own, in the pass's order, changes of layout among it."""
    itemsize: int = getattr(torch, dtype).itemsize
    groups = {name for name in runtime.operators[dtype] if BETWEEN in name} - set(IN_PARTS)
    parts = IN_PARTS if trace.file else ()
    unblocked = runtime.unblocked.get(dtype, ())
    plain = False  # whether the last map is laid out as an operator wants it that knows no other
    for op in _nodes(trace.operators, itemsize, runtime.fused.get(dtype, ()), groups, parts):
        names = names_of(op)
        wants = names[0] in unblocked
        if plain if op.kind in CONVOLUTIONS else wants and not plain:
            yield _change(op, itemsize)
        if wants or op.kind in CONVOLUTIONS:
            plain = wants
        sizes = _sizes(op)
        yield Term(op, names, sizes, itemsize * moved(sizes))


def names_of(op: OpCost) -> tuple[str, ...]:
    """Names under which nodes like this one may have been sampled, the best first.

    A product to which another map is added reads that, too.
    """
    if kind := product_of(op):
        added = BETWEEN.join((kind, ADD))
        return (added, kind) if ADD in op.operator.split(BETWEEN) else (kind,)
    return name_of(op), _written(STANDS_FOR[op.kind])


def in_one(held: Sequence[OpCost], itemsize: int) -> OpCost:
    """The cost of one pass through operators whose values between them stay in the processor."""
    main = max(held, key=lambda op: (op.cost.macs, op.cost.elementwise_flops, op.cost.bytes_moved))
    cost = total([op.cost for op in held])
    between = 2 * itemsize * sum(math.prod(op.output) for op in held[:-1])
    names = dict.fromkeys(op.operator for op in held)
    return replace(
        main,
        operator=BETWEEN.join(names),
        output=held[-1].output,
        cost=replace(cost, bytes_moved=max(0, cost.bytes_moved - between)),
        live_bytes=max(op.live_bytes for op in held),
    )


def multiplies(op: OpCost) -> bool:
    """Whether it is a product."""
    return op.cost.macs > 0


def _nodes(
    operators: Sequence[OpCost],
    itemsize: int,
    fused: Collection[str],
    groups: Collection[str],
    parts: Collection[str],
) -> Iterator[OpCost]:
    """`parts` are what a file writes as several operators, and torch as one."""
    place, elements = 0, 0  # elements are what a product has given, and what runs in it
    last: OpCost | None = None
    while place < len(operators):
        ahead = operators[place : place + _LONGEST]
        held = _group(ahead, parts)
        if len({math.prod(one.output) for one in held}) > 1:  # a gate's Sigmoid, and another's Mul
            held = ahead[:1]
        within = _joined(held) in fused and math.prod(held[-1].output) == elements
        if within and last is not None:
            last = replace(last, operator=BETWEEN.join((last.operator, _joined(held))))
        else:
            if last is not None:
                yield last
            held = held if len(held) > 1 else _group(ahead, groups)
            last = in_one([_called(one) for one in held], itemsize) if len(held) > 1 else held[0]
            elements = math.prod(last.output) if multiplies(last) else 0
        place += len(held)
    if last is not None:
        yield last


def _group(ahead: Sequence[OpCost], groups: Collection[str]) -> Sequence[OpCost]:
    """The most of the next operators that run in one."""
    longest = (ahead[:number] for number in range(len(ahead), 1, -1))
    return next((held for held in longest if _joined(held) in groups), ahead[:1])


def _joined(held: Sequence[OpCost]) -> str:
    return BETWEEN.join(map(name_of, held))


def _called(op: OpCost) -> OpCost:
    return replace(op, operator=name_of(op))


def name_of(op: OpCost) -> str:
    """What a runtime calls an operator of torch, or of a file."""
    if op.operator[:1].isupper():
        if not op.inputs or len(op.inputs[0]) != _VOLUMES:
            return op.operator
        return re.sub(r"AveragePool\b", _WRITTEN["avg_pool3d"], op.operator)
    return _written(op.operator.removesuffix("_"))


def _written(name: str) -> str:
    """What the graph calls what torch calls so."""
    return _WRITTEN.get(name, name.capitalize())


def _sizes(op: OpCost) -> Sizes:
    """An operator's sizes, as the graph has it: several read a map as often, means no window."""
    sizes = sizes_of(op)
    if isinstance(sizes, Product) or op.operator[:1].isupper():
        return sizes
    name = name_of(op)
    kernel = 1 if name == MEAN else sizes.kernel
    return sizes._replace(inputs=(1 + name.count(BETWEEN)) * sizes.inputs, kernel=kernel)


def _change(op: OpCost, itemsize: int) -> Term:
    """A change of the layout of the map that an operator reads: the one that was just made."""
    elements = min((math.prod(shape) for shape in op.inputs), default=1)
    sizes = Elementwise(max(1, elements), max(1, elements))
    cost = Cost(bytes_moved=itemsize * moved(sizes))
    change = OpCost(CHANGED, LAYOUT, Kind.OTHER, ((elements,),), (elements,), cost, 0)
    return Term(change, (LAYOUT,), sizes, cost.bytes_moved)
