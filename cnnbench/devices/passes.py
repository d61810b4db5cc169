"""What passes take of the system beside time: page faults, context switches, processor time."""

from __future__ import annotations

from dataclasses import astuple, dataclass

try:
    from resource import RUSAGE_SELF, getrusage
except ImportError:  # Windows
    getrusage = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Passes:
    """So many passes, their seconds, and what the process took meanwhile."""

    number: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    page_faults: int = 0
    context_switches: int = 0

    def __add__(self, other: Passes) -> Passes:
        """Both together."""
        return Passes(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def cores(self) -> float | None:
        """How many cores they kept busy; None where the system does not say."""
        return self.cpu_s / self.wall_s if self.wall_s and self.cpu_s else None

    def each(self, count: int) -> float | None:
        """So many a pass; None where nothing was counted."""
        return count / self.number if self.number and self.cpu_s else None


def used() -> Passes:
    """What this process has taken so far; `wall_s` and `number` are the caller's."""
    if getrusage is None:
        return Passes()
    now = getrusage(RUSAGE_SELF)
    return Passes(
        cpu_s=now.ru_utime + now.ru_stime,
        page_faults=now.ru_minflt + now.ru_majflt,
        context_switches=now.ru_nvcsw + now.ru_nivcsw,
    )


def since(before: Passes, number: int, seconds: float) -> Passes:
    """So many passes in so many seconds, and what they took since `before`."""
    now = used()
    return Passes(
        number,
        seconds,
        now.cpu_s - before.cpu_s,
        now.page_faults - before.page_faults,
        now.context_switches - before.context_switches,
    )
