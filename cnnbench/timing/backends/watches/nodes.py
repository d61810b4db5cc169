"""What a runtime's own clock says of a pass: each node that ran, and which of the file's it holds.

A runtime fuses nodes, changes layouts between them and calls them anew. `owners` says which of the
nodes that ran holds a node of the file: the one that says so itself, by names or tensors; of the
others the one that alone reads it, else the one that made its inputs last.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class NodeTime:
    """A node as it ran: its kernel, its seconds.

    `holds` are the nodes of the file in it, in their order; none of a change of layout. `waited`
    are the seconds that its threads waited for each other, None where the runtime does not say.
    """

    kernel: str
    seconds: float
    holds: tuple[str, ...] = ()
    waited: float | None = None


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


@dataclass(frozen=True)
class FileNode:
    """A node of a file: what its cost is known by, its operator, the tensors it reads and makes."""

    name: str
    operator: str
    inputs: Sequence[str]
    outputs: Sequence[str]


class File:
    """A graph as its nodes' names and tensors; nodes of constants alone do not run."""

    def __init__(self, nodes: Iterable[FileNode], constants: Iterable[str] = ()) -> None:
        """Of nodes in an order in which they can run."""
        self.nodes, fixed = list(nodes), set(constants)
        self.by_name = {node.name: index for index, node in enumerate(self.nodes)}
        self.maker: dict[str, int] = {}
        self._readers: dict[str, list[int]] = defaultdict(list)
        self.running: list[int] = []
        for index, node in enumerate(self.nodes):
            if all(name in fixed for name in node.inputs):
                fixed.update(node.outputs)
                continue
            self.running.append(index)
            self.maker.update(dict.fromkeys(node.outputs, index))
            for name in node.inputs:
                self._readers[name].append(index)

    @classmethod
    def of_onnx(cls, path: Path) -> File:
        """Of a graph of ONNX, read without its weights; a node without a name has its output's."""
        import onnx

        graph = onnx.load(path, load_external_data=False).graph
        nodes = (
            FileNode(
                str(node.name or next(iter(node.output), "")),
                node.op_type,
                [name for name in node.input if name],
                list(node.output),
            )
            for node in graph.node
        )
        return cls(nodes, (one.name for one in graph.initializer))

    @cached_property
    def makers(self) -> dict[int, list[int]]:
        """The nodes that make what a node reads."""
        return {
            index: [self.maker[name] for name in self.nodes[index].inputs if name in self.maker]
            for index in self.running
        }

    def readers(self, index: int) -> list[int]:
        """The nodes that read what a node makes."""
        return [one for name in self.nodes[index].outputs for one in self._readers[name]]

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
            found[place].append(self.nodes[index].name)
        return [tuple(names) for names in found]
