"""A feature map as a box: its front as wide and high as the map, as deep as it has channels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cnnbench.models.inputs import Shape

_SIDE, _DEPTH = 34.0, 30.0  # pixels of the largest
_LEAST = 3.0
_SLANT = 0.5  # of the depth, that it goes to the right and up
_TOWERS = 4  # groups that are drawn apart, at most
_GAP = 2.0
Point = tuple[float, float]


@dataclass(frozen=True)
class Map:
    """Height, width, channels; of what is no map 1, 1, elements."""

    height: int
    width: int
    channels: int

    @classmethod
    def of(cls, shape: Shape, *, channels_last: bool = False, one_side: bool = False) -> Map:
        """The map of a tensor without its batch; of a volume the longer of its first two sides.

        With `one_side` [N, C, L] is a signal, as of a network that convolves such; else [N, T, C]
        are tokens.
        """
        own = shape[1:]
        if len(own) < 2:
            return cls(1, 1, own[0] if own else 1)
        if len(own) == 2:
            length, channels = (own[1], own[0]) if one_side and not channels_last else own
            return cls(length, 1, channels)
        *sides, channels = own if channels_last else (*own[1:], own[0])
        return cls(max(sides[:-1]), sides[-1], channels)


@dataclass(frozen=True)
class Scale:
    """Pixels of maps: logarithmic, so that 224 and 7 pixels, 3 and 2,048 channels are all seen."""

    side: int
    channels: int

    @classmethod
    def of(cls, maps: Iterable[Map]) -> Scale:
        """The scale on which the largest fits."""
        every = list(maps)
        return cls(
            max((max(one.height, one.width) for one in every), default=1),
            max((one.channels for one in every), default=1),
        )

    @property
    def words(self) -> str:
        """What a reader must know of it."""
        return (
            f"boxes are maps: sides up to {self.side:,} pixels, depth up to {self.channels:,} "
            "channels, both logarithmic"
        )

    def sides(self, one: Map) -> tuple[float, float, float]:
        """Width, height and depth of a box, in pixels."""
        return (
            _length(one.width, self.side, _SIDE),
            _length(one.height, self.side, _SIDE),
            _length(one.channels, self.channels, _DEPTH),
        )


SPACE = _SIDE + _SLANT * _DEPTH  # pixels that a box needs to either side


def _length(value: int, most: int, longest: float) -> float:
    share = math.log1p(value) / math.log1p(max(most, 1))
    return _LEAST + (longest - _LEAST) * min(share, 1.0)


def faces(one: Map, scale: Scale, x: float, y: float, towers: int = 1) -> Iterator[list[Point]]:
    """The front, the top and the side of a box around (x, y); of groups one box behind another."""
    width, height, depth = scale.sides(one)
    towers = towers if 1 < towers <= _TOWERS else 1
    part = (depth - _GAP * (towers - 1)) / towers if depth > _GAP * towers else depth / towers
    gap = _GAP if depth > _GAP * towers else 0.0
    left = x - (width + _SLANT * depth) / 2
    bottom = y + (height + _SLANT * depth) / 2
    for tower in reversed(range(towers)):
        back = tower * (part + gap)
        x0, y0 = left + _SLANT * back, bottom - _SLANT * back
        across = _SLANT * part
        front = [(x0, y0), (x0 + width, y0), (x0 + width, y0 - height), (x0, y0 - height)]
        top = [
            (x0, y0 - height),
            (x0 + across, y0 - height - across),
            (x0 + width + across, y0 - height - across),
            (x0 + width, y0 - height),
        ]
        side = [
            (x0 + width, y0),
            (x0 + width + across, y0 - across),
            (x0 + width + across, y0 - height - across),
            (x0 + width, y0 - height),
        ]
        yield from (top, side, front)
