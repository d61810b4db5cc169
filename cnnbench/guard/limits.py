"""What a network may cost at most, without a configuration: what tests ask for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cnnbench.counting.cost import Trace
from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import ConfigError, nearest
from cnnbench.files import validated
from cnnbench.guard.config import Guarded, sentence
from cnnbench.guard.costs import Costs, Layer, costs

Quantity = int | str | None


@dataclass(frozen=True)
class Excess:
    """A cost over its limit, and the layers that have most of it, largest first."""

    metric: Metric
    cost: int
    limit: int
    layers: list[Layer]


def limits(given: Mapping[str, Quantity]) -> Guarded:
    """Read limits such as `max_macs="320M"`; ConfigError for one that is none."""
    known = [f"max_{metric}" for metric in STATIC]
    for key in given:
        if key not in known:
            raise ConfigError(
                f"cost_budget has no {key!r}{nearest(key, known)}; it takes {', '.join(known)}"
            )
    content = {key: value for key, value in given.items() if value is not None}
    return validated(
        Guarded,
        {"name": "budget", **content},
        lambda complaint: ConfigError(f"cost_budget: {sentence(complaint)}"),
    )


def excesses(trace: Trace, budget: Guarded) -> list[Excess]:
    """Every cost of the trace that is over its limit."""
    found = costs(trace)
    return [
        Excess(metric, found.value(metric), limit, _largest(found, metric))
        for metric in STATIC
        if (limit := budget.exceeded(metric, found.value(metric))) is not None
    ]


def _largest(found: Costs, metric: Metric) -> list[Layer]:
    return sorted(found.layers, key=lambda layer: -layer.value(metric))
