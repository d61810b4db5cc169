"""A sweep's charts with a row a network: throughput, kinds of operator, two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cnnbench.reports import columns as col
from cnnbench.reports.charts.style import (
    GREY,
    SIDES,
    Records,
    Width,
    bounds,
    columns,
    data,
    log_axis,
    series,
)

_STEP = 17  # pixels of a row


def throughput(rows: Records, ways: Sequence[str], width: Width) -> Any:
    """One row a network, fastest first, a dot for each way of running it; images a second.

    `rows` have `model`, `way`, `images_per_s`, `low`, `high`.
    """
    import altair as alt

    best: dict[str, float] = {}
    for row in rows:
        best[row["model"]] = max(best.get(row["model"], 0.0), row["images_per_s"])
    order = sorted(best, key=lambda model: -best[model])
    colour, shape = series(ways)
    ends = [row[end] for row in rows for end in ("low", "high")]
    y = alt.Y("model:N", sort=order, title=None, axis=_names(grid=True))
    x = alt.X("images_per_s:Q", title="images a second", **log_axis(*bounds(ends), "~s"))
    base = alt.Chart(data(rows)).encode(y=y, color=colour)
    span = (
        alt.Chart(data(rows))
        .mark_rule(color=GREY, opacity=0.35)
        .encode(y=y, x="min(images_per_s):Q", x2="max(images_per_s):Q")
    )
    whiskers = base.mark_rule(strokeWidth=3, opacity=0.4).encode(
        x=alt.X("low:Q", title="images a second"), x2="high:Q"
    )
    dots = base.mark_point(filled=True, opacity=0.9, size=50).encode(
        x=x,
        shape=shape,
        tooltip=[
            *("model:N", "way:N"),
            alt.Tooltip("images_per_s:Q", format=".3~s", title="images a second"),
            alt.Tooltip("low:Q", format=".3~s", title=f"{col.OF_MEDIAN} from"),
            alt.Tooltip("high:Q", format=".3~s", title="to"),
        ],
    )
    return (span + whiskers + dots).properties(width=width, height=_STEP * len(order) + 20)


# Of the kinds of operator in the order in which papers name them.
_KINDS = (*SIDES[:5], "#999999", "#D55E00", "#F0E442", "#000000")


def kinds(rows: Records, names: Sequence[str], axis: str, width: Width) -> Any:
    """One bar a network: which kind of operator has what share.

    `rows` have `model`, `kind`, `share`, `value`; `names` the kinds in their order.
    """
    import altair as alt

    order = list(dict.fromkeys(row["model"] for row in rows))
    shown = [name for name in names if any(row["kind"] == name for row in rows)]
    place = {name: index for index, name in enumerate(shown)}
    rows = [{**row, "place": place[row["kind"]]} for row in rows]
    scale = alt.Scale(domain=shown, range=[_KINDS[names.index(name)] for name in shown])
    return (
        alt.Chart(data(rows))
        .mark_bar(height={"band": 0.85})
        .encode(
            y=alt.Y("model:N", sort=order, title=None, axis=_names()),
            x=alt.X(
                "share:Q",
                stack="zero",
                title=axis,
                axis=alt.Axis(format="%", values=[0, 0.2, 0.4, 0.6, 0.8, 1]),
                scale=alt.Scale(domain=[0, 1]),
            ),
            color=alt.Color(
                "kind:N",
                sort=shown,
                scale=scale,
                legend=alt.Legend(title=None, orient="top", columns=columns(4), labelLimit=200),
            ),
            order=alt.Order("place:Q"),
            tooltip=[
                *("model:N", "kind:N"),
                alt.Tooltip("share:Q", format=".1%"),
                alt.Tooltip("value:Q", format=".3~s", title=axis),
            ],
        )
        .properties(width=width, height=_STEP * len(order) + 20)
    )


def ratios_of_runs(rows: Records, axis: str, width: Width) -> Any:
    """One row a configuration: how much faster it is in the second run, with its interval.

    `rows` have `name`, `value`, `low`, `high`, `verdict`.
    """
    import altair as alt

    order = [row["name"] for row in sorted(rows, key=lambda row: -float(row["value"]))]
    verdicts = {"faster": SIDES[1], "slower": SIDES[0], "indistinguishable": GREY}
    shown = [name for name in verdicts if any(row["verdict"] == name for row in rows)]
    colour = alt.Color(
        "verdict:N",
        sort=shown,
        scale=alt.Scale(domain=shown, range=[verdicts[name] for name in shown]),
        legend=alt.Legend(title=None, orient="top"),
    )
    ends = [row[end] for row in rows for end in ("low", "high")] + [1.0]
    low, high = min(ends) / 1.05, max(ends) * 1.05
    x = alt.X(
        "value:Q",
        title=axis,
        scale=alt.Scale(type="log", domain=[low, high], nice=False),
        axis=alt.Axis(format="~g", tickCount=8),
    )
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=_names(grid=True)), color=colour
    )
    one = alt.Chart(data([{"x": 1}])).mark_rule(strokeDash=[4, 3], color="black")
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
    return (one.encode(x="x:Q") + whiskers + dots).properties(
        width=width, height=_STEP * len(order) + 20
    )


def _names(*, grid: bool = False) -> Any:
    """An axis of models; a long spec ends in dots, and the hover has it whole."""
    import altair as alt

    return alt.Axis(labelLimit=190, ticks=False, grid=grid)
