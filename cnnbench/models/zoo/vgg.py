"""VGG. Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition,
arXiv:1409.1556, 2014, table 1.
"""

from __future__ import annotations

from torch import nn

from cnnbench.models.zoo.chain import Chain, Piece, piece
from cnnbench.models.zoo.layers import initialise as fill
from cnnbench.models.zoo.layers import (
    relu,
    require_side,
    round_channels,
    sequence,
    three_linear,
)

# Table 1: 3x3 convolutions in each of the five stages; a stage ends by halving the side.
CONVOLUTIONS = {
    "vgg11": (1, 1, 2, 2, 2),  # A
    "vgg13": (2, 2, 2, 2, 2),  # B
    "vgg16": (2, 2, 3, 3, 3),  # D
    "vgg19": (2, 2, 4, 4, 4),  # E
}
FILTERS = (64, 128, 256, 512, 512)
HIDDEN = 4096


def stage(inputs: int, filters: int, depth: int, *, normalised: bool) -> nn.Module:
    """`depth` 3x3 convolutions, each with ReLU (and batch norm before it), 2x2 max pooling."""
    layers: dict[str, nn.Module | None] = {}
    for number in range(1, depth + 1):
        layers[f"conv{number}"] = nn.Conv2d(inputs, filters, 3, padding=1)
        layers[f"norm{number}"] = nn.BatchNorm2d(filters) if normalised else None
        layers[f"act{number}"] = relu()
        inputs = filters
    return sequence(**layers, pool=nn.MaxPool2d(2))


def chain(
    name: str, *, num_classes: int, in_channels: int, resolution: int, width_mult: float
) -> Chain:
    """Five stages of 3x3 convolutions and 2x2 max pooling, then 4096-4096-classes.

    `width_mult` scales the hidden linear layers, too, all to multiples of 8.
    """
    base, _, normalised = name.partition("_")
    stages: dict[str, Piece] = {}
    channels = in_channels
    for number, (depth, filters) in enumerate(zip(CONVOLUTIONS[base], FILTERS, strict=True), 1):
        wide = round_channels(filters * width_mult)
        stages[f"stage{number}"] = piece(stage, channels, wide, depth, normalised=bool(normalised))
        channels = wide
    side = require_side(resolution // 32, name, resolution)
    hidden = round_channels(HIDDEN * width_mult)
    return {**stages, "head": piece(three_linear, channels * side * side, hidden, num_classes)}


def initialise(net: nn.Module) -> None:
    """Glorot & Bengio 2010, which section 3.1 found to do without a trained shallower network."""
    fill(net, nn.init.xavier_uniform_, nn.init.xavier_uniform_)
