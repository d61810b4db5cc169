"""What changed between two runs, or two devices: configuration by configuration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.errors import StoreError
from cnnbench.sweeps.pairs import compared
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.results import NOWHERE, Result
from cnnbench.sweeps.views import dtype
from cnnbench.timing.pairing import verdict
from cnnbench.timing.statistics import Interval


@dataclass(frozen=True)
class RunChange:
    """One configuration in both runs; `measured` is time in a / time in b, None where unknown."""

    a: Result
    b: Result
    measured: Interval | None

    @property
    def recounted(self) -> bool:
        """Whether it costs something else now."""
        return self.a.cost != self.b.cost


@dataclass(frozen=True)
class RunChanges:
    """Configurations that both runs have, and how many one of them has alone."""

    rows: list[RunChange]
    only_a: int
    only_b: int


def changes(a: Sequence[Result], b: Sequence[Result]) -> RunChanges:
    """Match configurations: on the same device where both have one, else across two devices.

    StoreError where runs that share no device have several, or no configuration in common.
    """
    shared = ({one.place for one in a} & {one.place for one in b}) - {NOWHERE}
    for run in (a, b):
        places = {one.place[0] for one in run if one.place != NOWHERE}
        if not shared and len(places) > 1:
            raise StoreError(
                f"a run was measured on {', '.join(sorted(places))}, and the other on none of "
                "them; compare stores of one device each"
            )

    def where(one: Result) -> tuple[Configuration, tuple[str, int]]:
        return one.configuration, one.place if shared else NOWHERE

    after = {where(one): one for one in b}
    anywhere = {one.configuration: one for one in b}
    failed = {one.configuration: one for one in b if one.place == NOWHERE}
    rows = []
    for one in a:
        # What failed while it was counted was so nowhere, and is beside what the other run has.
        other = after.get(where(one)) or failed.get(one.configuration)
        if other is None and one.place == NOWHERE:
            other = anywhere.get(one.configuration)
        if other is not None:
            rows.append(RunChange(one, other, compared(one, other)))
    if not rows:
        raise StoreError("the two runs have no configuration in common")
    met = {id(row.b) for row in rows}
    return RunChanges(rows, len(a) - len(rows), sum(id(one) not in met for one in b))


def record(change: RunChange) -> dict[str, Any]:
    """One configuration in both runs, as `compare` has two models."""
    found = change.measured
    about = (change.a, change.b)
    ends = dict(zip("ab", about, strict=True))
    return {
        "model": change.a.model,
        **change.a.setting.record(),
        "dtype": dtype(change.a),
        **{f"device_{end}": one.place[0] or None for end, one in ends.items()},
        **{f"threads_{end}": one.place[1] or None for end, one in ends.items()},
        **{f"torch_{end}": one.environment and one.environment.torch for end, one in ends.items()},
        **{
            f"{key}_{end}": getattr(one.cost, key) if one.cost else None
            for key in ("params", "macs", "peak_activation_bytes")
            for end, one in ends.items()
        },
        **{f"latency_s_{end}": one.latency_s for end, one in ends.items()},
        "measured_speedup": found.median if found else None,
        "ci_low": found.low if found else None,
        "ci_high": found.high if found else None,
        "verdict": verdict(found) if found else None,
        "recounted": change.recounted,
        **{f"failure_{end}": one.failure for end, one in ends.items()},
    }
