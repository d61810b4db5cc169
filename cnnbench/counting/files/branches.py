"""Branches of a file's graph: the costlier of two stands for both, and is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cnnbench.counting.files.graph import Node

Made = TypeVar("Made")


@dataclass
class Branches:
    """The conditions of which a branch stands in the graph, as its operators are read.

    A branch may hold others: those of one that is not chosen are not among the names.
    """

    names: list[str] = field(default_factory=list)
    _macs: dict[Node, int] = field(default_factory=dict)  # of each operator, reckoned once

    def costlier(
        self, ways: Sequence[Callable[[list[Node]], Made]], name: Callable[[Made], str]
    ) -> tuple[list[Node], Made]:
        """The operators of the costlier way, and what it gives; of one way there is no choice.

        Each way puts its operators into the list that it is handed; `name` is what the condition
        is called.
        """
        tried, before = [], len(self.names)
        for way in ways:
            start, nodes = len(self.names), list[Node]()
            made = way(nodes)
            tried.append((nodes, made, self.names[start:]))
        nodes, made, within = max(tried, key=lambda one: (self._products(one[0]), len(one[0])))
        self.names[before:] = within
        if len(tried) > 1 and any(own for own, _, _ in tried):
            self.names.append(name(made))
        return nodes, made

    def _products(self, nodes: Sequence[Node]) -> int:
        """MACs of operators whose shapes are known."""
        for node in nodes:
            if node not in self._macs:
                work = node.work()
                self._macs[node] = work.macs * node.times if work else 0
        return sum(self._macs[node] for node in nodes)
