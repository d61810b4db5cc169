"""For pytest: `cost_budget` fails a test in which a network costs more than it may.

pytest finds it by its entry point; until a test asks for it, it imports nothing of ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from torch import nn

    from cnnbench.counting.cost import Trace
    from cnnbench.guard.limits import Excess

_MOST = 10  # layers shown


class CostBudget(Protocol):
    """What the fixture gives a test."""

    def __call__(
        self,
        model: nn.Module | str,
        input_shape: Any = None,
        *,
        batch: int = 1,
        dtype: str | None = None,
        train: bool = False,
        max_macs: int | str | None = None,
        max_params: int | str | None = None,
        max_peak_activation_bytes: int | str | None = None,
        max_activations: int | str | None = None,
        max_elementwise_flops: int | str | None = None,
        max_bytes_moved: int | str | None = None,
    ) -> Trace:
        """Count the model; fail the test where a cost is over its limit, with the layers."""
        ...


@pytest.fixture
def cost_budget() -> CostBudget:
    """Fail a test where a network costs more: `cost_budget(net, (3, 224, 224), max_macs="320M")`.

    Counts as `cnnbench.count` does and returns the trace. Limits are `max_` and a cost: whole
    numbers, or text such as "320M" and "8MiB". CnnbenchError where it cannot be counted.
    """

    def budget(
        model: nn.Module | str,
        input_shape: Any = None,
        *,
        batch: int = 1,
        dtype: str | None = None,
        train: bool = False,
        **maxima: int | str | None,
    ) -> Trace:
        from cnnbench.counting.count import count
        from cnnbench.errors import ConfigError
        from cnnbench.guard.limits import excesses, limits

        if all(value is None for value in maxima.values()):
            raise ConfigError('cost_budget needs a limit, such as max_macs="320M"')
        asked = limits(maxima)
        trace = count(model, input_shape, batch=batch, dtype=dtype, train=train)
        if over := excesses(trace, asked):
            name = model if isinstance(model, str) else type(model).__name__
            pytest.fail(_text(name, over), pytrace=False)
        return trace

    return budget


def _text(name: str, over: Sequence[Excess]) -> str:
    """The costs over their limits, each with the layers that have most of it."""
    from cnnbench import units
    from cnnbench.harmless import line
    from cnnbench.reports.formats.terminal import plain
    from cnnbench.reports.report import Column, Report, Table

    lines, tables = [], []
    for excess in over:
        show = excess.metric.show
        cost, limit = show(excess.cost), show(excess.limit)
        by = units.share(excess.cost / excess.limit - 1) if excess.limit else ""
        by = f", {by} over it" if by else ""
        lines.append(line(f"{name}: {excess.metric.words} {cost}, limit {limit}{by}"))
        columns = (
            Column("layer", "layer", left=True),
            Column("described", "", left=True),
            Column("value", excess.metric.words, show),
            Column("share", "share", units.share),
        )
        rows = [
            {
                "layer": layer.layer or "the network",
                "described": layer.described,
                "value": layer.value(excess.metric),
                "share": layer.value(excess.metric) / excess.cost,
            }
            for layer in excess.layers[:_MOST]
        ]
        tables.append(Table(columns, rows, f"{excess.metric.words} by layer, largest first"))
    return "\n".join(lines) + "\n\n" + plain(Report("cost_budget", [], tables), width=100)
