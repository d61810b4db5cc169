"""A file's graph, whatever the format: values with shapes, and the operators between them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from cnnbench.counting.rules.work import Work
from cnnbench.errors import SourceError
from cnnbench.models.given import Given, On
from cnnbench.models.inputs import Shape

# Bits of an element; of what has no fixed size, text, nothing is known.
BITS = {
    **{f"{kind}{bits}": bits for kind in ("int", "uint") for bits in (2, 4, 8, 16, 32, 64)},
    "float16": 16,
    "bfloat16": 16,
    "float32": 32,
    "float64": 64,
    "bool": 8,
    "complex64": 64,
    "complex128": 128,
    "float4e2m1": 4,
    "float8e8m0": 8,
    **dict.fromkeys(("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"), 8),
    "string": 0,
}


def bytes_of(elements: int, dtype: str) -> int:
    """Bytes of so many elements, of which several may share one; 0 where that is not known."""
    return -(-elements * BITS.get(dtype, 0) // 8)


_MOST_WEIGHTS = 1000  # that one constant is computed from


def joined(values: Iterable[Value]) -> tuple[Weight, ...]:
    """The weights that a constant is made of which is computed from these; each of them once.

    OverflowError where they are more than any layer's are.
    """
    found = tuple(dict.fromkeys(weight for value in values for weight in value.weights))
    if len(found) > _MOST_WEIGHTS:
        raise OverflowError(f"a constant of more than {_MOST_WEIGHTS} others")
    return found


class UnknownShape(LookupError):
    """A value whose shape does not follow from the file."""


@dataclass(frozen=True, slots=True)
class Weight:
    """A constant of a file: its name there, its elements, whether they are real numbers."""

    name: str
    elements: int
    real: bool


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A tensor between operators; rules read its shape as they read a tensor's of torch's.

    `sides` is None where it is not known. `root` is the value whose storage it shares, a view's
    source. A `constant` is the same in every pass; `weights` are what it is made of.
    """

    name: str
    sides: Shape | None
    dtype: str = "float32"
    root: Value | None = None
    constant: bool = False
    weights: tuple[Weight, ...] = ()
    layout: str = "dense"

    @property
    def shape(self) -> Shape:
        """Its sides; UnknownShape where they are not known."""
        if self.sides is None:
            raise UnknownShape(self.name)
        return self.sides

    def numel(self) -> int:
        """Elements."""
        return math.prod(self.shape)

    def dim(self) -> int:
        """Dimensions."""
        return len(self.shape)

    @property
    def storage(self) -> Value:
        """The value that holds its numbers."""
        return self if self.root is None else self.root.storage

    @property
    def size(self) -> int:
        """Bytes."""
        return bytes_of(self.numel(), self.dtype)

    @property
    def real(self) -> bool:
        """Whether it holds real numbers."""
        return "float" in self.dtype


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """An operator of a pass, as its format calls it; `rule` says what it computes.

    `path` is the layer it belongs to, `times` how often a loop runs it. `params` are the places of
    inputs that hold parameters whatever their dtype, `state` of those that never do (a running
    mean, a scale of quantisation). `operator` may have a domain in front; `name` is the node's own.
    """

    path: str
    operator: str
    inputs: tuple[Value | None, ...]
    outputs: tuple[Value, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    rule: Callable[[Node], Work] | None = None
    times: int = 1
    params: tuple[int, ...] = ()
    state: tuple[int, ...] = ()
    name: str = ""

    @property
    def out(self) -> Value:
        """The first output."""
        return self.outputs[0]

    def given(self, index: int) -> Value | None:
        """An input, None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def x(self, index: int = 0) -> Value:
        """An input that it cannot do without."""
        found = self.given(index)
        if found is None:
            raise ValueError(f"input {index} is missing")
        return found

    def option(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.attributes.get(name, default)

    @property
    def is_known(self) -> bool:
        """Whether the shapes of all that it reads and makes are."""
        values = (*filter(None, self.inputs), *self.outputs)
        return all(value.sides is not None for value in values)

    def work(self) -> Work | None:
        """What it computes; None where no rule says it, of this form, of shapes that it needs."""
        if self.rule is None:
            return None
        try:
            return self.rule(self)
        except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError):
            return None


@dataclass(frozen=True)
class Graph:
    """What a file computes: inputs, operators in the order they run, outputs, constants.

    `asked_at` is the operator whose output's shape depended on values, where one had to be run;
    `branches` are those of which the larger of two branches stands here; `channels_last` tells
    that maps are [N, *S, C].
    """

    inputs: Sequence[Value]
    nodes: Sequence[Node]
    outputs: Sequence[Value]
    weights: Sequence[Weight]
    weight_bytes: int
    counted_on: On = On.SHAPES
    asked_at: str = ""
    branches: tuple[str, ...] = ()
    channels_last: bool = False


class Format(Protocol):
    """A module that reads files of one format."""

    def read(self, path: Path, given: Given, batch: int) -> Graph:
        """The graph for these inputs; CnnbenchError in one line where there is none."""
        ...


def live_of(nodes: Sequence[Node], outputs: Sequence[Value]) -> list[Node]:
    """The operators that an output or a state needs, as a runtime runs them."""
    wanted = {value.storage for value in outputs}
    kept = []
    for node in reversed(nodes):
        if not node.outputs or any(value.storage in wanted for value in node.outputs):
            known = (o for o in node.outputs if o.sides is not None or o.storage in wanted)
            kept.append(replace(node, outputs=tuple(known)))
            wanted.update(value.storage for value in node.inputs if value is not None)
    return kept[::-1]


def unmade(path: str, reader: str, name: str) -> SourceError:
    """The error of an operator that reads what nothing has made."""
    return SourceError(
        f"{path} is no graph that can run: {reader} reads {name!r}, "
        "which nothing has made before it"
    )
