"""The machine that a network runs on: a device, and the threads that compute there."""

from __future__ import annotations

from dataclasses import dataclass

from cnnbench.devices.cores import Threads, check_threads, threads
from cnnbench.devices.device import Device, find_device


@dataclass(frozen=True)
class Machine:
    """A device with so many threads; DeviceError where so many cannot compute."""

    device: Device
    threads: Threads

    def __post_init__(self) -> None:
        """Hold the number of threads against its bounds."""
        check_threads(self.threads.number)

    @classmethod
    def find(cls, device: str | None = None, number: int | None = None) -> Machine:
        """The device of that name, else the best there is; as many threads, else all there are."""
        return cls(find_device(device), threads(number))

    def __str__(self) -> str:
        """What people call it: `cpu, 2 threads`."""
        number = self.threads.number
        return f"{self.device}, {number} thread{'s' if number != 1 else ''}"
