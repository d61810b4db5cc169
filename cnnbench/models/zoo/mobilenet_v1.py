"""MobileNet. Howard et al.: MobileNets: Efficient convolutional neural networks for mobile vision
applications, arXiv:1704.04861, 2017: table 1 (body), table 4 (full convolutions), table 5
(shallow).
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from cnnbench.models.zoo.chain import Chain, Piece, piece
from cnnbench.models.zoo.layers import conv_bn, he_initialise, pooled_classifier, sequence

# Table 1 after the stem: filters, stride. (It prints a last stride of 2 on a 7x7 map that stays
# 7x7; the stride is 1.)
BODY = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)
FIVE_SAME = slice(6, 11)  # table 5's shallow network leaves these out


def separable(inputs: int, outputs: int, stride: int, kernel: int = 3) -> nn.Module:
    """3x3 depthwise, BN, ReLU, 1x1 pointwise, BN, ReLU (figure 3, right)."""
    return sequence(
        depthwise=conv_bn(inputs, inputs, kernel, stride, groups=inputs),
        pointwise=conv_bn(inputs, outputs, 1),
    )


def conv(inputs: int, outputs: int, stride: int, kernel: int = 3) -> nn.Module:
    """3x3 convolution, BN, ReLU (figure 3, left)."""
    return conv_bn(inputs, outputs, kernel, stride)


def chain(
    name: str, *, num_classes: int, in_channels: int, resolution: int, width_mult: float
) -> Chain:
    """3x3/2 stem, 13 layers of one kind, pooled classifier; `width_mult` is the paper's alpha."""
    del resolution
    block: Callable[[int, int, int], nn.Module] = conv if name.endswith("_conv") else separable
    rows = list(BODY)
    if name.endswith("_shallow"):
        del rows[FIVE_SAME]

    def width(filters: int) -> int:
        return max(8, int(filters * width_mult))

    channels = width(32)
    blocks: dict[str, Piece] = {}
    for number, (filters, stride) in enumerate(rows, 1):
        blocks[f"block{number}"] = piece(block, channels, width(filters), stride)
        channels = width(filters)
    return {
        "stem": piece(conv_bn, in_channels, width(32), 3, 2),
        **blocks,
        # The paper names no rate; its released code keeps 0.999.
        "head": piece(pooled_classifier, channels, num_classes, dropout=0.001),
    }


initialise = he_initialise  # the paper states none
