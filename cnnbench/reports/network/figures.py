"""The charts of what a network costs, and of its memory over the pass."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from cnnbench import units
from cnnbench.counting import views
from cnnbench.counting.cost import Kind, Trace
from cnnbench.counting.memory import alive
from cnnbench.counting.tree import Node
from cnnbench.reports.network.subject import Subject
from cnnbench.reports.page import Figure, Section
from cnnbench.reports.sweep.selection import MOST_ROWS

_MOST_HELD = 5  # operators that are named beside the peak


def costs(of: Subject, nodes: Sequence[Node], rows: Sequence[dict[str, Any]]) -> Iterator[Section]:
    """What costs what; `nodes` are the network's top level, `rows` its operators."""
    figures = [*_of_kinds(of.trace), *_of_stages(of.trace, nodes), *_of_layers(rows)]
    if figures:
        yield Section("What it costs", figures)


def _of_kinds(trace: Trace) -> Iterator[Figure]:
    from cnnbench.reports.charts.rows import kinds

    if divided := list(_kinds(trace)):
        yield Figure(
            "kinds",
            "Which kind of operator costs what",
            "Each bar is all of the network, divided by what its operators are.",
            partial(kinds, divided, list(map(str, Kind)), "share", told="of"),
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


def _of_stages(trace: Trace, nodes: Sequence[Node]) -> Iterator[Figure]:
    from cnnbench.reports.charts.network import stages

    whole = trace.total.macs
    names = stage_names(nodes)
    if not whole or len(nodes) < 2:
        return
    shares = [
        {"name": name, "share": node.cost.macs / whole}
        for name, node in zip(names, nodes[:MOST_ROWS], strict=False)
    ]
    left = len(nodes) - len(shares)
    yield Figure(
        "stages",
        "Which stage has the multiply-accumulates",
        "A bar for each top-level module, in the order in which they run."
        + (f" The {left:,} after these are left out." if left else ""),
        partial(stages, shares, "MACs"),
    )


def stage_names(nodes: Sequence[Node]) -> list[str]:
    """A name for each stage: of a function's the operator."""
    return told_apart(node.name or node.parts[-1][-1].operator for node in nodes)


def told_apart(names: Iterable[str]) -> list[str]:
    """Names of which the same one again has a number."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return found


def _of_layers(rows: Sequence[dict[str, Any]]) -> Iterator[Figure]:
    from cnnbench.reports.charts.network import layers

    both = [
        {key: row[key] for key in ("layer", "operator", "params", "macs")}
        for row in rows
        if row["params"] and row["macs"]
    ]
    if len(both) > 1:
        yield Figure(
            "layers",
            "Layers: multiply-accumulates against params",
            "Each dot is a layer that multiplies. Early layers have few params and many MACs, "
            "linear ones as many of both.",
            partial(layers, both),
        )


def memory(trace: Trace, rows: Sequence[dict[str, Any]]) -> Iterator[Section]:
    """Memory over the pass, the operator that makes the peak, and what is held then."""
    from cnnbench.reports.charts.network import memory as chart

    if len(rows) < 2:  # which makes no curve
        return
    held = _held(trace)
    curve = [
        {
            "place": place,
            "layer": row["name"],
            "held": held.get(place),
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
                "What a pass holds beside its weights as each operator runs. "
                + _made_of(held, rows, trace),
                partial(chart, curve, trace.weight_bytes),
            )
        ],
    )


def _held(trace: Trace) -> dict[int, int]:
    """Bytes of what is alive at the peak, by the operator that has made it; -1 of the inputs."""
    found: dict[int, int] = {}
    for buffer in alive(trace.buffers, trace.peak):
        found[buffer.born] = found.get(buffer.born, 0) + buffer.size
    return found


def _called(rows: Sequence[dict[str, Any]], place: int) -> str:
    return units.shortened(rows[place]["name"]) if place >= 0 else "the input"


def _made_of(held: dict[int, int], rows: Sequence[dict[str, Any]], trace: Trace) -> str:
    """`The peak, 11.3 MiB, is at conv1: conv1 6.13 MiB, the input 0.57 MiB, ...`."""
    if trace.peak < 0:
        return ""
    largest = sorted(held, key=lambda place: (-held[place], place))
    parts = [f"{_called(rows, place)} {units.size(held[place])}" for place in largest[:_MOST_HELD]]
    left = sum(held[place] for place in largest[_MOST_HELD:])
    parts += [f"others {units.size(left)}"] if left else []
    peak = f"{units.size(trace.peak_activation_bytes)}, is at {_called(rows, trace.peak)}"
    return f"The peak, {peak}, the orange dot; alive are then {', '.join(parts)}."
