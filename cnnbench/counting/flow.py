"""The flow of a trace: parts of a network, and which of them reads what another made.

It follows the data, not names: what a shortcut or a branch is called is nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from cnnbench.counting.cost import Cost, OpCost, Trace
from cnnbench.counting.division import Level
from cnnbench.counting.tree import Node, neighbours, tree
from cnnbench.models.inputs import Shape

_DEPTHS = {Level.STAGES: 1, Level.BLOCKS: 2, Level.LAYERS: 10**6}


@dataclass(frozen=True)
class Part:
    """A layer, block or stage, once for all equal neighbours of it.

    `path` is where it stands, `node` the line or subtree of the network, `repeats` how often it
    runs, in all that is folded around it; `outputs` are the maps that others read, or the pass
    returns, its last where none is.
    """

    path: str
    node: Node
    repeats: int
    outputs: tuple[Shape, ...]

    @property
    def output(self) -> Shape:
        """The last map that it makes for others."""
        return self.outputs[-1]

    @property
    def cost(self) -> Cost:
        """Of one of them."""
        return self.node.cost

    @property
    def operators(self) -> tuple[OpCost, ...]:
        """Of one of them."""
        return tuple(self.node.operators())


@dataclass(frozen=True)
class Fold:
    """Parts `first` to `last` that stand for `repeats` equal blocks, one after another."""

    first: int
    last: int
    repeats: int

    def holds(self, other: Fold) -> bool:
        """Whether another's parts lie within it."""
        return self.first <= other.first and other.last <= self.last


@dataclass(frozen=True)
class Flow:
    """Parts in execution order; `edges` lead from the maker of a map to its reader.

    -1 is the first input of the pass, -2 the second. Within a fold the way back to its beginning is
    left out; of `folds` an inner one stands before those around it. `outputs` are what the pass
    returns: who made it, and its shape.
    """

    parts: tuple[Part, ...]
    edges: tuple[tuple[int, int], ...]
    folds: tuple[Fold, ...]
    outputs: tuple[tuple[int, Shape], ...] = ()


def flow(trace: Trace, level: Level, *, fold: bool = True) -> Flow:
    """Divide a trace into parts; with `fold` equal neighbours are one, where each reads the last.

    A module that runs at several places has a part at each.
    """
    found = _Parts(trace, _DEPTHS[level], fold)
    found.enter(tree(trace, fold=False, apart=True), "", 1, 1)
    return Flow(
        tuple(found.parts), tuple(found.edges()), tuple(found.folds), tuple(found.outputs())
    )


def _named(node: Node, path: str) -> str:
    """A line's module, as its operators name it; of several modules that of the main one."""
    if node.children:
        return path
    levels = zip(*(op.path.split(".") for op in node.operators()), strict=False)
    common = takewhile(lambda names: len(set(names)) == 1, levels)
    return ".".join(names[0] for names in common) or node.main.path or path


class _Parts:
    """The parts so far, and which of them each operator is in."""

    def __init__(self, trace: Trace, depth: int, fold: bool) -> None:
        self.parts: list[Part] = []
        self.folds: list[Fold] = []
        self._trace, self._operators = trace, trace.operators
        self._places = {id(op): place for place, op in enumerate(trace.operators)}
        self._readers: dict[int, set[int]] = {}
        for place, op in enumerate(trace.operators):
            for source in op.sources:
                self._readers.setdefault(source, set()).add(place)
        self._of: dict[int, int] = {}  # the part of an operator, by its place
        self._rounds: dict[int, dict[int, int]] = {}  # and which of a fold's blocks it is in
        self._folded = 0
        self._returned = {place for place, _ in trace.returned}
        self._depth, self._fold = depth, fold

    def enter(self, nodes: Sequence[Node], path: str, depth: int, repeats: int) -> None:
        """Enter nodes of one level; of equal neighbours the first, which stands for the others."""
        for first, *others in self._groups(nodes):
            start, times = len(self.parts), repeats * (1 + len(others))
            where = ".".join(filter(None, (path, first.name)))
            if first.children and depth < self._depth:
                self.enter(first.children, where, depth + 1, times)
            else:
                self._of |= dict.fromkeys(self._within(first), start)
                self.parts.append(Part(_named(first, where), first, times, self._made(first)))
            for number, other in enumerate(others, 1):
                for own, theirs in zip(self._within(first), self._within(other), strict=True):
                    self._of[theirs] = self._of[own]
                    self._rounds[theirs] = self._rounds.get(own, {}) | {self._folded: number}
            if others:
                for own in self._within(first):
                    self._rounds[own] = self._rounds.get(own, {}) | {self._folded: 0}
                self._folded += 1
                self.folds.append(Fold(start, len(self.parts) - 1, 1 + len(others)))

    def _made(self, node: Node) -> tuple[Shape, ...]:
        """The maps of a node that others read, or the pass returns; its last where none is."""
        own = self._within(node)
        inside = set(own)
        outside = [
            place
            for place in own
            if place in self._returned or self._readers.get(place, set()) - inside
        ]
        found = dict.fromkeys(self._operators[place].output for place in outside)
        return tuple(found) or node.outputs

    def _within(self, node: Node) -> list[int]:
        """The places of a node's operators."""
        return [self._places[id(op)] for op in node.operators()]

    def _groups(self, nodes: Sequence[Node]) -> Iterator[list[Node]]:
        """Equal neighbours of which each reads what the last made, which nothing else is given.

        Equal branches beside each other are no such, nor blocks that a skip leads from.
        """
        if not self._fold or not nodes:
            yield from ([node] for node in nodes)
            return
        for alike in neighbours(nodes):
            group = alike[:1]
            for node in alike[1:]:
                if self._follows(node, group[-1]):
                    group.append(node)
                else:
                    yield group
                    group = [node]
            yield group

    def _follows(self, node: Node, before: Node) -> bool:
        last, own = set(self._within(before)), set(self._within(node))
        read = {source for place in own for source in self._operators[place].sources} - own
        readers = set().union(*(self._readers.get(place, ()) for place in last))
        alone = readers <= last | own and not last & self._returned
        return bool(read) and read <= last and alone

    def edges(self) -> Iterator[tuple[int, int]]:
        """From the maker of each map to its readers, each once."""
        seen = set()
        for place, op in enumerate(self._operators):
            reader = self._of[place]
            for source in op.sources:
                maker = source if source < 0 else self._of[source]
                if source >= 0 and self._leads_on(source, place):
                    continue
                if maker < reader and (maker, reader) not in seen:
                    seen.add((maker, reader))
                    yield maker, reader

    def _leads_on(self, source: int, reader: int) -> bool:
        """Whether it leads from a block that is folded to the next, which is the same box."""
        here, there = self._rounds.get(source, {}), self._rounds.get(reader, {})
        return any(here[fold] != there[fold] for fold in here.keys() & there.keys())

    def outputs(self) -> Iterator[tuple[int, Shape]]:
        """What the pass returns: the part that made it, or the input that it is, and its shape."""
        for place, shape in self._trace.returned:
            yield (place if place < 0 else self._of[place]), shape
