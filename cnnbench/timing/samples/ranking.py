"""Latencies ranked: the fastest first, each with the memory of a process that runs it alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from cnnbench.timing.backends.memory import process_bytes
from cnnbench.timing.measure import Timing


def ranked(timing: Timing, say: Callable[[str], None] = lambda text: None) -> Timing:
    """The timing with its rows by latency, those that failed last, and their memory."""
    rows, interrupted = [], False
    for row in sorted(timing.latencies, key=lambda row: row.latency_s or math.inf):
        say(f"measuring the memory of {row.model} in {row.setting.backend}")
        try:
            rows.append(row if interrupted else replace(row, process_bytes=process_bytes(row)))
        except KeyboardInterrupt:
            interrupted = True
            rows.append(row)
    say("")
    networks = timing.networks and sorted(
        timing.networks, key=lambda network: network.whole.latency_s or math.inf
    )
    return replace(timing, latencies=rows, networks=networks, interrupted=interrupted)
