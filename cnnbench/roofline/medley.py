"""A medley: one graph of ONNX with every kind of operator, on sizes that networks have.

What a runtime spends on an operator depends on its neighbours: it fuses what follows a convolution,
and keeps maps in a layout of its own between those that know it. So operators are timed in blocks
of networks, one after another, and what is fused is seen rather than known beforehand, as by Zhang
et al., nn-Meter, MobiSys 2021, section 3.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cnnbench.roofline.grid import BATCHES, CLASSIFIERS, SIDES

if TYPE_CHECKING:
    import onnx

VERSION = 1  # of the medley: what was timed of another one is measured again
_OPSET, _IR = 20, 10
_CHANNELS = (16, 32, 64, 96, 160, 256, 384, 512, 1024)
_THIN, _THICK = 1500, 16384  # side x channels: large maps have few channels, small ones many
_MOST_MACS = 5 * 10**8
_DRAWN = 2**20  # weights, which then repeat
_MANY = 256  # channels, of which a 3x3 has a large part of all weights
_MOST_WEIGHTS = {1: 40 * 10**6, 8: 5 * 10**6}  # of a linear layer
_EVERY = {1: 1, 8: 3}  # of a batch, one in so many stages
assert tuple(_EVERY) == BATCHES
_ACTIVATIONS = ("Relu", "Clip", "Swish", "HardSwish")
_STEMS = ((3, 32, 2), (7, 64, 2), (11, 64, 4), (3, 64, 1), (5, 16, 1))  # window, filters, stride
_LARGE = ((224, 64), (112, 128))  # side, channels: of the first blocks of VGG
_LAST = ((56, 96), (28, 192), (14, 384), (7, 768))  # side, channels: of maps with channels last
_SMALL = ((32, 16), (16, 32), (8, 64))  # side, channels: of networks for small images
_NORMALISED = ((64, 56), (192, 28), (96, 28))  # channels, side, over five channels
_EARLY, _EARLY_SIDE = (6, 16, 64), 28  # channels: of the first convolutional networks
_HIDDEN = (400, 120, 84, 10)  # of a small network's linear layers


class Map(NamedTuple):
    """A square map in the graph, by the name of what makes it."""

    name: str
    channels: int
    side: int


def medley(batch: int) -> onnx.ModelProto:
    """The graph at a batch, whose inputs are images of every side; needs onnx."""
    graph = _Graph(batch)
    stages = [
        (side, channels)
        for side in SIDES
        for channels in _CHANNELS
        if _THIN <= side * channels <= _THICK
    ]
    for turn, (side, channels) in enumerate(stages):
        if turn % _EVERY[batch] == 0:
            _stage(graph, side, channels, turn)
    for window, filters, stride in _STEMS:
        graph.end(graph.conv(graph.image(max(SIDES)), filters, window, stride, act="Relu"))
    if batch == 1:
        for side, channels in _LARGE:
            graph.end(graph.conv(graph.conv(graph.image(side), channels), channels, 3, act="Relu"))
    for side, channels in _LAST:
        graph.end(_mixed(graph, graph.conv(graph.image(side), channels)))
    for channels, side in _NORMALISED:
        graph.end(graph.normalised(graph.conv(graph.image(side), channels)))
    for sizes in CLASSIFIERS:
        if math.prod(sizes) <= _MOST_WEIGHTS[batch]:
            graph.classifier(sizes)
    return graph.model()


def small_medley() -> onnx.ModelProto:
    """Networks for small images, whose weights stay in the cache; needs onnx.

    Its operators are many and short, so a clock on each shows by how much it lengthens a pass.
    """
    graph = _Graph(1)
    for turn in range(len(_ACTIVATIONS)):
        for side, channels in _SMALL:
            _stage(graph, side, channels, turn)
    for channels in _EARLY:
        graph.end(_subsampled(graph, graph.conv(graph.image(_EARLY_SIDE), channels, 5)))
    graph.classifier(_HIDDEN)
    return graph.model()


def _stage(graph: _Graph, side: int, channels: int, turn: int) -> None:
    """Every block on maps of one size, and what makes them smaller."""
    first, second = (_ACTIVATIONS[(turn + more) % len(_ACTIVATIONS)] for more in (0, 1))
    x = graph.conv(graph.image(side), channels, 3 if turn % 2 else 1, act=first)
    x = _residual(graph, x, first, second)
    x = _inverted(graph, x, first)
    x = _bottleneck(graph, x)
    x = _separable(graph, x, second)
    x = _squeezed(graph, x) if turn % 2 else _shuffled(graph, x)
    x = _inception(graph, x)
    x = _dense(graph, x, "Gelu" if turn % 2 else "Sigmoid")
    graph.end(_grouped(graph, x))
    if side > min(SIDES):
        _smaller(graph, x, first, second, turn)


def _residual(graph: _Graph, x: Map, first: str, second: str) -> Map:
    """3x3, then two of them beside a shortcut (He et al. 2016); of many channels one alone."""
    if not graph.fits(x, x.channels, 3):
        return x
    x = graph.conv(x, x.channels, 3, act=first)
    if x.channels > _MANY:
        return x
    y = graph.conv(graph.conv(x, x.channels, 3, act=second), x.channels, 3)
    return graph.act(graph.add(y, x), "Relu")


def _inverted(graph: _Graph, x: Map, act: str) -> Map:
    """1x1 to more channels, depthwise 3x3, 1x1 back, a shortcut (Sandler et al. 2018)."""
    more = (4 if x.channels <= _MANY else 2) * x.channels
    if not graph.fits(x, more):
        return x
    y = graph.conv(x, more, act=act)
    y = graph.conv(y, more, 3, groups=more, act=act)
    return graph.add(graph.conv(y, x.channels), x)


def _bottleneck(graph: _Graph, x: Map) -> Map:
    """1x1 to a quarter, 3x3, 1x1 back, a shortcut (He et al. 2016)."""
    few = x.channels // 4
    y = graph.conv(graph.conv(x, few, act="Relu"), few, 3, act="Relu")
    return graph.act(graph.add(graph.conv(y, x.channels), x), "Relu")


def _separable(graph: _Graph, x: Map, act: str) -> Map:
    """Depthwise 5x5, 1x1, depthwise 3x3 (Howard et al. 2017)."""
    y = graph.conv(x, x.channels, 5, groups=x.channels, act=act)
    y = graph.conv(y, x.channels, act="Relu")
    return graph.conv(y, x.channels, 3, groups=x.channels)


def _squeezed(graph: _Graph, x: Map) -> Map:
    """Channels scaled by what their means say (Hu et al. 2018)."""
    y = graph.conv(graph.mean(x), max(4, x.channels // 16), act="Swish")
    y = graph.conv(y, x.channels, act="Sigmoid")
    return x._replace(name=graph.node("Mul", x.name, y.name))


def _shuffled(graph: _Graph, x: Map) -> Map:
    """Channels of two groups by turns (Zhang et al. 2018)."""
    batch, channels, side = graph.batch, x.channels, x.side
    apart = graph.node("Reshape", x.name, graph.whole(batch, 2, channels // 2, side, side))
    turned = graph.node("Transpose", apart, perm=[0, 2, 1, 3, 4])
    return x._replace(name=graph.node("Reshape", turned, graph.whole(batch, channels, side, side)))


def _inception(graph: _Graph, x: Map) -> Map:
    """A 1x1 beside a pooled one, and 5x5 after a reduction (Szegedy et al. 2015)."""
    half, few = x.channels // 2, x.channels // 8
    pooled = graph.conv(graph.pool(x, "MaxPool", 3, 1), half // 2, act="Relu")
    large = graph.conv(graph.conv(x, few, act="Relu"), half // 2, 5, act="Relu")
    return graph.cat(graph.conv(x, half, act="Relu"), large, pooled)


def _dense(graph: _Graph, x: Map, act: str) -> Map:
    """Maps side by side, normalised before a convolution (Huang et al. 2017)."""
    y = graph.act(graph.norm(graph.cat(x, x)), "Relu")
    return graph.act(graph.conv(y, x.channels), act)


def _grouped(graph: _Graph, x: Map) -> Map:
    """3x3 in groups of 16 channels (Xie et al. 2017)."""
    return graph.conv(x, x.channels, 3, groups=max(1, x.channels // 16), act="Relu")


def _mixed(graph: _Graph, x: Map) -> Map:
    """Depthwise 7x7, then linear layers over the channels of each place (Liu et al. 2022)."""
    y = graph.conv(x, x.channels, 7, groups=x.channels)
    last = graph.node("Transpose", y.name, perm=[0, 2, 3, 1])
    scale, shift = (graph.normal(x.channels) for _ in range(2))
    name = graph.node("LayerNormalization", last, scale, shift, axis=-1)
    name = graph.linear(name, x.channels, 4 * x.channels)
    name = graph.linear(graph.node("Gelu", name), 4 * x.channels, x.channels)
    return graph.add(y._replace(name=graph.node("Transpose", name, perm=[0, 3, 1, 2])), x)


def _smaller(graph: _Graph, x: Map, first: str, second: str, turn: int) -> None:
    """Every way to half the side."""
    graph.end(graph.conv(x, x.channels, 3, 2, groups=x.channels, act=second))
    graph.end(graph.conv(x, 2 * x.channels, 1, 2))
    if graph.fits(x, x.channels // 2, 3):
        graph.end(graph.conv(x, 2 * x.channels, 3, 2, act=first))
    if x.channels <= 64:
        graph.end(graph.conv(x, x.channels, 5, 2, groups=x.channels, act=first))
    graph.end(graph.pool(x, *(("AveragePool", 2) if turn % 2 else ("MaxPool", 3)), 2))


def _subsampled(graph: _Graph, x: Map) -> Map:
    """Means of 2 x 2, each map times a weight and plus another (LeCun et al. 1998)."""
    x = graph.pool(graph.act(x, "Tanh"), "AveragePool", 2, 2)
    scaled = graph.node("Mul", x.name, graph.normal(1, x.channels, 1, 1))
    shifted = graph.node("Add", scaled, graph.normal(1, x.channels, 1, 1))
    return graph.conv(graph.act(x._replace(name=shifted), "Tanh"), x.channels, 5)


class _Graph:
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
