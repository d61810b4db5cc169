"""Where the parts of a flow stand: from above to below, branches beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from cnnbench.errors import OutputError
from cnnbench.reports.pictures.trunks import Beside, Edge, Point, Trunks, aside, ranks

_ACROSS, _DOWN, _WIRE = 24.0, 26.0, 8.0  # pixels between boxes, and of a long edge's way
_ROUNDS = 6  # of ordering, until few edges cross
_MOST_BOXES = 1500
Size = tuple[float, float]


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

    def meets(self, other: Box) -> bool:
        """Whether another lies on it, wholly or in part."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True)
class Layout:
    """Boxes in the order of what they hold, and of each edge the points that it goes through.

    `joints` are where a line leaves another one.
    """

    boxes: tuple[Box, ...]
    routes: tuple[tuple[Point, ...], ...]
    joints: tuple[Point, ...] = ()

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
        return Layout(boxes, routes, tuple((x + right, y + down) for x, y in self.joints))


def require() -> None:
    """OutputError where what lays out is not installed."""
    try:
        import grandalf.layouts
    except ImportError as error:
        raise OutputError(
            "a picture of a network needs grandalf; type: pip install 'cnnbench[report]'"
        ) from error
    assert grandalf.layouts


def laid_out(sizes: Sequence[Size], edges: Sequence[Edge], beside: Sequence[float]) -> Layout:
    """Boxes of these sizes in layers, each below all that it reads (Sugiyama et al. 1981).

    An edge leads from an earlier box to a later one. What is not joined to the rest stands to the
    right of it. `beside` are pixels to the left and right of each box where no other stands.
    OutputError where there is more than anybody could follow.
    """
    from grandalf.graphs import Edge as Line
    from grandalf.graphs import Graph, Vertex
    from grandalf.layouts import VertexViewer

    if len(sizes) > _MOST_BOXES:
        raise OutputError(
            f"a picture of {len(sizes):,} parts shows nothing; give --level stages, or blocks"
        )
    layers = ranks(len(sizes), edges)
    away = aside(edges, layers)
    vertices = [Vertex(index) for index in range(len(sizes))]
    for vertex, (width, height), room in zip(vertices, sizes, beside, strict=True):
        vertex.view = VertexViewer(width + 2 * room, height)
    long = set(away)
    drawn = [Line(vertices[a], vertices[b]) for a, b in edges if (a, b) not in long]
    boxes: dict[int, Box] = {}
    ways: dict[Edge, list[Point]] = {}
    joints: list[Point] = []
    left = 0.0
    for part in Graph(vertices, drawn).C:
        own, routes, dots = _of_one(part, sizes, away, layers)
        every = [x for route in routes.values() for x, _ in route]
        shift = left - min(*(box.left for box in own.values()), *every, float("inf"))
        up = min(box.top for box in own.values())
        boxes |= {n: Box(b.x + shift, b.y - up, b.width, b.height) for n, b in own.items()}
        for edge, points in routes.items():
            ways[edge] = [(x + shift, y - up) for x, y in points]
        joints += [(x + shift, y - up) for x, y in dots]
        ends = (max(box.right for box in own.values()), max(every, default=0.0))
        left = shift + max(ends) + 2 * _ACROSS
    return Layout(
        tuple(boxes[index] for index in range(len(sizes))),
        tuple(tuple(ways[edge]) for edge in edges),
        tuple(joints),
    )


def _of_one(
    part: Any, sizes: Sequence[Size], away: Sequence[Edge], layers: Sequence[int]
) -> tuple[dict[int, Box], dict[Edge, list[Point]], list[Point]]:
    """Boxes and lines of one connected part, and where lines leave trunks.

    A line passes a layer straight down.
    """
    from grandalf.layouts import SugiyamaLayout
    from grandalf.utils.poset import Poset

    vertices = list(part.sV)
    if len(vertices) == 1:
        return {vertices[0].data: Box(0.0, 0.0, *sizes[vertices[0].data])}, {}, []
    in_order = sorted(part.sE, key=lambda edge: (edge.v[0].data, edge.v[1].data))
    part.sE = Poset(in_order)  # which is by address, so another one each time
    laid = SugiyamaLayout(part)
    own = {vertex.data for vertex in vertices}
    away = [edge for edge in away if edge[0] in own]
    beside = Beside(away, layers)
    laid.xspace, laid.yspace = _ACROSS, _DOWN + beside.room
    laid.dw = laid.dh = _WIRE
    try:
        laid.init_all(roots=[vertex for vertex in vertices if not vertex.e_in()])
        laid.draw(_ROUNDS)
    except RecursionError as error:
        raise OutputError("the network is too deep for a picture; give --level stages") from error
    for layer in laid.layers:
        _apart([one.view for one in layer])
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
    left = min(
        *(box.left for box in boxes.values()), *(x for way in routes.values() for x, _ in way)
    )
    trunks = Trunks(left, bands, beside)
    ends = {n: ((box.x, box.top), (box.x, box.bottom)) for n, box in boxes.items()}
    routes |= dict(trunks.routes(away, layers, ends))
    return boxes, routes, trunks.joints


def _apart(views: list[Any]) -> None:
    """Move what stands on its left neighbour to the right: boxes are not equally wide."""
    views.sort(key=lambda view: view.xy[0])
    for left, view in pairwise(views):
        (x, y), least = view.xy, left.xy[0] + (left.w + view.w) / 2 + _WIRE
        view.xy = (max(x, least), y)


def _band(layer: Any, sizes: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The upper and the lower end of a layer: those of its highest box."""
    own = [one for one in layer if hasattr(one, "data")]
    half = max(sizes[one.data][1] for one in own) / 2
    middle = own[0].view.xy[1]
    return middle - half, middle + half
