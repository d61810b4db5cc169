"""What the runtimes beside torch have in common: what they take, and how far their outputs are off.

Each infers on the CPU from a file, which has its batch built in. Inputs are bound before, as a
tensor of eager PyTorch's lies in memory before, and are not copied in a pass.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cnnbench.counting.tracing.tensors import tensors_in
from cnnbench.devices.device import Device
from cnnbench.errors import DeviceError, InputError, MissingError, SourceError
from cnnbench.models.arguments import Arguments
from cnnbench.models.foreign import quiet
from cnnbench.models.inputs import NumberFormat, Shape
from cnnbench.models.network import Network
from cnnbench.timing.backends import exports
from cnnbench.timing.backends.watches.nodes import Watch
from cnnbench.timing.preparing.ran import Ran, most_error
from cnnbench.timing.setting import Setting

FLOAT32 = "float32"
INT8 = (NumberFormat.INT8, NumberFormat.INT8_DYNAMIC)
Given = Sequence[Tensor | Shape]
_SAME = ("bool", "float16", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
DTYPES = {  # as ONNX Runtime calls them, and numpy
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    **{f"tensor({name})": name for name in _SAME},
}


class Pass(ABC):
    """One pass of a runtime."""

    ran = Ran()

    @abstractmethod
    def __call__(self) -> None:
        """Run it."""

    def watch(self) -> Watch | None:
        """The same pass with the runtime's own clock on each node, where it has one."""
        return None

    @abstractmethod
    def outputs(self) -> list[Tensor]:
        """What the last pass gave."""


Opener = Callable[[Path, Setting, Given, int, bool], Pass]


def check(
    name: str,
    setting: Setting,
    device: Device,
    *,
    needed: Sequence[str],
    extra: str,
    dtypes: Sequence[str] = (FLOAT32,),
) -> None:
    """DeviceError for what a runtime does not run, MissingError where it is not installed."""
    if any(find_spec(package) is None for package in needed):
        raise MissingError(f"{name} is not installed; type: pip install 'cnnbench[{extra}]'")
    if device.kind != "cpu":
        raise DeviceError(f"{name} is run on the CPU alone, not on {device}")
    if setting.train:
        raise DeviceError(f"{name} does not train; leave --train out")
    if setting.channels_last:
        raise DeviceError(f"{name} has a layout of its own; leave --channels-last out")
    if setting.fuse:
        raise DeviceError(f"{name} folds batch norm by itself; leave --fuse out")
    if setting.dtype not in (None, *dtypes):
        raise DeviceError(f"{name} has no {setting.dtype} here; it has {', '.join(dtypes)}")


def prepared(
    network: Network,
    setting: Setting,
    given: Arguments,
    written: Callable[[Network, Setting, Arguments, bool], Path],
    opened: Opener,
) -> Pass:
    """The pass of the file that is `written` of a network, which has run once.

    What an earlier run has kept is written anew where it cannot be opened, or its outputs are off.
    SourceError where the network cannot be exported, or its export gives outputs of other shapes.
    """
    with torch.inference_mode(False), torch.no_grad():
        own = given.each(Tensor.clone)  # a forward may write into what it is given
        expected = list(tensors_in(network.net(*own.positional, **own.named)))
        for anew in (False, True):
            with quiet():
                file = written(network, setting, given, anew)
            again = not anew and not exports.is_of_this_run(file)
            try:
                with quiet():
                    made = opened(file, setting, given.tensors, 0, anew)
                found = made.outputs()
            except Exception:  # whatever a runtime raises of a damaged file
                if again:
                    continue
                raise
            alike = [one.shape for one in expected] == [one.shape for one in found]
            error = output_error(expected, found) if alike else None
            if not again or (alike and (error is None or error <= most_error(setting.dtype))):
                break
    if not alike:
        raise SourceError(f"{network.name} is exported with outputs of other shapes than its own")
    made.ran = replace(made.ran, output_error=error)
    return made


def shapes(given: Given) -> list[Shape]:
    """Shapes of inputs."""
    return [tuple(one.shape) if isinstance(one, Tensor) else tuple(one) for one in given]


def bound(given: Given, dtypes: Sequence[Any], seed: int) -> list[NDArray[Any]]:
    """Inputs as they lie in memory; of a shape alone normal numbers, or zeros that are whole.

    `dtypes` are what the graph takes, as numpy calls them. InputError where it takes another number
    of inputs.
    """
    if len(dtypes) != len(given):
        raise InputError(f"its graph takes {len(dtypes)} inputs, and it is given {len(given)}")
    draw = np.random.default_rng(seed)
    made = []
    for one, dtype in zip(given, map(np.dtype, dtypes), strict=True):
        if isinstance(one, Tensor):
            array = one.detach().contiguous().numpy()
            made.append(array if dtype.hasobject else array.astype(dtype, copy=False))
        elif np.issubdtype(dtype, np.floating):
            made.append(draw.standard_normal(one, np.float32).astype(dtype))
        else:
            made.append(np.zeros(one, dtype))
    return made


def output_error(expected: Sequence[Tensor], found: Sequence[Tensor]) -> float | None:
    """The largest difference over the largest value, of what is finite in eager's.

    None where nothing is: of whole numbers, a difference says little of how far off it is.
    """
    largest, differences = 0.0, []
    for a, b in zip(expected, found, strict=True):
        if a.is_complex():
            a, b = torch.view_as_real(a), torch.view_as_real(b)
        if not a.is_floating_point() or not (finite := a.isfinite()).any():
            continue
        largest = max(largest, float(a[finite].abs().max()))
        apart = (a - b)[finite].abs()
        differences.append(float("inf") if apart.isnan().any() else float(apart.max()))
    if not differences:
        return None
    return max(differences) / largest if largest else max(differences)
