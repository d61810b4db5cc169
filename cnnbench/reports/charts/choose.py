"""Published networks by what they cost, as `choose` found them: a panel or a figure a cost."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cnnbench.counting.metrics import Metric
from cnnbench.reports.charts.accuracy import Panel, draw, together
from cnnbench.reports.charts.style import Drawing, Records
from cnnbench.reports.page import Figure
from cnnbench.studies.choosing.choose import COSTS

_UNITS = {Metric.PEAK: (1 / 2**20, "MiB"), Metric.LATENCY: (1e3, "ms")}
_FAMILIES = re.compile("vgg|resnet|plain|efficientnet|alexnet")


def picture(results: Records, title: str, limits: Mapping[Metric, float]) -> Drawing:
    """All costs that are known, beside each other; `results` are the records of `choose`."""
    return together(_panels(results, limits), _families(results), title)


def figures(results: Records, limits: Mapping[Metric, float]) -> list[Figure]:
    """A figure a cost, as wide as its page."""
    families = _families(results)
    return [
        Figure(
            f"accuracy-{metric}",
            f"Accuracy against {metric.words}",
            "Each dot is a published network. The line joins those that no other beats in both; "
            "the ring is the choice, the dashed line the budget's limit.",
            partial(draw, panel, families),
        )
        for metric, panel in zip(_known(results), _panels(results, limits), strict=True)
    ]


def _families(results: Records) -> list[str]:
    return sorted({_family(row["model"]) for row in results})


def _family(model: str) -> str:
    """Networks of one sort have one colour: those that differ in depth or size."""
    name = model.partition("@")[0]
    found = _FAMILIES.match(name)
    return found[0] if found else name


def _known(results: Records) -> list[Metric]:
    return [cost for cost in COSTS if all(_value(row, cost) is not None for row in results)]


def _value(row: dict[str, Any], cost: Metric) -> float | None:
    """What it costs; of a latency the predicted one, which alone is known of all."""
    found: float | None = row["predicted_s" if cost is Metric.LATENCY else cost]
    return found


def _panels(results: Records, limits: Mapping[Metric, float]) -> list[Panel]:
    return [_panel(results, cost, limits.get(cost)) for cost in _known(results)]


def _panel(results: Records, cost: Metric, limit: float | None) -> Panel:
    scale, unit = _UNITS.get(cost, (1.0, ""))
    title = cost.words + (f", {unit}" if unit else "")
    if cost is Metric.LATENCY:
        title = f"predicted {title}"
    rows: Sequence[dict[str, Any]] = results
    if cost is not Metric.LATENCY:  # the same in all back ends
        rows = list({row["model"]: row for row in reversed(results)}.values())[::-1]
    chosen = {row["model"] for row in results if row["chosen"]}
    dots = [
        {
            "model": row["model"],
            "group": _family(row["model"]),
            "way": row["backend"] if cost is Metric.LATENCY else rows[0]["backend"],
            "accuracy": row["percent"],
            "source": row["accuracy"]["source"],
            "cost": scale * (_value(row, cost) or 0.0),
            "front": str(cost) in row["fronts"],
            "chosen": row["chosen"] if cost is Metric.LATENCY else row["model"] in chosen,
        }
        for row in rows
    ]
    return Panel(title, "~g" if unit else "~s", dots, None if limit is None else scale * limit)
