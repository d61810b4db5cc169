"""What pictures of comparisons, ways to scale and signals are drawn from. Needs torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import mean
from typing import TYPE_CHECKING, Any

from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import InputError
from cnnbench.reports.charts import roofline as charts
from cnnbench.reports.charts.depth import depth as signal_by_depth
from cnnbench.reports.charts.ratios import bar
from cnnbench.roofline.predict import dtype_of
from cnnbench.studies.comparison.comparison import Comparing, Comparison, Side

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


_AROUND = 5  # steps at most on either side of a loss, which alone is noise


def depth(results: Sequence[dict[str, Any]]) -> alt.TopLevelMixin:
    """Lines of signals by block, and of trainings by step and by block."""
    blocks, losses, distances = [], [], []
    decay = None
    for result in results:
        norm = f"{'with' if result['batch_norm'] else 'without'} batch norm"
        line = {"model": result["model"], "norm": norm}
        blocks += [{**line, **_point(block)} for block in result["blocks"]]
        for one in result["trainings"]:
            if one["weight_decay"]:
                decay = one["weight_decay"]
                distances += [
                    {**line, "depth": b["depth"], "block": b["block"], "distance": distance}
                    for b in one["blocks"]
                    if (distance := b["identity_distance"]) is not None
                ]
            else:
                losses += [{**line, **step} for step in _smoothed(one["losses"])]
    return signal_by_depth(blocks, losses, distances, decay)


def _point(block: dict[str, Any]) -> dict[str, Any]:
    """A block's numbers under the chart's names."""
    values = {"depth": block["depth"], "block": block["block"]}
    for ours, key in (("gradient", "gradient_norm"), ("variance", "variance")):
        values |= {ours: block[key]}
        values |= {f"{ours}{end}": block[f"{key}_ci{end}"] for end in ("_low", "_high")}
    return values


def _smoothed(losses: Sequence[float | None]) -> list[dict[str, float]]:
    """Each step's mean with those around it, up to where it diverges."""
    numbers = [loss for loss in losses if loss is not None]
    around = min(_AROUND, len(numbers) // 10)
    return [
        {"step": step + 1, "loss": mean(numbers[max(0, step - around) : step + around + 1])}
        for step in range(len(numbers))
    ]
