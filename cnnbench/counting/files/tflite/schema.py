"""The schema's tables as plain values: shapes, dtypes, options by their names."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from cnnbench.counting.files.tflite.numbers import MOST, WHOLE
from cnnbench.models.inputs import Shape

_DEPTH = 64  # sides that any tensor may have
_LONGEST = 2**16  # bytes of a name


class BrokenError(ValueError):
    """What no file of the format holds."""


@cache
def _names(enum: type) -> dict[int, str]:
    """An enumeration's names by number."""
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


def text(name: bytes | None) -> str:
    """A name; empty where there is none."""
    if len(name or b"") > _LONGEST:
        raise BrokenError("a name without an end")
    return (name or b"").decode(errors="replace")


def vector(found: Any) -> list[int]:
    """A vector of whole numbers, which the schema gives as 0 where it is left out."""
    if isinstance(found, int):
        return []
    if len(found) > MOST:
        raise BrokenError(f"a list of more than {MOST:,} numbers")
    return [int(one) for one in found]


def sides_of(tensor: Any, *, open_: bool = False) -> Shape:
    """A tensor's shape as it is stored, or with -1 for those that are left open."""
    if tensor.ShapeLength() > _DEPTH or tensor.ShapeSignatureLength() > _DEPTH:
        raise BrokenError(f"a tensor of more than {_DEPTH} sides")
    stored = tuple(vector(tensor.ShapeAsNumpy()))
    if any(side < 0 for side in stored):
        raise BrokenError("a tensor with a negative side")
    signature = tuple(vector(tensor.ShapeSignatureAsNumpy())) if open_ else ()
    return signature if len(signature) == len(stored) and signature else stored


def dtype_of(tensor: Any) -> str:
    """A tensor's dtype, as cnnbench and torch call it."""
    return _names(tflite.TensorType).get(tensor.Type(), "unknown").lower()


def is_scaled(tensor: Any) -> bool:
    """Whether its whole numbers stand for real ones."""
    scale = tensor.Quantization()
    return scale is not None and scale.ScaleLength() > 0


def operator_of(model: Any, operator: Any) -> str:
    """An operator's name; a custom one's with that word in front."""
    code = model.OperatorCodes(operator.OpcodeIndex())
    number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
    if number == tflite.BuiltinOperator.CUSTOM:
        return f"custom {text(code.CustomCode())}"
    return _names(tflite.BuiltinOperator).get(number, f"operator {number}")


def options_of(operator: Any) -> Mapping[str, Any]:
    """An operator's options by their names in the schema."""
    found: dict[str, Any] = {}
    for enum, kind, table in (
        (tflite.BuiltinOptions, operator.BuiltinOptionsType(), operator.BuiltinOptions()),
        (_second(), operator.BuiltinOptions2Type(), operator.BuiltinOptions2()),
    ):
        made = getattr(tflite, _names(enum).get(kind, ""), None) if table is not None else None
        if made is None:
            continue
        options = made()
        options.Init(table.Bytes, table.Pos)
        for name in _fields(made):
            value = getattr(options, name)()
            vectors = name.endswith("AsNumpy")
            found[name.removesuffix("AsNumpy")] = vector(value) if vectors else value
    return found


def _second() -> type:
    from tflite.BuiltinOptions2 import BuiltinOptions2

    return BuiltinOptions2  # type: ignore[no-any-return]


@cache
def _fields(table: type) -> tuple[str, ...]:
    """What a table's class reads without an argument: numbers, and vectors as arrays."""
    methods = {
        name: method
        for name, method in vars(table).items()
        if inspect.isfunction(method) and list(inspect.signature(method).parameters) == ["self"]
    }
    return tuple(
        name
        for name in methods
        if not name.endswith(("Length", "IsNone")) and f"{name}AsNumpy" not in methods
    )


def numbers_of(buffer: Any, shape: Shape, dtype: str) -> NDArray[Any] | None:
    """A small constant's whole numbers; None of any other."""
    kind = WHOLE.get(dtype)
    if kind is None or math.prod(shape) > MOST:
        return None
    if buffer.DataLength() != math.prod(shape) * np.dtype(kind).itemsize or not buffer.DataLength():
        return None
    return np.frombuffer(buffer.DataAsNumpy().tobytes(), dtype=kind).reshape(shape)
