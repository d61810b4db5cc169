"""A medley: one graph of ONNX with every kind of operator, on sizes that networks have.

What a runtime spends on an operator depends on its neighbours: it fuses what follows a convolution,
and keeps maps in a layout of its own between those that know it. So operators are timed in blocks
of networks, one after another, and what is fused is seen rather than known beforehand, as by Zhang
et al., nn-Meter, MobiSys 2021, section 3.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cnnbench.roofline.grid import BATCHES, CLASSIFIERS, SIDES
from cnnbench.roofline.runtimes.graph import Graph, Map

if TYPE_CHECKING:
    import onnx

VERSION = 1  # of the medley: what was timed of another one is measured again
_CHANNELS = (16, 32, 64, 96, 160, 256, 384, 512, 1024)
_THIN, _THICK = 1500, 16384  # side x channels: large maps have few channels, small ones many
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


def medley(batch: int) -> onnx.ModelProto:
    """The graph at a batch, whose inputs are images of every side; needs onnx."""
    graph = Graph(batch)
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
    graph = Graph(1)
    for turn in range(len(_ACTIVATIONS)):
        for side, channels in _SMALL:
            _stage(graph, side, channels, turn)
    for channels in _EARLY:
        graph.end(_subsampled(graph, graph.conv(graph.image(_EARLY_SIDE), channels, 5)))
    graph.classifier(_HIDDEN)
    return graph.model()


def _stage(graph: Graph, side: int, channels: int, turn: int) -> None:
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


def _residual(graph: Graph, x: Map, first: str, second: str) -> Map:
    """3x3, then two of them beside a shortcut (He et al. 2016); of many channels one alone."""
    if not graph.fits(x, x.channels, 3):
        return x
    x = graph.conv(x, x.channels, 3, act=first)
    if x.channels > _MANY:
        return x
    y = graph.conv(graph.conv(x, x.channels, 3, act=second), x.channels, 3)
    return graph.act(graph.add(y, x), "Relu")


def _inverted(graph: Graph, x: Map, act: str) -> Map:
    """1x1 to more channels, depthwise 3x3, 1x1 back, a shortcut (Sandler et al. 2018)."""
    more = (4 if x.channels <= _MANY else 2) * x.channels
    if not graph.fits(x, more):
        return x
    y = graph.conv(x, more, act=act)
    y = graph.conv(y, more, 3, groups=more, act=act)
    return graph.add(graph.conv(y, x.channels), x)


def _bottleneck(graph: Graph, x: Map) -> Map:
    """1x1 to a quarter, 3x3, 1x1 back, a shortcut (He et al. 2016)."""
    few = x.channels // 4
    y = graph.conv(graph.conv(x, few, act="Relu"), few, 3, act="Relu")
    return graph.act(graph.add(graph.conv(y, x.channels), x), "Relu")


def _separable(graph: Graph, x: Map, act: str) -> Map:
    """Depthwise 5x5, 1x1, depthwise 3x3 (Howard et al. 2017)."""
    y = graph.conv(x, x.channels, 5, groups=x.channels, act=act)
    y = graph.conv(y, x.channels, act="Relu")
    return graph.conv(y, x.channels, 3, groups=x.channels)


def _squeezed(graph: Graph, x: Map) -> Map:
    """Channels scaled by what their means say (Hu et al. 2018)."""
    y = graph.conv(graph.mean(x), max(4, x.channels // 16), act="Swish")
    y = graph.conv(y, x.channels, act="Sigmoid")
    return x._replace(name=graph.node("Mul", x.name, y.name))


def _shuffled(graph: Graph, x: Map) -> Map:
    """Channels of two groups by turns (Zhang et al. 2018)."""
    batch, channels, side = graph.batch, x.channels, x.side
    apart = graph.node("Reshape", x.name, graph.whole(batch, 2, channels // 2, side, side))
    turned = graph.node("Transpose", apart, perm=[0, 2, 1, 3, 4])
    return x._replace(name=graph.node("Reshape", turned, graph.whole(batch, channels, side, side)))


def _inception(graph: Graph, x: Map) -> Map:
    """A 1x1 beside a pooled one, and 5x5 after a reduction (Szegedy et al. 2015)."""
    half, few = x.channels // 2, x.channels // 8
    pooled = graph.conv(graph.pool(x, "MaxPool", 3, 1), half // 2, act="Relu")
    large = graph.conv(graph.conv(x, few, act="Relu"), half // 2, 5, act="Relu")
    return graph.cat(graph.conv(x, half, act="Relu"), large, pooled)


def _dense(graph: Graph, x: Map, act: str) -> Map:
    """Maps side by side, normalised before a convolution (Huang et al. 2017)."""
    y = graph.act(graph.norm(graph.cat(x, x)), "Relu")
    return graph.act(graph.conv(y, x.channels), act)


def _grouped(graph: Graph, x: Map) -> Map:
    """3x3 in groups of 16 channels (Xie et al. 2017)."""
    return graph.conv(x, x.channels, 3, groups=max(1, x.channels // 16), act="Relu")


def _mixed(graph: Graph, x: Map) -> Map:
    """Depthwise 7x7, then linear layers over the channels of each place (Liu et al. 2022)."""
    y = graph.conv(x, x.channels, 7, groups=x.channels)
    last = graph.node("Transpose", y.name, perm=[0, 2, 3, 1])
    scale, shift = (graph.normal(x.channels) for _ in range(2))
    name = graph.node("LayerNormalization", last, scale, shift, axis=-1)
    name = graph.linear(name, x.channels, 4 * x.channels)
    name = graph.linear(graph.node("Gelu", name), 4 * x.channels, x.channels)
    return graph.add(y._replace(name=graph.node("Transpose", name, perm=[0, 3, 1, 2])), x)


def _smaller(graph: Graph, x: Map, first: str, second: str, turn: int) -> None:
    """Every way to half the side."""
    graph.end(graph.conv(x, x.channels, 3, 2, groups=x.channels, act=second))
    graph.end(graph.conv(x, 2 * x.channels, 1, 2))
    if graph.fits(x, x.channels // 2, 3):
        graph.end(graph.conv(x, 2 * x.channels, 3, 2, act=first))
    if x.channels <= 64:
        graph.end(graph.conv(x, x.channels, 5, 2, groups=x.channels, act=first))
    graph.end(graph.pool(x, *(("AveragePool", 2) if turn % 2 else ("MaxPool", 3)), 2))


def _subsampled(graph: Graph, x: Map) -> Map:
    """Means of 2 x 2, each map times a weight and plus another (LeCun et al. 1998)."""
    x = graph.pool(graph.act(x, "Tanh"), "AveragePool", 2, 2)
    scaled = graph.node("Mul", x.name, graph.normal(1, x.channels, 1, 1))
    shifted = graph.node("Add", scaled, graph.normal(1, x.channels, 1, 1))
    return graph.conv(graph.act(x._replace(name=shifted), "Tanh"), x.channels, 5)
