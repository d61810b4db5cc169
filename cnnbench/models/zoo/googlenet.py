"""GoogLeNet (Inception v1). Szegedy et al.: Going deeper with convolutions, arXiv:1409.4842, 2014:
table 1, figure 2 (the modules: 2a naive, 2b with reductions), figure 3 (the whole).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from cnnbench.models.zoo.layers import initialise as fill
from cnnbench.models.zoo.layers import local_response_norm, normal, relu, require_side, sequence


class Row(NamedTuple):
    """A module of table 1; the columns keep the table's names."""

    c1x1: int
    c3x3_reduce: int
    c3x3: int
    c5x5_reduce: int
    c5x5: int
    pool_proj: int


# Table 1:         #1x1 #3x3red #3x3 #5x5red #5x5 pool proj
MODULES = {
    "inception3a": Row(64, 96, 128, 16, 32, 32),
    "inception3b": Row(128, 128, 192, 32, 96, 64),
    "inception4a": Row(192, 96, 208, 16, 48, 64),
    "inception4b": Row(160, 112, 224, 24, 64, 64),
    "inception4c": Row(128, 128, 256, 24, 64, 64),
    "inception4d": Row(112, 144, 288, 32, 64, 64),
    "inception4e": Row(256, 160, 320, 32, 128, 128),
    "inception5a": Row(256, 160, 320, 32, 128, 128),
    "inception5b": Row(384, 192, 384, 48, 128, 128),
}
POOLED_AFTER = ("inception3b", "inception4e")
AUXILIARY_AFTER = ("inception4a", "inception4d")  # section 5


def conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """k x k convolution with bias, ReLU; the map keeps its side at stride 1."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    return sequence(conv=layer, act=relu())


def halve() -> nn.Module:
    """3x3/2 max pooling that rounds up: 112 -> 56 -> 28 -> 14 -> 7."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


class Inception(nn.Module):
    """Four branches side by side, joined along the channels (figure 2b, or 2a where naive)."""

    def __init__(self, inputs: int, row: Row, naive: bool) -> None:
        """Build figure 2a from the same row: no reductions, and the pool passes its input on."""
        super().__init__()
        reduce3 = None if naive else conv(inputs, row.c3x3_reduce, 1)
        reduce5 = None if naive else conv(inputs, row.c5x5_reduce, 1)
        project = None if naive else conv(inputs, row.pool_proj, 1)
        self.branch1x1 = conv(inputs, row.c1x1, 1)
        self.branch3x3 = sequence(
            reduce=reduce3, conv=conv(inputs if naive else row.c3x3_reduce, row.c3x3, 3)
        )
        self.branch5x5 = sequence(
            reduce=reduce5, conv=conv(inputs if naive else row.c5x5_reduce, row.c5x5, 5)
        )
        self.branch_pool = sequence(pool=nn.MaxPool2d(3, 1, padding=1), project=project)
        self.outputs = row.c1x1 + row.c3x3 + row.c5x5 + (inputs if naive else row.pool_proj)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, outputs, H, W]."""
        branches = (self.branch1x1, self.branch3x3, self.branch5x5, self.branch_pool)
        return torch.cat([branch(x) for branch in branches], 1)


def auxiliary(inputs: int, side: int, classes: int) -> nn.Module:
    """Section 5: 5x5/3 average pooling, 1x1 to 128, 1024, dropout 70%, classifier."""
    pooled = (side - 5) // 3 + 1
    return sequence(
        pool=nn.AvgPool2d(5, 3),
        reduce=conv(inputs, 128, 1),
        flatten=nn.Flatten(),
        fc1=nn.Linear(128 * pooled * pooled, 1024),
        act=relu(),
        dropout=nn.Dropout(0.7),
        fc2=nn.Linear(1024, classes),
    )


class GoogLeNet(nn.Module):
    """Stem, nine modules with two poolings between, head; auxiliary heads in training only."""

    def __init__(self, in_channels: int, classes: int, naive: bool, aux_side: int | None) -> None:
        """`aux_side` is the side of the maps at 4a and 4d, None without auxiliary heads."""
        super().__init__()
        self.stem = sequence(
            conv1=conv(in_channels, 64, 7, 2),
            pool1=halve(),
            norm1=local_response_norm(),
            reduce2=conv(64, 64, 1),
            conv2=conv(64, 192, 3),
            norm2=local_response_norm(),
            pool2=halve(),
        )
        channels = 192
        for name, row in MODULES.items():
            module = Inception(channels, row, naive)
            channels = module.outputs
            self.add_module(name, module)
            if name in POOLED_AFTER:
                self.add_module(f"pool{name[-2]}", halve())
            if aux_side and name in AUXILIARY_AFTER:
                self.add_module(f"aux{name[-2:]}", auxiliary(channels, aux_side, classes))
        self.head = sequence(
            pool=nn.AdaptiveAvgPool2d(1),
            flatten=nn.Flatten(),
            dropout=nn.Dropout(0.4),
            fc=nn.Linear(channels, classes),
        )

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        """[N, C, H, W] -> [N, classes]; in training with auxiliary heads, (main, 4a's, 4d's)."""
        extra: list[Tensor] = []
        for name, module in self.named_children():
            if not name.startswith("aux"):
                x = module(x)
            elif self.training:
                extra.append(module(x))
        return (x, *extra) if extra else x


def build(
    name: str, *, num_classes: int, in_channels: int, resolution: int, aux: bool = False
) -> nn.Module:
    """22 layers of table 1, or the naive twin. `resolution` changes the auxiliary heads alone."""
    side = -(-resolution // 2) // 2 // 2 // 2  # the stem's stride rounds up, pooling down
    if aux:
        require_side((side - 5) // 3 + 1, name, resolution)
    return GoogLeNet(in_channels, num_classes, name == "googlenet_naive", side if aux else None)


def initialise(net: nn.Module) -> None:
    """Glorot & Bengio 2010 (the paper states none), N(0, 0.01²) for linear layers."""
    fill(net, nn.init.xavier_uniform_, normal(0.01))
