"""The networks of a family to choose from: a grid of widths, depths and resolutions.

Each has its exact costs and predicted time, by which it is told which are worth a look.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from cnnbench.counting.chains import ChainCost, ChainCounter
from cnnbench.counting.metrics import Metric
from cnnbench.models.build import chain_of
from cnnbench.models.inputs import Shape
from cnnbench.models.scale import Axis, at, axes, moved
from cnnbench.models.spec import Spec
from cnnbench.models.zoo.chain import Chain, Piece
from cnnbench.roofline.predict import Predictor
from cnnbench.studies.scaling.budget import Budget, Goal

# From MobileNet's narrowest to EfficientNet-B7, as shares of the network as it is named.
_WIDTHS = [0.05 * step for step in range(5, 41)]  # 0.25 to 2
_DEPTHS = [math.floor(100 * n / d) / 100 for d in (1, 2, 3, 4) for n in range(1, 3 * d + 1)]
_SMALLEST, _LARGEST = 96 / 224, 608 / 224  # resolutions
_STEPS = 14  # of the resolution that it is named with: 16 pixels of 224

# Places on a network's axes, a row each in the order of its axes -> which of them are near.
Near = Callable[[NDArray[np.float64]], NDArray[np.bool_]]


@dataclass(frozen=True)
class Variant:
    """A network to choose: what one pass costs, and takes where that was predicted."""

    spec: Spec
    costs: ChainCost

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        return str(self.spec)

    @property
    def predicted_s(self) -> float | None:
        """Predicted seconds of one pass."""
        return self.costs.predicted_s

    def value(self, metric: Metric) -> float:
        """The value of a static cost."""
        if metric is Metric.PEAK:
            return self.costs.peak_activation_bytes
        return int(getattr(self.costs.cost, metric))

    def capacity(self, goal: Goal) -> tuple[float, int]:
        """What is maximised; of equal resolutions, the one with more MACs."""
        if goal is Goal.RESOLUTION:
            return self.spec.input_shape[1], self.costs.cost.macs
        return int(getattr(self.costs.cost, goal)), self.costs.cost.macs

    @property
    def expense(self) -> float:
        """Predicted seconds, or else bytes moved: the least it costs to wait for them."""
        return self.costs.cost.bytes_moved if self.predicted_s is None else self.predicted_s

    def within(self, budget: Budget) -> bool:
        """Whether its static costs are."""
        return all(self.value(metric) <= limit for metric, limit in budget.static.items())


def variants(
    specs: Iterable[Spec],
    *,
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
    predictor: Predictor | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Variant]:
    """Cost networks; of equal ones the first."""
    chosen = distinct(specs)
    counter = ChainCounter(batch, dtype, predictor.seconds if predictor else None)
    found = []
    for done, one in enumerate(chosen):
        progress(done, len(chosen))
        found.append(Variant(one, counter(chain_of(one), one.input_shape)))
    return found


def front(of: Sequence[Variant], goal: Goal) -> list[Variant]:
    """The front: variants that no other beats in capacity and expense, by growing capacity."""
    found: list[Variant] = []
    by_capacity = sorted(of, key=lambda one: (one.capacity(goal), -one.expense), reverse=True)
    for one in by_capacity:
        if not found or one.expense < found[-1].expense:
            found.append(one)
    return found[::-1]


def candidates(spec: Spec, number: int, near: Near | None = None) -> list[Spec]:
    """About `number` networks, narrow ones first.

    An axis that the spec writes down is held there; the others are spread by equal factors, over
    what differs after rounding, from the named one; two may still be the same network. With `near`
    only places that are near, spread as much finer, or fewer where there are no more; all where
    none is.
    """
    fine = [
        [at(spec, axis)] if axis in spec.written else _distinct(spec, axis) for axis in axes(spec)
    ]
    places = _grid(spec, fine, number)
    if near is not None:
        available, finer = math.prod(map(len, fine)), number
        while (found := places[near(places)]).shape[0] < number and finer < available:
            finer *= 2
            places = _grid(spec, fine, finer)
        some = np.unique(np.linspace(0, len(found) - 1, number).round().astype(int))
        places = found[some] if len(found) else places
    free = [axis for axis in axes(spec) if axis not in spec.written]
    return [
        moved(spec, {axis: at for axis, at in zip(axes(spec), place, strict=True) if axis in free})
        for place in places.tolist()
    ]


def distinct(specs: Iterable[Spec]) -> list[Spec]:
    """Specs of different networks: of equal ones the first."""
    found: dict[int, Spec] = {}
    for spec in specs:
        found.setdefault(_made_of(spec), spec)
    return list(found.values())


def _grid(spec: Spec, available: Sequence[Sequence[float]], number: int) -> NDArray[np.float64]:
    """A product of about `number` places, a row each, of what there is of each axis."""
    lengths = _lengths([len(values) for values in available], number)
    chosen = [
        _spread(values, length, at(spec, axis))
        for axis, values, length in zip(axes(spec), available, lengths, strict=True)
    ]
    return np.array(list(product(*chosen)))


def _made_of(spec: Spec) -> int:
    """What is equal for equal networks at equal inputs.

    A hash stands for what it is made of, which would take 12 KiB a candidate.
    """
    return hash((*_pieces(chain_of(spec)), spec.input_shape))


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
        same = _made_of(moved(spec, {axis: value}))
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
