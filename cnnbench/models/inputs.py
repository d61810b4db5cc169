"""What a forward pass is given: shapes, dtypes and argument names as a user types them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cnnbench import units
from cnnbench.errors import ShapeError, nearest

Shape = tuple[int, ...]


class Dtype(StrEnum):
    """The number formats a network can be counted in."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT64 = "float64"


class NumberFormat(StrEnum):
    """The number formats a network can be run in: those of torch, and what a runtime makes of it.

    `int8` has scales that were found with inputs beforehand, `int8-dynamic` finds those of
    activations in each pass.
    """

    FLOAT32 = Dtype.FLOAT32
    FLOAT16 = Dtype.FLOAT16
    BFLOAT16 = Dtype.BFLOAT16
    FLOAT64 = Dtype.FLOAT64
    INT8 = "int8"
    INT8_DYNAMIC = "int8-dynamic"


def check_dtype(name: str) -> Dtype:
    """`float16` or `torch.float16` as a Dtype; ShapeError where it is none."""
    name = str(name).removeprefix("torch.")
    if name not in list(Dtype) and name in list(NumberFormat):
        raise ShapeError(f"torch runs no {name} here; give a --backend that does: onnxruntime")
    if name not in list(Dtype):
        raise ShapeError(f"unknown dtype {name!r}{nearest(name, Dtype)}; use {', '.join(Dtype)}")
    return Dtype(name)


INPUT_DTYPES = (*map(str, Dtype), "int64", "int32", "int16", "int8", "uint8", "bool")
MAX_ELEMENTS = 2**48  # of one tensor: beyond it torch's own byte arithmetic overflows

_SHAPE = re.compile(r"\d+([xX×]\d+)*", re.ASCII)
_HEAD = re.compile(r"(?P<name>[^\W\d]\w*(\.\w+)*)?(:(?P<dtype>\w*))?")


@dataclass(frozen=True)
class Input:
    """One argument of a forward pass, without its batch.

    `name` is its keyword, empty where it is positional; `batch.image` is one of a dict. `dtype` is
    empty where it is the network's. `items` are the shapes of a list, which is the batch; `file`
    holds the values.
    """

    shape: Shape
    name: str = ""
    dtype: str = ""
    items: tuple[Shape, ...] = ()
    file: str = ""

    def __str__(self) -> str:
        """The text that a user types: 3x224x224, ids:int64=128."""
        head = self.name + (f":{self.dtype}" if self.dtype else "")
        sides = units.shape(self.shape) if self.shape else ""
        if self.items:
            sides = f"[{','.join(map(units.shape, self.items))}]"
        sides = f"@{self.file}" if self.file else sides
        return f"{head}={sides}" if head else sides


def parse_input(text: str) -> Input:
    """Read `3x224x224`, `image=3x224x224` or `ids:int64=128`; ShapeError where it is none.

    `[3x224x224,3x320x240]` is a list, `batch.image=3x224x224` a dict, `@photo.npy` a file. A named
    input may have no shape at all (`step:int64=`): one number an image.
    """
    if text.strip().startswith("@"):
        return Input((), file=text.strip()[1:])
    head, equals, tail = text.partition("=")
    if not equals:
        head, tail = "", text
        if not text.strip().startswith("["):
            return Input(parse_shape(text))
    match = _HEAD.fullmatch(head.strip())
    if match is None:
        raise ShapeError(f"malformed input {text!r}; write 3x224x224, image=3x224x224, ids:int64=8")
    dtype = match["dtype"] or ""
    if match["dtype"] is not None and dtype not in INPUT_DTYPES:
        known = nearest(dtype, INPUT_DTYPES)
        raise ShapeError(f"unknown dtype {dtype!r}{known}; use {', '.join(INPUT_DTYPES)}")
    name, tail = match["name"] or "", tail.strip()
    if tail.startswith("@"):
        if dtype:
            raise ShapeError(f"{text!r}: a file has a dtype of its own; leave {dtype} out")
        return Input((), name, file=tail[1:])
    if tail.startswith("["):
        return Input((), name, dtype, items=_items(tail))
    return Input(parse_shape(tail) if tail else (), name, dtype)


def _items(text: str) -> tuple[Shape, ...]:
    """`[3x224x224,3x320x240]` -> two shapes."""
    if not text.endswith("]") or not text[1:-1].strip():
        raise ShapeError(f"malformed list {text!r}; write [3x224x224,3x320x240]")
    return tuple(map(parse_shape, text[1:-1].split(",")))


def parse_inputs(texts: Iterable[str]) -> tuple[Input, ...]:
    """Read every input; ShapeError where one is none or a name stands twice."""
    return checked(tuple(map(parse_input, texts)))


def checked(inputs: tuple[Input, ...]) -> tuple[Input, ...]:
    """The inputs; ShapeError where a name stands twice."""
    names = [given.name for given in inputs if given.name]
    for name in names:
        if names.count(name) > 1:
            raise ShapeError(f"input {name!r} is given twice")
        if any(other.startswith(f"{name}.") for other in names):
            raise ShapeError(f"input {name!r} is a tensor and a dict; give one of them")
    return inputs


def parse_shape(text: str) -> Shape:
    """Read a shape without its batch, such as `3x224x224`; ShapeError where it is none."""
    if not _SHAPE.fullmatch(text.strip()):
        raise ShapeError(f"malformed shape {text!r}; write channels x height x width: 3x224x224")
    parts = re.split(r"[xX×]", text.strip())
    if max(map(len, parts)) > 15:
        raise ShapeError(f"shape {text!r} is too large")
    dims = tuple(int(part) for part in parts)
    if 0 in dims:
        raise ShapeError(f"shape {text!r} has a side of 0; every side must be at least 1")
    return dims


def parse_map(text: str) -> tuple[int, int, int]:
    """Read a feature map as papers write it, `28x28x192`; channels, height, width.

    ShapeError where it is none.
    """
    shape = parse_shape(text) if _SHAPE.fullmatch(text.strip()) else ()
    if len(shape) != 3:
        raise ShapeError(f"malformed map {text!r}; write height x width x channels: 28x28x192")
    height, width, channels = shape
    return channels, height, width


def batched(shape: Shape, batch: int) -> Shape:
    """Put the batch in front; ShapeError where the batch or the whole is out of bounds."""
    if not all(isinstance(side, int) for side in (batch, *shape)):
        raise ShapeError(f"batch and sides are whole numbers, which {(batch, *shape)} are not")
    if batch < 1:
        raise ShapeError(f"batch {batch} makes no sense; it must be at least 1")
    if any(side < 1 for side in shape):
        raise ShapeError(f"shape {units.shape(shape)} has a side below 1")
    if batch * math.prod(shape) > MAX_ELEMENTS:
        raise ShapeError(f"an input of {units.shape((batch, *shape))} is too large to describe")
    return (batch, *shape)
