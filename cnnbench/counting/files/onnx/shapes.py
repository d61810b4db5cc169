"""The shape of every value of a model: inferred, from constants where those decide, or run.

`onnx.shape_inference` says most. Where a shape is computed, what it is computed from is: constants
are folded by the reference implementation that `onnx` has, then shapes are inferred anew. Where one
depends on values, a pass in ONNX Runtime says it, if that is installed.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper, shape_inference

from cnnbench.models.inputs import MAX_ELEMENTS, Shape

_ROUNDS = 30  # of folding, each of which may make more shapes known
_FOLDED = 2**16  # elements of a constant that is computed
_NUMBERS = 16  # of real numbers, such as scales: more of them are weights, which stay themselves
_NOT_FOLDED = frozenset(
    "If Loop Scan RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli "
    "Multinomial Dropout SequenceMap DequantizeLinear QuantizeLinear Scan RegexFullMatch "
    "StringSplit StringConcat StringNormalizer TfIdfVectorizer OneHot HannWindow HammingWindow "
    "BlackmanWindow MelWeightMatrix Pad Resize Upsample DFT STFT ImageDecoder".split()
)
Shapes = dict[str, Shape]


def inferred(model: ModelProto) -> ModelProto:
    """The model with every shape that follows from its inputs and constants."""
    found = _inferred(model)
    for _ in range(_ROUNDS):
        if not any(unknown(found.graph, within=True)) or not Folding(found).fold():
            return found
        forget(found.graph)
        found = _inferred(found)
    return found


def forget(graph: GraphProto) -> None:
    """Leave out what it says of values, which inference would not correct, and once was true.

    The shapes of its inputs stay, those of graphs in it are what they are given.
    """
    del graph.value_info[:]
    for info in graph.output:
        info.type.tensor_type.ClearField("shape")
    for node in graph.node:
        for inner in _graphs(node):
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
        for inner in _graphs(node) if within else ():
            yield from unknown(inner, within=True)


def _graphs(node: NodeProto) -> Iterator[GraphProto]:
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
        for inner in _graphs(node):
            yield from _read(inner)


def dtype_of(number: int) -> str:
    """`1` -> `float32`; empty where there is none of that number."""
    try:
        name: str = TensorProto.DataType.Name(number)
    except ValueError:
        return ""
    words = {"FLOAT": "float32", "DOUBLE": "float64", "UNDEFINED": ""}
    return words.get(name, name.lower())


def constant_of(tensor: TensorProto) -> np.ndarray[Any, Any] | None:
    """A small tensor's numbers; None where they were left out."""
    if math.prod(tensor.dims) > _FOLDED or tensor.data_location == TensorProto.EXTERNAL:
        return None
    try:
        found = numpy_helper.to_array(tensor)
    except Exception:  # whatever a broken file makes of it
        return None
    return found if found.shape == tuple(tensor.dims) else None


def _inferred(model: ModelProto) -> ModelProto:
    """What `onnx` infers; the model itself where it raises, and so infers nothing."""
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # it raises errors of its own in C++
        return model


def _shape(info: onnx.ValueInfoProto) -> Shape | None:
    kind = info.type.tensor_type
    if not info.type.HasField("tensor_type") or not kind.HasField("shape"):
        return None
    sides = kind.shape.dim
    if not all(side.HasField("dim_value") and side.dim_value >= 0 for side in sides):
        return None
    shape = tuple(side.dim_value for side in sides)
    return shape if math.prod(shape) <= MAX_ELEMENTS else None


Numbers = np.ndarray[Any, Any]


class Folding:
    """Puts constants in the place of operators that compute them from constants and shapes.

    In branches and bodies, too, which see what is around them.
    """

    def __init__(self, model: ModelProto) -> None:
        """Of a model whose shapes have been inferred as far as can be."""
        self._model = model
        self._folded = False

    def fold(self) -> bool:
        """Whether anything was."""
        self._graph(self._model.graph, {}, {})
        return self._folded

    def _graph(
        self,
        graph: GraphProto,
        around: dict[str, Numbers | None],
        known: dict[str, tuple[Shape | None, str]],
    ) -> None:
        own = {tensor.name: constant_of(tensor) for tensor in graph.initializer}
        given = {info.name: None for info in graph.input if info.name not in own}
        values: dict[str, Numbers | None] = {**around, **given, **own}
        known = {**known, **shapes_of(graph)}
        left: list[NodeProto] = []
        for node in graph.node:
            if node.op_type == "If" and (branch := _chosen(node, values)) is not None:
                left += _in_place(node, branch)
                for tensor in branch.initializer:
                    values[tensor.name] = constant_of(tensor)
                graph.initializer.extend(branch.initializer)
                self._folded = True
                continue
            made = _computed(self._model, node, values, known)
            if made is None:
                left.append(node)
                continue
            for name, value in zip(node.output, made, strict=False):
                if name:
                    values[name] = value
                    graph.initializer.append(numpy_helper.from_array(value, name))
            self._folded = True
        for node in left:
            for inner in _graphs(node):
                self._graph(inner, values, known)
                self._bring(inner, values)
        if len(left) < len(graph.node) or self._folded:
            kept = [NodeProto.FromString(node.SerializeToString()) for node in left]
            del graph.node[:]
            graph.node.extend(kept)

    def _bring(self, inner: GraphProto, values: dict[str, Numbers | None]) -> None:
        """Put constants that a branch or body reads from around it into it, where inference looks.

        Whole numbers alone, which shapes are made of.
        """
        own = {tensor.name for tensor in inner.initializer} | {one.name for one in inner.input}
        made = {name for node in inner.node for name in node.output}
        for name in sorted({n for node in inner.node for n in node.input} - own - made):
            value = values.get(name)
            if value is not None and np.issubdtype(value.dtype, np.integer):
                inner.initializer.append(numpy_helper.from_array(value, name))
                self._folded = True


def _chosen(node: NodeProto, values: dict[str, Numbers | None]) -> GraphProto | None:
    """The branch that a constant chooses."""
    chosen = values.get(node.input[0]) if node.input else None
    if chosen is None or chosen.size != 1:
        return None
    wanted = "then_branch" if bool(chosen.reshape(-1)[0]) else "else_branch"
    return next((one.g for one in node.attribute if one.name == wanted and one.HasField("g")), None)


def _in_place(node: NodeProto, branch: GraphProto) -> list[NodeProto]:
    """A branch's operators, and what hands its outputs on: names are unique within a model."""
    handed = [
        onnx.helper.make_node("Identity", [inner.name], [outer])
        for inner, outer in zip(branch.output, node.output, strict=False)
        if outer
    ]
    return [*branch.node, *handed]


def _computed(
    model: ModelProto,
    node: NodeProto,
    values: dict[str, Numbers | None],
    known: dict[str, tuple[Shape | None, str]],
) -> list[np.ndarray[Any, Any]] | None:
    """What an operator gives in every pass; None where that is not known."""
    if node.domain not in ("", "ai.onnx") or node.op_type in _NOT_FOLDED:
        return None
    if any(one.t.data_location == TensorProto.EXTERNAL for one in node.attribute):
        return None
    if node.op_type in ("Shape", "Size"):
        shape = known.get(node.input[0], (None, ""))[0] if node.input else None
        if shape is None:
            return None
        chosen = shape[_whole(node, "start", 0) : _whole(node, "end", None)]
        return [np.array(chosen if node.op_type == "Shape" else math.prod(shape), np.int64)]
    given = [values.get(name) if name else None for name in node.input]
    if any(name and value is None for name, value in zip(node.input, given, strict=True)):
        return None
    outputs = [known.get(name, (None, ""))[0] for name in node.output]
    if any(shape is not None and math.prod(shape) > _FOLDED for shape in outputs):
        return None
    if node.op_type in ("ConstantOfShape", "Expand", "Range", "Tile") and not _small(node, given):
        return None
    return _run(model, node, given)


def _small(node: NodeProto, given: list[Any]) -> bool:
    """Whether what comes out is small, of operators that can make much of little."""
    try:
        if node.op_type == "Range":
            start, stop, step = (float(value) for value in given)
            return abs((stop - start) / step) <= _FOLDED
        if node.op_type == "ConstantOfShape":
            return math.prod(map(int, given[0])) <= _FOLDED
        repeats = math.prod(map(int, given[1]))
        return repeats * (given[0].size if node.op_type == "Tile" else 1) <= _FOLDED
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return False


def _run(model: ModelProto, node: NodeProto, given: list[Any]) -> list[Any] | None:
    """One operator, run by the reference implementation on constants."""
    from onnx.reference import ReferenceEvaluator

    names = [f"x{index}" if name else "" for index, name in enumerate(node.input)]
    alone = NodeProto()
    alone.CopyFrom(node)
    del alone.input[:]
    alone.input.extend(names)
    outputs = [name for name in node.output if name]
    graph = onnx.helper.make_graph(
        [alone],
        "constant",
        [onnx.helper.make_empty_tensor_value_info(name) for name in names if name],
        [onnx.helper.make_empty_tensor_value_info(name) for name in outputs],
    )
    try:
        own = onnx.helper.make_model(graph, opset_imports=model.opset_import)
        feeds = {name: value for name, value in zip(names, given, strict=True) if name}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = ReferenceEvaluator(own).run(None, feeds)
    except Exception:  # an operator that it does not have, or that cannot take this
        return None
    by_name = dict(zip(outputs, found, strict=True))
    made = [by_name.get(name) for name in node.output]
    arrays = [value if value is None else np.asarray(value) for value in made]
    kept = all(
        value is None or value.size <= (_NUMBERS if value.dtype.kind == "f" else _FOLDED)
        for value in arrays
    )
    return arrays if kept else None


def _whole(node: NodeProto, name: str, default: int | None) -> int | None:
    return next((one.i for one in node.attribute if one.name == name), default)
