"""LeNet-5. LeCun, Bottou, Bengio, Haffner: Gradient-based learning applied to document
recognition, Proceedings of the IEEE 86(11), 1998, section II.B.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnnbench.models.zoo.layers import sequence

# Table I: the maps of S2 that each of the 16 maps of C3 reads, in three groups of equal width.
C3_OF_THREE = ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5))
C3_OF_FOUR = (
    (0, 1, 2, 3),
    (1, 2, 3, 4),
    (2, 3, 4, 5),
    (0, 3, 4, 5),
    (0, 1, 4, 5),
    (0, 1, 2, 5),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
)
C3_OF_SIX = ((0, 1, 2, 3, 4, 5),)

# Figure 3 draws each class as a 7x12 bitmap, which the RBF output compares F6 with; ours are of
# the same size, one row of seven pixels per field.
BITMAPS = """
.#####. #.....# #....## #...#.# #..#..# #.#...# ##....# #.....# #.....# #.....# .#####. .......
...#... ..##... .#.#... ...#... ...#... ...#... ...#... ...#... ...#... ...#... .#####. .......
.#####. #.....# ......# ......# .....#. ....#.. ...#... ..#.... .#..... #...... ####### .......
.#####. #.....# ......# ......# ..####. ......# ......# ......# ......# #.....# .#####. .......
.....#. ....##. ...#.#. ..#..#. .#...#. #....#. ####### .....#. .....#. .....#. .....#. .......
####### #...... #...... #...... ######. ......# ......# ......# ......# #.....# .#####. .......
..####. .#..... #...... #...... ######. #.....# #.....# #.....# #.....# #.....# .#####. .......
####### ......# ......# .....#. .....#. ....#.. ....#.. ...#... ...#... ..#.... ..#.... .......
.#####. #.....# #.....# #.....# .#####. #.....# #.....# #.....# #.....# #.....# .#####. .......
.#####. #.....# #.....# #.....# .###### ......# ......# ......# ......# .....#. .####.. .......
"""


class ScaledTanh(nn.Module):
    """1.7159 tanh(2/3 x), appendix A: f(1) = 1 and f(-1) = -1."""

    def forward(self, x: Tensor) -> Tensor:
        """[…] -> […]."""
        return 1.7159 * torch.tanh(x * (2 / 3))


class Subsampling(nn.Module):
    """S2 and S4: the sum of each 2x2 window, times one coefficient a map, plus one bias."""

    def __init__(self, maps: int) -> None:
        """Two parameters a map."""
        super().__init__()
        self.coefficient = nn.Parameter(torch.ones(maps, 1, 1))
        self.bias = nn.Parameter(torch.zeros(maps, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C, H/2, W/2]."""
        summed = nn.functional.avg_pool2d(x, 2, divisor_override=1)
        return summed * self.coefficient + self.bias


class MapsOf(nn.Module):
    """Some of C3's maps, each reading as many of S2's: one grouped convolution."""

    reads: Tensor

    def __init__(self, rows: tuple[tuple[int, ...], ...]) -> None:
        """One row of sources a map."""
        super().__init__()
        sources = [source for row in rows for source in row]
        self.register_buffer("reads", torch.tensor(sources), persistent=False)
        self.conv = nn.Conv2d(len(sources), len(rows), 5, groups=len(rows))

    def forward(self, x: Tensor) -> Tensor:
        """[N, 6, 14, 14] -> [N, rows, 10, 10]."""
        return self.conv(x.index_select(1, self.reads))  # type: ignore[no-any-return]


class PartialConvolution(nn.Module):
    """C3: 16 maps of 5x5, each reading the maps of S2 that table I names (60 of 96 pairs).

    Work and parameters are those of the connections that exist: 60 * 25 weights, 16 biases.
    """

    def __init__(self) -> None:
        """1,516 parameters."""
        super().__init__()
        self.of_three = MapsOf(C3_OF_THREE)
        self.of_four = MapsOf(C3_OF_FOUR)
        self.of_six = MapsOf(C3_OF_SIX)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 6, 14, 14] -> [N, 16, 10, 10]."""
        return torch.cat([self.of_three(x), self.of_four(x), self.of_six(x)], 1)


class RadialBasisOutput(nn.Module):
    """Equation 7: the squared distance of F6 to each class's fixed bitmap, negated.

    Negated so that the largest output is the class, as for every other network here.
    """

    bitmaps: Tensor

    def __init__(self, classes: int) -> None:
        """Draw figure 3's bitmaps for ten classes, else random ones (section II.B allows both)."""
        super().__init__()
        drawn = [
            [1.0 if pixel == "#" else -1.0 for pixel in line.replace(" ", "")]
            for line in BITMAPS.split("\n")
            if line
        ]
        bitmaps = torch.tensor(drawn) if classes == 10 else _coin_flips(classes)
        self.register_buffer("bitmaps", bitmaps)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 84] -> [N, classes]."""
        return -(x.unsqueeze(1) - self.bitmaps).square().sum(-1)


def _coin_flips(classes: int) -> Tensor:
    """[classes, 84] of -1 and +1, the same for every build."""
    generator = torch.Generator().manual_seed(0)
    flips = torch.randint(0, 2, (classes, 84), generator=generator, device="cpu") * 2.0 - 1.0
    return flips.to(torch.get_default_device())


def build(name: str, *, num_classes: int, in_channels: int) -> nn.Module:
    """C1 6@28x28, S2 6@14x14, C3 16@10x10, S4 16@5x5, C5 120, F6 84, output."""
    published = name == "lenet5"
    act = ScaledTanh if published else nn.Tanh

    def subsampling(maps: int) -> nn.Module:
        return Subsampling(maps) if published else nn.AvgPool2d(2)

    return sequence(
        c1=nn.Conv2d(in_channels, 6, 5),
        # Section II.B: every layer up to F6 squashes its sums, the subsampling too; the textbook's
        # plain average does not.
        act1=act(),
        s2=subsampling(6),
        act2=act() if published else None,
        c3=PartialConvolution() if published else nn.Conv2d(6, 16, 5),
        act3=act(),
        s4=subsampling(16),
        act4=act() if published else None,
        c5=nn.Conv2d(16, 120, 5),
        act5=act(),
        flatten=nn.Flatten(),
        f6=nn.Linear(120, 84),
        act6=act(),
        output=RadialBasisOutput(num_classes) if published else nn.Linear(84, num_classes),
    )


def initialise(net: nn.Module) -> None:
    """Uniform within ±2.4 / fan_in (appendix A), biases too; a subsampling begins as the mean."""
    for layer in net.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear)):
            bound = 2.4 / layer.weight[0].numel()
            nn.init.uniform_(layer.weight, -bound, bound)
            if layer.bias is not None:
                nn.init.uniform_(layer.bias, -bound, bound)
        elif isinstance(layer, Subsampling):
            nn.init.constant_(layer.coefficient, 1 / 4)
