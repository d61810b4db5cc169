"""A graph of ONNX, written node by node as torch's exporter writes networks."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnbench.roofline.grid import SIDES

if TYPE_CHECKING:
    import onnx

_OPSET, _IR = 20, 10
_DRAWN = 2**20  # weights, which then repeat
_MOST_MACS = 5 * 10**8


class Map(NamedTuple):
    """A square map in the graph, by the name of what makes it."""

    name: str
    channels: int
    side: int


class Graph:
    """A graph that is written node by node, with normal weights."""

    def __init__(self, batch: int) -> None:
        """Nothing is in it."""
        self.batch = batch
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._images: dict[int, onnx.ValueInfoProto] = {}
        self._ends: list[onnx.ValueInfoProto] = []
        self._values = np.random.default_rng(0).standard_normal(_DRAWN, np.float32)

    def fits(self, x: Map, filters: int, window: int = 1) -> bool:
        """Whether a convolution of a map is short enough to be timed."""
        return window**2 * x.channels * filters * x.side**2 <= _MOST_MACS

    def image(self, side: int) -> Map:
        """The input of that side."""
        name = f"image{side}"
        self._images[side] = self._value(name, 3, side)
        return Map(name, 3, side)

    def node(self, operator: str, *given: str, **attributes: Any) -> str:
        """One operator; its name, and that of what it makes."""
        from onnx import helper

        name = f"{operator}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, given, [name], name, **attributes))
        return name

    def conv(
        self,
        x: Map,
        filters: int,
        window: int = 1,
        stride: int = 1,
        *,
        groups: int = 1,
        act: str = "",
    ) -> Map:
        """A convolution with batch norm folded, and what follows it."""
        weight = self.normal(filters, x.channels // groups, window, window)
        name = self.node(
            *("Conv", x.name, weight, self.normal(filters)),
            kernel_shape=[window] * 2,
            strides=[stride] * 2,
            pads=[window // 2] * 4,
            group=groups,
        )
        return self.act(Map(name, filters, -(-x.side // stride)), act)

    def act(self, x: Map, name: str) -> Map:
        """An activation, as torch's exporter writes it; none where it has no name."""
        if not name:
            return x
        if name == "Swish":
            made = self.node("Mul", x.name, self.node("Sigmoid", x.name))
        elif name == "Clip":
            made = self.node("Clip", x.name, self._number(0.0), self._number(6.0))
        else:
            made = self.node(name, x.name)
        return x._replace(name=made)

    def add(self, x: Map, y: Map) -> Map:
        """The sum of two maps."""
        return x._replace(name=self.node("Add", x.name, y.name))

    def cat(self, *maps: Map) -> Map:
        """Maps side by side."""
        name = self.node("Concat", *(one.name for one in maps), axis=1)
        return Map(name, sum(one.channels for one in maps), maps[0].side)

    def norm(self, x: Map) -> Map:
        """A batch norm of its own."""
        scale, shift, mean = (self.normal(x.channels) for _ in range(3))
        given = (scale, shift, mean, self._constant(np.ones(x.channels, np.float32)))
        return x._replace(name=self.node("BatchNormalization", x.name, *given))

    def pool(self, x: Map, operator: str, window: int, stride: int) -> Map:
        """A pooling, which a window of odd width pads."""
        pads = [(window - 1) // 2] * 4
        name = self.node(
            operator, x.name, kernel_shape=[window] * 2, strides=[stride] * 2, pads=pads
        )
        return Map(name, x.channels, x.side // stride)

    def mean(self, x: Map) -> Map:
        """The mean of each channel."""
        return Map(self.node("ReduceMean", x.name, self.whole(2, 3), keepdims=1), x.channels, 1)

    def normalised(self, x: Map) -> Map:
        """Local response normalisation, as torch's exporter writes it (Krizhevsky et al. 2012)."""
        shape = (self.batch, x.channels, x.side, x.side)
        square = self.node("Mul", x.name, x.name)
        apart = self.node("Reshape", square, self.whole(self.batch, 1, *shape[1:]))
        padded = self.node("Pad", apart, self.whole(*(0, 0, 2, 0, 0), *(0, 0, 2, 0, 0)))
        pooled = self.node("AveragePool", padded, kernel_shape=[5, 1, 1], strides=[1] * 3)
        means = self.node("Reshape", pooled, self.whole(*shape))
        scaled = self.node("Mul", means, self._number(1e-4))
        power = self.node("Pow", self.node("Add", scaled, self._number(2.0)), self._number(0.75))
        return x._replace(name=self.node("Div", x.name, power))

    def classifier(self, sizes: tuple[int, ...]) -> None:
        """Linear layers of such sizes, one after another."""
        start = self.conv(self.mean(self.image(min(SIDES))), sizes[0])
        x = self.node("Flatten", start.name, axis=1)
        for channels, filters in pairwise(sizes):
            weight, shift = self.normal(filters, channels), self.normal(filters)
            x = self.node("Relu", self.node("Gemm", x, weight, shift, transB=1))
        self._ends.append(self._value(x, sizes[-1]))

    def linear(self, x: str, channels: int, filters: int) -> str:
        """A linear layer over the last dimension, as torch's exporter writes it."""
        product = self.node("MatMul", x, self.normal(channels, filters))
        return self.node("Add", product, self.normal(filters))

    def end(self, x: Map) -> None:
        """The mean of a map is given out, which is little memory."""
        self._ends.append(self._value(self.mean(x).name, x.channels, 1))

    def whole(self, *numbers: int) -> str:
        """Whole numbers that a node takes."""
        return self._constant(np.array(numbers, np.int64))

    def normal(self, *shape: int) -> str:
        """Weights that keep the values of maps of one size."""
        wide = np.float32(max(1, math.prod(shape[1:])))
        return self._constant(np.resize(self._values, shape) / np.sqrt(wide))

    def model(self) -> onnx.ModelProto:
        """What was written."""
        from onnx import helper

        graph = helper.make_graph(
            self._nodes, "medley", list(self._images.values()), self._ends, self._weights
        )
        return helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR
        )

    def _value(self, name: str, channels: int, *sides: int) -> onnx.ValueInfoProto:
        from onnx import TensorProto, helper

        shape = (self.batch, channels, *(2 * sides))
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def _number(self, value: float) -> str:
        return self._constant(np.array(value, np.float32))

    def _constant(self, values: Any) -> str:
        from onnx import numpy_helper

        name = f"weight{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values, name))
        return name
