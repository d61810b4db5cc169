"""Cores that this process may use: affinity, and the container's quota, which torch ignores."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import psutil

from cnnbench.errors import DeviceError

MOST_THREADS = max(64, 4 * (os.cpu_count() or 1))  # far more crash OpenMP
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Threads:
    """The number of threads to compute with, and what it follows from."""

    number: int
    reason: str


def threads(asked: int | None = None) -> Threads:
    """Threads as asked; else OMP_NUM_THREADS; else the least of affinity and the cgroup's quota."""
    if asked is not None:
        check_threads(asked)
        return Threads(asked, "as asked")
    variable = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if variable.isdecimal() and int(variable) > 0:
        return Threads(int(variable), "OMP_NUM_THREADS")
    cores, limit = affinity(), quota()
    if limit is not None and limit < cores:
        return Threads(max(1, int(limit)), f"quota of {limit:g} cores")
    everything = cores == os.cpu_count()
    return Threads(cores, "all cores" if everything else f"affinity to {cores} cores")


def check_threads(number: int) -> None:
    """DeviceError for a number of threads that cannot compute."""
    if number < 1:
        raise DeviceError(f"--threads {number} cannot compute; give at least 1, or leave it out")
    if number > MOST_THREADS:
        raise DeviceError(f"{number} threads are too many; give at most {MOST_THREADS}")


def affinity() -> int:
    """Cores that this process may be scheduled on."""
    try:
        return len(psutil.Process().cpu_affinity())
    except AttributeError:  # macOS
        return os.cpu_count() or 1


def granted() -> float:
    """Cores' worth of time that this process can get."""
    return min(affinity(), quota() or math.inf)


def quota(root: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")) -> float | None:
    """Cores' worth of time that the tightest cgroup around this process grants; None for no limit.

    Version 2: cpu.max, "200000 100000". Version 1: cpu.cfs_quota_us, negative for no limit.
    """
    limits = []
    for folder in groups("cpu", root, membership):
        try:
            if (folder / "cpu.max").exists():
                given, period = (folder / "cpu.max").read_text().split()[:2]
            else:
                given = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            if given != "max" and int(given) > 0 and int(period) > 0:
                limits.append(int(given) / int(period))
        except (OSError, ValueError):
            continue
    return min(limits, default=None)


def groups(
    controller: str, root: Path = CGROUPS, membership: Path = Path("/proc/self/cgroup")
) -> list[Path]:
    """Folders of the control groups around this process, the innermost first.

    In a container the path may be the host's, of which only the end is mounted: parents follow.
    """
    folders: list[Path] = []
    for line in _lines(membership):
        _, controllers, path = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        mounts = (root / controller, root / controllers) if controllers else ()  # version 1
        base = next((mount for mount in mounts if mount.is_dir()), root)
        inner = PurePosixPath(path).relative_to("/") if path.startswith("/") else PurePosixPath()
        folders += [base / part for part in (inner, *inner.parents)]
    return list(dict.fromkeys(folder for folder in folders if folder.is_dir()))


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.count(":") >= 2]
    except OSError:
        return []


@contextmanager
def limited(number: int) -> Iterator[None]:
    """Let torch compute with that many threads meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
