"""One thread beside all: what threads leave undone of an operator that they share.

A thread that waits spins, so no clock of the system tells it from one that works. But one thread
alone waits for none: an operator that n threads run less than n times as fast kept some of them
waiting, as far as n threads can be as fast at all. That is seen of a large matrix product. ONNX
Runtime says itself how long its first thread waited.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import torch
from torch import Tensor

_SIDE, _PRODUCTS = 768, 5


@dataclass(frozen=True)
class Threads:
    """What tells how long threads waited in each operator, in their order.

    `waited` are seconds that a runtime says itself. Where it says nothing, `alone` is how many
    times as long each takes with one thread, and `gain` how many times as fast all threads can be.
    """

    alone: Sequence[float] = ()
    gain: float = 1.0
    waited: Sequence[float] = ()

    def waiting(self, seconds: Sequence[float], least: Sequence[float]) -> list[float] | None:
        """Seconds that each operator waited of those that it took, and took at `least`.

        None where other operators ran.
        """
        found = self.waited or self.alone
        if len(found) != len(seconds):
            return None
        if self.waited:
            return [min(*pair) for pair in zip(self.waited, seconds, strict=True)]
        return [
            max(0.0, taken - max(taken * times / self.gain, low))
            for taken, times, low in zip(seconds, self.alone, least, strict=True)
        ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch with one thread."""
    number = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(number)


def gain() -> float:
    """How many times as fast all of torch's threads multiply large matrices as one does."""
    a = torch.ones(_SIDE, _SIDE)
    ratios = []
    for _ in range(_PRODUCTS):  # by pairs, as the machine's speed changes
        together = _seconds(a)
        with one_thread():
            ratios.append(_seconds(a) / together)
    return min(max(1.0, median(ratios)), float(torch.get_num_threads()))


def _seconds(a: Tensor) -> float:
    """Seconds of a product, after another that wakes the threads."""
    torch.mm(a, a)
    start = perf_counter()
    torch.mm(a, a)
    return perf_counter() - start
