"""How often a `WHILE` runs whose counters are known, and move by the same step each turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from cnnbench.counting.files.tflite.numbers import Numbers

_LONGEST = 31  # doublings of turns


def counters(
    states: Sequence[Sequence[Numbers | None]],
) -> Callable[[int], list[Numbers | None]]:
    """What a loop's state is after so many turns, from its first, second and third; by place.

    None of what is not known, or moves otherwise.
    """
    moves = [_move(*place) for place in zip(*states, strict=True)]

    def after(turns: int) -> list[Numbers | None]:
        return [
            None if move is None else np.asarray(move[0] + turns * move[1], dtype=object)
            for move in moves
        ]

    return after


def _move(
    first: Numbers | None, second: Numbers | None, third: Numbers | None
) -> tuple[Numbers, Numbers] | None:
    if first is None or second is None or third is None or first.dtype.kind not in "iu":
        return None
    one, two, three = (np.asarray(each, dtype=object) for each in (first, second, third))
    if not one.shape == two.shape == three.shape or not np.array_equal(two - one, three - two):
        return None
    return one, two - one


def turns(goes_on: Callable[[int], bool | None]) -> int | None:
    """The first turn that a loop does not begin any more; None where that is not known.

    `goes_on` tells of a turn whether it begins, given that those before it did.
    """
    low, high = 0, 1
    for doubling in count():
        if (begins := goes_on(high - 1)) is None or doubling > _LONGEST:
            return None
        if not begins:
            break
        low, high = high, 2 * high
    while low < high - 1:
        middle = (low + high) // 2
        if goes_on(middle - 1):
            low = middle
        else:
            high = middle
    return low
