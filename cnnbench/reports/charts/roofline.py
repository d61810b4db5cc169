"""The charts: ratios and rooflines of a comparison, predictions against measurements."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cnnbench.reports.charts.ratios import ratios
from cnnbench.reports.charts.style import (
    BLUE,
    GREY,
    ORANGE,
    SIDES,
    Records,
    Width,
    columns,
    data,
    log_axis,
    styled,
)

if TYPE_CHECKING:
    import altair as alt

SERIES = MACS, PREDICTED, MEASURED = ("MAC ratio", "predicted speed-up", "measured speed-up")
SERIES_COLOURS = dict(zip(SERIES, (GREY, ORANGE, BLUE), strict=True))


def comparison(rows: Records, dots: Records, roofs: dict[str, float]) -> alt.TopLevelMixin:
    """Ratios side by side, and where each operator stands under the roof.

    `rows` have `name`, `series`, `value`, `low`, `high`; `dots` have `side`, `kind`, `layer`,
    `intensity`, `flops_per_s`, `seconds`; `roofs` the device's `flops_per_s`, `bytes_per_s` and,
    where they fit into the cache, `cache_per_s`.
    """
    charts = [
        ratios(
            rows,
            SERIES_COLOURS,
            title="Fewer MACs, and how much faster",
            axis="times fewer MACs, times as fast",
        )
    ]
    if dots:
        title = "Each operator under the roof (area: its time)"
        charts.append(roofline(dots, roofs, title=title, shapes="operator"))
    import altair as alt

    return styled(alt.hconcat(*charts, spacing=48).resolve_scale(color="independent"))


def roofline(
    dots: Records,
    roofs: dict[str, float],
    *,
    title: str = "",
    shapes: str = "",
    told: Mapping[str, str] = MappingProxyType({}),
    width: Width = 340,
    height: int = 300,
) -> Any:
    """Log-log: the ceilings, one dot for each of `dots`, its area the time it takes.

    Colours tell sides apart, and shapes what kind it is, under the legend's title `shapes`; `told`
    are the names of a dot's fields where the pointer stands.
    """
    import altair as alt

    peak, memory, cache = (roofs[key] for key in ("flops_per_s", "bytes_per_s", "cache_per_s"))
    given = [dot["intensity"] for dot in dots]
    reached = [dot["flops_per_s"] for dot in dots]
    left = min(*given, peak / cache) / 2
    right = max(*given, peak / memory) * 2
    top, bottom = max(*reached, peak) * 2, min(*reached, left * memory) / 1.5
    x = alt.X("x:Q", title="FLOP per byte moved", **log_axis(left, right, "~g"))
    y = alt.Y("y:Q", title="FLOP/s", **log_axis(bottom, top, "~s"))
    lines = []
    roofs_of = (
        {"beyond the cache": memory, "in the cache": cache} if cache > memory else {"": memory}
    )
    for name, bandwidth in roofs_of.items():
        ends = (left, peak / bandwidth, right)
        lines += [{"x": at, "y": min(peak, at * bandwidth), "roof": name} for at in ends]
    roof = (
        alt.Chart(data(lines))
        .mark_line(color="black")
        .encode(
            x=x,
            y=y,
            strokeDash=alt.StrokeDash(
                "roof:N",
                sort=list(roofs_of),
                legend=alt.Legend(title="memory's roof", symbolStrokeColor="black")
                if len(roofs_of) > 1
                else None,
            ),
        )
    )
    sides = list(dict.fromkeys(dot["side"] for dot in dots))
    narrow: dict[str, Any] = {"columns": columns(4)} if width == "container" else {}
    points = (
        alt.Chart(data([{**d, "x": d["intensity"], "y": d["flops_per_s"]} for d in dots]))
        .mark_point(filled=True, opacity=0.75, stroke="white", strokeWidth=0.5)
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "side:N",
                sort=sides,
                scale=alt.Scale(domain=sides, range=(SIDES * len(sides))[: len(sides)]),
                legend=alt.Legend(title=None, orient="top", **narrow),
            ),
            shape=alt.Shape("kind:N", legend=alt.Legend(title=shapes, labelLimit=200)),
            size=alt.Size("seconds:Q", legend=None, scale=alt.Scale(range=[25, 600])),
            tooltip=[
                *(
                    alt.Tooltip(f"{key}:N", title=told.get(key, key))
                    for key in ("side", "layer", "kind")
                ),
                alt.Tooltip("intensity:Q", format=".3~s", title="FLOP per byte"),
                alt.Tooltip("flops_per_s:Q", format=".3~s", title="FLOP/s"),
                alt.Tooltip("seconds:Q", format=".3~s"),
            ],
        )
    )
    return (roof + points).properties(width=width, height=height, title=title)


def ways(rows: Records, names: list[str], base: str) -> alt.TopLevelMixin:
    """What each way of scaling does to each cost, times the network's as it was; `rows` as bars."""
    colours = dict(zip(names, SIDES, strict=False))
    title = "What each way of scaling costs"
    return styled(ratios(rows, colours, title=title, axis=f"times {base}"))


def predicted_against_measured(rows: Records) -> alt.TopLevelMixin:
    """Log-log, one dot a network; on the diagonal the prediction is right.

    `rows` have `model`, `batch`, `measured_s`, and the predictions `predicted_s`, `roofline_s` and
    `flops_alone_s`.
    """
    import altair as alt

    ways = {
        "kinds of operators": ("predicted_s", BLUE),
        "plain roofline": ("roofline_s", ORANGE),
        "FLOPs alone": ("flops_alone_s", GREY),
    }
    dots = [
        {
            "model": f"{row['model']}, batch {row['batch']}",
            "way": way,
            "x": 1e3 * row["measured_s"],
            "y": 1e3 * row[key],
        }
        for row in rows
        for way, (key, _) in ways.items()
    ]
    both = [dot[end] for dot in dots for end in ("x", "y")]
    low, high = min(both) / 1.5, max(both) * 1.5
    x = alt.X("x:Q", title="measured, ms", **log_axis(low, high, "~g"))
    y = alt.Y("y:Q", title="predicted, ms", **log_axis(low, high, "~g"))
    diagonal = alt.Chart(data([{"x": end, "y": end} for end in (low, high)])).mark_line(
        color="black", strokeDash=[4, 3]
    )
    panels = [
        (
            diagonal.encode(x=x, y=y)
            + alt.Chart(data([dot for dot in dots if dot["way"] == way]))
            .mark_point(filled=True, opacity=0.7, size=45, color=colour)
            .encode(
                x=x,
                y=y,
                tooltip=[
                    "model:N",
                    alt.Tooltip("x:Q", format=".3~g", title="measured, ms"),
                    alt.Tooltip("y:Q", format=".3~g", title="predicted, ms"),
                ],
            )
        ).properties(width=230, height=230, title=way)
        for way, (_, colour) in ways.items()
    ]
    return styled(alt.hconcat(*panels))
