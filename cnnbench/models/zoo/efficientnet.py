"""EfficientNet. Tan, Le: EfficientNet: Rethinking model scaling for convolutional neural networks,
arXiv:1905.11946, 2019: table 1 (B0), section 3.3 (compound scaling).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from cnnbench.models.zoo import layers
from cnnbench.models.zoo.chain import Chain, Piece, assemble, piece
from cnnbench.models.zoo.layers import pooled_classifier, round_channels


class Stage(NamedTuple):
    """A row of table 1: an MBConv stage of B0."""

    expansion: int
    kernel: int
    filters: int
    repeats: int
    stride: int


# Table 1, stages 2 to 8: expansion, kernel, filters, repeats, first stride.
B0 = (
    Stage(1, 3, 16, 1, 1),
    Stage(6, 3, 24, 2, 2),
    Stage(6, 5, 40, 2, 2),
    Stage(6, 3, 80, 3, 2),
    Stage(6, 5, 112, 3, 1),
    Stage(6, 5, 192, 4, 2),
    Stage(6, 3, 320, 1, 1),
)
STEM, LAST = 32, 1280
DROP_CONNECT = 0.2  # a block's rate is this times its position, from 0 to 1 (section 5.2)
# Section 5.2: from 0.2 for B0 to 0.5 for B7, as released; it goes with the name, not the scale.
DROPOUT = dict(zip(("b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"),
                   (0.2, 0.2, 0.3, 0.3, 0.4, 0.4, 0.5, 0.5), strict=True))  # fmt: skip


# Section 5.2: momentum 0.99, which torch writes 0.01; epsilon as in the authors' code.
batch_norm = partial(nn.BatchNorm2d, momentum=0.01, eps=1e-3)
conv_bn = partial(layers.conv_bn, norm=batch_norm)


def silu() -> nn.Module:
    """SiLU (swish) in place."""
    return nn.SiLU(inplace=True)


class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate that global pooling and two 1x1 convolutions compute.

    Hu et al., Squeeze-and-excitation networks, 2017; the reduction is a quarter of the block's
    input, not of its expanded channels.
    """

    def __init__(self, channels: int, reduced: int) -> None:
        """Both 1x1 convolutions have biases."""
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, reduced, 1)
        self.act = silu()
        self.expand = nn.Conv2d(reduced, channels, 1)
        self.gate = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H, W]."""
        return x * self.gate(self.expand(self.act(self.reduce(self.pool(x)))))  # type: ignore[no-any-return]


class MBConv(nn.Module):
    """1x1 expansion, k x k depthwise, squeeze-and-excitation, linear 1x1 projection, shortcut."""

    drop: float = 0.0  # the probability that training skips the block for an image

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        """An expansion of 1 has no first 1x1."""
        super().__init__()
        hidden = inputs * expansion
        self.expand = conv_bn(inputs, hidden, 1, act=silu) if expansion > 1 else None
        self.depthwise = conv_bn(hidden, hidden, kernel, stride, groups=hidden, act=silu)
        self.squeeze = SqueezeExcitation(hidden, max(1, inputs // 4))
        self.project = conv_bn(hidden, outputs, 1, act=None)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, outputs, H / stride, W / stride]."""
        out: Tensor = x if self.expand is None else self.expand(x)
        out = self.project(self.squeeze(self.depthwise(out)))
        if not self.residual:
            return out
        if self.training and self.drop:
            keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype) >= self.drop
            out = out * keep / (1 - self.drop)
        return out.add_(x)


def head(inputs: int, last: int, classes: int, dropout: float) -> nn.Module:
    """1x1 convolution, BN, SiLU, pooled classifier."""
    conv = conv_bn(inputs, last, 1, act=silu)
    return pooled_classifier(last, classes, dropout, conv=conv)


def chain(
    name: str,
    *,
    num_classes: int,
    in_channels: int,
    resolution: int,
    width_mult: float,
    depth_mult: float,
) -> Chain:
    """Scale B0's filters (to multiples of 8) and repeats (rounded up), stem and head too."""
    del resolution

    def width(filters: int) -> int:
        return round_channels(filters * width_mult)

    channels = width(STEM)
    stages: dict[str, Chain] = {}
    for index, stage in enumerate(B0, 1):
        blocks: dict[str, Piece] = {}
        for number in range(math.ceil(stage.repeats * depth_mult)):
            filters, stride = width(stage.filters), stage.stride if number == 0 else 1
            blocks[f"block{number + 1}"] = piece(
                MBConv, channels, filters, stage.kernel, stride, stage.expansion
            )
            channels = filters
        stages[f"stage{index}"] = blocks
    dropout = DROPOUT[name.rpartition("_")[2]]
    return {
        "stem": piece(conv_bn, in_channels, width(STEM), 3, 2, act=silu),
        **stages,
        "head": piece(head, channels, width(LAST), num_classes, dropout),
    }


def build(name: str, **options: Any) -> nn.Module:
    """Build the chain; the later a block, the likelier training skips it."""
    net = assemble(chain(name, **options))
    blocks = [block for block in net.modules() if isinstance(block, MBConv)]
    for position, block in enumerate(blocks):
        block.drop = DROP_CONNECT * position / len(blocks)
    return net


def _convolution(weight: Tensor) -> Tensor:
    """N(0, 2 / fan_out), fan_out = k * k * filters, of a depthwise convolution k * k."""
    filters, depth, *window = weight.shape
    fan_out = math.prod(window) * (filters if depth > 1 else 1)
    return nn.init.normal_(weight, 0.0, math.sqrt(2 / fan_out))


def _classifier(weight: Tensor) -> Tensor:
    """Uniform within ±1 / sqrt(outputs)."""
    bound = 1 / math.sqrt(weight.shape[0])
    return nn.init.uniform_(weight, -bound, bound)


def initialise(net: nn.Module) -> None:
    """Weights as in the authors' code; the paper states none."""
    layers.initialise(net, _convolution, _classifier)
