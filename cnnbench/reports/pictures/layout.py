"""Where the parts of a flow stand: from above to below, branches beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cnnbench.errors import OutputError

_ACROSS, _DOWN, _WIRE = 24.0, 26.0, 8.0  # pixels between boxes, and of a long edge's way
_ROUNDS = 6  # of ordering, until few edges cross
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

    What is not joined to the rest stands to the right of it.
    """
    from grandalf.graphs import Edge, Graph, Vertex
    from grandalf.layouts import VertexViewer

    vertices = [Vertex(index) for index in range(len(sizes))]
    for vertex, (width, height) in zip(vertices, sizes, strict=True):
        vertex.view = VertexViewer(width, height)
    drawn = [Edge(vertices[a], vertices[b]) for a, b in edges]
    boxes: dict[int, Box] = {}
    bends: dict[tuple[int, int], list[Point]] = {}
    right = 0.0
    for part in Graph(vertices, drawn).C:
        own, turns = _of_one(part, sizes)
        shift = right - min(box.left for box in own.values())
        up = min(box.top for box in own.values())
        boxes |= {n: Box(b.x + shift, b.y - up, b.width, b.height) for n, b in own.items()}
        for edge, points in turns.items():
            bends[edge] = [(x + shift, y - up) for x, y in points]
        right = max(box.right for box in boxes.values()) + 2 * _ACROSS
    routes = [_route(boxes[a], boxes[b], bends.get((a, b), [])) for a, b in edges]
    return Layout(tuple(boxes[index] for index in range(len(sizes))), tuple(routes))


def _of_one(
    part: Any, sizes: Sequence[tuple[float, float]]
) -> tuple[dict[int, Box], dict[tuple[int, int], list[Point]]]:
    """Boxes of one connected part, and where its long edges pass each layer, straight down."""
    from grandalf.layouts import SugiyamaLayout

    vertices = list(part.sV)
    if len(vertices) == 1:
        return {vertices[0].data: Box(0.0, 0.0, *sizes[vertices[0].data])}, {}
    laid = SugiyamaLayout(part)
    laid.xspace, laid.yspace = _ACROSS, _DOWN
    laid.dw = laid.dh = _WIRE
    laid.init_all(roots=[vertex for vertex in vertices if not vertex.e_in()])
    laid.draw(_ROUNDS)
    boxes = {one.data: Box(*one.view.xy, *sizes[one.data]) for one in vertices}
    heights = [
        max((sizes[one.data][1] for one in layer if hasattr(one, "data")), default=0.0)
        for layer in laid.layers
    ]
    turns: dict[tuple[int, int], list[Point]] = {}
    for edge, controls in laid.ctrls.items():
        passed = [(rank, controls[rank].view.xy) for rank in sorted(controls)[1:-1]]
        turns[edge.v[0].data, edge.v[1].data] = [
            point
            for rank, (x, y) in passed
            for point in ((x, y - heights[rank] / 2), (x, y + heights[rank] / 2))
        ]
    return boxes, turns


def _route(start: Box, end: Box, bends: Sequence[Point]) -> tuple[Point, ...]:
    """From below a box to above another."""
    return ((start.x, start.bottom), *bends, (end.x, end.top))
