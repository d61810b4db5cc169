"""Figures of points: latency against MACs, predictions, the roof; what is counted alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from statistics import median

import numpy as np

from cnnbench import units
from cnnbench.reports import columns as col
from cnnbench.reports.charts import labels
from cnnbench.reports.charts import points as sweep_points
from cnnbench.reports.charts.roofline import roofline
from cnnbench.reports.charts.style import bounds
from cnnbench.reports.page import Figure
from cnnbench.reports.sweep.selection import each_network, name, thinned
from cnnbench.sweeps import views
from cnnbench.sweeps.results import Result
from cnnbench.sweeps.views import Point, Row

_WIDTH, _HEIGHT = 640, 380  # for which names are placed


def costs(results: Sequence[Result]) -> Iterable[Figure]:
    """Costs of every network once."""
    rows: list[Row] = [
        {"model": name(one), "params": one.cost.params, "macs": one.macs // one.batch}
        for one in each_network(results)
        if one.cost and one.cost.params and one.macs
    ]
    shown, note = thinned(rows)
    spots = [labels.Spot(row["params"], row["macs"], row["model"], True) for row in shown]
    if shown:
        yield Figure(
            "costs",
            "Multiply-accumulates against params",
            f"Each dot is a network, exactly counted.{note}",
            partial(sweep_points.costs, _named(shown, spots, [s.y for s in spots])),
        )


_TOLD = {"side": "run as", "layer": "network", "kind": "most MACs in"}


def figures(where: Sequence[Point], order: list[str], ways: str) -> Iterable[Figure]:
    """Figures of timed networks; `ways` says which ways of running are not drawn."""
    shown, note = thinned(where, lambda point: point.front)
    rows = [_point(point) for point in shown]
    spots = [labels.Spot(row["macs"], row["latency_s"], row["model"], row["front"]) for row in rows]
    ends = [row[end] for row in rows for end in ("low_s", "high_s")]
    yield Figure(
        "latency",
        "Latency against multiply-accumulates",
        f"Each dot is a network, its bar is {col.OF_RERUNS}. The line joins the networks that no "
        f"other beats in both.{_hollow(rows)}{note}{ways}",
        partial(sweep_points.latency, _named(rows, spots, ends), order),
    )
    foretold = [row for row in map(_prediction, shown) if row]
    if foretold:
        errors = [abs(row["error"]) for row in map(_prediction, where) if row]
        off = units.percent(median(errors))
        worst = units.percent(float(np.quantile(errors, 0.9)))
        yield Figure(
            "predicted",
            "Predicted against measured",
            "On the dashed line a prediction is right. Predictions follow from the speed of each "
            f"kind of operator on this device; they are off by {off} in the median and {worst} at "
            "the 90th percentile, of contiguous, eager inference.",
            partial(sweep_points.predicted, foretold, order),
        )
    yield from _roofline(shown)


def _point(point: Point) -> Row:
    latency = point.result.latency
    assert latency is not None
    return {
        "model": name(point.result),
        "way": point.series,
        "macs": point.result.macs,
        "latency_s": latency.latency_s,
        "low_s": latency.ci_low_s or latency.latency_s,
        "high_s": latency.ci_high_s or latency.latency_s,
        "front": point.front,
        "usable": _USABLE[point.result.reliable],
    }


_USABLE = {True: "usable", False: col.UNUSABLE}


def _hollow(rows: Sequence[Row]) -> str:
    """What a hollow dot is, where there is one."""
    if all(row["usable"] == _USABLE[True] for row in rows):
        return ""
    return " A hollow dot was measured on a busy machine, and is not usable."


def _prediction(point: Point) -> Row | None:
    one, seconds = point.result, point.result.latency_s
    if one.prediction is None or not seconds or not one.reliable:
        return None
    predicted = one.prediction.predicted_s
    return {
        "model": name(one),
        "way": point.series,
        "latency_s": seconds,
        "predicted_s": predicted,
        "error": predicted / seconds - 1,
    }


def _roofline(shown: Sequence[Point]) -> Iterable[Figure]:
    """The roofline of networks in the first one's dtype, whose ceilings are the device's."""
    roof, dtype = shown[0].result.roof, views.dtype(shown[0].result)
    peak, memory, cache = roof.flops_per_s, roof.bytes_per_s, roof.cache_per_s
    if not peak or not memory or not cache:
        return
    dots = [_dot(point) for point in shown if views.dtype(point.result) == dtype]
    roofs = {"flops_per_s": peak, "bytes_per_s": memory, "cache_per_s": cache}
    yield Figure(
        "roofline",
        "Under the roof",
        f"What each network reaches of what the device can do in {dtype}: left of the bend memory "
        "holds it, right of it arithmetic. Its shape says in which operators most of its "
        "multiply-accumulates are, its area the time of a pass.",
        partial(roofline, dots, roofs, "most MACs in", told=_TOLD, height=_HEIGHT),
    )


def _dot(point: Point) -> Row:
    one = point.result
    assert one.cost is not None
    assert one.latency_s is not None
    most = max(one.kinds, key=lambda kind: one.kinds[kind].macs, default="")
    return {
        "side": point.series,
        "kind": most,
        "layer": name(one),
        "intensity": one.cost.intensity,
        "flops_per_s": (one.cost.flops + one.cost.elementwise_flops) / one.latency_s,
        "seconds": one.latency_s,
    }


def _named(rows: Sequence[Row], spots: Sequence[labels.Spot], ends: list[float]) -> list[Row]:
    """Rows with where their names stand; `ends` are all that the y axis spans."""
    across = bounds([spot.x for spot in spots])
    return labels.named(rows, spots, _HEIGHT, across, bounds(ends))
