"""Published accuracy against cost: a panel a cost, and the networks that no other beats in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from cnnbench.counting.metrics import Metric
from cnnbench.reports.charts.parts import chart, colour, legend, log_axis, shape
from cnnbench.reports.charts.style import GREY, Drawing, Records, bounds
from cnnbench.studies.choosing.choose import COSTS

_WIDTH, _HEIGHT = 330, 260
_UNITS = {Metric.PEAK: (1 / 2**20, "MiB"), Metric.LATENCY: (1e3, "ms")}
_COLUMNS = 2
_FAMILIES = re.compile("vgg|resnet|plain|efficientnet|alexnet")


def fronts(
    results: Sequence[dict[str, Any]], title: str, limits: Mapping[Metric, float]
) -> Drawing:
    """A panel a cost that is known of all; `results` are the records of `choose`.

    What is limited has a dashed line there.
    """
    rows = [{**row, "family": _family(row["model"])} for row in results]
    families = sorted({row["family"] for row in rows})
    panels = [
        _panel(rows, families, cost, limits.get(cost)) for cost in COSTS if _known(rows, cost)
    ]
    drawn = alt.concat(*panels, columns=_COLUMNS)
    return Drawing(drawn.properties(title=title).resolve_scale(color="shared", shape="shared"))


def _family(model: str) -> str:
    """Networks of one sort have one colour: those that differ in depth or size."""
    name = model.partition("@")[0]
    found = _FAMILIES.match(name)
    return found[0] if found else name


def _known(rows: Records, cost: Metric) -> bool:
    return all(_value(row, cost) is not None for row in rows)


def _value(row: dict[str, Any], cost: Metric) -> float | None:
    """What it costs; a latency that was not measured is the predicted one."""
    if cost is not Metric.LATENCY:
        return float(row[cost])
    found: float | None = row["latency_s"] or row["predicted_s"]
    return found


def _panel(rows: Records, families: Sequence[str], cost: Metric, limit: float | None) -> Any:
    scale, unit = _UNITS.get(cost, (1.0, ""))
    dots = [
        {
            "model": row["model"],
            "family": row["family"],
            "accuracy": row["percent"],
            "source": row["accuracy"]["source"],
            "cost": scale * (_value(row, cost) or 0.0),
            "front": str(cost) in row["fronts"],
            "chosen": row["chosen"],
        }
        for row in rows
    ]
    axis = log_axis(*bounds([dot["cost"] for dot in dots]), "~g" if unit else "~s")
    title = cost.words + (f", {unit}" if unit else "")
    if cost is Metric.LATENCY and not any(row["latency_s"] for row in rows):
        title = f"predicted {title}"
    x = alt.X("cost:Q", title=title, **axis)
    y = alt.Y("accuracy:Q", title="accuracy, %", scale=alt.Scale(zero=False))
    above = legend(columns=4, symbolOpacity=1)
    look = {
        "color": colour("family", families, above),
        "shape": shape("family", families, above),
    }
    tooltip = [
        *("model:N", "accuracy:Q", "source:N"),
        alt.Tooltip("cost:Q", format=".3~s", title=title),
    ]
    line = chart([dot for dot in dots if dot["front"]]).mark_line(color="black", strokeWidth=1)
    points = chart(dots).mark_point(filled=True, opacity=0.85, size=40)
    points = points.encode(x=x, y=y, tooltip=tooltip, **look)
    ring = chart([dot for dot in dots if dot["chosen"]])
    ring = ring.mark_point(size=170, color="black", strokeWidth=1.5).encode(x=x, y=y)
    name = chart([{"called": f"○ {dot['model']}"} for dot in dots if dot["chosen"]])
    corner = {"x": alt.value(_WIDTH - 6), "y": alt.value(_HEIGHT - 10)}
    name = name.mark_text(align="right", fontSize=12).encode(**corner, text="called:N")
    drawn = line.encode(x=x, y=y) + points + ring + name
    if limit is not None and axis["scale"].domain[0] < scale * limit < axis["scale"].domain[1]:
        rule = chart([{"cost": scale * limit}]).mark_rule(strokeDash=[4, 3], color=GREY)
        drawn = rule.encode(x=x) + drawn
    return drawn.properties(width=_WIDTH, height=_HEIGHT)
