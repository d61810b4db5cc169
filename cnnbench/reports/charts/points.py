"""A sweep's charts of points: latency, predictions, costs. One view, as wide as its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from cnnbench.reports import columns as col
from cnnbench.reports.charts.parts import chart, log_axis, names, series
from cnnbench.reports.charts.style import SIDES, Records, Width, bounds

_HEIGHT = 380
_MS = 1e3
MS = (
    alt.Tooltip("x:Q", format=".3~g", title="measured, ms"),
    alt.Tooltip("y:Q", format=".3~g", title="predicted, ms"),
)
_DOT: dict[str, Any] = {"filled": True, "opacity": 0.85, "size": 55}


def latency(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """Log-log: MACs to the right, time upwards, and the line that no network is below.

    `rows` have `model`, `way`, `macs`, `latency_s`, `low_s`, `high_s`, `front`, and where their
    name stands: `beside` and `narrow`, left, right or empty. What is not `usable` is drawn hollow.
    """
    times = {"ms": "latency_s", "low": "low_s", "high": "high_s"}
    rows = [{**row, **{key: _MS * row[own] for key, own in times.items()}} for row in rows]
    colour, shape = series(ways)
    macs = bounds([row["macs"] for row in rows])
    x = alt.X("macs:Q", title="multiply-accumulates of a pass", **log_axis(*macs, "~s"))
    ends = bounds([row[end] for row in rows for end in ("low", "high")])
    y = alt.Y("ms:Q", title="latency, ms", **log_axis(*ends, "~g"))
    base = chart(rows).encode(x=x, color=colour)
    low = alt.Y("low:Q", title="latency, ms")
    whiskers = base.mark_rule(opacity=0.6).encode(y=low, y2="high:Q")
    tooltip = [
        *("model:N", "way:N", "usable:N"),
        alt.Tooltip("macs:Q", format=".3~s", title="MACs"),
        alt.Tooltip("ms:Q", format=".3~g", title="latency, ms"),
        alt.Tooltip("low:Q", format=".3~g", title=f"{col.OF_RERUN} from, ms"),
        alt.Tooltip("high:Q", format=".3~g", title="to, ms"),
    ]

    def dots(*, filled: bool) -> Any:
        there = [row for row in rows if (row["usable"] != col.UNUSABLE) is filled]
        points = chart(there).mark_point(**{**_DOT, "filled": filled})
        return points.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)

    front = chart([row for row in rows if row["front"]]).encode(x=x, y=y, color=colour)
    line = front.mark_line(strokeWidth=1, opacity=0.7)
    drawn = line + whiskers + dots(filled=False) + dots(filled=True) + names(rows, x, y)
    return drawn.properties(width=width, height=_HEIGHT)


def predicted(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """Log-log; on the dashed diagonal a prediction is right.

    `rows` have `model`, `way`, `latency_s`, `predicted_s`, `error`.
    """
    rows = [{**row, "x": _MS * row["latency_s"], "y": _MS * row["predicted_s"]} for row in rows]
    colour, shape = series(ways)
    diagonal, (x, y) = diagonal_of(*bounds([row[end] for row in rows for end in ("x", "y")]))
    tooltip = [*("model:N", "way:N"), *MS, alt.Tooltip("error:Q", format="+.0%", title="off by")]
    dots = chart(rows).mark_point(**_DOT)
    dots = dots.encode(x=x, y=y, color=colour, shape=shape, tooltip=tooltip)
    return (diagonal + dots).properties(width=width, height=_HEIGHT)


def diagonal_of(low: float, high: float) -> tuple[Any, tuple[alt.X, alt.Y]]:
    """Where predictions are right, and the axes: `x`, measured, and `y`, predicted, in ms."""
    axes = (
        alt.X("x:Q", title="measured, ms", **log_axis(low, high, "~g")),
        alt.Y("y:Q", title="predicted, ms", **log_axis(low, high, "~g")),
    )
    line = chart([{"x": end, "y": end} for end in (low, high)])
    return line.mark_line(color="black", strokeDash=[4, 3]).encode(*axes), axes


def costs(rows: Records, width: Width) -> Any:
    """Log-log, of what was counted alone: params to the right, MACs upwards.

    `rows` have `model`, `params`, `macs`, `beside` and `narrow` as above.
    """
    params, macs = (bounds([row[key] for row in rows]) for key in ("params", "macs"))
    x = alt.X("params:Q", title="params", **log_axis(*params, "~s"))
    y = alt.Y("macs:Q", title="multiply-accumulates of an image", **log_axis(*macs, "~s"))
    tooltip = [
        "model:N",
        alt.Tooltip("params:Q", format=".3~s"),
        alt.Tooltip("macs:Q", format=".3~s", title="MACs"),
    ]
    dots = chart(rows).encode(x=x, y=y).mark_point(color=SIDES[1], **_DOT).encode(tooltip=tooltip)
    return (dots + names(rows, x, y)).properties(width=width, height=_HEIGHT)
