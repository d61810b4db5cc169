"""Groups of bars of ratios, with whiskers where there is an interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cnnbench import units
from cnnbench.reports.charts.style import GREY, Records, Width, columns, data


def ratios(
    rows: Records,
    colours: Mapping[str, str],
    *,
    title: str,
    axis: str,
    width: Width = 330,
) -> Any:
    """One group of bars a name, a dashed line at 1.

    `rows` have `name`, `series`, `value`, `low`, `high`, `end` and `text`; `colours` the series in
    their order.
    """
    import altair as alt

    names = list(dict.fromkeys(row["name"] for row in rows))
    narrow: dict[str, Any] = {"columns": columns(3)} if width == "container" else {}
    series = [name for name in colours if any(row["series"] == name for row in rows)]
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("name:N", sort=names, title=None, axis=alt.Axis(labelLimit=260, ticks=False)),
        yOffset=alt.YOffset("series:N", sort=series),
    )
    bars = base.mark_bar(height={"band": 0.92}).encode(
        x=alt.X(
            "value:Q",
            stack=None,
            title=axis,
            scale=alt.Scale(domain=[0, 1.15 * max(1.0, *(row["end"] for row in rows))], nice=False),
        ),
        color=alt.Color(
            "series:N",
            sort=series,
            scale=alt.Scale(domain=series, range=[colours[name] for name in series]),
            legend=alt.Legend(title=None, orient="top", **narrow),
        ),
        tooltip=["name:N", "series:N", alt.Tooltip("value:Q", format=".3~g")],
    )
    whiskers = base.mark_rule(color="black").encode(x="low:Q", x2="high:Q")
    labels = base.mark_text(align="left", dx=5, fontSize=11).encode(x="end:Q", text="text:N")
    one = alt.Chart(data([{"x": 1}])).mark_rule(strokeDash=[4, 3], color=GREY)
    height = max(90, len(names) * len(series) * 19)
    return (one.encode(x="x:Q") + bars + whiskers + labels).properties(
        width=width, height=height, title=title
    )


def bar(name: str, series: str, value: float, low: float, high: float) -> dict[str, Any]:
    """A row of `ratios`; without an interval both its ends are the value."""
    return {
        "name": name,
        "series": series,
        "value": value,
        "low": low,
        "high": high,
        "end": max(value, high),
        "text": units.ratio(value),
    }
