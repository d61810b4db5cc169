"""Pictures of comparisons and of ways to scale. Needs torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import altair as alt

from cnnbench.counting.metrics import STATIC, Metric
from cnnbench.errors import InputError
from cnnbench.reports.charts.ratios import MACS, OF_SPEEDUPS, TIMES, bar, ratios, speedups
from cnnbench.reports.charts.roofline import dots_of, roofline
from cnnbench.reports.charts.style import GREY, SIDES, Drawing
from cnnbench.roofline.predict import dtype_of
from cnnbench.roofline.profile import Profile
from cnnbench.studies.comparison.comparison import Comparing, Comparison, Side
from cnnbench.timing.samples.pairing import Verdict
from cnnbench.timing.setting import Setting, names

_COSTS: dict[str, str] = {
    **{str(metric): metric.words for metric in STATIC if metric is not Metric.ELEMENTWISE},
    "predicted": "predicted time",
    "measured": "measured time",
}


def comparison(done: Comparing) -> Drawing:
    """Bars of ratios, and where there are ceilings the operators under them.

    An operator that was not timed stands where the prediction has it. Of several settings bars
    alone, one a setting.
    """
    if several := done.side_by_side:
        return _by_settings(done, names(several))
    bars = [bar for row in done.rows for bar in speedups(row.title, row)]
    if not bars:
        raise InputError("nothing to draw: no MACs to compare, and no times")
    title = "Fewer MACs, and how much faster"
    charts = [ratios(bars, OF_SPEEDUPS, title, TIMES)]
    if (drawn := under_the_roof(done.rows, done.profile)) is not None:
        charts.append(drawn)
    return Drawing(alt.hconcat(*charts, spacing=48).resolve_scale(color="independent"))


def under_the_roof(rows: Sequence[Comparison], profile: Profile | None) -> Any:
    """The operators of all sides under the device's roof; None where it or they are not known."""
    dtype = dtype_of(rows[0].a.trace)
    if profile is None or profile.bytes_per_s is None or dtype not in profile.flops_per_s:
        return None
    sides = {id(side): side for row in rows for side in (row.a, row.b)}
    dots = [dot for side in sides.values() for dot in _dots(side)]
    roofs = {
        "flops_per_s": profile.flops_per_s[dtype],
        "bytes_per_s": profile.bytes_per_s,
        "cache_per_s": max(copy.bytes_per_s for copy in profile.copies),
    }
    title = "Each operator under the roof (area: its time)"
    return roofline(dots, roofs, "operator", title=title) if dots else None


def _by_settings(done: Comparing, called: Mapping[Setting, str]) -> Drawing:
    """What the MACs promise, and how much faster it is in each setting."""
    bars: list[dict[str, Any]] = []
    for row in done.rows:
        if row.macs_ratio is not None and not any(bar["name"] == row.title for bar in bars):
            bars.append(bar(row.title, MACS, row.macs_ratio))
        if row.measured is not None and row.verdict is not Verdict.NOT_USABLE:
            found = row.measured
            series = called[row.b.run_in]
            bars.append(bar(row.title, series, found.median, found.low, found.high))
    if not bars:
        raise InputError("nothing to draw: no MACs to compare, and no times")
    colours = {MACS: GREY, **dict(zip(called.values(), cycle(SIDES), strict=False))}
    title = "Fewer MACs, and how much faster in each runtime"
    return Drawing(ratios(bars, colours, title, TIMES))


def _dots(side: Side) -> list[dict[str, Any]]:
    """Every operator that computes, as it was timed, else as it is predicted."""
    found = side.layers if side.layers is not None and side.layers.operators else side.predicted
    return dots_of(side.name, ((op.cost, op.seconds) for op in found.operators) if found else ())


def ways(results: Sequence[dict[str, Any]]) -> Drawing:
    """Bars of each cost as a ratio to the network as it was, with the measured one's interval."""
    base, *others = results
    bars: list[dict[str, Any]] = []
    for cost, words in _COSTS.items():
        key = f"{cost}_ratio"
        usable = [way for way in others if cost != "measured" or way["reliable"] is not False]
        for way in (way for way in usable if way[key] is not None):
            ends = (way["ci_low"], way["ci_high"]) if cost == "measured" else ()
            bars.append(bar(words, way["way"], way[key], *ends))
    colours = dict(zip((way["way"] for way in others), SIDES, strict=False))
    title = "What each way of scaling costs"
    return Drawing(ratios(bars, colours, title, f"times {base['model']}"))
