"""Session: where something is timed, until when, and who hears of it. Needs no torch."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnnbench.errors import ShapeError
from cnnbench.progress import SILENT, Progress

if TYPE_CHECKING:
    from cnnbench.devices.machine import Machine


VARIABLE = "CNNBENCH_PROCESSES"
_PROCESSES, _MOST = 3, 64


def usual_processes() -> int:
    """How many processes share the samples: as the variable says, else three."""
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return _PROCESSES
    if not (text.isdecimal() and int(text[:9]) <= _MOST and len(text) < 9):
        given = f"{VARIABLE}={text[:20]!r}"
        raise ShapeError(f"{given} makes no sense; give from 0 to {_MOST}, usually {_PROCESSES}")
    return int(text)


@dataclass(frozen=True)
class StopRule:
    """When to stop: at an interval within `precision`, or after `max_time` seconds an entry.

    `processes` share the samples; 0 takes them all in this one.
    """

    precision: float = 0.02
    max_time: float = 10.0
    seed: int = 0
    processes: int = field(default_factory=usual_processes)

    def __post_init__(self) -> None:
        """ShapeError for a precision or a time that makes no sense."""
        check_precision(self.precision, self.precision)
        if not 0 < self.max_time < 10**6:
            given = f"--max-time {self.max_time:g}"
            raise ShapeError(f"{given} makes no sense; give seconds: --max-time 10")
        if not isinstance(self.processes, int) or not 0 <= self.processes <= _MOST:
            given = f"processes={self.processes!r}"
            raise ShapeError(f"{given} makes no sense; give from 0, for this one, to {_MOST}")


def stop_rule(precision: float, max_time: float, seed: int, processes: int | None) -> StopRule:
    """A rule, with as many processes as usual where none is said."""
    number = usual_processes() if processes is None else processes
    return StopRule(precision, max_time, seed, number)


def check_precision(share: float, typed: object) -> None:
    """ShapeError for a share that is none; `typed` is what stood there."""
    if not 0 < share < 1:
        raise ShapeError(f"malformed precision {typed!r}; write a share: --precision 2%")


@dataclass(frozen=True)
class Session:
    """A machine to time on, when to stop, and who hears what is being done.

    `wait` for a quiet moment first, some seconds at most.
    """

    machine: Machine
    rule: StopRule = field(default_factory=StopRule)
    progress: Progress = SILENT
    wait: bool = True
