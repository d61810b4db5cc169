"""Where operators or networks stand under a device's roof."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import altair as alt

from cnnbench.counting.cost import OpCost
from cnnbench.reports.charts import labels
from cnnbench.reports.charts.parts import chart, colour, columns, legend, log_axis, names
from cnnbench.reports.charts.style import GREY, Records, Width

_NAMED = 16  # dots that bear a name, at most
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
    names_layers: bool = False,
) -> Any:
    """Log-log: the ceilings, one dot for each of `dots`, its area the time it takes.

    `dots` have `side`, `kind`, `layer`, `intensity`, `flops_per_s`, `seconds`; `roofs` the device's
    `flops_per_s`, `bytes_per_s` and, where they fit into the cache, `cache_per_s`. Colours tell
    sides apart, and shapes what kind it is, under the legend's title `shapes`; `told` are the names
    of a dot's fields where the pointer stands. With `names_layers` dots bear their layers' names
    where those have room, the slowest first, and few.
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
    dash = alt.StrokeDash("roof:N", sort=list(of_memory), legend=None)
    roof = chart(lines).mark_line(color="black").encode(x=x, y=y, strokeDash=dash)
    for place, (name, bandwidth) in enumerate(reversed(of_memory.items())):
        bend = [{"x": peak / bandwidth, "y": peak, "roof": name}]
        said = chart(bend).mark_text(align="right", dx=4, dy=-8 - 13 * place, color=GREY)
        roof += said.encode(x=x, y=y, text="roof:N")
    sides = list(dict.fromkeys(dot["side"] for dot in dots))
    above = legend(columns=columns(4)) if width == "container" else legend()
    below = alt.Legend(title=shapes, labelLimit=200)
    if width == "container":
        below = alt.Legend(title=None, labelLimit=200, orient="bottom", columns=columns(4))
    if max(map(len, sides)) > _LONG:
        above = legend(columns=1)
    dots = [{**dot, "x": dot["intensity"], "y": dot["flops_per_s"]} for dot in dots]
    points = (
        chart(dots)
        .mark_point(filled=True, opacity=0.75, stroke="white", strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=colour("side", sides, above if len(sides) > 1 else None),
            shape=alt.Shape("kind:N", legend=below),
            size=alt.Size("seconds:Q", legend=None, scale=alt.Scale(range=[25, 600])),
            tooltip=[
                *(alt.Tooltip(f"{k}:N", title=told.get(k, k)) for k in ("side", "layer", "kind")),
                alt.Tooltip("intensity:Q", format=".3~s", title="FLOP per byte"),
                alt.Tooltip("flops_per_s:Q", format=".3~s", title="FLOP/s"),
                alt.Tooltip("seconds:Q", format=".3~s"),
            ],
        )
    )
    drawn = roof + points
    if names_layers:
        drawn += names(_named(dots, height, (left, right), (bottom, top)), x, y, "layer")
    return drawn.properties(width=width, height=height, title=title)


def _named(
    dots: Records, height: int, across: labels.Ends, down: labels.Ends
) -> list[dict[str, Any]]:
    slowest = sorted(dots, key=lambda dot: -dot["seconds"])
    spots = [
        labels.Spot(dot["x"], dot["y"], dot["layer"], place < _NAMED)
        for place, dot in enumerate(slowest)
    ]
    return labels.named(slowest, spots, height, across, down)


def dots_of(side: str, ran: Iterable[tuple[OpCost, float]]) -> list[dict[str, Any]]:
    """A dot for every operator that computes: its intensity, and what it reaches."""
    return [
        {
            "side": side,
            "kind": str(op.kind),
            "layer": op.path or op.operator,
            "intensity": op.cost.intensity,
            "flops_per_s": (op.cost.flops + op.cost.elementwise_flops) / seconds,
            "seconds": seconds,
        }
        for op, seconds in ran
        if op.cost.intensity > 0 and seconds > 0
    ]
