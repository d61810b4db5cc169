"""A sweep's charts of points: latency, predictions, costs. One view, as wide as its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench.reports import columns as col
from cnnbench.reports.charts.style import (
    GREY,
    NARROW,
    SIDES,
    Records,
    Width,
    bounds,
    data,
    log_axis,
    series,
)

_HEIGHT = 380
_MS = 1e3


def latency(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """Log-log: MACs to the right, time upwards, and the line that no network is below.

    `rows` have `model`, `way`, `macs`, `latency_s`, `low_s`, `high_s`, `front`, and where their
    name stands: `side`, left, right or empty.
    """
    import altair as alt

    rows = [{**row, "ms": _MS * row["latency_s"]} for row in rows]
    rows = [{**row, "low": _MS * row["low_s"], "high": _MS * row["high_s"]} for row in rows]
    colour, shape = series(ways)
    x = alt.X(
        "macs:Q",
        title="multiply-accumulates of a pass",
        **log_axis(*bounds([row["macs"] for row in rows]), "~s"),
    )
    ends = [row[end] for row in rows for end in ("low", "high")]
    y = alt.Y("ms:Q", title="latency, ms", **log_axis(*bounds(ends), "~g"))
    base = alt.Chart(data(rows)).encode(x=x, color=colour)
    whiskers = base.mark_rule(opacity=0.6).encode(
        y=alt.Y("low:Q", title="latency, ms"), y2="high:Q"
    )
    dots = base.mark_point(filled=True, opacity=0.85, size=55).encode(
        y=y,
        shape=shape,
        tooltip=[
            *("model:N", "way:N"),
            alt.Tooltip("macs:Q", format=".3~s", title="MACs"),
            alt.Tooltip("ms:Q", format=".3~g", title="latency, ms"),
            alt.Tooltip("low:Q", format=".3~g", title=f"{col.OF_MEDIAN} from, ms"),
            alt.Tooltip("high:Q", format=".3~g", title="to, ms"),
        ],
    )
    front = alt.Chart(data([row for row in rows if row["front"]])).encode(x=x, y=y, color=colour)
    line = front.mark_line(strokeWidth=1, opacity=0.7)
    return (line + whiskers + dots + _labels(rows, x, y)).properties(width=width, height=_HEIGHT)


def predicted(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """Log-log; on the dashed diagonal a prediction is right.

    `rows` have `model`, `way`, `latency_s`, `predicted_s`, `error`.
    """
    import altair as alt

    rows = [{**row, "x": _MS * row["latency_s"], "y": _MS * row["predicted_s"]} for row in rows]
    low, high = bounds([row[end] for row in rows for end in ("x", "y")])
    colour, shape = series(ways)
    x = alt.X("x:Q", title="measured, ms", **log_axis(low, high, "~g"))
    y = alt.Y("y:Q", title="predicted, ms", **log_axis(low, high, "~g"))
    diagonal = (
        alt.Chart(data([{"x": end, "y": end} for end in (low, high)]))
        .mark_line(color="black", strokeDash=[4, 3])
        .encode(x=x, y=y)
    )
    dots = (
        alt.Chart(data(rows))
        .mark_point(filled=True, opacity=0.85, size=55)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=shape,
            tooltip=[
                *("model:N", "way:N"),
                alt.Tooltip("x:Q", format=".3~g", title="measured, ms"),
                alt.Tooltip("y:Q", format=".3~g", title="predicted, ms"),
                alt.Tooltip("error:Q", format="+.0%", title="off by"),
            ],
        )
    )
    return (diagonal + dots).properties(width=width, height=_HEIGHT)


def costs(rows: Records, width: Width) -> Any:
    """Log-log, of what was counted alone: params to the right, MACs upwards.

    `rows` have `model`, `params`, `macs` and `side` as above.
    """
    import altair as alt

    x = alt.X(
        "params:Q", title="params", **log_axis(*bounds([row["params"] for row in rows]), "~s")
    )
    y = alt.Y(
        "macs:Q",
        title="multiply-accumulates of an image",
        **log_axis(*bounds([row["macs"] for row in rows]), "~s"),
    )
    base = alt.Chart(data(rows)).encode(x=x, y=y)
    dots = base.mark_point(filled=True, size=55, opacity=0.85, color=SIDES[1]).encode(
        tooltip=[
            "model:N",
            alt.Tooltip("params:Q", format=".3~s"),
            alt.Tooltip("macs:Q", format=".3~s", title="MACs"),
        ]
    )
    return (dots + _labels(rows, x, y)).properties(width=width, height=_HEIGHT)


def _labels(rows: Records, x: Any, y: Any) -> Any:
    """Names beside the points that have room for theirs; none on a screen too narrow for them."""
    import altair as alt

    def beside(side: str, align: Any, dx: int) -> Any:
        names = alt.Chart(data([row for row in rows if row["side"] == side])).encode(
            x=x, y=y, text="model:N"
        )
        shown = {"align": align, "baseline": "middle", "dx": dx, "fontSize": 10}
        shown["opacity"] = alt.expr(f"width > {NARROW} ? 1 : 0")
        halo = names.mark_text(stroke="white", strokeWidth=3, **shown)  # lines run behind names
        return halo + names.mark_text(color=GREY, **shown)

    return beside("right", "left", 7) + beside("left", "right", -7)
