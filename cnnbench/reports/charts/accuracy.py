"""Published accuracy against a cost, and the line of networks that no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from cnnbench.reports.charts import labels
from cnnbench.reports.charts.parts import (
    chart,
    colour,
    columns,
    legend,
    log_axis,
    names,
    shape,
)
from cnnbench.reports.charts.style import GREY, Drawing, Records, Width, bounds

_DASHES = ([1, 0], [6, 3], [2, 2], [8, 2, 2, 2], [1, 4], [12, 3])
_HEIGHT = 340
_ROOM = 1.5  # percent points above and below
_SMALL = (330, 260)  # of a panel among others
_COLUMNS = 2


@dataclass(frozen=True)
class Panel:
    """What is drawn against one cost, called `title`; `form` is how its axis reads.

    `dots` have `model`, `group`, `way`, `accuracy`, `source`, `cost`, whether they are on the
    `front` of their way, and whether they are `chosen`. What is limited has a dashed line.
    """

    title: str
    form: str
    dots: Records
    limit: float | None = None


def together(panels: Sequence[Panel], groups: Sequence[str], title: str) -> Drawing:
    """Panels beside each other, under one legend."""
    width, height = _SMALL
    drawn = [draw(panel, groups, width, height) for panel in panels]
    whole = alt.concat(*drawn, columns=_COLUMNS).properties(title=title)
    return Drawing(whole.resolve_scale(color="shared", shape="shared"))


def draw(panel: Panel, groups: Sequence[str], width: Width, height: int = _HEIGHT) -> Any:
    """One panel: a colour a group of networks, a line a way of running them."""
    dots = panel.dots
    axis = log_axis(*bounds([dot["cost"] for dot in dots]), panel.form)
    x = alt.X("cost:Q", title=panel.title, **axis)
    low, high = min(d["accuracy"] for d in dots) - _ROOM, max(d["accuracy"] for d in dots) + _ROOM
    y = alt.Y("accuracy:Q", title="accuracy, %", scale=alt.Scale(domain=[low, high]))
    ways = list(dict.fromkeys(dot["way"] for dot in dots))
    beside = 4 if isinstance(width, int) else columns(4)  # on a page by its width
    above = legend(columns=beside, symbolOpacity=1) if len(groups) > 1 else None
    tooltip = [
        *("model:N", "way:N", "accuracy:Q", "source:N"),
        alt.Tooltip("cost:Q", format=".3~s", title=panel.title),
    ]
    front = chart([dot for dot in dots if dot["front"]]).encode(x=x, y=y)
    line = front.mark_line(strokeWidth=1, color="black")
    if list(groups) == ways:
        line = front.mark_line(strokeWidth=1).encode(color=colour("group", groups, above))
    elif len(ways) > 1:
        dash = alt.Scale(domain=ways, range=list(_DASHES[: len(ways)]))
        line = line.encode(strokeDash=alt.StrokeDash("way:N", scale=dash, legend=legend()))
    points = chart(dots).mark_point(filled=True, opacity=0.85, size=40)
    points = points.encode(
        x=x,
        y=y,
        tooltip=tooltip,
        color=colour("group", groups, above),
        shape=shape("group", groups, above),
    )
    chosen = [dot for dot in dots if dot["chosen"]]
    drawn = line + points
    if not isinstance(width, int):  # a page has room for names
        drawn += names(_named(dots, axis["scale"].domain, (low, high), height), x, y)
    if chosen:
        ring = chart(chosen).mark_point(size=170, color="black", strokeWidth=1.5)
        said = [
            f"{dot['model']} in {dot['way']}" if len(ways) > 1 else dot["model"] for dot in chosen
        ]
        name = chart([{"called": f"○ {one}"} for one in said])
        right = width - 6 if isinstance(width, int) else alt.expr("width - 6")
        corner = {"x": alt.value(right), "y": alt.value(height - 10)}
        name = name.mark_text(align="right", fontSize=12).encode(**corner, text="called:N")
        drawn = drawn + ring.encode(x=x, y=y) + name
    if panel.limit is not None and axis["scale"].domain[0] < panel.limit < axis["scale"].domain[1]:
        rule = chart([{"cost": panel.limit}]).mark_rule(strokeDash=[4, 3], color=GREY)
        drawn = rule.encode(x=x) + drawn
    return drawn.properties(width=width, height=height)


def _named(
    dots: Records, across: tuple[float, float], down: tuple[float, float], height: int
) -> list[dict[str, Any]]:
    """Dots of which those on a front have their name; the axis of accuracies is no logarithm."""

    def steep(percent: float) -> float:
        return math.exp(percent / 100)

    spots = [
        labels.Spot(dot["cost"], steep(dot["accuracy"]), dot["model"], bool(dot["front"]))
        for dot in dots
    ]
    low, high = down
    ends = steep(low), steep(high)
    return labels.named(dots, spots, height, across, ends)
