"""The signal by depth, and what training makes of it: lines by block and by step."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

import altair as alt

from cnnbench.reports.charts.parts import chart, colour, legend, line_at_one, log_axis
from cnnbench.reports.charts.style import Drawing, Records

_SIZE = {"width": 340, "height": 260}
_AROUND = 5  # steps at most on either side of a loss, which alone is noise


def depth(results: Records) -> Drawing:
    """Gradient and variance by block; below, where trained, losses by step and identities.

    A line is a model with or without batch norm.
    """
    blocks, losses, distances = [], [], []
    decay = 0.0
    for result in results:
        norm = f"{'with' if result['batch_norm'] else 'without'} batch norm"
        line = {"model": result["model"], "norm": norm}
        blocks += [{**block, **line} for block in result["blocks"]]
        for one in result["trainings"]:
            if one["weight_decay"]:
                decay = one["weight_decay"]
                known = (b for b in one["blocks"] if b["identity_distance"] is not None)
                distances += [{**block, **line} for block in known]
            else:
                losses += [{**line, **step} for step in _smoothed(one["losses"])]
    lines = _lines(blocks)
    rows = [
        [
            _by_block(blocks, "gradient_norm", lines).properties(
                title="Backward: gradient by each block's output", **_SIZE
            ),
            _by_block(blocks, "variance", lines).properties(
                title="Forward: variance of each block's output", **_SIZE
            ),
        ]
    ]
    trained = [_by_step(losses, lines)] if losses else []
    if distances:
        trained.append(_from_identity(distances, lines, decay))
    if trained:
        rows.append(trained)
    return Drawing(alt.vconcat(*(alt.hconcat(*row, spacing=40) for row in rows), spacing=28))


def _smoothed(losses: Sequence[float | None]) -> list[dict[str, float]]:
    """Each step's mean with those around it, up to where it diverges."""
    numbers = [loss for loss in losses if loss is not None]
    around = min(_AROUND, len(numbers) // 10)
    return [
        {"step": step + 1, "loss": mean(numbers[max(0, step - around) : step + around + 1])}
        for step in range(len(numbers))
    ]


def _lines(blocks: Records) -> dict[str, Any]:
    """A colour a model, dashes by its norm."""
    models = list(dict.fromkeys(row["model"] for row in blocks))
    norms = list(dict.fromkeys(row["norm"] for row in blocks))
    symbols: Any = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2.5}
    return {
        "color": colour("model", models, legend(columns=4, labelLimit=300, **symbols)),
        "strokeDash": alt.StrokeDash(
            "norm:N",
            sort=norms,
            scale=alt.Scale(domain=norms, range=[[1, 0], [6, 3], [2, 2]][: len(norms)]),
            legend=legend(symbolStrokeColor="black", **symbols),
        ),
    }


_WORDS = {"gradient_norm": ("gradient", "l2 norm"), "variance": ("variance", "variance")}


def _by_block(rows: Records, key: str, lines: dict[str, Any]) -> Any:
    """Logarithmic lines with a band where there is an interval."""
    low, high = f"{key}_ci_low", f"{key}_ci_high"
    positive = [row[end] for row in rows for end in (key, low, high) if row[end]]
    least, most = min(positive, default=1.0) / 1.5, max(positive, default=1.0) * 1.5
    name, unit = _WORDS[key]
    axis = {
        "title": f"{unit}, median and interval",
        **log_axis(least, most, ".0e" if most / least > 1e5 else "~g"),
    }
    told = alt.Tooltip(f"{key}:Q", format=".3~g", title=name)
    line = _dotted([row for row in rows if row[key]], alt.Y(f"{key}:Q", **axis), told, lines)
    bounded = [row for row in rows if row[low] and row[high]]
    if not bounded:  # too few seeds
        return line
    band = (
        chart(bounded)
        .mark_area(opacity=0.18)
        .encode(
            x=_blocks(bounded),
            y=alt.Y(f"{low}:Q", **axis),
            y2=f"{high}:Q",
            color=lines["color"],
            detail="norm:N",
        )
    )
    return band + line


def _dotted(rows: Records, y: alt.Y, told: alt.Tooltip, lines: dict[str, Any]) -> Any:
    """A line through a dot a block."""
    shown = chart(rows).encode(x=_blocks(rows), y=y, color=lines["color"])
    dots = shown.mark_circle(size=16, opacity=1)
    return shown.mark_line().encode(strokeDash=lines["strokeDash"]) + dots.encode(
        tooltip=["model:N", "norm:N", "block:N", told]
    )


def _by_step(rows: Records, lines: dict[str, Any]) -> Any:
    x = alt.X("step:Q", title="step", axis=alt.Axis(format="d", tickMinStep=1))
    y = alt.Y("loss:Q", title="cross-entropy, mean of the steps around")
    tooltip = ["model:N", "norm:N", "step:Q", "loss:Q"]
    drawn = chart(rows).mark_line().encode(x=x, y=y, tooltip=tooltip, **lines)
    return drawn.properties(title="Training loss on digits", **_SIZE)


def _from_identity(rows: Records, lines: dict[str, Any], decay: float) -> Any:
    """A dashed line at 1, where nothing of a block's input is left."""
    y = alt.Y("identity_distance:Q", title="||block(x) - x|| / ||x||")
    told = alt.Tooltip("identity_distance:Q", format=".3~g", title="distance")
    drawn = line_at_one("y") + _dotted(rows, y, told, lines)
    title = f"Trained with weight decay {decay:g}: distance from the identity"
    return drawn.properties(title=title, **_SIZE)


def _blocks(rows: Records) -> alt.X:
    last = max((row["depth"] for row in rows), default=1)
    return alt.X(
        "depth:Q",
        title="block, from the input",
        scale=alt.Scale(domain=[1, max(2, last)], nice=False),
        axis=alt.Axis(format="d", tickMinStep=1, grid=False),
    )
