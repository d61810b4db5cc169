"""What several tests share: the accepted zoo, small networks, the command line as a process."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch

from .benchmarks.timm_models import operators_for_torchvision

ROOT = Path(__file__).parents[1]

if find_spec("torchvision"):
    operators_for_torchvision()


def pytest_configure(config: pytest.Config) -> None:
    torch.set_num_threads(1)  # the tests run side by side
    os.environ["XDG_CACHE_HOME"] = str(ROOT / ".pytest_cache")  # the user's own is none of theirs


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: some tests wait for Slurm, a browser, a killed process."""
    return len(os.sched_getaffinity(0)) + 1 if hasattr(os, "sched_getaffinity") else 2


def library(name: str) -> ModuleType:
    """timm or torchvision; the test is skipped where it is not there or does not import."""
    try:
        return import_module(name)
    except Exception as error:  # torchvision's import fails in many ways beside another torch
        if os.environ.get("CNNBENCH_LIBRARIES"):  # CI has installed them
            raise
        pytest.skip(f"{name} cannot be imported: {error}")


def zoo() -> list[dict[str, str]]:
    """The accepted numbers: one row a model, from the papers and two independent counters."""
    with open(ROOT / "tests/counting/zoo.csv", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def command(
    *arguments: str, cwd: Path = ROOT, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `cnnbench …` as a process of its own, without a terminal and without colour."""
    return subprocess.run(
        [sys.executable, "-m", "cnnbench", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "COLUMNS": "120", "NO_COLOR": "1", **environment},
        timeout=120,
    )


def calibrated(folder: Path, threads: int = 1) -> dict[str, str]:
    """An environment in which this device has been measured: made-up ceilings, ready at once."""
    from cnnbench.devices.device import find_device
    from cnnbench.roofline import calibrate as profiling
    from cnnbench.roofline import grid, profile

    device = find_device("cpu")
    known = profiling.stored(device, threads, refresh=True).model_copy(
        update={
            "flops_per_s": {"float32": 1e11},
            "copies": [profile.Copy(working_set=2**30, bytes_per_s=1e10)],
            "call_s": 1e-6,
            "grid": grid.VERSION,  # or they would be measured again, for a minute
            "operators": {"float32": {"relu_": [[1000.0, 1000.0, 1.0, 1e-5]]}},
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(profiling, "user_cache_path", lambda name: folder / name)
        profiling.keep(known, device)
    return {"XDG_CACHE_HOME": str(folder)}
