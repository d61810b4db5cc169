"""What `cnnbench sweep` says: what is left to do, and what there is afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from cnnbench import units
from cnnbench.sweeps.plan import Configuration
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.store import Store

_COUNTING_S = 2.0  # of a network, in processes side by side on two cores


def left_to_do(
    left: Sequence[Configuration], of: Sequence[Configuration], where: str | None, seconds: float
) -> list[str]:
    """What is left to do, and where anything is timed how long it takes."""
    how = ", only counted"
    if where is not None:
        how = (
            f" on {where}: about {units.span(seconds * len(left))} of timing, after "
            f"{units.span(_COUNTING_S * len(left))} of counting and predicting; "
            "longer if a pass takes over a second"
        )
    return [*map(str, left), f"{len(left)} of {len(of)} configurations to do{how}"]


def summary(
    store: Store, of: Sequence[Configuration], there: Sequence[Result], new: int
) -> list[str]:
    """How much of it there is now, and what failed."""
    failed = [result for result in there if result.failure]
    return [
        f"{store.folder}: {len(there)} of {len(of)} configurations, {new} of them new, "
        f"{len(failed)} failed",
        *_unusable(there),
        *(f"failed: {one.configuration}: {one.failure}" for one in failed),
    ]


def _unusable(there: Sequence[Result]) -> list[str]:
    """How many were measured while the machine was busy."""
    number = sum(not one.reliable for one in there)
    if not number:
        return []
    what = units.number(number, "configuration")
    return [f"not usable: the machine was busy in {what}; --retry measures again"]
