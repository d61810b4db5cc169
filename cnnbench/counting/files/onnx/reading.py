"""A graph from a file of ONNX: read without weights, functions unfolded, shapes made known."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath

from cnnbench.counting.files.graph import Graph
from cnnbench.counting.files.onnx.stripped import stripped
from cnnbench.errors import InputError, MissingError, SourceError, nearest, reason_of
from cnnbench.models.given import Given

try:
    import onnx
    from google.protobuf.message import DecodeError
except ImportError as error:
    raise MissingError("onnx is not installed; type: pip install 'cnnbench[onnx]'") from error

from onnx import GraphProto, ModelProto, TensorProto, TypeProto

from cnnbench.counting.files.inputs import Side, Taken, shapes_of
from cnnbench.counting.files.onnx import running, shapes
from cnnbench.counting.files.onnx.folding import inferred
from cnnbench.counting.files.onnx.nodes import Reader

_OWN_INITIALIZERS = 4  # the version of the format from which constants need not be inputs, too


def read(path: Path, given: Given, batch: int) -> Graph:
    """The graph for these inputs; SourceError in one line where the file holds none."""
    model = model_of(path)
    fix(path, model, given, batch)
    model, run = understood(path, model, given)
    return Reader(str(path), run).graph(model)


def fix(path: Path, model: ModelProto, given: Given, batch: int) -> None:
    """Write into a file's model what it is given: numbers as constants, shapes of its inputs."""
    check_places(path, model.graph)
    for name, value in given.flags:
        _set(path, model.graph, name, value)
    initial = {tensor.name for tensor in model.graph.initializer}
    takes = [_taken(one) for one in model.graph.input if one.name not in initial]
    sides = shapes_of(path, takes, given, batch)
    for one, shape in zip(takes, sides, strict=True):
        info = next(i for i in model.graph.input if i.name == one.name)
        _fix(info.type, shape)


def understood(path: Path, model: ModelProto, given: Given) -> tuple[ModelProto, shapes.Shapes]:
    """The model with all shapes that can be inferred, and those that a pass has shown."""
    if model.functions:
        model = _unfolded(path, model)
        check_places(path, model.graph)
    shapes.forget(model.graph)
    model.ir_version = max(model.ir_version, _OWN_INITIALIZERS)
    model = inferred(model)
    unknown = list(shapes.unknown(model.graph))
    known = [name for name, _ in given.flags]
    return model, running.run(path, model, unknown, known) if unknown else {}


def model_of(path: Path) -> ModelProto:
    """A file's model without its weights; SourceError where it holds none."""
    try:
        model = onnx.load_model_from_string(stripped(path))
    except (DecodeError, ValueError, RecursionError) as error:
        raise SourceError(f"{path} is no ONNX file, or a part of one") from error
    if not model.graph.node or not model.opset_import:
        raise SourceError(f"{path} is no ONNX file: it holds no graph")
    return model


def _unfolded(path: Path, model: ModelProto) -> ModelProto:
    """The model with the operators of its functions in their place."""
    from onnx import inliner

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # it raises errors of its own in C++
        raise SourceError(f"{path}: its functions: {reason_of(error)}") from error


def _taken(info: onnx.ValueInfoProto) -> Taken:
    """An input as the file declares it; a side without a name is called after its place."""
    kind = info.type.tensor_type
    dtype = shapes.dtype_of(kind.elem_type) if info.type.HasField("tensor_type") else ""
    if not kind.HasField("shape"):
        return Taken(info.name, None, dtype)
    sides: list[Side] = []
    for index, side in enumerate(kind.shape.dim):
        named = side.dim_param.strip("?") or ("batch" if not index else f"{info.name}_{index}")
        sides.append(side.dim_value if side.dim_value > 0 else named)
    return Taken(info.name, tuple(sides), dtype)


def _set(path: Path, graph: GraphProto, name: str, value: object) -> None:
    """Make an input that is one number a constant; InputError where it is none."""
    info = next((one for one in graph.input if one.name == name), None)
    if info is None:
        known = nearest(name, [one.name for one in graph.input])
        raise InputError(f"{path} has no input {name!r}{known}")
    kind = info.type.tensor_type
    sides = [max(1, side.dim_value) for side in kind.shape.dim]
    if math.prod(sides) != 1 or not isinstance(value, (int, float)):
        raise InputError(f"{path}: --set takes an input that is one number; {name} is not")
    graph.input.remove(info)
    try:
        graph.initializer.append(onnx.helper.make_tensor(name, kind.elem_type, sides, [value]))
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{path}: {name} cannot be {value}: {reason_of(error)}") from error


def _fix(kind: TypeProto, sides: tuple[int, ...]) -> None:
    shape = kind.tensor_type.shape
    shape.ClearField("dim")
    for side in sides:
        shape.dim.add().dim_value = side


def _tensors(graph: GraphProto) -> Iterator[TensorProto]:
    """Every constant of a graph, those of its operators and of graphs in them among them."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for one in node.attribute:
            yield from (one.t, *one.tensors, one.sparse_tensor.values, one.sparse_tensor.indices)
            for inner in (one.g, *one.graphs):
                yield from _tensors(inner)


def check_places(path: Path, graph: GraphProto) -> None:
    """SourceError where weights are said to lie outside the file's folder. None is opened."""
    for tensor in _tensors(graph):
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        place = next((one.value for one in tensor.external_data if one.key == "location"), "")
        for kind in (PurePosixPath(place), PureWindowsPath(place)):
            if kind.is_absolute() or kind.drive or ".." in kind.parts:
                raise SourceError(f"{path} wants weights from outside its folder: {place!r}")
