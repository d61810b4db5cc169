"""Ways of spending so many times the MACs: deeper, wider, at a higher resolution, or all three."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from cnnbench import units
from cnnbench.errors import InputError, SpecError
from cnnbench.models.scale import Axis, Compound, Way, at, moved, multiplied
from cnnbench.models.spec import Spec
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.studies.comparison.rows import side_of
from cnnbench.studies.scaling.family import Family
from cnnbench.timing.setting import Setting

_STEPS = {Way.DEPTH: 100, Way.WIDTH: 100, Way.RESOLUTION: 1, Way.COMPOUND: 1000}  # in one unit
_NONE = 1e-9


@dataclass(frozen=True)
class Spent:
    """A network that costs about as many MACs as asked for; `phi` is that of compound scaling."""

    way: Way
    spec: Spec
    phi: float | None = None


def spend(family: Family, way: Way, macs: float, compound: Compound) -> Spent:
    """The network of the way that is nearest to so many MACs.

    SpecError where it cannot be made to have as many, or as few.
    """
    base, steps = family.base, _STEPS[way]

    def made(step: int) -> Spec:
        if way is Way.COMPOUND:
            return multiplied(base, compound.shares(step / steps))
        return moved(base, {way.axis: step / steps})

    low, high = _reach(base, way, compound)
    start = 0 if way is Way.COMPOUND else round(at(base, way.axis) * steps)
    start = min(max(start, low), high)

    @cache
    def cost(step: int) -> int:
        try:
            return family.cost(made(step)).cost.macs
        except InputError:
            if step < start:  # so small that no feature map is left
                return 0
            raise

    step, reached = _nearest(cost, macs, start, low, high)
    if not reached:
        end = made(step)
        raise SpecError(
            f"no {way} of {base.model.name} has {units.count(round(macs))} MACs: {end} has "
            f"{units.count(family.cost(end).cost.macs)}; give another --to, or other ways by --by"
        )
    return Spent(way, made(step), step / steps if way is Way.COMPOUND else None)


def _reach(base: Spec, way: Way, compound: Compound) -> tuple[int, int]:
    """The first and the last step that the options allow."""
    if way is not Way.COMPOUND:
        low, high = _bounds(base, way.axis)
        return math.ceil(low * _STEPS[way]), math.floor(high * _STEPS[way])
    lows, highs = [], []
    for axis, factor in compound.shares(1).items():
        if factor > 1:
            low, high = _bounds(base, axis)
            lows.append(math.log(low / at(base, axis)) / math.log(factor))
            highs.append(math.log(high / at(base, axis)) / math.log(factor))
    steps = _STEPS[way]
    return math.ceil(max(lows) * steps + _NONE), math.floor(min(highs) * steps - _NONE)


def _bounds(base: Spec, axis: Axis) -> tuple[float, float]:
    option = base.model.option(axis)
    assert option is not None
    return option.low, option.high


def _nearest(
    cost: Callable[[int], int], macs: float, start: int, low: int, high: int
) -> tuple[int, bool]:
    """The step whose cost is nearest by factors, and whether so many MACs are within reach.

    Costs only grow, and are 0 where there is no network. It goes away from `start` in leaps that
    double, as networks far from it are large.
    """
    up = cost(start) < macs
    inside, leap = start, max(1, abs(start) // 2)
    while (cost(inside) < macs) == up:
        if inside == (high if up else low):
            return inside, False
        inside = min(high, inside + leap) if up else max(low, inside - leap)
        leap *= 2
    below, above = (start, inside) if up else (inside, start)
    while above - below > 1:
        middle = (below + above) // 2
        if cost(middle) < macs:
            below = middle
        else:
            above = middle
    if not cost(below):
        return above, False
    return min(below, above, key=lambda step: abs(math.log(cost(step) / macs))), True


def rows(
    base: Spec, spent: Sequence[Spent], setting: Setting, *, values: bool, seed: int = 0
) -> list[Comparison]:
    """Each way beside the network as it was, which all of them share."""
    first = side_of(str(base), base, None, setting, values=values, seed=seed)
    return [
        Comparison(
            "", first, side_of(str(one.way), one.spec, None, setting, values=values, seed=seed)
        )
        for one in spent
    ]
