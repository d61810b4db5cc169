"""Trunks: lines of what is read long after it was made, beside all boxes, one for each maker.

So a dense block (Huang et al. 2017) stays a column, whose layers read from the lines beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Edge = tuple[int, int]
Point = tuple[float, float]
_MANY = 5  # readers in later layers, from which on a maker has a trunk
_MOST_PASSED = 1000  # layers that all other lines pass, together
_LEFT, _APART = 20.0, 8.0  # pixels of a trunk from the boxes, and from the next
_BELOW, _ABOVE = 8.0, 9.0  # pixels of a line to or from it from the layer that it leaves or enters
STEP = 4.0  # pixels between lines to or from boxes of one layer


def ranks(number: int, edges: Collection[Edge]) -> list[int]:
    """The layer of each box: below all that it reads."""
    found = [0] * number
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        found[b] = max(found[b], found[a] + 1)
    return found


def aside(edges: Collection[Edge], layers: Sequence[int]) -> list[Edge]:
    """The edges that run in trunks, all of them long: those to readers of makers with many of them.

    Where the others would pass very many layers, all long ones. What no other edge joins to the
    rest stays out of them, since trunks lay out nothing.
    """
    passed = {(a, b): layers[b] - layers[a] - 1 for a, b in sorted(edges)}
    long = [edge for edge, number in passed.items() if number]
    late = Counter(maker for maker, _ in long)
    readers = {reader for maker, reader in long if late[maker] >= _MANY}
    chosen = {edge for edge in long if edge[1] in readers}
    if sum(passed[edge] for edge in long if edge not in chosen) > _MOST_PASSED:
        chosen = set(long)
    joined = _Joined()
    for edge in passed:
        if edge not in chosen:
            joined.join(*edge)
    found = []
    for edge in long:
        if edge in chosen and not joined.join(*edge):
            found.append(edge)
    return found


class _Joined:
    """Which boxes edges join, so far."""

    def __init__(self) -> None:
        self._towards: dict[int, int] = {}

    def _end(self, box: int) -> int:
        while (further := self._towards.get(box, box)) != box:
            self._towards[box] = self._towards.get(further, further)
            box = further
        return box

    def join(self, a: int, b: int) -> bool:
        """Join two; whether they were not yet."""
        first, second = self._end(a), self._end(b)
        self._towards[first] = second
        return first != second


class Beside:
    """Which makers of a layer have trunks, and which of its boxes read from some, in their order.

    Lines of two boxes of one layer run at two heights, so that they are told apart.
    """

    def __init__(self, edges: Sequence[Edge], layers: Sequence[int]) -> None:
        """Number them; `edges` are those of trunks."""
        self._makers = _numbered({maker for maker, _ in edges}, layers)
        self._readers = _numbered({reader for _, reader in edges}, layers)

    @property
    def room(self) -> float:
        """Pixels that layers need between them beside the usual."""
        return STEP * sum(max(own.values(), default=0) for own in (self._makers, self._readers))

    def below(self, maker: int) -> float:
        """Pixels from a layer's lower end to where a maker's line runs aside."""
        return _BELOW + STEP * self._makers[maker]

    def above(self, reader: int) -> float:
        """Pixels from a layer's upper end to where lines run to a reader."""
        return _ABOVE + STEP * self._readers[reader]


def _numbered(boxes: Collection[int], layers: Sequence[int]) -> dict[int, int]:
    met: Counter[int] = Counter()
    found = {}
    for box in sorted(boxes):
        found[box] = met[layers[box]]
        met[layers[box]] += 1
    return found


@dataclass
class Trunks:
    """Trunks to the left of `left`; of each layer `bands` are its upper and its lower end."""

    left: float
    bands: Sequence[tuple[float, float]]
    beside: Beside
    joints: list[Point] = field(default_factory=list)

    def routes(
        self, edges: Sequence[Edge], layers: Sequence[int], ends: Mapping[int, tuple[Point, Point]]
    ) -> Iterator[tuple[Edge, list[Point]]]:
        """The way of each edge; `ends` are the points where lines enter and leave a box."""
        readers: dict[int, list[int]] = {}
        for a, b in edges:
            readers.setdefault(a, []).append(b)
        until: list[int] = []  # the last layer of each place beside the boxes
        for a in sorted(readers, key=lambda box: (layers[box], box)):
            last = max(layers[b] for b in readers[a])
            place = next((at for at, end in enumerate(until) if end <= layers[a]), len(until))
            if place == len(until):
                until.append(last)
            until[place] = last
            x = self.left - _LEFT - _APART * place
            _, (out, bottom) = ends[a]
            begins = self.bands[layers[a]][1] + self.beside.below(a)
            enters = {b: self.bands[layers[b]][0] - self.beside.above(b) for b in readers[a]}
            self.joints += [(x, y) for y in sorted(enters.values())[:-1]]
            for b, y in enters.items():
                (into, top), _ = ends[b]
                way = [(out, bottom), (out, begins), (x, begins), (x, y), (into, y), (into, top)]
                yield (a, b), way
