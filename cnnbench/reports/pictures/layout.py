"""Where the parts of a flow stand: from above to below, branches beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.errors import OutputError

_ACROSS, _DOWN, _WIRE = 24.0, 26.0, 8.0  # pixels between boxes, and of a long edge's way
_ROUNDS = 6  # of ordering, until few edges cross
_MOST_BOXES, _MOST_PASSED = 1500, 4000  # layers that lines pass, together
Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A rectangle by its middle."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> float:
        """Its left side."""
        return self.x - self.width / 2

    @property
    def top(self) -> float:
        """Its upper side."""
        return self.y - self.height / 2

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Layout:
    """Boxes in the order of what they hold, and of each edge the points that it goes through."""

    boxes: tuple[Box, ...]
    routes: tuple[tuple[Point, ...], ...]

    @property
    def right(self) -> float:
        """Its right end, that of lines too."""
        return max(*(box.right for box in self.boxes), *(x for x, _ in self._points), 0.0)

    @property
    def bottom(self) -> float:
        """Its lower end."""
        return max(box.bottom for box in self.boxes)

    @property
    def _points(self) -> list[Point]:
        return [point for route in self.routes for point in route]

    def moved(self, right: float, down: float) -> Layout:
        """All of it, so far to the right and down."""
        boxes = tuple(Box(b.x + right, b.y + down, b.width, b.height) for b in self.boxes)
        routes = tuple(tuple((x + right, y + down) for x, y in route) for route in self.routes)
        return Layout(boxes, routes)


def require() -> None:
    """OutputError where what lays out is not installed."""
    try:
        import grandalf.layouts
    except ImportError as error:
        raise OutputError(
            "a picture of a network needs grandalf; type: pip install 'cnnbench[report]'"
        ) from error
    assert grandalf.layouts


def laid_out(sizes: Sequence[tuple[float, float]], edges: Sequence[tuple[int, int]]) -> Layout:
    """Boxes of these sizes in layers, each below all that it reads (Sugiyama et al. 1981).

    An edge leads from an earlier box to a later one. What is not joined to the rest stands to the
    right of it. OutputError where lines pass so many layers that nobody could follow them.
    """
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import VertexViewer

    _check(len(sizes), edges)
    vertices = [Vertex(index) for index in range(len(sizes))]
    for vertex, (width, height) in zip(vertices, sizes, strict=True):
        vertex.view = VertexViewer(width, height)
    drawn = [Edge(vertices[a], vertices[b]) for a, b in edges]
    boxes: dict[int, Box] = {}
    ways: dict[tuple[int, int], list[Point]] = {}
    left = 0.0
    for part in Graph(vertices, drawn).C:
        own, routes = _of_one(part, sizes)
        every = [x for route in routes.values() for x, _ in route]
        shift = left - min(*(box.left for box in own.values()), *every, float("inf"))
        up = min(box.top for box in own.values())
        boxes |= {n: Box(b.x + shift, b.y - up, b.width, b.height) for n, b in own.items()}
        for edge, points in routes.items():
            ways[edge] = [(x + shift, y - up) for x, y in points]
        ends = (max(box.right for box in own.values()), max(every, default=0.0))
        left = shift + max(ends) + 2 * _ACROSS
    return Layout(
        tuple(boxes[index] for index in range(len(sizes))),
        tuple(tuple(ways[edge]) for edge in edges),
    )


def _check(number: int, edges: Sequence[tuple[int, int]]) -> None:
    ranks = [0] * number
    for a, b in sorted(edges, key=lambda edge: edge[1]):
        ranks[b] = max(ranks[b], ranks[a] + 1)
    passed = sum(ranks[b] - ranks[a] - 1 for a, b in edges)
    if number > _MOST_BOXES or passed > _MOST_PASSED:
        raise OutputError(
            f"a picture of {number:,} parts and {len(edges):,} lines shows nothing; give --level "
            "stages, or blocks"
        )


def _of_one(
    part: Any, sizes: Sequence[tuple[float, float]]
) -> tuple[dict[int, Box], dict[tuple[int, int], list[Point]]]:
    """Boxes and lines of one connected part; lines pass a layer straight down."""
    from grandalf.layouts import SugiyamaLayout
    from grandalf.utils.poset import Poset

    vertices = list(part.sV)
    if len(vertices) == 1:
        return {vertices[0].data: Box(0.0, 0.0, *sizes[vertices[0].data])}, {}
    in_order = sorted(part.sE, key=lambda edge: (edge.v[0].data, edge.v[1].data))
    part.sE = Poset(in_order)  # which is by address, so another one each time
    laid = SugiyamaLayout(part)
    laid.xspace, laid.yspace = _ACROSS, _DOWN
    laid.dw = laid.dh = _WIRE
    try:
        laid.init_all(roots=[vertex for vertex in vertices if not vertex.e_in()])
        laid.draw(_ROUNDS)
    except RecursionError as error:
        raise OutputError("the network is too deep for a picture; give --level stages") from error
    boxes = {one.data: Box(*one.view.xy, *sizes[one.data]) for one in vertices}
    bands = [_band(layer, sizes) for layer in laid.layers]
    routes = {}
    for edge in in_order:
        a, b = edge.v
        first, last = laid.grx[a].rank, laid.grx[b].rank
        passed = laid.ctrls.get(edge, {})
        route = [(boxes[a.data].x, boxes[a.data].bottom), (boxes[a.data].x, bands[first][1])]
        for rank in range(first + 1, last):
            x, _ = passed[rank].view.xy
            route += [(x, end) for end in bands[rank]]
        route += [(boxes[b.data].x, bands[last][0]), (boxes[b.data].x, boxes[b.data].top)]
        routes[a.data, b.data] = route
    return boxes, routes


def _band(layer: Any, sizes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The upper and the lower end of a layer: those of its highest box."""
    own = [one for one in layer if hasattr(one, "data")]
    half = max(sizes[one.data][1] for one in own) / 2
    middle = own[0].view.xy[1]
    return middle - half, middle + half
