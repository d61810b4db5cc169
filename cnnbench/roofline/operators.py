"""The speed of each kind of operator, measured on sizes that convolutional networks have.

A ceiling is what a device can do at most; a depthwise convolution or a pooling comes nowhere near
it, and by how much depends on its sizes. So each kind is timed over a grid of them, in the cache
and beyond, as it stands in a network: among others, its input just written, its code and weights
at hand.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from cnnbench import units
from cnnbench.devices.clocks import clock
from cnnbench.devices.device import Device
from cnnbench.errors import CnnbenchError, DeviceError
from cnnbench.roofline.grid import GridPoint, grid
from cnnbench.roofline.sizes import PRODUCTS, Sizes

_LEAST_ROUNDS, _SECONDS = 4, 12.0
_LONGEST_S = 20.0  # of a round, where the device has no instructions for a dtype
_WARM_UPS, _SHORT_S = 3, 1e-3

Rounds = Callable[[int], None]


def measure_grid(
    device: Device, dtype: str, progress: Rounds = lambda number: None
) -> dict[str, list[tuple[Sizes, float]]]:
    """Median seconds of every operator of the grid, by kind; of those that the device has."""
    sampling = GridTimes(device, dtype)
    start, number = perf_counter(), 0
    sampling.round(_LONGEST_S)  # the first calls choose algorithms and take memory
    sampling.forget()
    while number < _LEAST_ROUNDS or perf_counter() - start < _SECONDS:
        progress(number + 1)
        sampling.round(_LONGEST_S)
        number += 1
    return sampling.medians()


class GridTimes:
    """A grid on a device, timed round by round: drift hits all of it alike."""

    def __init__(self, device: Device, dtype: str, samples: list[GridPoint] | None = None) -> None:
        """Make weights and one input that all share; DeviceError where the device has too little.

        An operator that the device has not in this dtype is left out.
        """
        self.samples = grid() if samples is None else samples
        self._device = device
        self._clock = clock(device.torch)
        self._order = random.Random(0)
        self._waiting: list[int] = []
        # A GPU is asked several times in a row, so that its launches hide behind its work.
        self._repeats = 1 if device.kind == "cpu" else 10
        wanted: torch.dtype = getattr(torch, dtype)
        most = max(math.prod(sample.shape) for sample in self.samples)
        shapes = {sample.weight for sample in self.samples if sample.weight}
        needed = (3 * most + sum(map(math.prod, shapes))) * wanted.itemsize
        free = device.free_bytes()
        if free is not None and 2 * needed > free:
            raise DeviceError(
                f"measuring operators takes {units.size(2 * needed)}; {device} has "
                f"{units.size(free)} free"
            )
        device.settle()
        seeded = torch.Generator().manual_seed(0)
        values = torch.randn(most, generator=seeded).to(device.torch, wanted)
        self._values, self._input, others = values, values.clone(), values.clone()
        weights = {shape: values.new_full(shape, 0.01) for shape in shapes}
        self._runs = [sample.made(weights.get(sample.weight), others) for sample in self.samples]
        self._seconds: list[list[float]] = [[] for _ in self.samples]

    def round(self, longest: float = math.inf) -> None:
        """Time every operator once, in random order; as many as `longest` seconds allow."""
        self._waiting = []
        start = perf_counter()
        for _ in self.samples:
            self.some(1)
            if perf_counter() - start > longest:
                return

    def some(self, number: int) -> None:
        """Time the next so many operators of a round; after the last another begins."""
        with torch.inference_mode(), self._device.active():
            for _ in range(number):
                if not self._waiting:
                    self._waiting = list(range(len(self.samples)))
                    self._order.shuffle(self._waiting)
                with suppress(RuntimeError, CnnbenchError):  # the device has no such operator
                    self._time(self._waiting.pop())

    def _time(self, index: int) -> None:
        sample, run = self.samples[index], self._runs[index]
        given = self._input[: math.prod(sample.shape)].view(sample.shape)
        fresh = self._values[: given.numel()].view(sample.shape)
        given.copy_(fresh)
        self._warm_up(run, given)
        if sample.kind.endswith("_") or sample.kind in PRODUCTS:
            given.copy_(fresh)
        else:  # it follows a product at once, which has written its input and touched little else
            given.mul_(1.0)
        seconds = self._clock.seconds(partial(run, given), self._repeats)
        self._seconds[index].append(seconds / self._repeats)

    def _warm_up(self, run: Callable[[Tensor], Tensor], given: Tensor) -> None:
        """Run it as often as a network runs the like of it: a short one several times."""
        start = perf_counter()
        for _ in range(_WARM_UPS):
            run(given)
            if perf_counter() - start > _SHORT_S:
                return

    def forget(self) -> None:
        """What was timed so far was a warm-up."""
        self._seconds = [[] for _ in self.samples]

    def medians(self) -> dict[str, list[tuple[Sizes, float]]]:
        """Seconds of each operator, by kind; of those that ran."""
        found: dict[str, list[tuple[Sizes, float]]] = {}
        for sample, seconds in zip(self.samples, self._seconds, strict=True):
            if seconds:
                timed = (sample.sizes, float(np.median(seconds)))
                found.setdefault(sample.kind, []).append(timed)
        return found
