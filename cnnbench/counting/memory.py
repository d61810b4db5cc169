"""Where activations lie: how long each is held, and one arena that would hold them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Buffer:
    """One activation storage of `size` bytes: there from operator `born` on (-1: the input).

    `output` tells whether that operator made it: a constant was there before. `freed` is the last
    operator at which Python still holds it, `used` the last that reads it; a planner may give the
    place away after `used`. An output of the network is used to the end. A `gradient` is that of a
    parameter.
    """

    size: int
    born: int
    used: int
    freed: int
    output: bool = True
    gradient: bool = False


def alive(buffers: Sequence[Buffer], operator: int) -> tuple[Buffer, ...]:
    """Storages held while an operator runs, its own output among them."""
    return tuple(buffer for buffer in buffers if buffer.born <= operator <= buffer.freed)


def arena(buffers: Sequence[Buffer]) -> int:
    """Bytes of one arena that holds every buffer from `born` to `used`, by `plan`."""
    offsets = plan(buffers)
    return max((at + b.size for at, b in zip(offsets, buffers, strict=True)), default=0)


def plan(buffers: Sequence[Buffer]) -> list[int]:
    """Offset of each buffer in one arena, planned greedily by size.

    Largest first, each at the lowest offset where nothing that lives at the same time lies, as
    TensorFlow Lite Micro's GreedyMemoryPlanner does (without its alignment to 16 bytes), for the
    operators as they ran, unfused.
    """
    offsets = [0] * len(buffers)
    # What is placed already, in that order: its lifetime, where it starts and ends.
    born, used, starts, ends = np.zeros((4, len(buffers)), np.int64)
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, buffers[i].born))
    for count, index in enumerate(order):
        buffer = buffers[index]
        together = (born[:count] <= buffer.used) & (used[:count] >= buffer.born)
        above = starts[:count][together]
        rising = np.argsort(above)
        # The least offset above everything that starts below each of them, and above them all.
        floors = np.maximum.accumulate([0, *ends[:count][together][rising]])
        gaps = np.flatnonzero(above[rising] - floors[:-1] >= buffer.size)
        offset = int(floors[gaps[0]] if len(gaps) else floors[-1])
        born[count], used[count] = buffer.born, buffer.used
        starts[count], ends[count] = offset, offset + buffer.size
        offsets[index] = offset
    return offsets
