"""What NVIDIA's driver says of a GPU: its version, clocks, why they are low, who else computes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from cnnbench.devices.family import ours
from cnnbench.devices.warnings import Warning, warning

# Bits of the clocks' event reasons (NVML) that mean a clock below what the load would have.
_REASONS = {
    0x0000000000000004: "power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "hot",
    0x0000000000000040: "hot",
    0x0000000000000080: "power brake",
}


@cache
def nvml() -> Any:
    """NVIDIA's management library, started; None where its Python package is not installed."""
    try:
        import pynvml
    except ImportError:
        return None
    with suppress(pynvml.NVMLError):  # without a driver every question fails, and says nothing
        pynvml.nvmlInit()
    return pynvml


@dataclass(frozen=True)
class Gpu:
    """One GPU, by the identifier that all tools share."""

    uuid: str

    def _asked(self, question: str, *details: object) -> Any:
        """The answer to NVML's `question` about this GPU; None where there is none."""
        library = nvml()
        if library is None:
            return None
        try:
            handle = library.nvmlDeviceGetHandleByUUID(self.uuid)
            return getattr(library, f"nvmlDeviceGet{question}")(handle, *details)
        except library.NVMLError:
            return None

    def driver(self) -> str | None:
        """The driver's version."""
        library = nvml()
        if library is None:
            return None
        try:
            return str(library.nvmlSystemGetDriverVersion())
        except library.NVMLError:
            return None

    def clocks_mhz(self) -> tuple[float, float] | None:
        """The processors' clock now, and the highest there is."""
        processors = 1  # NVML_CLOCK_SM
        now, most = (self._asked(of, processors) for of in ("ClockInfo", "MaxClockInfo"))
        return None if now is None or most is None else (float(now), float(most))

    def warnings(self) -> list[Warning]:
        """Other processes on it, and a clock that is held down; or that nobody can say."""
        if nvml() is None:
            return [warning("unwatched_gpu")]
        found = []
        processes = self._asked("ComputeRunningProcesses") or ()
        if others := {process.pid for process in processes} - ours():
            plural = "es" if len(others) > 1 else ""
            found.append(warning("shared_gpu", processes=len(others), plural=plural))
        clocks, active = self.clocks_mhz(), self._asked("CurrentClocksThrottleReasons") or 0
        why = dict.fromkeys(reason for bit, reason in _REASONS.items() if active & bit)
        if clocks and why:
            now, most = clocks
            found.append(warning("slow_clock", now=now, most=most, why=", ".join(why)))
        return found
