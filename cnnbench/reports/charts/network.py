"""One network's charts: what costs what, and memory as the pass goes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from cnnbench import units
from cnnbench.reports.charts import labels
from cnnbench.reports.charts.parts import chart, label_limit, log_axis, names, series
from cnnbench.reports.charts.style import BLUE, GREY, ORANGE, Records, Width, bounds

_LONGEST = 30  # letters of a layer's name beside the peak
HEIGHT, _STEP, _TICKS = 260, 22, 8
_MIB = 1 / 2**20


def memory(rows: Records, weights: int, width: Width) -> Any:
    """Bytes of activations that are alive as each operator runs, from the first to the last.

    `rows` have `place`, `layer`, `operator`, `live_bytes`, `is_peak`, and `held`, the bytes of it
    that are alive at the peak; `weights` are the parameters' bytes, a dashed line where they are
    not far above.
    """
    rows = [{**row, "mib": _MIB * row["live_bytes"]} for row in rows]
    x = alt.X("place:Q", title="operators, in their order", axis=alt.Axis(tickMinStep=1))
    y = alt.Y("mib:Q", title="activations alive, MiB")
    tooltip = ["layer:N", "operator:N", alt.Tooltip("mib:Q", format=".3~g", title="MiB")]
    area = chart(rows).mark_area(interpolate="step", color=BLUE, opacity=0.35)
    line = chart(rows).mark_line(interpolate="step", color=BLUE, strokeWidth=1.5)
    points = chart(rows).mark_point(filled=True, opacity=0, size=90).encode(tooltip=tooltip)
    peak = [row for row in rows if row["is_peak"]]
    top = chart(peak).mark_point(filled=True, color=ORANGE, size=90).encode(tooltip=tooltip)
    late = bool(peak) and 2 * peak[0]["place"] + 1 >= len(rows)
    name = chart(
        [{**row, "said": f"most at {units.shortened(row['layer'], _LONGEST)}"} for row in peak]
    ).mark_text(
        align="right" if late else "left", dx=-10 if late else 10, dy=-2, fontSize=11, color=GREY
    )
    drawn = area.encode(x=x, y=y) + line.encode(x=x, y=y) + points.encode(x=x, y=y)
    held = chart([row for row in rows if row["held"] and not row["is_peak"]])
    rings = held.mark_point(color=ORANGE, size=70, strokeWidth=2, opacity=1)
    drawn += rings.encode(x=x, y=y, tooltip=tooltip) + top.encode(x=x, y=y)
    drawn += name.encode(x=x, y=y, text="said:N")
    most = max((row["mib"] for row in rows), default=0.0)
    if most and weights * _MIB < 2 * most:
        rule = chart([{"mib": weights * _MIB, "said": "weights"}])
        drawn += rule.mark_rule(strokeDash=[4, 3], color=GREY).encode(y=y)
        drawn += rule.mark_text(align="left", dx=4, dy=-6, fontSize=11, color=GREY).encode(
            y=y, x=alt.value(0), text="said:N"
        )
    return drawn.properties(width=width, height=HEIGHT)


def times(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """A line a stage or layer, in execution order, with a dot for each back end.

    `rows` have `name`, `way`, `ms` and `share`, that of the pass.
    """
    order = list(dict.fromkeys(row["name"] for row in rows))
    way, shape = series(ways)
    x = alt.X("ms:Q", title="ms", axis=alt.Axis(tickCount=_TICKS))
    y = alt.Y(
        "name:N", sort=order, title=None, axis=alt.Axis(labelLimit=label_limit(180), grid=True)
    )
    tooltip = [
        *("name:N", "way:N"),
        alt.Tooltip("ms:Q", format=".3~g"),
        alt.Tooltip("share:Q", format=".1%", title="of the pass"),
    ]
    span = chart(rows).mark_rule(color=GREY, opacity=0.35)
    span = span.encode(y=y, x="min(ms):Q", x2="max(ms):Q")
    dots = chart(rows).mark_point(filled=True, opacity=0.9, size=55)
    drawn = span + dots.encode(x=x, y=y, color=way, shape=shape, tooltip=tooltip)
    return drawn.properties(width=width, height=max(60, _STEP * len(order)))


def stages(rows: Records, cost: str, width: Width) -> Any:
    """A bar a stage, in execution order; `rows` have `name` and `share`, `cost` names it."""
    order = [row["name"] for row in rows]
    x = alt.X("share:Q", title=f"share of {cost}", axis=alt.Axis(format="%", tickCount=_TICKS))
    y = alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=label_limit(180)))
    tooltip = ["name:N", alt.Tooltip("share:Q", format=".1%", title=f"of {cost}")]
    bars = chart(rows).mark_bar(color=BLUE, opacity=0.8).encode(x=x, y=y, tooltip=tooltip)
    said = [{**row, "said": f"{100 * row['share']:.1f}%"} for row in rows]
    text = chart(said).mark_text(align="left", dx=4, fontSize=11, color=GREY)
    drawn = bars + text.encode(x=x, y=y, text="said:N")
    return drawn.properties(width=width, height=max(60, _STEP * len(rows)))


def layers(rows: Records, width: Width) -> Any:
    """A dot a layer that multiplies: params to the right, MACs upwards, log-log.

    `rows` have `layer`, `operator`, `params`, `macs`; those of the most MACs are named first.
    """
    across, down = (bounds([row[key] for row in rows]) for key in ("params", "macs"))
    x = alt.X("params:Q", title="params", **log_axis(*across, "~s"))
    y = alt.Y("macs:Q", title="MACs", **log_axis(*down, "~s"))
    tooltip = [
        *("layer:N", "operator:N"),
        alt.Tooltip("params:Q", format=".3~s"),
        alt.Tooltip("macs:Q", format=".3~s", title="MACs"),
    ]
    dots = chart(rows).mark_point(filled=True, opacity=0.75, size=55, color=BLUE)
    most = sorted(rows, key=lambda row: -row["macs"])
    spots = [labels.Spot(row["params"], row["macs"], row["layer"], True) for row in most]
    named = labels.named(most, spots, HEIGHT, across, down)
    drawn = dots.encode(x=x, y=y, tooltip=tooltip) + names(named, x, y, "layer")
    return drawn.properties(width=width, height=HEIGHT)
