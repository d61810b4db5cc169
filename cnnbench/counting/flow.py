"""The flow of a trace: parts of a network, and which of them reads what another made.

It follows the data, not names: what a shortcut or a branch is called is nothing to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cnnbench.counting.cost import Cost, OpCost, Trace
from cnnbench.counting.division import Level
from cnnbench.counting.tree import Node, neighbours, tree
from cnnbench.models.inputs import Shape

_DEPTHS = {Level.STAGES: 1, Level.BLOCKS: 2, Level.LAYERS: 10**6}


@dataclass(frozen=True)
class Part:
    """A layer, block or stage, once for all equal neighbours of it.

    `path` is where it stands, `node` the line or subtree of the network, `repeats` how often it
    runs, in all that is folded around it.
    """

    path: str
    node: Node
    repeats: int

    @property
    def output(self) -> Shape:
        """The map that it makes."""
        return self.node.output

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


@dataclass(frozen=True)
class Flow:
    """Parts in execution order; `edges` lead from the maker of a map to its reader.

    -1 is the input of the pass. Within a fold the way back to its beginning is left out.
    """

    parts: tuple[Part, ...]
    edges: tuple[tuple[int, int], ...]
    folds: tuple[Fold, ...]
    input_shapes: tuple[Shape, ...]


def flow(trace: Trace, level: Level, *, fold: bool = True) -> Flow:
    """Divide a trace into parts; with `fold` equal neighbours are one."""
    found = _Parts(_DEPTHS[level], fold)
    found.enter(tree(trace, fold=False), "", 1, 1)
    return Flow(
        tuple(found.parts), tuple(_edges(trace, found)), tuple(found.folds), trace.input_shapes
    )


@dataclass
class _Parts:
    """The parts so far, and which of them each operator is in, by its identity."""

    depth: int
    fold: bool
    parts: list[Part] = field(default_factory=list)
    folds: list[Fold] = field(default_factory=list)
    of: dict[int, int] = field(default_factory=dict)

    def enter(self, nodes: Sequence[Node], path: str, depth: int, repeats: int) -> None:
        """Enter nodes of one level; of equal neighbours the first, which stands for the others."""
        groups = neighbours(nodes) if self.fold and nodes else [[node] for node in nodes]
        for first, *others in groups:
            start, times = len(self.parts), repeats * (1 + len(others))
            where = ".".join(filter(None, (path, first.name)))
            if first.children and depth < self.depth:
                self.enter(first.children, where, depth + 1, times)
            else:
                self.of |= {id(op): start for op in first.operators()}
                self.parts.append(Part(where, first, times))
            for other in others:
                pairs = zip(first.operators(), other.operators(), strict=True)
                self.of |= {id(op): self.of[id(own)] for own, op in pairs}
            if others:
                self.folds.append(Fold(start, len(self.parts) - 1, 1 + len(others)))


def _edges(trace: Trace, found: _Parts) -> Iterator[tuple[int, int]]:
    seen = set()
    for op in trace.operators:
        reader = found.of[id(op)]
        for source in op.sources:
            maker = -1 if source < 0 else found.of[id(trace.operators[source])]
            if maker < reader and (maker, reader) not in seen:
                seen.add((maker, reader))
                yield maker, reader
