"""Which networks have a scale, and along which axes. Needs no torch."""

from __future__ import annotations

import re
from enum import StrEnum
from itertools import groupby

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
    """Where the network stands on an axis: 1 where it has none."""
    return float(dict(spec.options).get(axis, 1.0))


def _ranges() -> str:
    """`vgg11 to vgg19_bn, …, mobilenet_v2 and efficientnet_b0 to efficientnet_b7`."""
    names = [model.name for model in MODELS if model.option(Axis.WIDTH) is not None]
    groups = [list(group) for _, group in groupby(names, _family)]
    ranges = [" to ".join(dict.fromkeys((group[0], group[-1]))) for group in groups]
    return f"{', '.join(ranges[:-1])} and {ranges[-1]}"


def _family(name: str) -> str:
    found = re.match(r"[a-z]+(_v\d)?", name)
    return found[0] if found else name
