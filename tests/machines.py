"""Machines as a test needs them: one that has been measured, one that is measured in a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnnbench.devices.device import find_device
from cnnbench.devices.disturbances import Disturbances
from cnnbench.roofline import calibrate, ceilings, grid, operators, profile
from cnnbench.timing.samples import noise


def calibrated(folder: Path, threads: int = 1) -> dict[str, str]:
    """An environment in which this device has been measured: made-up ceilings, ready at once."""
    device = find_device("cpu")
    known = calibrate.stored(device, threads, refresh=True).model_copy(
        update={
            "flops_per_s": {"float32": 1e11},
            "copies": [profile.Copy(working_set=2**30, bytes_per_s=1e10)],
            "call_s": 1e-6,
            "layer_s": 1e-6,
            "grid": grid.VERSION,  # or they would be measured again, for a minute
            "operators": {"float32": {"relu_": [[1000.0, 1000.0, 1.0, 1e-5]]}},
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrate, "user_cache_path", lambda name: folder / name)
        calibrate.keep(known, device)
    return {"XDG_CACHE_HOME": str(folder)}


def quick(patch: pytest.MonkeyPatch) -> None:
    """Small matrices, one operator of each kind and small networks, which nothing disturbs.

    Something disturbs this machine while tests run, and what is disturbed is not kept.
    """
    patch.setattr(Disturbances, "warnings", lambda watch: [])
    patch.setattr(ceilings, "_SECONDS", 0.05)
    patch.setattr(ceilings, "_SIDE", {"cpu": 256})
    patch.setattr(ceilings, "working_sets", lambda device: [2**20, 2**23])
    kinds = {sample.kind: sample for sample in reversed(operators.grid())}
    patch.setattr(operators, "grid", lambda: list(kinds.values()))
    patch.setattr(operators, "_SECONDS", 0.0)
    patch.setattr(noise, "MODEL", "resnet20")
    patch.setattr(noise, "CHECKED", ("lenet5", "resnet20"))
    patch.setattr(noise, "_CHECK_S", 0.3)
