"""A `Loop` and a `Scan`: how often they run, and what their bodies are handed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from onnx import GraphProto, NodeProto, TensorProto

from cnnbench.counting.files.graph import Value
from cnnbench.counting.files.onnx.shapes import Numbers, constant_of

_LONGEST = 2**31  # turns


def turns(
    node: NodeProto,
    inputs: Sequence[Value | None],
    attributes: Mapping[str, Any],
    count: Numbers | None,
) -> int | None:
    """How often a loop runs, whose number is `count`; None where that is not known."""
    if node.op_type == "Scan":
        scans = int(attributes.get("num_scan_inputs", 0))
        axes = attributes.get("scan_input_axes") or [0] * scans
        first = inputs[len(inputs) - scans] if 0 < scans <= len(inputs) else None
        if first is None or first.sides is None or not first.sides:
            return None
        return first.sides[axes[0]] if -len(first.sides) <= axes[0] < len(first.sides) else None
    body = attributes.get("body")
    if count is None or count.size != 1 or not isinstance(body, GraphProto):
        return None
    number = int(count.reshape(-1)[0])
    return number if 0 <= number < _LONGEST and _goes_on(body) else None


def handed(
    node: NodeProto,
    inputs: Sequence[Value | None],
    attributes: Mapping[str, Any],
    number: int,
) -> list[Value | None]:
    """What a body's inputs are at first; of what is new in each turn nothing."""
    if node.op_type == "Loop":
        return [None, None, *inputs[2:]]
    states = len(inputs) - int(attributes.get("num_scan_inputs", 0))
    return [*inputs[:states], *([None] * (number - states))]


def _goes_on(body: GraphProto) -> bool:
    """Whether nothing but its number ends a loop: its condition is true, or handed on."""
    if not body.output or len(body.input) < 2:
        return False
    name, seen = body.output[0].name, set()
    while name not in seen:
        seen.add(name)
        if name == body.input[1].name:
            return True
        for tensor in body.initializer:
            if tensor.name == name:
                return _true(tensor)
        maker = next((node for node in body.node if name in node.output), None)
        if maker is None:
            return False
        if maker.op_type == "Constant":
            return any(_true(one.t) for one in maker.attribute if one.name == "value")
        if maker.op_type not in ("Identity", "Cast") or not maker.input:
            return False
        name = maker.input[0]
    return False


def _true(tensor: TensorProto) -> bool:
    numbers = constant_of(tensor)
    return numbers is not None and bool(numbers.size) and bool(numbers.all())
