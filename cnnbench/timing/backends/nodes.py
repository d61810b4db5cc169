"""What a runtime's own clock says of a pass: each node that ran, and which of the file's it holds.

A runtime fuses nodes, changes layouts between them and calls them anew. `owners` says which of the
nodes that ran holds a node of the file: the one that says so itself, by names or tensors; of the
others the one that alone reads it, else the one that made its inputs last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NodeTime:
    """A node as it ran: its kernel, its seconds.

    `holds` are the nodes of the file in it, in their order; none of a change of layout.
    """

    kernel: str
    seconds: float
    holds: tuple[str, ...] = ()


class Watch(ABC):
    """A pass whose nodes a runtime times by itself; `file` is what it runs."""

    file: Path

    @abstractmethod
    def __call__(self, counts: bool = True) -> None:
        """Run it; what does not count brings the caches into their state."""

    @abstractmethod
    def nodes(self) -> list[NodeTime]:
        """Each node that ran, in that order, with its seconds of a pass."""


def weights_beside(graph: Any) -> set[str]:
    """The files that hold a graph's weights, by the names that it gives them."""
    from onnx import TensorProto
    from onnx.external_data_helper import ExternalDataInfo

    apart = TensorProto.EXTERNAL
    held = (one for one in graph.initializer if one.data_location == apart)
    return {str(ExternalDataInfo(one).location) for one in held}


class File:
    """A graph of ONNX as its nodes' names and tensors; nodes of constants alone do not run."""

    def __init__(self, path: Path) -> None:
        """Read it, without its weights."""
        import onnx

        graph = onnx.load(path, load_external_data=False).graph
        self.nodes: list[Any] = list(graph.node)
        self.by_name = {self.called(index): index for index in range(len(self.nodes))}
        constants = {one.name for one in graph.initializer}
        self.maker: dict[str, int] = {}
        self._readers: dict[str, list[int]] = defaultdict(list)
        self.running: list[int] = []
        for index, node in enumerate(self.nodes):
            read = [name for name in node.input if name]
            if all(name in constants for name in read):
                constants.update(node.output)
                continue
            self.running.append(index)
            self.maker.update(dict.fromkeys(node.output, index))
            for name in read:
                self._readers[name].append(index)

    def called(self, index: int) -> str:
        """What a node's cost is known by: its name, or its first output."""
        node = self.nodes[index]
        return str(node.name or next(iter(node.output), ""))

    @cached_property
    def makers(self) -> dict[int, list[int]]:
        """The nodes that make what a node reads."""
        return {
            index: [self.maker[name] for name in self.nodes[index].input if name in self.maker]
            for index in self.running
        }

    def readers(self, index: int) -> list[int]:
        """The nodes that read what a node makes."""
        return [one for name in self.nodes[index].output for one in self._readers[name]]

    def owners(self, claimed: Mapping[int, int]) -> dict[int, int]:
        """The place of the node that ran which holds each node, from those that say so."""
        owner = {index: place for index, place in claimed.items() if index in self.makers}
        for index in reversed(self.running):
            if index not in owner:
                places = {owner.get(reader) for reader in self.readers(index)}
                if len(places) == 1 and (place := places.pop()) is not None:
                    owner[index] = place
        for index in self.running:
            made = [owner[maker] for maker in self.makers[index] if maker in owner]
            if index not in owner and made:
                owner[index] = max(made)
        return owner

    def held(self, claimed: Mapping[int, int], number: int) -> list[tuple[str, ...]]:
        """What each of so many nodes that ran holds, by the names of costs."""
        found: list[list[str]] = [[] for _ in range(number)]
        for index, place in sorted(self.owners(claimed).items()):
            found[place].append(self.called(index))
        return [tuple(names) for names in found]
