"""Handwritten digits that scikit-learn ships, at the size a network takes: nothing is downloaded.

Alpaydin & Kaynak, Optical recognition of handwritten digits, UCI 1998: 1,797 grey images of 8x8.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from cnnbench import units
from cnnbench.errors import CnnbenchError, InputError

_IMAGES = 1797
_MOST_BYTES = 2**30  # of all images once; training holds them three times
_HELD_OUT = 0.2


@dataclass(frozen=True)
class Digits:
    """Images [N, C, H, W] with labels [N] of 0 to 9, and those that no training sees."""

    images: Tensor
    labels: Tensor
    held_images: Tensor
    held_labels: Tensor


def require_scikit_learn() -> None:
    """CnnbenchError where the digits are not installed."""
    try:
        import sklearn.datasets
    except ImportError as error:
        raise CnnbenchError(
            "the digits are scikit-learn's; type: pip install 'cnnbench[train]'"
        ) from error
    assert sklearn.datasets


def digits(shape: Sequence[int], seed: int = 0, dtype: torch.dtype = torch.float32) -> Digits:
    """Load them as C x H x W: bilinear, the grey in every channel, a fifth of each class held out.

    Mean 0 and standard deviation 1 over what is trained on. The same seed divides them alike.
    InputError where the shape is no image's, CnnbenchError where scikit-learn is missing.
    """
    if len(shape) != 3:
        raise InputError(
            f"digits are images of C x H x W, which {units.shape(tuple(shape))} is not"
        )
    require_scikit_learn()
    channels, height, width = shape
    size = _IMAGES * height * width * 4
    if size > _MOST_BYTES:
        side = int((_MOST_BYTES / _IMAGES / 4) ** 0.5)
        raise InputError(
            f"the digits at {height}x{width} take {units.size(size)}; give a resolution of {side} "
            "or less"
        )
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    loaded = load_digits()
    labels = torch.from_numpy(loaded.target).long()
    grey = torch.from_numpy(loaded.images).float().unsqueeze(1)
    grey = F.interpolate(grey, size=(height, width), mode="bilinear", align_corners=False)
    kept, held = train_test_split(
        np.arange(len(labels)),
        test_size=_HELD_OUT,
        random_state=seed % 2**32,
        stratify=loaded.target,
    )
    deviation, mean = torch.std_mean(grey[kept])
    grey = ((grey - mean) / deviation).to(dtype)

    def part(rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        return grey[rows].expand(-1, channels, -1, -1), labels[rows]  # channels share their memory

    return Digits(*part(kept), *part(held))


def distorted(images: Tensor, copies: int, seed: int = 0) -> Tensor:
    """[N, C, H, W] -> [N * (1 + copies), C, H, W]: the images, then copies of all, each distorted.

    Random planar maps: moved by at most 8% of a side, scaled by at most 10% each way, sheared
    (LeCun et al. 1998, section III, whose copies of MNIST were made so).
    """
    random = torch.Generator().manual_seed(seed)

    def within(bound: float) -> Tensor:
        return bound * (2 * torch.rand(len(images), generator=random) - 1)

    made = [images]
    for _ in range(copies):
        x = torch.stack([1 + within(0.1), within(0.15), within(0.16)], 1)  # of sides from -1 to 1
        y = torch.stack([within(0.075), 1 + within(0.1), within(0.16)], 1)
        grid = F.affine_grid(torch.stack([x, y], 1), list(images.shape), align_corners=False)
        grid = grid.to(images.dtype)
        made.append(F.grid_sample(images, grid, padding_mode="border", align_corners=False))
    return torch.cat(made)
