"""MobileNetV2. Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: Inverted residuals and linear
bottlenecks, arXiv:1801.04381, 2018: table 1 (the block), table 2 (the network).
"""

from __future__ import annotations

from torch import Tensor, nn

from cnnbench.models.zoo.chain import Chain, Piece, piece
from cnnbench.models.zoo.layers import conv_bn, he_initialise, pooled_classifier, round_channels

# Table 2: expansion t, filters c, repeats n, first stride s.
BODY = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def relu6() -> nn.Module:
    """ReLU6 in place."""
    return nn.ReLU6(inplace=True)


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise, linear 1x1 projection; identity where the shape stays."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        """Build table 1; an expansion of 1 has no first 1x1."""
        super().__init__()
        hidden = inputs * expansion
        self.expand = conv_bn(inputs, hidden, 1, act=relu6) if expansion > 1 else None
        self.depthwise = conv_bn(hidden, hidden, 3, stride, groups=hidden, act=relu6)
        self.project = conv_bn(hidden, outputs, 1, act=None)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, outputs, H / stride, W / stride]."""
        out: Tensor = x if self.expand is None else self.expand(x)
        out = self.project(self.depthwise(out))
        return out.add_(x) if self.residual else out


def head(inputs: int, last: int, classes: int) -> nn.Module:
    """1x1 convolution, BN, ReLU6, pooled classifier."""
    conv = conv_bn(inputs, last, 1, act=relu6)
    return pooled_classifier(last, classes, dropout=0.2, conv=conv)


def chain(
    name: str, *, num_classes: int, in_channels: int, resolution: int, width_mult: float
) -> Chain:
    """3x3/2 stem, seven stages of inverted residuals, 1x1 to 1280, pooled classifier.

    `width_mult` leaves the last 1x1 at 1280 below 1 (section 4).
    """
    del name, resolution
    channels = stem = round_channels(32 * width_mult)
    stages: dict[str, Chain] = {}
    for stage, (expansion, filters, repeats, first) in enumerate(BODY, 1):
        outputs = round_channels(filters * width_mult)
        blocks: dict[str, Piece] = {}
        for number in range(repeats):
            stride = first if number == 0 else 1
            blocks[f"block{number + 1}"] = piece(
                InvertedResidual, channels, outputs, stride, expansion
            )
            channels = outputs
        stages[f"stage{stage}"] = blocks
    last = round_channels(1280 * max(1.0, width_mult))
    return {
        "stem": piece(conv_bn, in_channels, stem, 3, 2, act=relu6),
        **stages,
        "head": piece(head, channels, last, num_classes),
    }


initialise = he_initialise  # the paper states none
