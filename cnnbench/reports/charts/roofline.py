"""Where operators or networks stand under a device's roof."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import altair as alt

from cnnbench.reports.charts.parts import chart, colour, columns, legend, log_axis
from cnnbench.reports.charts.style import Records, Width

_LONG = 24  # letters of a name that has a line of a legend for itself


def roofline(
    dots: Records,
    roofs: dict[str, float],
    shapes: str,
    width: Width = 340,
    *,
    title: str = "",
    told: Mapping[str, str] = MappingProxyType({}),
    height: int = 300,
) -> Any:
    """Log-log: the ceilings, one dot for each of `dots`, its area the time it takes.

    `dots` have `side`, `kind`, `layer`, `intensity`, `flops_per_s`, `seconds`; `roofs` the device's
    `flops_per_s`, `bytes_per_s` and, where they fit into the cache, `cache_per_s`. Colours tell
    sides apart, and shapes what kind it is, under the legend's title `shapes`; `told` are the names
    of a dot's fields where the pointer stands.
    """
    peak, memory, cache = (roofs[key] for key in ("flops_per_s", "bytes_per_s", "cache_per_s"))
    given = [dot["intensity"] for dot in dots]
    reached = [dot["flops_per_s"] for dot in dots]
    left = min(*given, peak / cache) / 2
    right = max(*given, peak / memory) * 2
    top, bottom = max(*reached, peak) * 2, min(*reached, left * memory) / 1.5
    x = alt.X("x:Q", title="FLOP per byte moved", **log_axis(left, right, "~g"))
    y = alt.Y("y:Q", title="FLOP/s", **log_axis(bottom, top, "~s"))
    of_memory = {"beyond the cache": memory, "in the cache": cache}
    if cache <= memory:
        of_memory = {"": memory}
    lines = [
        {"x": at, "y": min(peak, at * bandwidth), "roof": name}
        for name, bandwidth in of_memory.items()
        for at in (left, peak / bandwidth, right)
    ]
    of_roofs = alt.Legend(title="memory's roof", symbolStrokeColor="black")
    dash = alt.StrokeDash(
        "roof:N", sort=list(of_memory), legend=of_roofs if len(of_memory) > 1 else None
    )
    roof = chart(lines).mark_line(color="black").encode(x=x, y=y, strokeDash=dash)
    sides = list(dict.fromkeys(dot["side"] for dot in dots))
    above = legend(columns=columns(4)) if width == "container" else legend()
    if max(map(len, sides)) > _LONG:
        above = legend(columns=1)
    points = (
        chart([{**dot, "x": dot["intensity"], "y": dot["flops_per_s"]} for dot in dots])
        .mark_point(filled=True, opacity=0.75, stroke="white", strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=colour("side", sides, above),
            shape=alt.Shape("kind:N", legend=alt.Legend(title=shapes, labelLimit=200)),
            size=alt.Size("seconds:Q", legend=None, scale=alt.Scale(range=[25, 600])),
            tooltip=[
                *(alt.Tooltip(f"{k}:N", title=told.get(k, k)) for k in ("side", "layer", "kind")),
                alt.Tooltip("intensity:Q", format=".3~s", title="FLOP per byte"),
                alt.Tooltip("flops_per_s:Q", format=".3~s", title="FLOP/s"),
                alt.Tooltip("seconds:Q", format=".3~s"),
            ],
        )
    )
    return (roof + points).properties(width=width, height=height, title=title)
