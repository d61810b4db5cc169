"""Somebody's own networks, as a user's file has them."""

import torch
from torch import nn


class Small(nn.Module):
    """Two convolutions and a head; one layer is used twice."""

    input_shape = (3, 16, 16)

    def __init__(self, channels=4, norm=True):
        super().__init__()
        self.stem = nn.Conv2d(3, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels) if norm else nn.Identity()
        self.twice = nn.Conv2d(channels, channels, 3, padding=1, groups=2)
        self.head = nn.Linear(channels, 10)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = x + self.twice(torch.relu(self.twice(x)))
        return self.head(x.mean((2, 3)))


class Pair(nn.Module):
    """Two inputs, which need two --input."""

    def __init__(self):
        super().__init__()
        self.left = nn.Conv2d(3, 4, 3, padding=1)
        self.right = nn.Conv2d(3, 4, 1)

    def forward(self, left, right):
        return self.left(left).mean((2, 3)) + self.right(right).mean((2, 3))


class Odd(nn.Module):
    """An operator that no convention has."""

    input_shape = (3, 8, 8)

    def forward(self, x):
        return torch.fft.rfft2(torch.relu(x)).real
