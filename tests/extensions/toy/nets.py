"""A source: `toy:NAME`, networks of one convolution and one operator of this package's own."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from cnnbench.errors import SourceError
from cnnbench.models.sources.source import Found
from cnnbench.models.spec import SourceSpec

library = "toy"


@torch.library.custom_op("toy::fold", mutates_args=())
def fold(x: Tensor, times: int) -> Tensor:
    """Multiply and add so many times."""
    return x * times


@fold.register_fake
def _(x: Tensor, times: int) -> Tensor:
    return torch.empty_like(x)


class Tiny(nn.Module):
    """A convolution and a fold."""

    input_shape = (3, 8, 8)

    def __init__(self, channels: int = 4) -> None:
        """3x3, with so many filters."""
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """[N, 3, H, W] -> [N, channels, H, W]."""
        out: Tensor = fold(self.conv(x), 5)
        return out


def find(spec: SourceSpec) -> Found:
    """The one that there is."""
    if spec.name != "tiny":
        raise SourceError(f"toy has no model {spec.name!r}")
    return Found(Tiny)
