"""Whole numbers that a graph computes from shapes and constants: what to reshape or slice to.

Operators are numpy's. Those that only choose elements give a shape, too, of an array that stands
for numbers that are not known: it takes no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnbench.counting.files.tflite.operator import Operator

Numbers = NDArray[Any]
MOST = 4096  # elements
WHOLE = {  # as a file has them
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "int64": "<i8",
    "uint64": "<u8",
    "bool": "?",
}


def values(operator: Operator) -> list[Numbers | None]:
    """What an operator gives, by output; None where it is not known or too long."""
    nothing: list[Numbers | None] = [None] * operator.number
    try:
        if operator.name == "SHAPE":
            return [np.array(operator.shape(0), dtype=np.int64)]
        if operator.name == "RANK":
            return [np.array(len(operator.shape(0)))]
        if any(one is None for one in operator.numbers) or not operator.numbers:
            return nothing
        read: list[Numbers] = [one for one in operator.numbers if one is not None]
        if _elements(operator.name, read) > MOST:
            return nothing
        with np.errstate(all="ignore"):
            if operator.name in CHOOSING:
                found = CHOOSING[operator.name](operator, read)
            elif operator.name in COMPUTING:
                found = [COMPUTING[operator.name](operator, *read)]
            else:
                return nothing
    except (LookupError, ValueError, TypeError, ArithmeticError, MemoryError):
        return nothing
    return [_known(one, dtype) for one, dtype in zip(found, operator.dtypes, strict=False)]


def _known(found: Any, dtype: str) -> Numbers | None:
    """Whole numbers in the dtype of the output; None of real ones, and of too many."""
    if dtype not in WHOLE or np.size(found) > MOST:
        return None
    return np.asarray(found).astype(bool if dtype == "bool" else np.int64)


def _elements(name: str, read: list[Numbers]) -> int:
    """About how many it gives, before they are computed."""
    if name in ("PACK", "CONCATENATION"):
        return sum(one.size for one in read)
    if name == "GATHER":
        return read[0].size * read[1].size
    if name in CHOOSING or name in _OF_ONE:
        return max(one.size for one in read)
    return math.prod(np.broadcast_shapes(*(one.shape for one in read)))


def chosen(operator: Operator) -> list[tuple[int, ...]]:
    """Shapes of what an operator of `CHOOSING` gives."""
    places = _OF_NUMBERS.get(operator.name, 0)
    read = [
        np.broadcast_to(np.int8(0), operator.shape(index)) if index == places else one
        for index, one in enumerate(operator.numbers)
    ]
    return [one.shape for one in CHOOSING[operator.name](operator, read)]


def _strided(op: Operator, read: list[Any]) -> list[Numbers]:
    """As Python slices, with a mask for each of their odd sides."""
    x, begin, end, strides = read
    masks = [
        int(op.option(name) or 0)
        for name in ("EllipsisMask", "NewAxisMask", "ShrinkAxisMask", "BeginMask", "EndMask")
    ]
    index: list[Any] = []
    for at, (first, last, step) in enumerate(zip(begin, end, strides, strict=True)):
        ellipsis, new, shrink, open_begin, open_end = (mask >> at & 1 for mask in masks)
        if ellipsis or new:
            index.append(Ellipsis if ellipsis else None)
        elif shrink:
            index.append(int(first))
        else:
            last = first + last if op.option("Offset") else last
            index.append(
                slice(None if open_begin else int(first), None if open_end else int(last), step)
            )
    return [x[tuple(index)]]


def _slice(op: Operator, read: list[Any]) -> list[Numbers]:
    x, begin, size = read
    ends = [int(b + s) if s >= 0 else None for b, s in zip(begin, size, strict=True)]
    return [x[tuple(slice(int(b), e) for b, e in zip(begin, ends, strict=True))]]


def _split(op: Operator, read: list[Any]) -> list[Numbers]:
    axis, x = read
    return list(np.split(x, _parts(op.option("NumSplits")), int(axis)))


def _split_at(op: Operator, read: list[Any]) -> list[Numbers]:
    x, sizes, axis = read
    sizes = [int(size) for size in sizes]
    left = x.shape[int(axis)] - sum(size for size in sizes if size >= 0)
    ends = np.cumsum([left if size < 0 else size for size in sizes])
    return list(np.split(x, ends[:-1], int(axis)))


def _unpack(op: Operator, read: list[Any]) -> list[Numbers]:
    axis = op.option("Axis") or 0
    parts = np.split(read[0], _parts(read[0].shape[axis]), axis)
    return [np.squeeze(part, axis) for part in parts]


def _parts(number: Any) -> int:
    """How many outputs; ValueError for more than any operator has."""
    if not 0 < number <= MOST:
        raise ValueError("so many outputs")
    return int(number)


def _expanded(op: Operator, read: list[Any]) -> list[Numbers]:
    return [np.expand_dims(read[0], op.whole(1)[0])]


def _squeezed(op: Operator, read: list[Any]) -> list[Numbers]:
    axes = tuple(op.option("SqueezeDims") or ())
    return [np.squeeze(read[0], axes or None)]


def _transposed(op: Operator, read: list[Any]) -> list[Numbers]:
    return [np.transpose(read[0], [int(axis) for axis in read[1]])]


# Operators that choose elements, or order them. (Their first input is what they choose from.)
CHOOSING: dict[str, Callable[[Operator, list[Any]], list[Numbers]]] = {
    "STRIDED_SLICE": _strided,
    "SLICE": _slice,
    "SPLIT": _split,
    "SPLIT_V": _split_at,
    "UNPACK": _unpack,
    "EXPAND_DIMS": _expanded,
    "SQUEEZE": _squeezed,
    "TRANSPOSE": _transposed,
}
_OF_NUMBERS = {"SPLIT": 1}  # where what they choose from is another

_OF_ONE = frozenset("RESHAPE SUM REDUCE_PROD FILL RANGE BROADCAST_ARGS".split())
COMPUTING: dict[str, Callable[..., Any]] = {
    "PACK": lambda op, *parts: np.stack(parts, op.option("Axis") or 0),
    "CONCATENATION": lambda op, *parts: np.concatenate(parts, op.option("Axis") or 0),
    "RESHAPE": lambda op, x, *shape: np.reshape(
        x, [int(side) for side in (shape[0] if shape else op.option("NewShape"))]
    ),
    "GATHER": lambda op, x, index: np.take(x, index.astype(np.int64), op.option("Axis") or 0),
    "CAST": lambda op, x: x,
    "ADD": lambda op, a, b: a + b,
    "SUB": lambda op, a, b: a - b,
    "MUL": lambda op, a, b: a * b,
    "FLOOR_DIV": lambda op, a, b: a // b,
    "DIV": lambda op, a, b: np.trunc(a / b),
    "FLOOR_MOD": lambda op, a, b: a % b,
    "MAXIMUM": lambda op, a, b: np.maximum(a, b),
    "MINIMUM": lambda op, a, b: np.minimum(a, b),
    "NEG": lambda op, x: -x,
    "ABS": lambda op, x: np.abs(x),
    "SUM": lambda op, x, axes: np.sum(x, _axes(axes), keepdims=bool(op.option("KeepDims"))),
    "REDUCE_PROD": lambda op, x, axes: np.prod(
        x, _axes(axes), keepdims=bool(op.option("KeepDims"))
    ),
    "FILL": lambda op, shape, value: np.full(_sides(shape), value),
    "RANGE": lambda op, start, end, step: np.arange(int(start), _near(start, end, step), int(step)),
    "BROADCAST_ARGS": lambda op, a, b: np.array(np.broadcast_shapes(_sides(a), _sides(b))),
    "SELECT": lambda op, which, a, b: np.where(which, a, b),
    "SELECT_V2": lambda op, which, a, b: np.where(which, a, b),
    "EQUAL": lambda op, a, b: a == b,
    "NOT_EQUAL": lambda op, a, b: a != b,
    "LESS": lambda op, a, b: a < b,
    "LESS_EQUAL": lambda op, a, b: a <= b,
    "GREATER": lambda op, a, b: a > b,
    "GREATER_EQUAL": lambda op, a, b: a >= b,
    "LOGICAL_AND": lambda op, a, b: np.logical_and(a, b),
    "LOGICAL_OR": lambda op, a, b: np.logical_or(a, b),
    "LOGICAL_NOT": lambda op, x: np.logical_not(x),
}


def _axes(axes: Numbers) -> tuple[int, ...]:
    return tuple(int(axis) for axis in axes.reshape(-1))


def _sides(shape: Numbers) -> tuple[int, ...]:
    """A shape; ValueError where it is of more than numbers are kept of."""
    sides = tuple(int(side) for side in shape)
    if np.prod(sides, dtype=float) > MOST:
        raise ValueError("too many")
    return sides


def _near(start: Numbers, end: Numbers, step: Numbers) -> int:
    """A range's end; ValueError where it has more numbers than are kept."""
    if abs(int(end) - int(start)) > MOST * abs(int(step)):
        raise ValueError("too many")
    return int(end)
