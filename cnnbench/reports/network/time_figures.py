"""The charts of what passes take: by stage and layer in each back end, and under the roof."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from cnnbench.counting.cost import OpCost
from cnnbench.counting.tree import Node, lines
from cnnbench.reports.network.figures import stage_names
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.page import Figure, Section
from cnnbench.reports.sweep.selection import MOST_ROWS
from cnnbench.roofline.predict import dtype_of
from cnnbench.timing.pass_times import PassTimes, seconds_of

_MOST_LAYERS = 24  # rows of the chart, those that take the most


def times(of: Subject, nodes: Sequence[Node]) -> Iterator[Section]:
    """Time by stage and layer; `nodes` are the network's top level."""
    if not of.times:
        return
    figures: list[Figure] = []
    if len(nodes) > 1:
        stages = {
            name: list(node.operators())
            for name, node in zip(stage_names(nodes), nodes, strict=True)
        }
        figures += _figure(of, stages, "stages", "Which stage takes the time", MOST_ROWS)
    layers: dict[str, list[OpCost]] = {}
    for line in lines(of.trace):
        held = list(line.operators())
        main = max(held, key=lambda op: op.cost.macs)
        name = main.path or main.operator
        number = sum(other == name or other.startswith(f"{name} (") for other in layers)
        layers[name if not number else f"{name} ({number + 1})"] = held
    figures += _figure(of, layers, "layers", "Which layer takes the time", _MOST_LAYERS)
    if figures:
        yield Section("Time", figures)


def _figure(
    of: Subject, groups: dict[str, list[OpCost]], what: str, title: str, most: int
) -> Iterator[Figure]:
    """A dot a back end for each group of operators, those that take the most, as they run."""
    from cnnbench.reports.charts.network import times as chart

    rows = [
        (name, {one.backend: seconds_of(one.of(held)) for one in of.times})
        for name, held in groups.items()
    ]
    largest = sorted(rows, key=lambda row: -max(row[1].values()))[:most]
    shown = [row for row in rows if row in largest]
    dots = [
        {"name": name, "way": way, "ms": 1e3 * seconds, "share": seconds / whole.seconds}
        for name, ran in shown
        for (way, seconds), whole in zip(ran.items(), of.times, strict=True)
        if whole.seconds
    ]
    if dots:
        left = f" The {len(rows) - len(shown):,} that take less are left out." * (
            len(rows) > len(shown)
        )
        verb = of.times[0].verb
        yield Figure(
            f"times-{what}",
            title,
            f"Milliseconds, {verb}, in the order in which they run.{left}",
            partial(chart, dots, [one.backend for one in of.times]),
        )


def roofs(of: Subject) -> Iterator[Section]:
    """Where each operator stands under the device's roof, a chart a back end."""
    profile = of.profile
    if profile is None:
        return
    peak, most = profile.flops_per_s.get(dtype_of(of.trace)), profile.bandwidth(2**62)
    if not peak or not most:
        return
    ceilings = {
        "flops_per_s": peak,
        "bytes_per_s": most,
        "cache_per_s": profile.bandwidth(1) or most,
    }
    figures = [figure for one in of.times for figure in _roofline(one, ceilings)]
    if figures:
        yield Section("Under the roof", figures)


def _roofline(one: PassTimes, ceilings: dict[str, float]) -> Iterator[Figure]:
    from cnnbench.reports.charts.roofline import dots_of, roofline

    found = dots_of(one.backend, ((ran.cost, ran.seconds) for ran in one.operators))
    if found:
        reached = "reaches" if one.is_measured else "is predicted to reach"
        yield Figure(
            "roofline",
            f"What each operator of {one.backend} {reached}",
            "Left of the bend memory holds an operator, right of it arithmetic; its area is the "
            "time that it takes.",
            partial(
                roofline,
                found,
                ceilings,
                "kind",
                told={"layer": "layer", "kind": "kind"},
                height=380,
                names_layers=True,
            ),
        )
