"""How long a call takes: each device has its clock, since most compute behind our back."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

import torch

Run = Callable[[], object]


class Clock(Protocol):
    """Times a call that is repeated without a pause."""

    def seconds(self, run: Run, repeats: int = 1) -> float:
        """Seconds that all repeats take, until the device has finished them."""
        ...


class CpuClock:
    """A call has finished when it returns."""

    def seconds(self, run: Run, repeats: int = 1) -> float:
        """Wall-clock seconds."""
        start = perf_counter()
        for _ in range(repeats):
            run()
        return perf_counter() - start


class WaitingClock:
    """A device that works on after the call has returned is waited for, before and after."""

    def __init__(self, wait: Callable[[], object]) -> None:
        """`wait` returns when the device has nothing left to do."""
        self._wait = wait

    def seconds(self, run: Run, repeats: int = 1) -> float:
        """Wall-clock seconds until the device has finished."""
        self._wait()
        start = perf_counter()
        for _ in range(repeats):
            run()
        self._wait()
        return perf_counter() - start


class CudaClock:
    """Two events in the device's own queue: the host does not show after the last launch."""

    def __init__(self) -> None:
        """Make the events once; a recorded one can be recorded again."""
        self._start, self._end = (
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            for _ in range(2)
        )

    def seconds(self, run: Run, repeats: int = 1) -> float:
        """Seconds between the active device's reaching the first event and the last."""
        torch.cuda.synchronize()
        self._start.record()
        for _ in range(repeats):
            run()
        self._end.record()
        torch.cuda.synchronize()
        return float(self._start.elapsed_time(self._end)) / 1e3


def clock(device: torch.device) -> Clock:
    """The clock of a device."""
    if device.type == "cuda":
        return CudaClock()
    if device.type == "mps":
        return WaitingClock(torch.mps.synchronize)
    return CpuClock()
