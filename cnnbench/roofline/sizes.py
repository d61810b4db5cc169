"""What an operator's speed depends on: its kind and its sizes."""

from __future__ import annotations

import math
from typing import NamedTuple

from cnnbench.counting.cost import Kind, OpCost

Position = tuple[float, ...]  # among operators of one kind, in octaves: near ones are alike

_STRIDED = 1.5  # octaves that a stride is away from none


class Product(NamedTuple):
    """A convolution of [batch, channels, height x stride, width x stride] to `filters` channels.

    A linear layer has a map of 1 x 1, and its rows for a batch.
    """

    batch: int
    channels: int
    filters: int
    height: int
    width: int
    kernel: int = 1
    stride: int = 1
    groups: int = 1

    @property
    def weights(self) -> int:
        """k² · M/g · N, as in `counting.closed_forms`."""
        return self.kernel**2 * (self.channels // self.groups) * self.filters

    @property
    def macs(self) -> int:
        """k² · M/g · N · H · W, for the batch."""
        return self.weights * self.batch * self.height * self.width

    @property
    def inputs(self) -> int:
        """Elements that come in, the weights left out."""
        return self.batch * self.channels * self.height * self.width * self.stride**2

    @property
    def outputs(self) -> int:
        """Elements that go out."""
        return self.batch * self.filters * self.height * self.width

    @property
    def position(self) -> Position:
        """Map, batch, channels of a group, filters, window, stride, groups."""
        return (
            math.log2(self.height * self.width),
            math.log2(self.batch),
            math.log2(self.channels / self.groups),
            math.log2(self.filters),
            2 * math.log2(self.kernel),
            _STRIDED * (self.stride > 1),
            math.log2(self.groups),
        )


class Elementwise(NamedTuple):
    """An operator without a product: the elements it reads and writes, and its window's side."""

    inputs: int
    outputs: int
    kernel: int = 1

    @property
    def weights(self) -> int:
        """None."""
        return 0

    @property
    def macs(self) -> int:
        """None."""
        return 0

    @property
    def position(self) -> Position:
        """Elements read, elements written, window."""
        return (math.log2(self.inputs), math.log2(self.outputs), 2 * math.log2(self.kernel))


Sizes = Product | Elementwise

BETWEEN = " + "  # names of operators that run in one
# A kind of convolution or product is a kind of its own; elementwise work is told by its operator.
PRODUCTS = (Kind.CONVOLUTION, Kind.POINTWISE, Kind.DEPTHWISE, Kind.LINEAR)
# Where an operator has not been sampled, another of its kind has.
STANDS_FOR = {
    Kind.NORMALISATION: "batch_norm",
    Kind.ACTIVATION: "sigmoid",
    Kind.POOLING: "max_pool2d",
    Kind.OTHER: "mul",
}


def moved(sizes: Sizes) -> int:
    """Elements read and written, weights among them."""
    return sizes.inputs + sizes.outputs + sizes.weights


def sizes_type(kind: str) -> type[Product] | type[Elementwise]:
    """What sizes the operators of a kind have."""
    return Product if kind.partition(BETWEEN)[0] in PRODUCTS else Elementwise


def product_of(op: OpCost) -> str:
    """Under which name a product was sampled; empty of what is none."""
    if op.kind is Kind.MATMUL:
        return str(Kind.LINEAR)
    return str(op.kind) if op.kind in PRODUCTS else ""


def sampled_as(op: OpCost, *, in_place: bool) -> tuple[str, ...]:
    """Names under which operators like this one may have been sampled, the best first."""
    if product := product_of(op):
        return (product,)
    names = (op.operator, STANDS_FOR[op.kind])
    return (f"{op.operator}_", *names) if in_place else names


def sizes_of(op: OpCost) -> Sizes:
    """An operator's sizes; a map of one or three dimensions is one of as many places."""
    given, out = op.inputs[0] if op.inputs else (1,), op.output or (1,)
    side = round(math.prod(op.kernel) ** (1 / max(1, len(op.kernel)))) if op.kernel else 1
    if op.kind in (Kind.LINEAR, Kind.MATMUL):
        return Product(max(1, math.prod(out[:-1])), max(1, given[-1]), max(1, out[-1]), 1, 1)
    if op.kind in PRODUCTS and len(given) > 2 and len(out) > 2:
        last = op.channels_last
        places = max(1, math.prod(op.sides))
        stride = max((1, *op.stride))
        channels, filters = (shape[-1] if last else shape[1] for shape in (given, out))
        batch, channels, filters = (max(1, size) for size in (given[0], channels, filters))
        return Product(batch, channels, filters, places, 1, side, stride, op.groups)
    read = sum(math.prod(shape) for shape in op.inputs)
    return Elementwise(max(1, read), max(1, math.prod(out)), side)
