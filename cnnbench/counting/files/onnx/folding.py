"""The shape of every value of a model: inferred, and from constants where those decide.

`onnx.shape_inference` says most. Where a shape is computed, what it is computed from is: constants
are folded by the reference implementation that `onnx` has, then shapes are inferred anew.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper, shape_inference

from cnnbench.counting.files.onnx.shapes import (
    SMALL,
    Numbers,
    constant_of,
    forget,
    graphs_of,
    shapes_of,
    unknown,
)
from cnnbench.counting.files.onnx.tables import STANDARD
from cnnbench.models.inputs import Shape

_ROUNDS = 30  # of folding, each of which may make more shapes known
_NUMBERS = 16  # of real numbers, such as scales: more of them are weights, which stay themselves
_NOT_FOLDED = frozenset(
    "If Loop Scan RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli "
    "Multinomial Dropout SequenceMap DequantizeLinear QuantizeLinear RegexFullMatch "
    "StringSplit StringConcat StringNormalizer TfIdfVectorizer OneHot HannWindow HammingWindow "
    "BlackmanWindow MelWeightMatrix Pad Resize Upsample DFT STFT ImageDecoder".split()
)


def inferred(model: ModelProto) -> ModelProto:
    """The model with every shape that follows from its inputs and constants."""
    found = _inferred(model)
    for _ in range(_ROUNDS):
        if not any(unknown(found.graph, within=True)) or not _Folding(found).fold():
            return found
        forget(found.graph)
        found = _inferred(found)
    return found


def _inferred(model: ModelProto) -> ModelProto:
    """What `onnx` infers; the model itself where it raises, and so infers nothing."""
    try:
        return shape_inference.infer_shapes(model, data_prop=True)
    except Exception:  # it raises errors of its own in C++
        return model


class _Folding:
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
            for inner in graphs_of(node):
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
) -> list[Numbers] | None:
    """What an operator gives in every pass; None where that is not known."""
    if node.domain not in STANDARD or node.op_type in _NOT_FOLDED:
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
    if any(shape is not None and math.prod(shape) > SMALL for shape in outputs):
        return None
    if node.op_type in ("ConstantOfShape", "Expand", "Range", "Tile") and not _small(node, given):
        return None
    return _run(model, node, given)


def _small(node: NodeProto, given: list[Any]) -> bool:
    """Whether what comes out is small, of operators that can make much of little."""
    try:
        if node.op_type == "Range":
            start, stop, step = (float(value) for value in given)
            return abs((stop - start) / step) <= SMALL
        if node.op_type == "ConstantOfShape":
            return math.prod(map(int, given[0])) <= SMALL
        repeats = math.prod(map(int, given[1]))
        return repeats * (given[0].size if node.op_type == "Tile" else 1) <= SMALL
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
        value is None or value.size <= (_NUMBERS if value.dtype.kind == "f" else SMALL)
        for value in arrays
    )
    return arrays if kept else None


def _whole(node: NodeProto, name: str, default: int | None) -> int | None:
    return next((one.i for one in node.attribute if one.name == name), default)
