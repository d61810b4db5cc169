"""What a check finds: one record a model and metric."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cnnbench.counting.metrics import Metric
from cnnbench.guard.changes import LayerChange
from cnnbench.guard.config import Guarded


class Status(StrEnum):
    """What became of one cost of one model."""

    UNCHANGED = "unchanged"
    TOLERATED = "within tolerance"
    FELL = "fell"
    ROSE = "over tolerance"
    OVER = "over limit"
    SLOWER = "slower"
    FASTER = "faster"
    INDISTINGUISHABLE = "indistinguishable"
    IMPRECISE = "not enough precision"
    UNHELD = "not guarded"
    UNGUARDED = "no longer guarded"
    UNSEALED = "without a digest"
    UNTIMED = "not timed"
    UNKNOWN = "cannot tell"


VIOLATIONS = frozenset({Status.ROSE, Status.OVER, Status.SLOWER})
STRICT_VIOLATIONS = VIOLATIONS | {Status.FELL, Status.UNGUARDED}
IMPROVEMENTS = frozenset({Status.FELL, Status.FASTER})
QUIET = frozenset({Status.UNCHANGED, Status.UNHELD})


@dataclass(frozen=True)
class Finding:
    """One cost of one model, before and now; base units.

    `label` tells the model from others of the same spec. `limit` is what the cost may be at most,
    of latency the ratio that head's time may have to the base's. `layers` are those that changed.
    `ratio` of latencies has the bounds `run_low` and `run_high`, from so many `pairs` of processes;
    a rerun's is expected from `ci_low` to `ci_high`.
    `reason` says why it cannot be told, or what has not been done.
    """

    model: str
    label: str
    metric: Metric | None
    status: Status
    baseline: float | None = None
    current: float | None = None
    limit: float | None = None
    layers: Sequence[LayerChange] = field(default=())
    reason: str = ""
    ratio: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    run_low: float | None = None
    run_high: float | None = None
    pairs: int | None = None

    @classmethod
    def of(cls, guarded: Guarded, metric: Metric | None, status: Status, **more: Any) -> Finding:
        """One of a model that is guarded."""
        return cls(str(guarded.spec), guarded.label, metric, status, **more)

    @property
    def change(self) -> float | None:
        """Relative to the baseline; None where there is none to be relative to."""
        if self.ratio is not None:
            return self.ratio - 1
        if self.baseline is None or self.current is None or not self.baseline:
            return None
        return self.current / self.baseline - 1

    def undecided(self, strict: bool) -> bool:
        """Whether a check cannot tell; to a strict one that is imprecision, too."""
        return self.status is Status.UNKNOWN or (strict and self.status is Status.IMPRECISE)

    def violates(self, strict: bool) -> bool:
        """Whether it fails a check; `strict` ones fail by what was not recorded, too."""
        return self.status in (STRICT_VIOLATIONS if strict else VIOLATIONS)


def unreadable(baseline: str, reason: str) -> Finding:
    """The finding that a baseline cannot be read."""
    return Finding(baseline, baseline, None, Status.UNKNOWN, reason=reason)
