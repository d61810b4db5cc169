"""Residual and plain networks. He, Zhang, Ren, Sun: Deep residual learning for image recognition,
arXiv:1512.03385, 2015: table 1 (ImageNet), section 4.2 (CIFAR-10), figure 5 (the blocks).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.models.zoo.chain import Chain, Piece, piece
from cnnbench.models.zoo.layers import (
    conv_bn,
    he_initialise,
    pooled_classifier,
    relu,
    round_channels,
    sequence,
)


class Table(NamedTuple):
    """A column of table 1: blocks in each stage, their kind, stage 1's filters."""

    blocks: tuple[int, ...]
    bottleneck: bool = False
    filters: int = 64


# Table 1, by number of layers.
IMAGENET = {
    18: Table((2, 2, 2, 2)),
    34: Table((3, 4, 6, 3)),
    50: Table((3, 4, 6, 3), bottleneck=True),
    101: Table((3, 4, 23, 3), bottleneck=True),
    152: Table((3, 8, 36, 3), bottleneck=True),
}
# Section 4.2: 6n + 2 layers, n blocks in each of three stages.
CIFAR = {6 * n + 2: Table((n, n, n), filters=16) for n in (3, 5, 7, 9, 18)}
EXPANSION = 4  # a bottleneck's last 1x1 has four times the filters of its 3x3


class Residual(nn.Module):
    """ReLU(body(x) + shortcut(x)): the addition after the linear part, before the ReLU (eq. 1)."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None) -> None:
        """`shortcut` None is the identity."""
        super().__init__()
        self.body = body
        self.shortcut = shortcut
        self.act = relu()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H', W']."""
        out: Tensor = self.body(x)
        out += x if self.shortcut is None else self.shortcut(x)
        return self.act(out)  # type: ignore[no-any-return]


class Plain(nn.Module):
    """ReLU(body(x)): the same block without its shortcut (figure 3, middle)."""

    def __init__(self, body: nn.Module) -> None:
        """`body` is the residual block's own."""
        super().__init__()
        self.body = body
        self.act = relu()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H', W']."""
        return self.act(self.body(x))  # type: ignore[no-any-return]


class ZeroPadded(nn.Module):
    """Option A: every stride-th pixel, zeros for the new channels; no parameters."""

    def __init__(self, extra: int, stride: int) -> None:
        """`extra` channels of zeros are appended."""
        super().__init__()
        self.extra, self.stride = extra, stride

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C + extra, H / stride, W / stride]."""
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.extra)) if self.extra else x


def basic(inputs: int, outputs: int, stride: int) -> nn.Module:
    """3x3, BN, ReLU, 3x3, BN (figure 5, left)."""
    return sequence(
        conv1=conv_bn(inputs, outputs, 3, stride),
        conv2=conv_bn(outputs, outputs, 3, act=None),
    )


def bottleneck(
    inputs: int, filters: int, outputs: int, stride: int, stride_on: str = "3x3"
) -> nn.Module:
    """1x1 reduction, 3x3, 1x1 expansion, each with BN (figure 5, right).

    The paper strides on the first 1x1; the common reimplementations on the 3x3.
    """
    first, second = (stride, 1) if stride_on == "1x1" else (1, stride)
    return sequence(
        reduce=conv_bn(inputs, filters, 1, first),
        conv=conv_bn(filters, filters, 3, second),
        expand=conv_bn(filters, outputs, 1, act=None),
    )


def shortcut_for(option: str, inputs: int, outputs: int, stride: int) -> nn.Module | None:
    """Section 3.3 and table 3: identity (A), projection where dimensions change (B), all (C)."""
    changes = stride != 1 or inputs != outputs
    if option == "projection_all" or (option == "projection" and changes):
        return conv_bn(inputs, outputs, 1, stride, act=None)
    return ZeroPadded(outputs - inputs, stride) if changes else None


def stem(in_channels: int, filters: int) -> nn.Module:
    """7x7/2, BN, ReLU, 3x3/2 max pooling (ImageNet)."""
    return sequence(conv=conv_bn(in_channels, filters, 7, 2), pool=nn.MaxPool2d(3, 2, padding=1))


def block(
    inputs: int,
    filters: int,
    stride: int,
    *,
    shortcut: str | None,
    stride_on: str | None,
) -> nn.Module:
    """A stage's block: `stride_on` None is the basic one; without a `shortcut` it is plain."""
    if stride_on is None:
        outputs, body = filters, basic(inputs, filters, stride)
    else:
        outputs = filters * EXPANSION
        body = bottleneck(inputs, filters, outputs, stride, stride_on)
    if shortcut is None:
        return Plain(body)
    return Residual(body, shortcut_for(shortcut, inputs, outputs, stride))


def chain(
    name: str,
    *,
    num_classes: int,
    in_channels: int,
    resolution: int,
    width_mult: float,
    shortcut: str | None = None,
    stride_on: str = "3x3",
) -> Chain:
    """Stem, three or four stages of blocks that halve the map and double the filters, head.

    `resnetN` and `plainN` differ in the block alone. `resolution` changes the input, not the net;
    `width_mult` every layer's filters, to multiples of 8.
    """
    del resolution
    if name.startswith("plain") != (shortcut is None):
        raise ValueError(f"{name} with shortcut {shortcut}")  # a row of the registry is wrong
    layers = int(name.removeprefix("plain").removeprefix("resnet"))
    table = IMAGENET.get(layers) or CIFAR[layers]
    kind = {"shortcut": shortcut, "stride_on": stride_on if table.bottleneck else None}

    def width(stage: int) -> int:
        return round_channels(table.filters * 2**stage * width_mult)

    channels = width(0)
    first = piece(conv_bn, in_channels, channels, 3)
    if layers in IMAGENET:
        first = piece(stem, in_channels, channels)
    stages: dict[str, Chain] = {}
    for stage, depth in enumerate(table.blocks):
        blocks: dict[str, Piece] = {}
        for number in range(depth):
            stride = 2 if stage > 0 and number == 0 else 1
            blocks[f"block{number + 1}"] = piece(block, channels, width(stage), stride, **kind)
            channels = width(stage) * (EXPANSION if table.bottleneck else 1)
        stages[f"stage{stage + 1}"] = blocks
    head = piece(pooled_classifier, channels, num_classes)
    return {"stem": first, **stages, "head": head}


initialise = he_initialise
