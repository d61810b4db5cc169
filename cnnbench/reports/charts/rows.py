"""A sweep's charts with a row a network: throughput, kinds of operator, two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from cnnbench.reports import columns as col
from cnnbench.reports.charts.parts import (
    chart,
    colour,
    columns,
    label_limit,
    legend,
    line_at_one,
    log_axis,
    series,
)
from cnnbench.reports.charts.style import GREY, SIDES, Records, Width, bounds

_STEP = 17  # pixels of a row


def throughput(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """One row a network, fastest first, a dot for each way of running it; images a second.

    `rows` have `model`, `way`, `images_per_s`, `low`, `high`.
    """
    fastest = sorted(rows, key=lambda row: -row["images_per_s"])
    order = list(dict.fromkeys(row["model"] for row in fastest))
    way, shape = series(ways)
    ends = bounds([row[end] for row in rows for end in ("low", "high")])
    x = alt.X("images_per_s:Q", title="images a second", **log_axis(*ends, "~s"))
    y = _names("model", order, grid=True)
    span = chart(rows).mark_rule(color=GREY, opacity=0.35)
    span = span.encode(y=y, x="min(images_per_s):Q", x2="max(images_per_s):Q")
    base = chart(rows).encode(y=y, color=way)
    low = alt.X("low:Q", title="images a second")
    whiskers = base.mark_rule(strokeWidth=3, opacity=0.4).encode(x=low, x2="high:Q")
    dots = base.mark_point(filled=True, opacity=0.9, size=50).encode(
        x=x,
        shape=shape,
        tooltip=[
            *("model:N", "way:N"),
            alt.Tooltip("images_per_s:Q", format=".3~s", title="images a second"),
            alt.Tooltip("low:Q", format=".3~s", title=f"{col.OF_RERUN} from"),
            alt.Tooltip("high:Q", format=".3~s", title="to"),
        ],
    )
    return _sized(span + whiskers + dots, order, width)


# Of the kinds of operator in the order in which papers name them.
_KINDS = (*SIDES[:5], "#999999", "#D55E00", "#F0E442", "#000000")


def kinds(
    rows: Records, names: Sequence[str], axis: str, width: Width, *, told: str = "model"
) -> Any:
    """One bar a network: which kind of operator has what share.

    `rows` have `model`, `kind`, `share`, `value`; `names` the kinds in their order. `told` is what
    a bar is of, where the pointer stands.
    """
    order = list(dict.fromkeys(row["model"] for row in rows))
    found = {row["kind"] for row in rows}
    shown = {name: colour for name, colour in zip(names, _KINDS, strict=True) if name in found}
    place = {name: index for index, name in enumerate(shown)}
    rows = [{**row, "place": place[row["kind"]]} for row in rows]
    above = legend(columns=columns(4), labelLimit=200)
    x = alt.X(
        "share:Q",
        stack="zero",
        title=axis,
        axis=alt.Axis(format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
        scale=alt.Scale(domain=[0, 1]),
    )
    drawn = chart(rows).mark_bar(height={"band": 0.85})
    bars = drawn.encode(
        y=_names("model", order),
        x=x,
        color=colour("kind", list(shown), above, list(shown.values())),
        order=alt.Order("place:Q"),
        tooltip=[
            *(alt.Tooltip("model:N", title=told), "kind:N"),
            alt.Tooltip("share:Q", format=".1%"),
            alt.Tooltip("value:Q", format=".3~s", title="value"),
        ],
    )
    return _sized(bars, order, width)


_VERDICTS = {"faster": SIDES[1], "slower": SIDES[0], "indistinguishable": GREY}


def ratios_of_runs(rows: Records, axis: str, width: Width) -> Any:
    """One row a configuration: how much faster it is in the second run, with its interval.

    `rows` have `name`, `value`, `low`, `high`, `verdict`.
    """
    order = [row["name"] for row in sorted(rows, key=lambda row: -float(row["value"]))]
    shown = [name for name in _VERDICTS if any(row["verdict"] == name for row in rows)]
    ends = [row[end] for row in rows for end in ("low", "high")] + [1.0]
    domain = [min(ends) / 1.05, max(ends) * 1.05]
    x = alt.X(
        "value:Q",
        title=axis,
        scale=alt.Scale(type="log", domain=domain, nice=False),
        axis=alt.Axis(format="~g", tickCount=8),
    )
    base = chart(rows).encode(
        y=_names("name", order, grid=True),
        color=colour("verdict", shown, legend(), [_VERDICTS[name] for name in shown]),
    )
    whiskers = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=axis), x2="high:Q")
    dots = base.mark_point(filled=True, size=50, opacity=1).encode(
        x=x,
        tooltip=[
            *("name:N", "verdict:N"),
            alt.Tooltip("value:Q", format=".3~g", title=axis),
            alt.Tooltip("low:Q", format=".3~g", title="interval from"),
            alt.Tooltip("high:Q", format=".3~g", title="to"),
        ],
    )
    return _sized(line_at_one("x", "black") + whiskers + dots, order, width)


def _names(field: str, order: Sequence[str], *, grid: bool = False) -> alt.Y:
    """Rows by name; a long spec ends in dots, and the hover has it whole."""
    axis = alt.Axis(labelLimit=label_limit(190), ticks=False, grid=grid)
    return alt.Y(f"{field}:N", sort=list(order), title=None, axis=axis)


def _sized(chart: Any, order: Sequence[str], width: Width) -> Any:
    return chart.properties(width=width, height=_STEP * len(order) + 20)
