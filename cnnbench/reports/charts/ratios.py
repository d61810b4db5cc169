"""Groups of bars of ratios, with whiskers where there is an interval."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import altair as alt

from cnnbench import units
from cnnbench.reports.charts.parts import chart, colour, columns, legend, line_at_one
from cnnbench.reports.charts.style import BLUE, GREY, ORANGE, Records, Width
from cnnbench.studies.comparison.comparison import Comparison
from cnnbench.sweeps.compare import Pair
from cnnbench.timing.samples.pairing import Verdict

MACS, PREDICTED, MEASURED = "MAC ratio", "predicted speed-up", "measured speed-up"
OF_SPEEDUPS = {MACS: GREY, PREDICTED: ORANGE, MEASURED: BLUE}
TIMES = "times fewer MACs, times as fast"


def ratios(
    rows: Records, colours: Mapping[str, str], title: str, axis: str, width: Width = 330
) -> Any:
    """One group of bars a name, a dashed line at 1.

    `rows` are bars; `colours` the series in their order.
    """
    names = list(dict.fromkeys(row["name"] for row in rows))
    shown = [name for name in colours if any(row["series"] == name for row in rows)]
    above = legend(columns=columns(3)) if width == "container" else legend()
    base = chart(rows).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=_named()),
        yOffset=alt.YOffset("series:N", sort=shown),
    )
    right = 1.15 * max(1.0, *(row["end"] for row in rows))
    scale = alt.Scale(domain=[0, right], nice=False)
    bars = base.mark_bar(height={"band": 0.92}).encode(
        x=alt.X("value:Q", stack=None, title=axis, scale=scale),
        color=colour("series", shown, above, [colours[name] for name in shown]),
        tooltip=["name:N", "series:N", alt.Tooltip("value:Q", format=".3~g")],
    )
    whiskers = base.mark_rule(color="black").encode(x="low:Q", x2="high:Q")
    labels = base.mark_text(align="left", dx=5, fontSize=11).encode(x="end:Q", text="text:N")
    height = max(90, len(names) * len(shown) * 19)
    return (line_at_one("x") + bars + whiskers + labels).properties(
        width=width, height=height, title=title
    )


def _named() -> alt.Axis:
    """An axis of names, the long ones of two sides on two lines."""
    lines = "length(datum.label) > 34 ? split(datum.label, ' → ') : datum.label"
    return alt.Axis(labelLimit=340, labelExpr=lines, ticks=False)


def bar(
    name: str, series: str, value: float, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    """A row of `ratios`; without an interval both its ends are the value."""
    if low is None or high is None or not math.isfinite(high):
        low = high = value
    return {
        "name": name,
        "series": series,
        "value": value,
        "low": low,
        "high": high,
        "end": max(value, high),
        "text": units.ratio(value),
    }


def speedups(name: str, row: Comparison | Pair) -> list[dict[str, Any]]:
    """Bars of what is known of a row: its MACs' ratio, how much faster b should be and is."""
    known = {MACS: row.macs_ratio, PREDICTED: row.predicted_speedup}
    bars = [bar(name, series, value) for series, value in known.items() if value is not None]
    usable = not isinstance(row, Comparison) or row.verdict is not Verdict.NOT_USABLE
    if usable and (seen := row.measured):
        bars.append(bar(name, MEASURED, seen.median, seen.low, seen.high))
    return bars
