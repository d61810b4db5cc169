"""A file of protocol buffers without the numbers of its large tensors, which are not read.

What is left has every node, name and shape. Protocol buffers are records of fields: a key with the
field's number and type, then a number or a length and so many bytes
(https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path

from cnnbench import units
from cnnbench.errors import SourceError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_SMALL = 2**14  # bytes of a tensor's numbers that may decide shapes
_LARGEST = 2**29  # bytes of what is left
_DEPTH = 100  # of messages in messages, as protocol buffers have it

# Where tensors lie, by message and field, and which of a tensor's fields are its numbers.
_TENSOR = "tensor"
_NUMBERS = {4, 5, 6, 7, 9, 10, 11}
_FIELDS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: _TENSOR, 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: _TENSOR, 6: "graph", 10: _TENSOR, 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}


class Malformed(ValueError):
    """Bytes that are no protocol buffer."""


def stripped(path: Path) -> bytes:
    """A file's model, without the numbers of large tensors; SourceError where it is none."""
    try:
        with path.open("rb") as file:
            if not path.stat().st_size:
                raise Malformed("it is empty")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                left = bytearray()
                for piece in _pieces(data, 0, len(data), "model", 0):
                    left += piece
                    if len(left) > _LARGEST:
                        raise SourceError(
                            f"{path}: its graph alone takes more than {units.size(_LARGEST)}"
                        )
                return bytes(left)
    except Malformed as error:
        raise SourceError(f"{path} is no ONNX file, or a part of one: {error}") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error


def _pieces(data: mmap.mmap, start: int, end: int, message: str, depth: int) -> Iterator[bytes]:
    """The bytes of a message that stay."""
    if depth > _DEPTH:
        raise Malformed("its graphs lie too deep in each other")
    inner, at = _FIELDS[message], start
    while at < end:
        key, value = _varint(data, at, end)
        head, number, kind = value, key >> 3, key & 7
        if kind == _VARINT:
            _, after = _varint(data, value, end)
        elif kind in (_FIXED64, _FIXED32):
            after = value + (8 if kind == _FIXED64 else 4)
        elif kind == _BYTES:
            length, value = _varint(data, value, end)
            after = value + length
        else:
            raise Malformed(f"a field of type {kind} at byte {at}")
        if after > end:
            raise Malformed(f"it ends within a field at byte {at}")
        if kind == _BYTES and number in inner:
            body = b"".join(_pieces(data, value, after, inner[number], depth + 1))
            yield data[at:head] + _encoded(len(body)) + body
        elif not (message == _TENSOR and number in _NUMBERS and after - value > _SMALL):
            yield data[at:after]
        at = after


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = 0
    for index in range(10):
        if at + index >= end:
            break
        byte = data[at + index]
        value |= (byte & 127) << (7 * index)
        if byte < 128:
            return value, at + index + 1
    raise Malformed(f"a broken number at byte {at}")


def _encoded(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)
