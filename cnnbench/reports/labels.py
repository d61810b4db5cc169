"""Which points of a chart can bear their names without one standing on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_LETTER = 6.0  # pixels of a letter at the charts' size
_LINE = 13.0
_GAP = 6.0  # between a point and its name
_DOT = 4.0


@dataclass(frozen=True)
class Spot:
    """A point on logarithmic axes, its name, and whether it should bear it."""

    x: float
    y: float
    name: str
    wanted: bool


def sides(spots: Sequence[Spot], width: float, height: float) -> list[str]:
    """`right` or `left` of each point, where its name has room in a chart so large, else nothing.

    Wanted ones are placed in their order, each where it covers no point and no other name.
    """
    if not spots:
        return []
    across = _scaled([spot.x for spot in spots], width)
    down = [height - y for y in _scaled([spot.y for spot in spots], height)]
    taken: list[tuple[float, float, float, float]] = [
        (x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in zip(across, down, strict=True)
    ]
    found = [""] * len(spots)
    for index, spot in enumerate(spots):
        if not spot.wanted:
            continue
        x, y, length = across[index], down[index], _LETTER * len(spot.name)
        for side, left in (("right", x + _GAP), ("left", x - _GAP - length)):
            box = (left, y - _LINE / 2, left + length, y + _LINE / 2)
            if left >= 0 and box[2] <= width and not any(_meet(box, other) for other in taken):
                found[index] = side
                taken.append(box)
                break
    return found


def _scaled(values: Sequence[float], pixels: float) -> list[float]:
    logs = [math.log(value) for value in values]
    low, high = min(logs) - math.log(1.6), max(logs) + math.log(1.6)
    return [pixels * (value - low) / (high - low) for value in logs]


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
