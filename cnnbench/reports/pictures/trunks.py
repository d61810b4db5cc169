"""Trunks: lines of what is read long after it was made, beside all boxes, one for each maker.

So a dense block (Huang et al. 2017) stays a column, whose layers read from the lines beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Edge = tuple[int, int]
Point = tuple[float, float]
_MANY = 5  # readers in later layers, from which on a maker has a trunk
_MOST_PASSED = 1000  # layers that all other lines pass, together
_LEFT, _APART = 20.0, 8.0  # pixels of a trunk from the boxes, and from the next
_BELOW, _ABOVE = 8.0, 9.0  # pixels of a line to or from it from the layer that it leaves or enters


def ranks(number: int, edges: Iterable[Edge]) -> list[int]:
    """The layer of each box: below all that it reads."""
    found = [0] * number
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        found[b] = max(found[b], found[a] + 1)
    return found


def aside(edges: Sequence[Edge], layers: Sequence[int]) -> set[Edge]:
    """The edges that run in trunks, all of them long: those to readers of makers with many of them.

    Where the others would pass very many layers, all long ones. What no other edge joins to the
    rest stays out of them, since trunks lay out nothing.
    """
    passed = {(a, b): layers[b] - layers[a] - 1 for a, b in edges}
    long = {edge for edge, number in passed.items() if number}
    late = Counter(maker for maker, _ in long)
    readers = {reader for maker, reader in long if late[maker] >= _MANY}
    chosen = {edge for edge in long if edge[1] in readers}
    if sum(passed[edge] for edge in long - chosen) > _MOST_PASSED:
        chosen = long
    joined = _Joined()
    for edge in passed:
        if edge not in chosen:
            joined.join(*edge)
    return {edge for edge in passed if edge in chosen and not joined.join(*edge)}


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


@dataclass
class Trunks:
    """Trunks to the left of `left`; of each layer `bands` are its upper and its lower end."""

    left: float
    bands: Sequence[tuple[float, float]]
    joints: list[Point] = field(default_factory=list)

    def routes(
        self, edges: Iterable[Edge], layers: Sequence[int], ends: Mapping[int, tuple[Point, Point]]
    ) -> Iterator[tuple[Edge, list[Point]]]:
        """The way of each edge; `ends` are the points where lines enter and leave a box."""
        readers: dict[int, list[int]] = {}
        for a, b in edges:
            readers.setdefault(a, []).append(b)
        taken: list[int] = []  # the last layer of each place beside the boxes
        for a in sorted(readers, key=lambda box: (layers[box], box)):
            last = max(layers[b] for b in readers[a])
            free = (place for place, until in enumerate(taken) if until <= layers[a])
            place = next(free, len(taken))
            taken[place:] = [last, *taken[place + 1 :]]
            x = self.left - _LEFT - _APART * place
            (_, (out, bottom)), begins = ends[a], self.bands[layers[a]][1] + _BELOW
            for b in readers[a]:
                (into, top), _ = ends[b]
                enters = self.bands[layers[b]][0] - _ABOVE
                way = [(out, bottom), (out, begins), (x, begins), (x, enters), (into, enters)]
                yield (a, b), [*way, (into, top)]
                if layers[b] != last:
                    self.joints.append((x, enters))
