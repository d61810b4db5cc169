"""VGG. Simonyan, Zisserman: Very deep convolutional networks for large-scale image recognition,
arXiv:1409.1556, 2014, table 1.
"""

from __future__ import annotations

from torch import nn

from cnnbench.models.layers import initialise as fill
from cnnbench.models.layers import relu, require_side, sequence

# Table 1: 3x3 convolutions in each of the five stages; a stage ends by halving the side.
CONVOLUTIONS = {
    "vgg11": (1, 1, 2, 2, 2),  # A
    "vgg13": (2, 2, 2, 2, 2),  # B
    "vgg16": (2, 2, 3, 3, 3),  # D
    "vgg19": (2, 2, 4, 4, 4),  # E
}
FILTERS = (64, 128, 256, 512, 512)


def build(name: str, *, num_classes: int, in_channels: int, resolution: int) -> nn.Module:
    """Five stages of 3x3 convolutions and 2x2 max pooling, then 4096-4096-classes."""
    base, _, normalised = name.partition("_")
    stages: dict[str, nn.Module] = {}
    channels = in_channels
    for stage, (depth, filters) in enumerate(zip(CONVOLUTIONS[base], FILTERS, strict=True), 1):
        layers: dict[str, nn.Module | None] = {}
        for number in range(1, depth + 1):
            layers[f"conv{number}"] = nn.Conv2d(channels, filters, 3, padding=1)
            layers[f"norm{number}"] = nn.BatchNorm2d(filters) if normalised else None
            layers[f"act{number}"] = relu()
            channels = filters
        stages[f"stage{stage}"] = sequence(**layers, pool=nn.MaxPool2d(2))
    side = require_side(resolution // 32, name, resolution)
    head = sequence(
        flatten=nn.Flatten(),
        fc6=nn.Linear(channels * side * side, 4096),
        act6=relu(),
        dropout6=nn.Dropout(0.5),
        fc7=nn.Linear(4096, 4096),
        act7=relu(),
        dropout7=nn.Dropout(0.5),
        fc8=nn.Linear(4096, num_classes),
    )
    return sequence(**stages, head=head)


def initialise(net: nn.Module) -> None:
    """Glorot & Bengio 2010, which section 3.1 found to do without a trained shallower network."""
    fill(net, nn.init.xavier_uniform_, nn.init.xavier_uniform_)
