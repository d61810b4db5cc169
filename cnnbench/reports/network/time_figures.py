"""The charts of what passes take: by stage and layer in each back end, and under the roof."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from cnnbench.counting.cost import OpCost
from cnnbench.counting.tree import Node, lines
from cnnbench.reports.network.figures import stage_names, told_apart
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.page import Figure, Section
from cnnbench.reports.sweep.selection import MOST_ROWS
from cnnbench.roofline.predict import dtype_of
from cnnbench.timing.by_layer.pass_times import PassTimes, seconds_of

_MOST_LAYERS = 24  # rows of the chart, those that take the most


def divided(of: Subject, nodes: Sequence[Node]) -> Iterator[Section]:
    """Time by stage and layer; `nodes` are the network's top level."""
    if not of.times:
        return
    figures: list[Figure] = []
    if len(nodes) > 1:
        stages = _by_name(stage_names(nodes), nodes)
        figures += _figure(of, stages, "stages", "Which stage takes the time", MOST_ROWS)
    every = list(lines(of.trace))
    names = told_apart(line.main.path or line.main.operator for line in every)
    layers = _by_name(names, every)
    figures += _figure(of, layers, "layers", "Which layer takes the time", _MOST_LAYERS)
    if figures:
        yield Section("Time", figures)


def _by_name(names: Sequence[str], nodes: Sequence[Node]) -> dict[str, list[OpCost]]:
    return {name: list(node.operators()) for name, node in zip(names, nodes, strict=True)}


def _figure(
    of: Subject, groups: Mapping[str, list[OpCost]], what: str, title: str, most: int
) -> Iterator[Figure]:
    """A dot a back end for each group of operators, those that take the most, as they run."""
    from cnnbench.reports.charts.network import times

    rows = {
        name: {one.backend: seconds_of(one.of(held)) for one in of.times}
        for name, held in groups.items()
    }
    slowest = sorted(rows, key=lambda name: -max(rows[name].values()))[:most]
    whole = {one.backend: one.divided_s for one in of.times}
    dots: list[dict[str, Any]] = [
        {"name": name, "way": way, "ms": 1e3 * seconds, "share": seconds / whole[way]}
        for name in rows
        if name in set(slowest)
        for way, seconds in rows[name].items()
        if whole[way]
    ]
    if dots:
        left = len(rows) - len(slowest)
        yield Figure(
            f"times-{what}",
            title,
            f"Milliseconds, {of.times[0].verb}, in the order in which they run."
            + (f" The {left:,} that take less are left out." if left else ""),
            partial(times, dots, list(whole)),
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
        reached = "reaches" if one.source else "is predicted to reach"
        yield Figure(
            f"roofline-{one.backend}",
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
