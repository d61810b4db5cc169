"""What a measured time depends on, kept with every result."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import torch

from cnnbench.devices.cores import affinity, quota
from cnnbench.devices.machine import Machine


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The machine and the software; None where this machine does not say.

    `load` is the system's average over the last minute, `clock_mhz` the processor's (GPU's) clock
    as the measurement begins, `quota` the container's limit in cores, `huge_pages` whom the system
    gives them. `runtimes` are the versions of those beside torch that ran something, by name.
    """

    device: str
    device_name: str
    driver: str | None = None
    python: str
    platform: str
    torch: str
    cuda: str | None = None
    cudnn: str | None = None
    onednn: str | None = None
    threads: int
    threads_from: str = ""
    cores: int = 0
    quota: float | None = None
    load: float | None = None
    clock_mhz: float | None = None
    clock_max_mhz: float | None = None
    allocator: str = ""
    huge_pages: str | None = None
    runtimes: dict[str, str] = field(default_factory=dict)


def environment(
    machine: Machine, *, kept: bool = False, runtimes: Mapping[str, str] | None = None
) -> Environment:
    """Read it now; `kept` is whether the allocator of what is timed keeps its memory."""
    device, threads = machine.device, machine.threads
    clocks = device.gpu.clocks_mhz() if device.gpu else _processor_clocks()
    cudnn = torch.backends.cudnn.version() if device.kind == "cuda" else None  # type: ignore[no-untyped-call]
    onednn = re.search(r"MKL-DNN v([\d.]+)", torch.__config__.show())
    return Environment(
        device=str(device),
        device_name=device.name,
        driver=device.gpu.driver() if device.gpu else None,
        python=platform.python_version(),
        platform=platform.platform(),
        torch=torch.__version__,
        cuda=torch.version.cuda if device.kind == "cuda" else None,
        cudnn=None if cudnn is None else str(cudnn),
        onednn=onednn[1] if onednn else None,
        threads=threads.number,
        threads_from=threads.reason,
        cores=affinity(),
        quota=quota(),
        load=_load(),
        clock_mhz=clocks[0] if clocks else None,
        clock_max_mhz=clocks[1] if clocks else None,
        allocator="keeps its memory" if kept else "as it is",
        huge_pages=_huge_pages(),
        runtimes=dict(runtimes or {}),
    )


def _huge_pages() -> str | None:
    """For whom the system has transparent huge pages: `always`, `madvise`, `never`."""
    try:
        text = Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text()
    except OSError:
        return None
    found = re.search(r"\[(\w+)\]", text)
    return found[1] if found else None


def _load() -> float | None:
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):  # Windows
        return None


def _processor_clocks() -> tuple[float, float] | None:
    """The cores' mean clock and its highest, in MHz; None where the system drives no clock."""
    try:
        found = psutil.cpu_freq()
    except (OSError, RuntimeError, AttributeError):  # AttributeError: a system without
        return None
    return (found.current, found.max) if found and found.max else None
