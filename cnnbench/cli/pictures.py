"""What pictures of comparisons and of ways to scale are drawn from. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import InputError
from cnnbench.reports import charts
from cnnbench.reports.bars import bar
from cnnbench.studies.comparison import Comparing, Comparison, Side
from cnnbench.timing.prediction import dtype_of

if TYPE_CHECKING:
    import altair as alt


def comparison(done: Comparing) -> alt.TopLevelMixin:
    """Bars of ratios, and where there are ceilings the operators under them.

    An operator that was not timed stands where the prediction has it.
    """
    bars = [bar for row in done.rows for bar in _bars(row)]
    if not bars:
        raise InputError("nothing to draw: no MACs to compare, and no times")
    dtype = dtype_of(done.rows[0].a.trace)
    profile = done.profile
    if profile is None or profile.bytes_per_s is None or dtype not in profile.flops_per_s:
        return charts.comparison(bars, [], {})
    sides = {id(side): side for row in done.rows for side in (row.a, row.b)}
    dots = [dot for side in sides.values() for dot in _dots(side)]
    roofs = {
        "flops_per_s": profile.flops_per_s[dtype],
        "bytes_per_s": profile.bytes_per_s,
        "cache_per_s": max(copy.bytes_per_s for copy in profile.copies),
    }
    return charts.comparison(bars, dots, roofs)


def _bars(row: Comparison) -> list[dict[str, Any]]:
    """A row's three ratios, with the measured one's interval."""
    values = {
        charts.MACS: row.macs_ratio,
        charts.PREDICTED: row.predicted_speedup,
        charts.MEASURED: row.measured.median if row.measured else None,
    }
    bars = []
    for series, value in values.items():
        if value is None:
            continue
        low = high = value
        if series == charts.MEASURED and row.measured and math.isfinite(row.measured.high):
            low, high = row.measured.low, row.measured.high
        bars.append(bar(row.title, series, value, low, high))
    return bars


_COSTS: dict[str, str] = {
    **{str(metric): metric.words for metric in STATIC if metric is not Metric.ELEMENTWISE},
    "predicted": "predicted time",
    "measured": "measured time",
}


def ways(results: Sequence[dict[str, Any]]) -> alt.TopLevelMixin:
    """Bars of each cost as a ratio to the network as it was, with the measured one's interval."""
    base, *others = results
    bars = []
    for cost, words in _COSTS.items():
        for way in others:
            value = way[f"{cost}_ratio"]
            if value is None:
                continue
            low, high = value, value
            if cost == "measured" and way["ci_low"] is not None:
                low, high = way["ci_low"], way["ci_high"]
            bars.append(bar(words, way["way"], value, low, high))
    return charts.ways(bars, [way["way"] for way in others], base["model"])


def _dots(side: Side) -> list[dict[str, Any]]:
    """Every operator that computes: its intensity, and what it reaches."""
    if side.layers is not None and side.layers.operators:
        timed = [(op.cost, op.time_s) for op in side.layers.operators]
    elif side.predicted is not None:
        timed = [(op.cost, op.seconds) for op in side.predicted.operators]
    else:
        timed = []
    return [
        {
            "side": side.name,
            "kind": str(op.kind),
            "layer": op.path or op.operator,
            "intensity": op.cost.intensity,
            "flops_per_s": (op.cost.flops + op.cost.elementwise_flops) / seconds,
            "seconds": seconds,
        }
        for op, seconds in timed
        if op.cost.intensity > 0 and seconds > 0
    ]
