"""What a network's page divides by clicks: modules, layers, and of each its own costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench import harmless, units
from cnnbench.counting.tree import Node
from cnnbench.reports.architecture import describe
from cnnbench.reports.network.subject import Subject
from cnnbench.timing.by_layer.pass_times import PassTimes, seconds_of


@dataclass(frozen=True)
class DividedCost:
    """A cost that is divided: what it is called, a node's, and how that reads."""

    name: str
    of: Callable[[Node], float]
    show: Callable[[Any], str]


def icicle(of: Subject, nodes: Sequence[Node]) -> dict[str, Any]:
    """The `costs` by name, the first shown first, and the `tree`: `name`, `values`, `children`.

    A value is a number and how it reads. Of what costs nothing none is divided.
    """
    every = [
        DividedCost("MACs", lambda node: node.cost.macs, _counted("MACs")),
        DividedCost("params", lambda node: node.cost.params, _counted("params")),
        DividedCost("bytes moved", lambda node: node.cost.bytes_moved, units.size),
        *(DividedCost(f"time, {one.backend}", _time(one), units.duration) for one in of.times),
    ]
    divided = [one for one in every if any(map(one.of, nodes))]
    whole = [sum(map(one.of, nodes)) for one in divided]
    tree = _tree(of.model, whole, nodes, divided)
    return {"costs": [one.name for one in divided], "tree": tree}


def _counted(what: str) -> Callable[[float], str]:
    return lambda value: f"{units.count(round(value))} {what}"


def _time(one: PassTimes) -> Callable[[Node], float]:
    return lambda node: seconds_of(one.of(node.operators()))


def _tree(
    name: str, values: Sequence[float], nodes: Sequence[Node], divided: Sequence[DividedCost]
) -> dict[str, Any]:
    return {
        "name": harmless.line(name),
        "values": [[value, one.show(value)] for one, value in zip(divided, values, strict=True)],
        "children": [
            _tree(
                node.name or describe(node),
                [one.of(node) for one in divided],
                node.children,
                divided,
            )
            for node in nodes
        ],
    }
