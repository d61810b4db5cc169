"""AlexNet. Krizhevsky, Sutskever, Hinton: ImageNet classification with deep convolutional neural
networks, NeurIPS 2012, section 3.5; and its single-tower form, Krizhevsky: One weird trick for
parallelizing convolutional neural networks, arXiv:1404.5997, 2014.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import nn

from cnnbench.models.zoo.layers import initialise as fill
from cnnbench.models.zoo.layers import (
    local_response_norm,
    normal,
    relu,
    require_side,
    sequence,
    three_linear,
)


class Conv(NamedTuple):
    """A row: filters, kernel, stride, padding, groups, then what follows it."""

    filters: int
    kernel: int
    stride: int
    padding: int
    groups: int
    normalised: bool
    pooled: bool


# filters, kernel, stride, padding, groups, normalised, pooled
TOWERS = {
    "alexnet": (
        Conv(96, 11, 4, 0, 1, True, True),
        Conv(256, 5, 1, 2, 2, True, True),
        Conv(384, 3, 1, 1, 1, False, False),
        Conv(384, 3, 1, 1, 2, False, False),
        Conv(256, 3, 1, 1, 2, False, True),
    ),
    "alexnet_owt": (
        Conv(64, 11, 4, 2, 1, False, True),
        Conv(192, 5, 1, 2, 1, False, True),
        Conv(384, 3, 1, 1, 1, False, False),
        Conv(256, 3, 1, 1, 1, False, False),
        Conv(256, 3, 1, 1, 1, False, True),
    ),
}


def build(name: str, *, num_classes: int, in_channels: int, resolution: int) -> nn.Module:
    """Build five convolutions with overlapping 3x3/2 max pooling, and three linear layers."""
    layers: dict[str, nn.Module | None] = {}
    channels, side = in_channels, resolution
    for number, row in enumerate(TOWERS[name], start=1):
        layers[f"conv{number}"] = nn.Conv2d(
            channels, row.filters, row.kernel, row.stride, row.padding, groups=row.groups
        )
        layers[f"act{number}"] = relu()
        layers[f"norm{number}"] = local_response_norm() if row.normalised else None
        layers[f"pool{number}"] = nn.MaxPool2d(3, 2) if row.pooled else None
        channels = row.filters
        side = (side + 2 * row.padding - row.kernel) // row.stride + 1
        side = (side - 3) // 2 + 1 if row.pooled else side
        require_side(side, name, resolution)
    head = three_linear(channels * side * side, 4096, num_classes)
    return sequence(features=sequence(**layers), head=head)


def initialise(net: nn.Module) -> None:
    """Section 5: N(0, 0.01²); biases 1 in conv2, conv4, conv5 and the hidden linear layers."""
    fill(net, normal(0.01), normal(0.01))
    for name in ("features.conv2", "features.conv4", "features.conv5", "head.fc6", "head.fc7"):
        layer = net.get_submodule(name)
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        if layer.bias is not None:
            nn.init.ones_(layer.bias)
