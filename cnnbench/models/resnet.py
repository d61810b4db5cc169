"""Residual and plain networks. He, Zhang, Ren, Sun: Deep residual learning for image recognition,
arXiv:1512.03385, 2015: table 1 (ImageNet), section 4.2 (CIFAR-10), figure 5 (the blocks).
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from cnnbench.models.layers import conv_bn, he_initialise, pooled_classifier, relu, sequence


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

    def __init__(self, body: nn.Module, shortcut: nn.Module | None) -> None:
        """`shortcut` is what a residual block would have had, and is dropped."""
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


def build(
    name: str,
    *,
    num_classes: int,
    in_channels: int,
    resolution: int,
    shortcut: str = "identity",
    stride_on: str = "3x3",
) -> nn.Module:
    """Stem, three or four stages of blocks that halve the map and double the filters, head.

    `resnetN` and `plainN` differ in the block alone. `resolution` changes the input, not the net.
    """
    del resolution
    block = Plain if name.startswith("plain") else Residual
    layers = int(name.removeprefix("plain").removeprefix("resnet"))
    table = IMAGENET.get(layers) or CIFAR[layers]
    if layers in IMAGENET:
        stem = sequence(
            conv=conv_bn(in_channels, table.filters, 7, 2), pool=nn.MaxPool2d(3, 2, padding=1)
        )
    else:
        stem = conv_bn(in_channels, table.filters, 3)
    stages: dict[str, nn.Module] = {}
    channels = table.filters
    for stage, depth in enumerate(table.blocks):
        filters = table.filters * 2**stage
        outputs = filters * (EXPANSION if table.bottleneck else 1)
        blocks: dict[str, nn.Module] = {}
        for number in range(depth):
            stride = 2 if stage > 0 and number == 0 else 1
            around = None
            if block is Residual:
                around = shortcut_for(shortcut, channels, outputs, stride)
            if table.bottleneck:
                body = bottleneck(channels, filters, outputs, stride, stride_on)
            else:
                body = basic(channels, outputs, stride)
            blocks[f"block{number + 1}"] = block(body, around)
            channels = outputs
        stages[f"stage{stage + 1}"] = sequence(**blocks)
    return sequence(stem=stem, **stages, head=pooled_classifier(channels, num_classes))


initialise = he_initialise
