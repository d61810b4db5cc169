"""What charts are put together from: records, axes, colours and legends, lines to compare with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Any

import altair as alt

from cnnbench.reports.charts.style import GREY, NARROW, SIDES, Records, ticks

_PHONES_LABEL = 120  # pixels
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")


def chart(rows: Records) -> alt.Chart:
    """Records, which stand in the chart itself."""
    return alt.Chart(alt.Data(values=list(rows)))  # type: ignore[no-untyped-call]


def log_axis(low: float, high: float, form: str) -> dict[str, Any]:
    """A logarithmic axis with at least two lines, at powers of ten where there are two."""
    return {
        "scale": alt.Scale(type="log", domain=[low, high], nice=False),
        "axis": alt.Axis(values=ticks(low, high), format=form),
    }


def legend(**how: Any) -> alt.Legend:
    """A legend above the chart."""
    return alt.Legend(title=None, orient="top", **{"labelLimit": 340, **how})


def columns(most: int) -> Any:
    """Columns of a legend above a chart: one where that is as narrow as on a phone."""
    return alt.expr(f"width < {NARROW} ? 1 : {most}")


def label_limit(pixels: int) -> Any:
    """Pixels of a name beside an axis: fewer on a phone, where a chart has little room else."""
    return alt.expr(f"width < {NARROW} ? {min(pixels, _PHONES_LABEL)} : {pixels}")


def colour(
    field: str, names: Sequence[str], above: Any, colours: Sequence[str] = SIDES
) -> alt.Color:
    """A colour a name, under a legend."""
    return alt.Color(f"{field}:N", sort=list(names), scale=_each(names, colours), legend=above)


def shape(field: str, names: Sequence[str], above: Any) -> alt.Shape:
    """A shape a name, under a legend."""
    return alt.Shape(f"{field}:N", sort=list(names), scale=_each(names, SHAPES), legend=above)


def series(names: Sequence[str]) -> tuple[alt.Color, alt.Shape]:
    """Colour and shape of what ran differently, under one legend; none where all ran alike."""
    above = legend(symbolOpacity=1, columns=columns(4)) if len(names) > 1 else None
    return colour("way", names, above), shape("way", names, above)


def _each(names: Sequence[str], values: Sequence[str]) -> alt.Scale:
    """A value a name, from the start again where there are more names."""
    return alt.Scale(domain=list(names), range=list(islice(cycle(values), len(names))))


def line_at_one(axis: str, colour: str = GREY) -> Any:
    """A dashed line across the axis `x` or `y`."""
    one = chart([{axis: 1}]).mark_rule(strokeDash=[4, 3], color=colour)
    return one.encode(**{axis: f"{axis}:Q"})


def names(rows: Records, x: alt.X, y: alt.Y, field: str = "model") -> Any:
    """Names beside the points that have room for theirs, of which a narrow screen has less.

    `rows` have, where their name stands, `beside` and `narrow`: left, right or empty.
    """

    def beside(key: str, side: str, align: Any, dx: int) -> Any:
        there = [row for row in rows if row[key] == side]
        said = chart(there).encode(x=x, y=y, text=f"{field}:N")
        shown = {"align": align, "baseline": "middle", "dx": dx, "fontSize": 10}
        wide = "1 : 0" if key == "beside" else "0 : 1"
        shown["opacity"] = alt.expr(f"width > {NARROW} ? {wide}")
        halo = said.mark_text(stroke="white", strokeWidth=3, **shown)  # lines run behind names
        return halo + said.mark_text(color=GREY, **shown)

    return alt.layer(
        *(
            beside(key, side, align, dx)
            for key in ("beside", "narrow")
            for side, align, dx in (("right", "left", 7), ("left", "right", -7))
            if any(row[key] == side for row in rows)
        )
    )
