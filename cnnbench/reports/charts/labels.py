"""Which points of a chart can bear their names without one standing on another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.reports.charts.style import NARROW, PHONE, Records

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


Ends = tuple[float, float]


def sides(
    spots: Sequence[Spot], width: float, height: float, across: Ends, down: Ends
) -> list[str]:
    """`right` or `left` of each point, where its name has room in a chart so large, else nothing.

    `across` and `down` are the ends of its axes. Wanted ones are placed in their order, each where
    it covers no point and no other name.
    """
    places = [(_at(spot.x, across, width), height - _at(spot.y, down, height)) for spot in spots]
    taken = [(x - _DOT, y - _DOT, x + _DOT, y + _DOT) for x, y in places]
    found = [""] * len(spots)
    for index, spot in enumerate(spots):
        if not spot.wanted:
            continue
        (x, y), length = places[index], _LETTER * len(spot.name)
        for side, left in (("right", x + _GAP), ("left", x - _GAP - length)):
            box = (left, y - _LINE / 2, left + length, y + _LINE / 2)
            if left >= 0 and box[2] <= width and not any(_meet(box, other) for other in taken):
                found[index] = side
                taken.append(box)
                break
    return found


def named(
    rows: Records, spots: Sequence[Spot], height: float, across: Ends, down: Ends
) -> list[dict[str, Any]]:
    """Rows, one a point, with where its name stands: `beside` it on a page, `narrow` on a phone."""
    wide, narrow = (sides(spots, width, height, across, down) for width in (NARROW, PHONE))
    return [
        {**row, "beside": side, "narrow": other}
        for row, side, other in zip(rows, wide, narrow, strict=True)
    ]


def _at(value: float, ends: Ends, pixels: float) -> float:
    """The place of a value on a logarithmic axis."""
    low, high = map(math.log, ends)
    return pixels * (math.log(value) - low) / (high - low)


def _meet(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
