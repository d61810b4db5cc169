"""Operators on the sizes that convolutional networks have: what is timed of a device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import torch
from torch import Tensor
from torch.nn import functional as F

from cnnbench.counting.cost import Kind
from cnnbench.roofline.sizes import Elementwise, Product, Sizes

VERSION = 3  # of the grid and of how it is timed: another one's samples are measured again
BATCHES = (1, 8)
SIDES = (7, 14, 28, 56, 112, 224)
CHANNELS = (3, 16, 64, 128, 256, 512, 1024)
FEW = (3, 16, 64)  # of which large windows and strides are sampled too
# Large maps have few channels and small ones many: side x channels.
_THIN, _THICK = 128, 16384
_MOST_ELEMENTS = 26 * 10**6  # of an input or output
_MOST_MACS = 10**9

CLASSIFIERS = (
    *((64, 10), (512, 10), (512, 1000), (1024, 1000), (1280, 1000), (2048, 1000)),
    *((4096, 1000), (4096, 4096), (9216, 4096)),
)
SQUEEZED = (8, 32, 128, 512, 2048)  # channels of a 1x1 map
SMALL = (
    *((1, 6, 5, 28), (6, 16, 5, 10), (16, 120, 5, 2), (1, 32, 3, 28), (16, 16, 3, 32)),
    *((32, 32, 3, 16), (64, 64, 3, 8)),
)  # channels, filters, kernel, side: of networks for small images
GROUPED = (
    *((18, 6, 5, 10, 6), (36, 9, 5, 10, 9), (96, 256, 5, 27, 2)),
    *((128, 128, 3, 56, 32), (256, 256, 3, 28, 32), (512, 512, 3, 14, 32)),
)  # channels, filters, kernel, side, groups
MAPS = (
    *((16, 4), (64, 7), (64, 14), (64, 28), (64, 56), (64, 112), (64, 224)),
    *((512, 1), (512, 7), (512, 14), (256, 56), (1024, 7)),
)  # channels, side

# By the name under which a trace has them, with a _ in place: what is called on one or two maps,
# and the window's side, 0 for the whole map.
ELEMENTWISE: dict[str, tuple[tuple[Callable[..., Tensor], int], ...]] = {
    "batch_norm": ((lambda x, weight: F.batch_norm(x, *[weight] * 4), 1),),
    "relu": ((F.relu, 1),),
    "relu_": ((torch.relu_, 1),),
    "relu6": ((F.relu6, 1),),
    "relu6_": ((partial(F.relu6, inplace=True), 1),),
    "silu": ((F.silu, 1),),
    "silu_": ((partial(F.silu, inplace=True), 1),),
    "sigmoid": ((torch.sigmoid, 1),),
    "tanh": ((torch.tanh, 1),),
    "gelu": ((F.gelu, 1),),
    "add": ((torch.add, 1),),
    "add_": ((Tensor.add_, 1),),
    "mul": ((torch.mul, 1),),
    "pow": ((lambda x: x.pow(2.5), 1),),
    "cat": ((lambda x, y: torch.cat([x, y], 1), 1),),
    "pad": ((partial(F.pad, pad=(1, 1, 1, 1)), 1),),
    "max_pool2d": (
        (partial(F.max_pool2d, kernel_size=3, stride=2, padding=1), 3),
        (partial(F.max_pool2d, kernel_size=3, stride=1, padding=1), 3),
        (partial(F.max_pool2d, kernel_size=2, stride=2, ceil_mode=True), 2),
    ),
    "avg_pool2d": (
        (partial(F.avg_pool2d, kernel_size=3, stride=2, padding=1), 3),
        (partial(F.avg_pool2d, kernel_size=2, stride=2, ceil_mode=True), 2),
    ),
    # what local response normalisation runs: over five channels
    "avg_pool3d": ((lambda x: F.avg_pool3d(x[:, None], (5, 1, 1), 1, (2, 0, 0)), 2),),
    "adaptive_avg_pool2d": ((partial(F.adaptive_avg_pool2d, output_size=1), 0),),
}
_WEIGHTED = ("batch_norm",)
_OF_TWO = ("add", "add_", "mul", "cat")  # read two maps


@dataclass(frozen=True)
class GridPoint:
    """One operator of a grid: how to run it on an input of that shape."""

    kind: str
    sizes: Sizes
    shape: tuple[int, ...]
    function: Callable[..., Tensor]
    weight: tuple[int, ...] = ()

    @property
    def takes_two(self) -> bool:
        """Whether it is called on more than its input: a weight or a second map."""
        return bool(self.weight) or self.kind in _OF_TWO

    def made(self, weight: Tensor | None, others: Tensor) -> Callable[[Tensor], Tensor]:
        """What is called on the input, with its weight, or with a second map of `others`."""
        if weight is not None:
            return lambda x: self.function(x, weight)
        if self.kind in _OF_TWO:
            return lambda x: self.function(x, others[: x.numel()].view(x.shape))
        return self.function


def grid() -> list[GridPoint]:
    """Every operator that is timed."""
    return [*_convolutions(), *_linear(), *_elementwise()]


def _convolutions() -> Iterator[GridPoint]:
    for batch, side, channels in product(BATCHES, SIDES, CHANNELS):
        image = channels == 3
        if not image and not _THIN <= side * channels <= _THICK:
            continue
        few = channels in FEW
        for kernel, stride in product((3, 5, 7) if few else (3,), (1, 2)):
            if stride == 1 or few or channels == 256:
                filters = 64 if image else channels
                yield from _convolution(
                    Kind.CONVOLUTION, batch, side, channels, filters, kernel, stride
                )
        if image:
            continue
        for filters in (channels, 4 * channels, channels // 4):
            yield from _convolution(Kind.POINTWISE, batch, side, channels, filters, 1)
        if channels in (16, 64, 256, 1024):
            for kernel, stride in product((3, 5), (1, 2)):
                yield from _convolution(
                    Kind.DEPTHWISE, batch, side, channels, channels, kernel, stride, channels
                )
    for batch, (channels, filters, kernel, side) in product(BATCHES, SMALL):
        yield from _convolution(Kind.CONVOLUTION, batch, side, channels, filters, kernel)
    for batch, (channels, filters, kernel, side, groups) in product(BATCHES, GROUPED):
        yield from _convolution(Kind.CONVOLUTION, batch, side, channels, filters, kernel, 1, groups)
    for batch, channels in product(BATCHES, SQUEEZED):
        for filters in (4 * channels, max(4, channels // 4)):
            yield from _convolution(Kind.POINTWISE, batch, 1, channels, filters, 1)


def _convolution(
    kind: Kind,
    batch: int,
    side: int,
    channels: int,
    filters: int,
    kernel: int,
    stride: int = 1,
    groups: int = 1,
) -> Iterator[GridPoint]:
    """One convolution; none where it takes too long, or too much memory."""
    out = -(-side // stride)
    sizes = Product(batch, channels, filters, out, out, kernel, stride, groups)
    if max(sizes.inputs, sizes.outputs) > _MOST_ELEMENTS or sizes.macs > _MOST_MACS:
        return
    weight = (filters, channels // groups, kernel, kernel)
    function = partial(F.conv2d, stride=stride, padding=kernel // 2, groups=groups)
    yield GridPoint(str(kind), sizes, (batch, channels, side, side), function, weight)


def _linear() -> Iterator[GridPoint]:
    for rows, (channels, filters) in product(BATCHES, CLASSIFIERS):
        sizes = Product(rows, channels, filters, 1, 1)
        yield GridPoint(str(Kind.LINEAR), sizes, (rows, channels), F.linear, (filters, channels))


def _elementwise() -> Iterator[GridPoint]:
    for (name, forms), batch, (channels, side) in product(ELEMENTWISE.items(), BATCHES, MAPS):
        shape = (batch, channels, side, side)
        for function, kernel in forms:
            if side < kernel or batch * channels * side * side > _MOST_ELEMENTS:
                continue
            weight = (channels,) if name in _WEIGHTED else ()
            given = torch.empty(shape, device="meta")
            more = [given] if name in _OF_TWO else [given.new_empty(weight)] if weight else []
            read = sum(map(Tensor.numel, (given, *more)))
            sizes = Elementwise(read, function(given, *more).numel(), kernel or side)
            yield GridPoint(name, sizes, shape, function, weight)
