"""Which networks have a scale, along which axes, and how papers scale them. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby, product
from typing import NamedTuple

from cnnbench.errors import SpecError
from cnnbench.models.registry import MODELS
from cnnbench.models.spec import AnySpec, Spec


class Axis(StrEnum):
    """What can be scaled, as the option is called."""

    WIDTH = "width_mult"
    DEPTH = "depth_mult"
    RESOLUTION = "resolution"


def scalable(spec: AnySpec) -> Spec:
    """Return the spec of a network with a width; SpecError names those that have one."""
    if isinstance(spec, Spec) and spec.model.option(Axis.WIDTH) is not None:
        return spec
    name = spec.model.name if isinstance(spec, Spec) else str(spec)
    raise SpecError(f"{name} has no scale; {_ranges()} have one")


def axes(spec: Spec) -> tuple[Axis, ...]:
    """The axes that the network has."""
    return tuple(axis for axis in Axis if spec.model.option(axis) is not None)


def at(spec: Spec, axis: Axis) -> float:
    """The network's place on an axis: 1 where it has none."""
    return float(dict(spec.options).get(axis, 1.0))


def moved(spec: Spec, places: Mapping[Axis, float]) -> Spec:
    """The network at other places on its axes: whole resolutions, multipliers to 1/10,000.

    SpecError where an axis does not go so far.
    """
    return spec.varied(
        **{
            str(axis): round(place) if axis is Axis.RESOLUTION else round(place, 4)
            for axis, place in places.items()
        }
    )


def multiplied(spec: Spec, shares: Mapping[Axis, float]) -> Spec:
    """The network, each axis times its share."""
    return moved(spec, {axis: at(spec, axis) * share for axis, share in shares.items()})


def macs_share(shares: Mapping[Axis, float]) -> float:
    """Times as many MACs, if all layers are full convolutions and nothing is rounded: d w² r².

    Tan & Le 2019, section 3.3.
    """
    depth, width, side = (shares.get(a, 1.0) for a in (Axis.DEPTH, Axis.WIDTH, Axis.RESOLUTION))
    return depth * width**2 * side**2


@dataclass(frozen=True)
class Compound:
    """What one unit of phi multiplies depth, width and resolution by (Tan & Le 2019, equation 3).

    By default what the paper found for B0 (section 3.3).
    """

    alpha: float = 1.2
    beta: float = 1.1
    gamma: float = 1.15

    @property
    def growth(self) -> float:
        """Growth of MACs by one unit of phi, before rounding: 1.92, of the paper's 2."""
        return macs_share(self.shares(1))

    def shares(self, phi: float) -> dict[Axis, float]:
        """What each axis is multiplied by."""
        return {
            Axis.DEPTH: self.alpha**phi,
            Axis.WIDTH: self.beta**phi,
            Axis.RESOLUTION: self.gamma**phi,
        }


class Way(StrEnum):
    """What can be scaled to spend more, or less."""

    DEPTH = "depth"
    WIDTH = "width"
    RESOLUTION = "resolution"
    COMPOUND = "compound"

    @property
    def axis(self) -> Axis:
        """The one that it scales; compound scaling moves all three."""
        return Axis[self.name]


SINGLE = (Way.DEPTH, Way.WIDTH, Way.RESOLUTION)


def ways(spec: Spec) -> list[Way]:
    """Ways of scaling that the network has; compound scaling needs all three axes."""
    found = [way for way in SINGLE if way.axis in axes(spec)]
    return [*found, Way.COMPOUND] if len(found) == len(SINGLE) else found


class Grid(NamedTuple):
    """Widths and resolutions that a paper has of its network, which is named at 224 pixels."""

    source: str
    points: tuple[tuple[float, int], ...]


_NAMED_AT = 224
# By the file of the paper.
_GRIDS = {
    "mobilenet_v1": Grid(
        "Howard et al. 2017, tables 6 and 7",
        tuple(product((1.0, 0.75, 0.5, 0.25), (224, 192, 160, 128))),
    ),
    "mobilenet_v2": Grid(
        "Sandler et al. 2018, figure 5",
        ((1.4, 224), *product((1.0, 0.75, 0.5, 0.35), (224, 192, 160, 128, 96))),
    ),
}


def grid_of(spec: Spec) -> Grid | None:
    """The scale of the network's own paper."""
    return _GRIDS.get(spec.model.paper.module)


def grid_shares(spec: Spec) -> list[dict[Axis, float]]:
    """Shares of width and resolution, the widest first: its paper's, else those of MobileNet v1.

    An axis that the spec writes down is held.
    """
    points = (grid_of(spec) or _GRIDS["mobilenet_v1"]).points
    free = {axis: axis not in spec.written for axis in (Axis.WIDTH, Axis.RESOLUTION)}
    held = dict.fromkeys(
        (
            width if free[Axis.WIDTH] else 1.0,
            side / _NAMED_AT if free[Axis.RESOLUTION] else 1.0,
        )
        for width, side in points
    )
    return [{Axis.WIDTH: width, Axis.RESOLUTION: side} for width, side in held]


def _ranges() -> str:
    """`vgg11 to vgg19_bn, …, mobilenet_v2 and efficientnet_b0 to efficientnet_b7`."""
    names = [model.name for model in MODELS if model.option(Axis.WIDTH) is not None]
    groups = [list(group) for _, group in groupby(names, _family)]
    ranges = [" to ".join(dict.fromkeys((group[0], group[-1]))) for group in groups]
    return f"{', '.join(ranges[:-1])} and {ranges[-1]}"


def _family(name: str) -> str:
    found = re.match(r"[a-z]+(_v\d)?", name)
    return found[0] if found else name
