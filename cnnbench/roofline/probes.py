"""Probes: short pieces of work that show a machine's state, measured in a twentieth of a second.

A shared machine is faster in one minute than in the next, and not by the same for all work. What
was measured once holds as long as the probes take as long as they did then.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch

from cnnbench.devices.clocks import clock
from cnnbench.devices.device import Device

_TIMES = 9
HOLDS = 1.5  # how many times as long or as short a probe may take for what was measured to hold
Probes = Mapping[str, float]


def probes(device: Device) -> dict[str, float]:
    """Median seconds of each: a product, small products, a copy, calls that compute nothing."""
    where, watch = device.torch, clock(device.torch)
    with torch.inference_mode(), device.active():
        work = _work(where)
        for run in work.values():
            run()
        taken = [[watch.seconds(run) for run in work.values()] for _ in range(_TIMES)]
    return dict(zip(work, map(float, np.median(taken, axis=0)), strict=True))


def _work(where: torch.device) -> dict[str, Callable[[], object]]:
    large, small = (
        torch.full((512, 512), 0.5, device=where),
        torch.full((96, 96), 0.5, device=where),
    )
    source, one = torch.ones(2**20, device=where), torch.ones(1, device=where)
    target = torch.zeros_like(source)

    def products() -> None:
        for _ in range(30):
            torch.mm(small, small)

    def calls() -> None:
        for _ in range(100):
            torch.add(one, one)

    return {
        "product_s": lambda: torch.mm(large, large),
        "small_products_s": products,
        "copy_s": lambda: target.copy_(source),
        "calls_s": calls,
    }


def apart(now: Probes, before: Probes) -> float:
    """How many times as long the probe takes that differs most."""
    ratios = [now[name] / before[name] for name in now if before.get(name)]
    return max(ratios, key=lambda ratio: abs(math.log(ratio)), default=1.0)


def hold(now: Probes, before: Probes) -> bool:
    """Whether the machine is as it was; of nothing that was measured before it is taken to be."""
    return 1 / HOLDS <= apart(now, before) <= HOLDS
