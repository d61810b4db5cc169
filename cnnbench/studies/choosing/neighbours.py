"""Where a variant lies among the published ones of its family, and what they say of its accuracy.

A network between two that were tested is expected between them; one that is twice as wide and a
quarter as deep as any is like none of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnnbench.counting.metrics import Metric
from cnnbench.models.scale import Axis, at, axes
from cnnbench.models.spec import Spec
from cnnbench.studies.choosing.choose import front_of
from cnnbench.studies.choosing.published import Published, known, published
from cnnbench.studies.papers.accuracy import IMAGENET, SINGLE_CROP, TOP1, Accuracy
from cnnbench.studies.scaling.variants import Near, Variant

NEAR = 1.25  # times, in the axis in which it lies farthest
FEWEST = 5  # published variants from which an accuracy is estimated
CONFIDENCE = 0.9
_TEST = (IMAGENET, TOP1, SINGLE_CROP)


@dataclass(frozen=True)
class Estimate:
    """An accuracy that was not tested, in percent, and an interval of what it may be.

    It grows with MACs, straight in their logarithm between published variants. `low` and `high` are
    as far away as `confidence` of the variants were, each estimated from the others; `typical` is
    the median of those errors, `worst` the largest, in points; `variants` is their number.
    """

    percent: float
    low: float
    high: float
    confidence: float
    typical: float
    worst: float
    variants: int


@dataclass(frozen=True)
class Place:
    """A variant's place: published itself, or between `below` and `above` in MACs, or beyond one.

    `distance` is how many times it is away from what lies between published variants, in the axis
    in which that is most: 1 where it lies between; None where nothing like it is published.
    """

    distance: float | None
    itself: Published | None = None
    below: Published | None = None
    above: Published | None = None
    estimate: Estimate | None = None

    @property
    def is_near(self) -> bool:
        """Whether what is published says something of it."""
        return self.distance is not None and self.distance <= NEAR

    def record(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "accuracy": self.itself.accuracy.record() if self.itself else None,
            "published_distance": self.distance,
            "published_below": str(self.below.spec) if self.below else None,
            "published_above": str(self.above.spec) if self.above else None,
            "estimate": asdict(self.estimate) if self.estimate else None,
        }


class Neighbours:
    """Published variants of families, tested alike; each family is counted once, at one batch."""

    def __init__(self, batch: int = 1) -> None:
        """Nothing is counted yet."""
        self._batch = batch
        self._counted: dict[object, list[Published]] = {}

    def of(self, spec: Spec) -> list[Published]:
        """Its family's, the one with the fewest MACs first."""
        kind = _kind(spec)
        if kind not in self._counted:
            counted = published(_families().get(kind, []), batch=self._batch)
            self._counted[kind] = sorted(counted, key=lambda one: one.costs.cost.macs)
        return self._counted[kind]

    def specs(self, spec: Spec) -> list[Spec]:
        """Its family's specs; nothing is counted for them."""
        return [one for one, _ in _families().get(_kind(spec), [])]

    def near(self, spec: Spec) -> Near | None:
        """What tells places of its family that are near; None where too few are published."""
        family = self.specs(spec)
        if len(family) < 2:
            return None
        most = math.log(NEAR)
        return lambda places: _distances(places, family) <= most

    def place(self, variant: Variant, *, estimated: bool = False) -> Place:
        """Where a variant lies; with its estimated accuracy where that was asked for."""
        family = self.of(variant.spec)
        if not family:
            return Place(None)
        at_it, specs = _places(variant.spec), [one.spec for one in family]
        (away,) = _distances(np.array([at_it]), specs)
        macs = variant.costs.cost.macs
        front = front_of(family, Metric.MACS)
        below = [one for one in front if one.costs.cost.macs <= macs]
        above = [one for one in front if one.costs.cost.macs > macs]
        itself = next((one for one in family if _places(one.spec) == at_it), None)
        place = Place(
            math.exp(away), itself, below[-1] if below else None, above[0] if above else None
        )
        if estimated and itself is None and place.is_near:
            return replace(place, estimate=_estimate(macs, family))
        return place


def _kind(spec: Spec) -> object:
    """What networks share that differ in width, depth and resolution alone."""
    own = axes(spec)
    scaled = spec.model.paper if Axis.DEPTH in own else spec.model.name
    return scaled, frozenset(pair for pair in spec.options if pair[0] not in own)


@cache
def _families() -> dict[object, list[tuple[Spec, Accuracy]]]:
    found: dict[object, list[tuple[Spec, Accuracy]]] = {}
    for spec, figure in known([], *_TEST):
        found.setdefault(_kind(spec), []).append((spec, figure))
    return found


def _places(spec: Spec) -> list[float]:
    return [at(spec, axis) for axis in axes(spec)]


def _distances(places: NDArray[np.float64], family: Sequence[Spec]) -> NDArray[np.float64]:
    """How far each place, a row, is from a line between two published variants.

    Places are logarithms there. Of each line it is the point nearest by squares, and of the way
    there the axis that is longest; of all lines the least of these.
    """
    at_log = np.log(places)
    ends = np.log([_places(spec) for spec in family])
    nearest = np.full(len(places), np.inf)
    for first, last in combinations_with_replacement(ends, 2):
        along = last - first
        length = float(along @ along)
        share = np.clip((at_log - first) @ along / length, 0.0, 1.0) if length else 0.0
        off = np.abs(at_log - first - np.multiply.outer(share, along)).max(axis=1)
        nearest = np.minimum(nearest, off)
    return nearest


def _estimate(macs: float, family: Sequence[Published]) -> Estimate | None:
    """What the family says of a network of so many MACs; None beyond it, or where it is small."""
    x = np.log([one.costs.cost.macs for one in family])
    y = np.array([one.accuracy.percent for one in family])
    where = math.log(macs)
    if len(family) < FEWEST or not x[0] <= where <= x[-1]:
        return None
    value = float(np.interp(where, x, rising(y)))
    errors = []
    for left_out in range(1, len(family) - 1):  # the ends lie beyond the others
        others = np.arange(len(family)) != left_out
        found = np.interp(x[left_out], x[others], rising(y[others]))
        errors.append(abs(float(found) - float(y[left_out])))
    errors.sort()
    # of n errors and one to come, each is as likely to be the k-th
    rank = min(math.ceil(CONFIDENCE * (len(errors) + 1)), len(errors))
    half = errors[rank - 1]
    return Estimate(
        value,
        value - half,
        min(value + half, 100.0),
        min(CONFIDENCE, rank / (len(errors) + 1)),
        float(np.median(errors)),
        errors[-1],
        len(family),
    )


def rising(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest values by squares that never fall (isotonic regression, by its min-max form)."""
    number = len(values)
    means = np.full((number, number), np.nan)
    for first in range(number):
        totals = np.cumsum(values[first:])
        means[first, first:] = totals / np.arange(1, number - first + 1)
    return np.array(
        [max(min(means[first, place:]) for first in range(place + 1)) for place in range(number)]
    )
