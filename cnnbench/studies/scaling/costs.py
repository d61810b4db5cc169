"""What records of scaled networks share, under the vocabulary's words, in base units."""

from __future__ import annotations

from typing import Any

from cnnbench.counting.cost import Cost
from cnnbench.models.scale import Axis, at, axes
from cnnbench.models.spec import Spec
from cnnbench.timing.setting import Setting


def places(spec: Spec, setting: Setting) -> dict[str, Any]:
    """What goes in, and where the network stands on each axis: None where it has none."""
    stands = {str(axis): at(spec, axis) for axis in axes(spec)}
    return {
        "input": [[setting.batch, *spec.input_shape]],
        "dtype": setting.dtype or "float32",
        "batch": setting.batch,
        **{str(axis): stands.get(axis) for axis in Axis},
        "resolution": spec.input_shape[1],
    }


def costs(of: Cost, peak_activation_bytes: int) -> dict[str, int]:
    """The static costs of a pass."""
    own = {key: value for key, value in of.record().items() if key != "intensity"}
    return {**own, "peak_activation_bytes": peak_activation_bytes}
