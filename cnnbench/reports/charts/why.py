"""Pictures of one pair: where its time goes, its operators under the roof, what changes it."""

from __future__ import annotations

from typing import Any

import altair as alt

from cnnbench.reports.charts.comparison import under_the_roof
from cnnbench.reports.charts.parts import chart, colour, legend
from cnnbench.reports.charts.ratios import MACS, MEASURED, TIMES, bar, ratios
from cnnbench.reports.charts.style import BLUE, GREY, Drawing
from cnnbench.studies.comparison.comparison import Comparing, Comparison
from cnnbench.studies.comparison.ways import tried
from cnnbench.timing.by_layer.causes import NAMES, WORDS
from cnnbench.timing.samples.pairing import Verdict

_WIDTH = 420  # pixels


def pictures(done: Comparing) -> Drawing:
    """One below the other."""
    first = done.rows[0]
    drawn = [_causes(first), under_the_roof([first], done.profile), _ways(done)]
    charts = [one for one in drawn if one is not None]
    together = alt.vconcat(*charts, spacing=36).resolve_scale(color="independent")
    return Drawing(together.resolve_legend(shape="independent", strokeDash="independent"))


def _causes(row: Comparison) -> Any:
    """A bar for each side, divided by causes; about as long as its pass."""
    sides = [(side.name, side.causes) for side in (row.a, row.b)]
    parts = [
        {"side": name, "cause": WORDS[one], "order": place, "ms": 1e3 * causes.seconds(one)}
        for name, causes in sides
        if causes is not None
        for place, one in enumerate(NAMES)
        if causes.seconds(one) > 0
    ]
    if not parts:
        return None
    met = [WORDS[one] for one in NAMES if any(part["cause"] == WORDS[one] for part in parts)]
    return (
        chart(parts)
        .mark_bar(stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("ms:Q", title="milliseconds of a pass"),
            y=alt.Y("side:N", sort=[name for name, _ in sides], title=None),
            color=colour("cause", met, legend(columns=3)),
            order="order:Q",
            tooltip=["side:N", "cause:N", alt.Tooltip("ms:Q", format=".3~g")],
        )
        .properties(width=_WIDTH, height=90, title="Where the time goes")
    )


def _ways(done: Comparing) -> Any:
    """A bar a way, below what the MACs promise."""
    found = list(tried(done.rows))
    promised = found[0].row.macs_ratio
    bars = [] if promised is None else [bar("the MACs promise", MACS, promised)]
    for way in found:
        seen = way.row.measured
        if seen is not None and way.row.verdict is not Verdict.NOT_USABLE:
            bars.append(bar(way.name, MEASURED, seen.median, seen.low, seen.high))
    if not bars:
        return None
    colours = {MACS: GREY, MEASURED: BLUE}
    return ratios(bars, colours, "What changes it", TIMES, _WIDTH)
