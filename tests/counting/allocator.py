"""What torch's CPU allocator really held, from the profiler's record of every allocation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

Event = tuple[int, int, int]  # when, bytes that came or went, bytes then held


def allocations(run: Callable[[], Any]) -> tuple[list[Event], list[int]]:
    """Every change of what is held, from 0 at the start, and when each outermost operator ended."""
    with torch.profiler.profile(profile_memory=True) as profile:
        run()
    found: list[Event] = []
    ends: list[int] = []

    def walk(event: Any, within: bool) -> None:
        if "Alloc" in str(event.typed[0]):
            change = event.typed[1]
            found.append((event.start_time_ns, change.alloc_size, change.total_allocated))
        is_operator = event.name.startswith("aten::")
        if is_operator and not within:
            ends.append(event.end_time_ns)
        for child in event.children:
            walk(child, within or is_operator)

    for event in profile.profiler.kineto_results.experimental_event_tree():  # type: ignore[union-attr]
        walk(event, within=False)
    found.sort()
    start = found[0][2] - found[0][1]
    return [(at, change, held - start) for at, change, held in found], sorted(ends)


def most(run: Callable[[], Any]) -> int:
    """The most that was held above the start, within operators too."""
    return max(held for _, _, held in allocations(run)[0])


def most_between(run: Callable[[], Any]) -> int:
    """The most that was held above the start when an outermost operator had returned."""
    events, ends = allocations(run)
    peak = held = 0
    for end in ends:
        while events and events[0][0] <= end:
            held = events.pop(0)[2]
        peak = max(peak, held)
    return peak
