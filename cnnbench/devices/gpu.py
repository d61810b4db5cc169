"""What NVIDIA's tool says of a GPU: driver, clocks, why they are low, who else computes."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

from cnnbench.devices import warnings
from cnnbench.devices.warnings import Warning

# Bits of clocks_event_reasons.active (NVML) that mean a clock below what the load would have.
_REASONS = {
    0x0000000000000004: "power cap",
    0x0000000000000008: "hardware slowdown",
    0x0000000000000020: "hot",
    0x0000000000000040: "hot",
    0x0000000000000080: "power brake",
}


def said(*command: str) -> str:
    """What a command prints; nothing where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout if done.returncode == 0 else ""


@dataclass(frozen=True)
class Gpu:
    """One GPU, by the identifier that all tools share."""

    uuid: str

    def _asked(self, *fields: str) -> list[str]:
        line = said(
            "nvidia-smi",
            f"--id={self.uuid}",
            f"--query-gpu={','.join(fields)}",
            "--format=csv,noheader,nounits",
        )
        values = [value.strip() for value in line.strip().split(",")]
        return values if len(values) == len(fields) and all(values) else []

    def driver(self) -> str | None:
        """The driver's version."""
        return next(iter(self._asked("driver_version")), None)

    def clocks_mhz(self) -> tuple[float, float] | None:
        """The processors' clock now, and the highest there is."""
        try:
            now, most = map(float, self._asked("clocks.sm", "clocks.max.sm"))
        except ValueError:
            return None
        return now, most

    def warnings(self) -> list[Warning]:
        """Other processes on it, and a clock that is held down."""
        found = []
        if others := self._others():
            found.append(warnings.shared_gpu(others))
        clocks = self.clocks_mhz()
        bits = self._asked("clocks_throttle_reasons.active")
        try:
            active = int(bits[0], 16) if bits else 0
        except ValueError:
            active = 0
        why = [reason for bit, reason in _REASONS.items() if active & bit]
        if clocks and why:
            found.append(warnings.slow_clock(*clocks, ", ".join(dict.fromkeys(why))))
        return found

    def _others(self) -> int:
        """Processes that compute on it beside this one."""
        listed = said(
            "nvidia-smi",
            f"--id={self.uuid}",
            "--query-compute-apps=pid",
            "--format=csv,noheader",
        )
        pids = {line.strip() for line in listed.splitlines() if line.strip().isdecimal()}
        return len(pids - {str(os.getpid())})
