"""What the device of a sweep can do, which its predictions follow from."""

from __future__ import annotations

from collections.abc import Iterable

from cnnbench.devices.machine import Machine
from cnnbench.roofline import calibrate as profiling
from cnnbench.roofline.profile import Profile
from cnnbench.sweeps.processes import alone


def ceilings(machine: Machine, dtypes: Iterable[str]) -> Profile:
    """All that predictions in these dtypes need: kept from before, or measured now.

    In a process of its own: what measuring leaves in the allocator would change the times.
    """
    device, threads = machine.device, machine.threads
    wanted = list(dict.fromkeys(dtypes))
    kept = profiling.stored(device, threads.number)
    if kept.call_s and all(dtype in kept.operators for dtype in wanted):
        return kept
    return alone(_measured, str(device), threads.number, wanted)


def _measured(device: str, threads: int, dtypes: list[str]) -> Profile:
    return profiling.complete(Machine.find(device, threads), dtypes)
