"""A line and a box of a picture as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from cnnbench.reports.pictures.labels import LINE, PADDING, SMALL_LINE, Label
from cnnbench.reports.pictures.layout import Box
from cnnbench.reports.pictures.maps import SPACE, Map, Scale, faces
from cnnbench.reports.pictures.picture import said, text


def draw_wire(route: Sequence[tuple[float, float]]) -> Iterator[str]:
    """A line through these points, with a head at its end."""
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in route)
    x, y = route[-1]
    before = next((point for point in reversed(route) if point != (x, y)), (x, y - 1))
    turn = math.degrees(math.atan2(before[0] - x, y - before[1]))
    yield f'<polyline class="wire" points="{points}"/>'
    yield (
        f'<path class="tip" transform="translate({x:.1f} {y:.1f}) rotate({turn:.1f})" '
        'd="M0 0l-4 -7h8z"/>'
    )


def draw_part(
    label: Label, box: Box, map_: Map, scale: Scale, shade: float, *, marked: bool
) -> Iterator[str]:
    """A box with its map, its words and its numbers, which the keyboard reaches."""
    where = (
        f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    )
    spoken = label.spoken + (", differs" if marked else "")
    data = " ".join(
        f'data-{key.replace(" ", "-")}="{said(str(value))}"' for key, value in label.record.items()
    )
    yield f'<g class="part" tabindex="0" role="img" aria-label="{said(spoken)}" {data}>'
    yield f"<title>{said(spoken)}</title>"
    yield f'<rect class="{"box differs" if marked else "box"}" {where} rx="5"/>'
    if shade:
        kind = f"shade {label.bound}" if label.bound else "shade"
        yield f'<rect class="{kind}" {where} rx="5" fill-opacity="{shade:.3f}"/>'
    middle = box.left + PADDING + SPACE / 2
    for number, points in enumerate(faces(map_, scale, middle, box.y, label.towers)):
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polygon class="{("top", "side", "front")[number % 3]}" points="{corners}"/>'
    x = box.left + 2 * PADDING + SPACE
    y = box.top + (box.height - LINE * len(label.lines) - SMALL_LINE) / 2 + 12
    for number, words in enumerate(label.lines):
        yield text(words, x, y + number * LINE)
    yield text(label.numbers, x, y + len(label.lines) * LINE - 1, "small")
    yield "</g>"
