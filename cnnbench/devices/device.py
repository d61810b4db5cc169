"""The device that computes: which there are, what it is called, what it can do, its memory."""

from __future__ import annotations

import platform
import re
import subprocess
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path

import psutil
import torch

from cnnbench.devices.cores import groups
from cnnbench.devices.gpu import Gpu
from cnnbench.errors import DeviceError, nearest

_SETTLED_BYTES = 31 * 2**20  # glibc's threshold follows freed blocks of less than 32 MiB
KINDS = ("cpu", "cuda", "mps")


class Device:
    """A torch device that is really there."""

    def __init__(self, torch_device: torch.device) -> None:
        """Use `find`, which says in one line where there is none."""
        self.torch = torch_device
        self.kind = torch_device.type

    def __str__(self) -> str:
        """The name a user types: cpu, cuda:1."""
        return str(self.torch)

    @cached_property
    def name(self) -> str:
        """What its maker calls it."""
        if self.kind == "cuda":
            return torch.cuda.get_device_name(self.torch)
        return _processor_name()

    @cached_property
    def gpu(self) -> Gpu | None:
        """What NVIDIA's driver knows of it; None where it is no such GPU."""
        if self.kind != "cuda" or torch.version.hip:
            return None
        return Gpu(f"GPU-{torch.cuda.get_device_properties(self.torch).uuid}")

    @cached_property
    def cache_bytes(self) -> int:
        """Size of the last-level cache; 32 MiB where nobody says."""
        if self.kind == "cuda":
            return int(torch.cuda.get_device_properties(self.torch).L2_cache_size)
        return _last_level_cache() or 32 * 2**20

    def free_bytes(self) -> int | None:
        """Memory that can still be allocated; None where nobody says."""
        if self.kind == "cuda":
            free = torch.cuda.mem_get_info(self.torch)[0]
            reserved = torch.cuda.memory_reserved(self.torch)
            return int(free + reserved - torch.cuda.memory_allocated(self.torch))
        if self.kind == "mps":
            taken = torch.mps.driver_allocated_memory()
            return int(torch.mps.recommended_max_memory() - taken)
        return _free_memory()

    def held_bytes(self) -> int:
        """What this process holds of it."""
        if self.kind == "cuda":
            return int(torch.cuda.memory_reserved(self.torch))
        if self.kind == "mps":
            return int(torch.mps.driver_allocated_memory())
        return int(psutil.Process().memory_info().rss)

    def active(self) -> AbstractContextManager[object]:
        """Within it, what is recorded and captured is this GPU's; elsewhere nothing changes."""
        return torch.cuda.device(self.torch) if self.kind == "cuda" else nullcontext()

    def settle(self) -> None:
        """Bring the host's allocator into the state that it keeps once a large tensor has gone.

        Until then glibc gives freed memory back to the system, and each pass pages it in anew
        (mallopt(3), M_MMAP_THRESHOLD: it rises to what was freed, up to 32 MiB).
        """
        if self.kind == "cpu":
            torch.empty(_SETTLED_BYTES, dtype=torch.uint8)

    def release(self) -> None:
        """Give back what the allocator keeps for later."""
        if self.kind == "cuda":
            torch.cuda.empty_cache()
        elif self.kind == "mps":
            torch.mps.empty_cache()


def find_device(name: str | None = None) -> Device:
    """`cpu`, `cuda`, `cuda:1`, `mps`; the best there is where none is named.

    DeviceError where there is none such, with those that there are.
    """
    if name is None:
        return find_device(available()[-1])
    match = re.fullmatch(r"(?P<kind>[a-z]+)(:(?P<index>\d{1,4}))?", name.strip().lower())
    if match is None or match["kind"] not in KINDS:
        raise DeviceError(f"unknown device {name!r}{nearest(name, KINDS)}; {_there_are()}")
    kind, index = match["kind"], int(match["index"] or 0)
    number = _numbers()[kind]
    if not number:
        raise DeviceError(f"{_why_not(kind)}; {_there_are()}")
    if index >= number:
        raise DeviceError(f"there is no {kind}:{index}; {_there_are()}")
    return Device(torch.device(kind, index) if kind == "cuda" else torch.device(kind))


def available() -> list[str]:
    """Devices that are there, the best last."""
    numbers = _numbers()
    several = numbers["cuda"] > 1
    gpus = [f"cuda:{i}" if several else "cuda" for i in reversed(range(numbers["cuda"]))]
    return ["cpu", *(["mps"] if numbers["mps"] else []), *gpus]


def _numbers() -> dict[str, int]:
    return {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }


def _there_are() -> str:
    return f"here there is --device {', '.join(available())}"


def _why_not(kind: str) -> str:
    if kind == "cuda" and not (torch.version.cuda or torch.version.hip):
        return f"no GPU: torch {torch.__version__} is built without CUDA"
    return f"no {kind} device here"


def said(*command: str) -> str:
    """What a command prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _processor_name() -> str:
    """What the processor calls itself."""
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    except OSError:
        found = None
    if found:
        return " ".join(found[1].split())
    apple = said("sysctl", "-n", "machdep.cpu.brand_string").strip()
    return apple or platform.processor() or platform.machine() or "unknown processor"


def _last_level_cache() -> int | None:
    """Bytes of the largest cache that core 0 sees."""
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        found = re.fullmatch(r"(\d+)([KMG]?)", path.read_text().strip())
        if found:
            sizes.append(int(found[1]) * 1024 ** " KMG".index(found[2] or " "))
    if not sizes:
        for key in ("hw.l3cachesize", "hw.perflevel0.l2cachesize"):
            size = said("sysctl", "-n", key).strip()
            sizes += [int(size)] if size.isdecimal() else []
    return max(sizes, default=0) or None


def _free_memory() -> int:
    """What the system has available, within the tightest memory limit of a control group."""
    free: list[int] = [psutil.virtual_memory().available]
    for folder in groups("memory"):
        for limit, usage, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            try:
                room = int((folder / limit).read_text()) - int((folder / usage).read_text())
                used = (folder / "memory.stat").read_text().splitlines()
                free.append(room + int(dict(line.split() for line in used).get(cached, 0)))
            except (OSError, ValueError):  # no such file, or "max"
                continue
    return max(0, min(free))
