"""The charts of a network's page, and what they are drawn of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from cnnbench.counting import views
from cnnbench.counting.cost import Kind, Trace
from cnnbench.counting.tree import Node
from cnnbench.reports.page import Figure, Section
from cnnbench.reports.sweep.selection import MOST_ROWS
from cnnbench.roofline.predict import Prediction, dtype_of
from cnnbench.roofline.profile import Profile
from cnnbench.studies.audit.audit import Account


@dataclass(frozen=True)
class Subject:
    """A network's trace, a training step's or why there is none, and what a device foretells.

    `accounts` are those of other counters.
    """

    model: str
    trace: Trace
    training: Trace | str = "not counted"
    predicted: Prediction | None = None
    profile: Profile | None = None
    accounts: Sequence[Account] = ()


def sections(
    of: Subject, nodes: Sequence[Node], rows: Sequence[dict[str, Any]]
) -> Iterator[Section]:
    """What a network costs, its memory, and the roof; `nodes` are its top level, `rows` layers."""
    from cnnbench.reports.charts import network as charts
    from cnnbench.reports.charts import rows as bars

    figures = []
    if divided := list(_kinds(of.trace)):
        kinds = [str(kind) for kind in Kind]
        figures.append(
            Figure(
                "kinds",
                "Which kind of operator costs what",
                "Each bar is all of the network, divided by what its operators are.",
                partial(bars.kinds, divided, kinds, "share", told="of"),
            )
        )
    stages = [
        {"name": node.name or node.parts[-1][-1].operator, "share": node.cost.macs}
        for node in nodes
    ]
    whole = of.trace.total.macs
    if whole and len(stages) > 1:
        shares = [{**one, "share": one["share"] / whole} for one in _apart(stages[:MOST_ROWS])]
        left = len(stages) - len(shares)
        figures.append(
            Figure(
                "stages",
                "Which stage has the multiply-accumulates",
                "A bar for each top-level module, in the order in which they run."
                + (f" The {left:,} after these are left out." if left else ""),
                partial(charts.stages, shares, "MACs"),
            )
        )
    both = [
        {key: row[key] for key in ("layer", "operator", "params", "macs")}
        for row in rows
        if row["params"] and row["macs"]
    ]
    if len(both) > 1:
        figures.append(
            Figure(
                "layers",
                "Layers: multiply-accumulates against params",
                "Each dot is a layer that multiplies. Early layers have few params and many MACs, "
                "linear ones as many of both.",
                partial(charts.layers, _with_sides(both, charts.HEIGHT)),
            )
        )
    if figures:
        yield Section("What it costs", figures)
    if rows:
        curve = [
            {
                "place": place,
                "layer": row["name"],
                **{key: row[key] for key in ("operator", "live_bytes", "is_peak")},
            }
            for place, row in enumerate(rows)
        ]
        yield Section(
            "Memory over the pass",
            [
                Figure(
                    "memory",
                    "Activations that are alive",
                    "What a pass holds beside its weights as each operator runs; the dot is the "
                    "operator that makes the peak.",
                    partial(charts.memory, curve, of.trace.weight_bytes),
                )
            ],
        )
    yield from _roof(of)


def _with_sides(rows: Sequence[dict[str, Any]], height: int) -> list[dict[str, Any]]:
    """Layers, those of the most MACs first, with the side on which their name stands."""
    from cnnbench.reports.charts import labels
    from cnnbench.reports.charts.style import NARROW, bounds

    rows = sorted(rows, key=lambda row: -row["macs"])
    spots = [labels.Spot(row["params"], row["macs"], row["layer"], True) for row in rows]
    across, down = (bounds([row[key] for row in rows]) for key in ("params", "macs"))
    return labels.with_sides(rows, spots, NARROW, height, across, down)


def _roof(of: Subject) -> Iterator[Section]:
    profile, predicted = of.profile, of.predicted
    if profile is None or predicted is None:
        return
    from cnnbench.reports.charts.roofline import roofline

    peak = profile.flops_per_s.get(dtype_of(of.trace))
    most = profile.bandwidth(2**62)
    if not peak or not most:
        return
    roofs = {"flops_per_s": peak, "bytes_per_s": most, "cache_per_s": profile.bandwidth(1) or most}
    dots = [
        {
            "side": of.model,
            "kind": str(op.cost.kind),
            "layer": op.cost.path or op.cost.operator,
            "intensity": op.cost.cost.intensity,
            "flops_per_s": (op.cost.cost.flops + op.cost.cost.elementwise_flops) / op.seconds,
            "seconds": op.seconds,
        }
        for op in predicted.operators
        if op.seconds and op.cost.cost.intensity
    ]
    told = {"layer": "layer", "kind": "kind"}
    if dots:
        yield Section(
            "Under the roof",
            [
                Figure(
                    "roofline",
                    "What each operator is predicted to reach",
                    "Left of the bend memory holds an operator, right of it arithmetic; its area "
                    "is the time that it takes.",
                    partial(roofline, dots, roofs, "kind", told=told, height=380),
                )
            ],
        )


def _kinds(trace: Trace) -> Iterator[dict[str, Any]]:
    """Each kind's share of several costs: a row of the chart a cost."""
    shares = {"MACs": "macs", "params": "params", "bytes moved": "bytes_moved"}
    found = views.kinds(trace)
    for words, key in shares.items():
        whole = sum(row[key] for row in found)
        for row in found:
            if whole and row[key]:
                share = row[key] / whole
                yield {"model": words, "kind": row["kind"], "share": share, "value": row[key]}


def _apart(stages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stages whose names are told apart: the same one again has a number."""
    seen: dict[str, int] = {}
    found = []
    for one in stages:
        seen[one["name"]] = number = seen.get(one["name"], 0) + 1
        found.append({**one, "name": one["name"] if number == 1 else f"{one['name']} {number}"})
    return found
