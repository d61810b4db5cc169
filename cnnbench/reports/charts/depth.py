"""The signal by depth, and what training makes of it: lines by block and by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnbench.reports.charts.style import GREY, SIDES, Records, data, log_axis, styled

if TYPE_CHECKING:
    import altair as alt

_SIZE = {"width": 340, "height": 260}


def depth(
    blocks: Records, losses: Records, distances: Records, decay: float | None
) -> alt.TopLevelMixin:
    """Gradient and variance by block; below, where trained, losses by step and identities.

    A line is a `model` with its `norm`. `blocks` have `depth`, and `gradient` and `variance` each
    with `_low` and `_high`; `losses` `step` and `loss`; `distances`, of training with that weight
    decay, `depth` and `distance`.
    """
    import altair as alt

    models = list(dict.fromkeys(row["model"] for row in blocks))
    norms = list(dict.fromkeys(row["norm"] for row in blocks))
    symbols: Any = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5}
    lines = {
        "color": alt.Color(
            "model:N",
            sort=models,
            scale=alt.Scale(domain=models, range=(SIDES * len(models))[: len(models)]),
            legend=alt.Legend(title=None, orient="top", columns=4, labelLimit=300, **symbols),
        ),
        "strokeDash": alt.StrokeDash(
            "norm:N",
            sort=norms,
            scale=alt.Scale(domain=norms, range=[[1, 0], [6, 3], [2, 2]][: len(norms)]),
            legend=alt.Legend(title=None, orient="top", symbolStrokeColor="black", **symbols),
        ),
    }
    rows = [
        [
            _by_block(blocks, "gradient", "Backward: gradient by each block's output", lines),
            _by_block(blocks, "variance", "Forward: variance of each block's output", lines),
        ]
    ]
    trained = []
    if losses:
        trained.append(_by_step(losses, lines))
    if distances:
        trained.append(_from_identity(distances, lines, decay or 0.0))
    if trained:
        rows.append(trained)
    return styled(alt.vconcat(*(alt.hconcat(*row, spacing=40) for row in rows), spacing=28))


_AXES = {"gradient": "l2 norm, median and interval", "variance": "variance, median and interval"}


def _by_block(rows: Records, key: str, title: str, lines: dict[str, Any]) -> Any:
    """Logarithmic lines with a band where there is an interval."""
    import altair as alt

    ends = [row[f"{key}{end}"] for row in rows for end in ("", "_low", "_high")]
    positive = [value for value in ends if value]
    low, high = min(positive, default=1.0) / 1.5, max(positive, default=1.0) * 1.5
    axis = log_axis(low, high, ".0e" if high / low > 1e5 else "~g")
    y = alt.Y(f"{key}:Q", title=_AXES[key], **axis)
    line = _dotted([row for row in rows if row[key]], y, key, lines)
    bounded = [row for row in rows if row[f"{key}_low"] and row[f"{key}_high"]]
    if not bounded:  # too few seeds
        return line.properties(title=title, **_SIZE)
    band = (
        alt.Chart(data(bounded))
        .mark_area(opacity=0.18)
        .encode(
            x=_blocks(bounded),
            y=alt.Y(f"{key}_low:Q", title=_AXES[key], **axis),
            y2=f"{key}_high:Q",
            color=lines["color"],
            detail="norm:N",
        )
    )
    return (band + line).properties(title=title, **_SIZE)


def _dotted(rows: Records, y: Any, key: str, lines: dict[str, Any]) -> Any:
    """A line through a dot a block."""
    import altair as alt

    shown = alt.Chart(data(rows)).encode(x=_blocks(rows), y=y, color=lines["color"])
    named = ("model:N", "norm:N", "block:N", alt.Tooltip(f"{key}:Q", format=".3~g"))
    dots = shown.mark_circle(size=16, opacity=1).encode(tooltip=list(named))
    return shown.mark_line().encode(strokeDash=lines["strokeDash"]) + dots


def _by_step(rows: Records, lines: dict[str, Any]) -> Any:
    import altair as alt

    x = alt.X("step:Q", title="step", axis=alt.Axis(format="d", tickMinStep=1))
    y = alt.Y("loss:Q", title="cross-entropy, mean of the steps around")
    return (
        alt.Chart(data(rows))
        .mark_line()
        .encode(x=x, y=y, tooltip=["model:N", "norm:N", "step:Q", "loss:Q"], **lines)
        .properties(title="Training loss on digits", **_SIZE)
    )


def _from_identity(rows: Records, lines: dict[str, Any], decay: float) -> Any:
    """A dashed line at 1, where nothing of a block's input is left."""
    import altair as alt

    y = alt.Y("distance:Q", title="||block(x) - x|| / ||x||")
    chart = _dotted(rows, y, "distance", lines)
    one = alt.Chart(data([{"y": 1}])).mark_rule(strokeDash=[4, 3], color=GREY).encode(y="y:Q")
    title = f"Trained with weight decay {decay:g}: distance from the identity"
    return (one + chart).properties(title=title, **_SIZE)


def _blocks(rows: Records) -> Any:
    import altair as alt

    last = max((row["depth"] for row in rows), default=1)
    return alt.X(
        "depth:Q",
        title="block, from the input",
        scale=alt.Scale(domain=[1, max(2, last)], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False),
    )
