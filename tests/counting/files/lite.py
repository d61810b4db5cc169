"""Small files of TensorFlow Lite, written table by table from a few words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite

_DTYPES = {"float32": 0, "float16": 1, "int32": 2, "int64": 4, "bool": 6, "int8": 9}


@dataclass
class Tensor:
    """A tensor: its shape, dtype, numbers where it is a constant, a scale where it is quantised.

    `open_` are the sides that its file leaves open.
    """

    name: str
    shape: Sequence[int]
    dtype: str = "float32"
    data: Any = None
    scale: float = 0.0
    open_: Sequence[int] = ()
    variable: bool = False


@dataclass
class Operator:
    """An operator: what it reads and makes by name, its options' table and fields."""

    name: str
    inputs: Sequence[str]
    outputs: Sequence[str]
    table: str = ""
    options: Mapping[str, int] = field(default_factory=dict)


@dataclass
class SubGraph:
    """A graph: its tensors, operators, inputs and outputs by name."""

    tensors: Sequence[Tensor]
    operators: Sequence[Operator]
    inputs: Sequence[str]
    outputs: Sequence[str]


def file_of(*graphs: SubGraph) -> bytes:
    """A model of these graphs, as a file has it."""
    builder = flatbuffers.Builder()
    buffers: list[bytes] = [b""]
    codes: list[str] = []
    made = [_graph(builder, graph, buffers, codes) for graph in graphs]
    held = []
    for data in buffers:
        place = builder.CreateByteVector(data) if data else None
        held.append(_table(builder, "Buffer", Data=place))
    entries = [_code(builder, name) for name in codes]
    model = _table(
        builder,
        "Model",
        Version=3,
        OperatorCodes=_offsets(builder, entries),
        Subgraphs=_offsets(builder, made),
        Buffers=_offsets(builder, held),
    )
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())


def _graph(builder: Any, graph: SubGraph, buffers: list[bytes], codes: list[str]) -> int:
    places = {tensor.name: at for at, tensor in enumerate(graph.tensors)}
    tensors = [_tensor(builder, tensor, buffers) for tensor in graph.tensors]
    operators = []
    for one in graph.operators:
        if one.name not in codes:
            codes.append(one.name)
        options = _table(builder, one.table, **one.options) if one.table else None
        kind = getattr(tflite.BuiltinOptions, one.table) if one.table else None
        operators.append(
            _table(
                builder,
                "Operator",
                OpcodeIndex=codes.index(one.name),
                Inputs=_numbers(builder, [places.get(name, -1) for name in one.inputs]),
                Outputs=_numbers(builder, [places[name] for name in one.outputs]),
                BuiltinOptionsType=kind,
                BuiltinOptions=options,
            )
        )
    return _table(
        builder,
        "SubGraph",
        Tensors=_offsets(builder, tensors),
        Operators=_offsets(builder, operators),
        Inputs=_numbers(builder, [places[name] for name in graph.inputs]),
        Outputs=_numbers(builder, [places[name] for name in graph.outputs]),
    )


def _tensor(builder: Any, tensor: Tensor, buffers: list[bytes]) -> int:
    number = 0
    if tensor.data is not None:
        number = len(buffers)
        buffers.append(np.asarray(tensor.data, dtype=tensor.dtype).tobytes())
    scale = None
    if tensor.scale:
        scales = builder.CreateNumpyVector(np.array([tensor.scale], dtype=np.float32))
        scale = _table(builder, "QuantizationParameters", Scale=scales)
    opened = [-1 if at in tensor.open_ else side for at, side in enumerate(tensor.shape)]
    return _table(
        builder,
        "Tensor",
        Name=builder.CreateString(tensor.name),
        Shape=_numbers(builder, tensor.shape),
        ShapeSignature=_numbers(builder, opened) if tensor.open_ else None,
        Type=_DTYPES[tensor.dtype],
        Buffer=number,
        Quantization=scale,
        IsVariable=tensor.variable or None,
    )


def _code(builder: Any, name: str) -> int:
    if name.startswith("custom "):
        custom = builder.CreateString(name.removeprefix("custom "))
        number = tflite.BuiltinOperator.CUSTOM
        return _table(
            builder,
            "OperatorCode",
            DeprecatedBuiltinCode=number,
            BuiltinCode=number,
            CustomCode=custom,
        )
    number = getattr(tflite.BuiltinOperator, name)
    return _table(
        builder, "OperatorCode", DeprecatedBuiltinCode=min(number, 127), BuiltinCode=number
    )


def _table(builder: Any, name: str, **fields: Any) -> int:
    getattr(tflite, f"{name}Start")(builder)
    for key, value in fields.items():
        if value is not None:
            getattr(tflite, f"{name}Add{key}")(builder, value)
    return getattr(tflite, f"{name}End")(builder)


def _numbers(builder: Any, numbers: Sequence[int]) -> int:
    return builder.CreateNumpyVector(np.array(numbers, dtype=np.int32))


def _offsets(builder: Any, places: Sequence[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()
