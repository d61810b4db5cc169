"""What a model says of its values: shapes, dtypes, and which of its constants are small."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, NodeProto, TensorProto, numpy_helper

from cnnbench.models.inputs import MAX_ELEMENTS, Shape

SMALL = 2**16  # elements of a constant whose numbers are looked at
Shapes = dict[str, Shape]
Numbers = np.ndarray[Any, Any]


def forget(graph: GraphProto) -> None:
    """Leave out what it says of values, which inference would not correct, and once was true.

    The shapes of its inputs stay, those of graphs in it are what they are given.
    """
    del graph.value_info[:]
    for info in graph.output:
        info.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for inner in graphs_of(node):
            forget(inner)


def shapes_of(graph: GraphProto) -> dict[str, tuple[Shape | None, str]]:
    """Each value's shape, None where it is not known, and its dtype."""
    found: dict[str, tuple[Shape | None, str]] = {}
    for info in (*graph.input, *graph.value_info, *graph.output):
        found[info.name] = (_shape(info), dtype_of(info.type.tensor_type.elem_type))
    for tensor in graph.initializer:
        found[tensor.name] = (tuple(tensor.dims), dtype_of(tensor.data_type))
    for sparse in graph.sparse_initializer:
        found[sparse.values.name] = (tuple(sparse.dims), dtype_of(sparse.values.data_type))
    return found


def unknown(graph: GraphProto, *, within: bool = False) -> Iterator[str]:
    """Names of values that something reads and whose shapes are not known.

    Those of graphs `within` it only where they are asked for.
    """
    known, read = shapes_of(graph), set(_read(graph))
    for node in graph.node:
        for name in node.output:
            if name in read and known.get(name, (None, ""))[0] is None:
                yield name
        for inner in graphs_of(node) if within else ():
            yield from unknown(inner, within=True)


def graphs_of(node: NodeProto) -> Iterator[GraphProto]:
    """Branches and bodies of an operator."""
    for one in node.attribute:
        if one.HasField("g"):
            yield one.g
        yield from one.graphs


def _read(graph: GraphProto) -> Iterator[str]:
    """Names that its operators read, those of graphs in it among them, and its outputs."""
    yield from (one.name for one in graph.output)
    for node in graph.node:
        yield from filter(None, node.input)
        for inner in graphs_of(node):
            yield from _read(inner)


def dtype_of(number: int) -> str:
    """`1` -> `float32`; empty where there is none of that number."""
    try:
        name: str = TensorProto.DataType.Name(number)
    except ValueError:
        return ""
    words = {"FLOAT": "float32", "DOUBLE": "float64", "UNDEFINED": ""}
    return words.get(name, name.lower())


def constant_of(tensor: TensorProto) -> Numbers | None:
    """A small tensor's numbers; None where they were left out."""
    if math.prod(tensor.dims) > SMALL or tensor.data_location == TensorProto.EXTERNAL:
        return None
    try:
        found = numpy_helper.to_array(tensor)
    except Exception:  # whatever a broken file makes of it
        return None
    return found if found.shape == tuple(tensor.dims) else None


def _shape(info: onnx.ValueInfoProto) -> Shape | None:
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type") or not kind.HasField("shape"):
        return None
    sides = kind.shape.dim
    if not all(side.HasField("dim_value") and side.dim_value >= 0 for side in sides):
        return None
    shape = tuple(side.dim_value for side in sides)
    return shape if math.prod(shape) <= MAX_ELEMENTS else None
