"""The networks of a family to choose from: a grid of widths, depths and resolutions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cnnbench.models.build import chain_of
from cnnbench.models.inputs import Shape
from cnnbench.models.scale import Axis, at, axes, moved
from cnnbench.models.spec import Spec
from cnnbench.models.zoo.chain import Chain, Piece

# From MobileNet's narrowest to EfficientNet-B7, as shares of the network as it is named.
_WIDTHS = [0.05 * step for step in range(5, 41)]  # 0.25 to 2
_DEPTHS = [math.floor(100 * n / d) / 100 for d in (1, 2, 3, 4) for n in range(1, 3 * d + 1)]
_SMALLEST, _LARGEST = 96 / 224, 608 / 224  # resolutions
_STEPS = 14  # of the resolution that it is named with: 16 pixels of 224


@dataclass(frozen=True)
class Candidate:
    """A network to choose: `same` is equal for equal networks at equal inputs.

    A hash stands for what it is made of, which would take 12 KiB a candidate.
    """

    spec: Spec
    same: int


def candidates(spec: Spec, number: int) -> list[Candidate]:
    """About `number` distinct networks, narrow ones first, the named one among them.

    An axis that the spec writes down is held there; the others are spread by equal factors, over
    what differs after rounding.
    """
    free = [axis for axis in axes(spec) if axis not in spec.written]
    fine = [_distinct(spec, axis) for axis in free]
    lengths = _lengths([len(values) for values in fine], number)
    chosen = [
        _spread(values, length, at(spec, axis))
        for axis, values, length in zip(free, fine, lengths, strict=True)
    ]
    found: dict[int, Candidate] = {}
    for values in product(*chosen):
        one = _candidate(spec, dict(zip(free, values, strict=True)))
        found.setdefault(one.same, one)
    return list(found.values())


def _candidate(spec: Spec, values: dict[Axis, float]) -> Candidate:
    varied = moved(spec, values)
    return Candidate(varied, hash((*_pieces(chain_of(varied)), varied.input_shape)))


def _distinct(spec: Spec, axis: Axis) -> list[float]:
    """Values along one axis that make different networks, the others held."""
    now = at(spec, axis)
    if axis is Axis.RESOLUTION:
        step = max(1, round(now / _STEPS))
        low, high = math.ceil(_SMALLEST * now / step), math.floor(_LARGEST * now / step)
        return sorted({now, *(float(step * n) for n in range(low, high + 1))})
    shares = _WIDTHS if axis is Axis.WIDTH else _DEPTHS
    option = spec.model.option(axis)
    assert option is not None
    values = sorted({now, *(min(option.high, max(option.low, now * share)) for share in shares)})
    found: dict[int, float] = {}
    for value in values:
        same = _candidate(spec, {axis: value}).same
        if same not in found or value == now:
            found[same] = value
    return sorted(found.values())


def _lengths(available: Sequence[int], number: int) -> list[int]:
    """Numbers of values of each axis, for a product of about `number`: alike, where there are."""
    lengths = [1] * len(available)
    left, places = float(number), len(available)
    for index in sorted(range(len(available)), key=available.__getitem__):
        lengths[index] = max(1, min(available[index], round(left ** (1 / places))))
        left, places = left / lengths[index], places - 1
    return lengths


def _spread(values: Sequence[float], length: int, kept: float) -> list[float]:
    """`length` of them, about equal factors apart, `kept` among them."""
    if length >= len(values):
        return list(values)
    if length == 1:
        return [kept]
    low, high = math.log(values[0]), math.log(values[-1])
    left = list(values)
    chosen = [kept]
    left.remove(kept)
    goals = [low + (high - low) * n / (length - 1) for n in range(length)]
    goals.remove(min(goals, key=lambda goal: abs(goal - math.log(kept))))
    for goal in goals:
        nearest = min(left, key=lambda value: abs(math.log(value) - goal))
        chosen.append(nearest)
        left.remove(nearest)
    return sorted(chosen)


def _pieces(chain: Chain) -> Iterator[Piece | Shape]:
    """The pieces in order, and where stages end."""
    for part in chain.values():
        if isinstance(part, Piece):
            yield part
        else:
            yield from _pieces(part)
            yield ()
