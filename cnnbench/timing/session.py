"""Session: where something is timed, until when, and who hears of it. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnnbench.errors import ShapeError
from cnnbench.progress import SILENT, Progress

if TYPE_CHECKING:
    from cnnbench.devices.machine import Machine


@dataclass(frozen=True)
class StopRule:
    """When to stop: at an interval within `precision`, or after `max_time` seconds an entry."""

    precision: float = 0.02
    max_time: float = 10.0
    seed: int = 0

    def __post_init__(self) -> None:
        """ShapeError for a precision or a time that makes no sense."""
        check_precision(self.precision, self.precision)
        if not 0 < self.max_time < 10**6:
            given = f"--max-time {self.max_time:g}"
            raise ShapeError(f"{given} makes no sense; give seconds: --max-time 10")


def check_precision(share: float, typed: object) -> None:
    """ShapeError for a share that is none; `typed` is what stood there."""
    if not 0 < share < 1:
        raise ShapeError(f"malformed precision {typed!r}; write a share: --precision 2%")


@dataclass(frozen=True)
class Session:
    """A machine to time on, when to stop, and who hears what is being done."""

    machine: Machine
    rule: StopRule = StopRule()
    progress: Progress = SILENT
