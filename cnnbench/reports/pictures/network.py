"""A network as a picture: a box a part, its map in it, lines where its data goes. SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from html import escape
from pathlib import Path
from typing import Any

from cnnbench import harmless, units
from cnnbench.counting.closed_forms import Convolution
from cnnbench.counting.cost import OpCost, Trace
from cnnbench.counting.division import Level
from cnnbench.counting.flow import Flow, Fold, Part, flow
from cnnbench.counting.tree import Node
from cnnbench.files import write
from cnnbench.reports.architecture import describe
from cnnbench.reports.pictures.layout import Box, Layout, laid_out
from cnnbench.reports.pictures.maps import SPACE, Map, Scale, faces
from cnnbench.reports.pictures.shades import WORDS, Shade

_LETTER, _SMALL_LETTER = 7.2, 6.2  # pixels of a letter, at most in the mean
_LINE, _SMALL_LINE = 16.0, 14.0
_PADDING, _MARGIN, _LEGEND = 8.0, 16.0, 58.0
_NARROWEST, _NARROWEST_PICTURE = 190.0, 560.0  # pixels of a box, of all
_LONGEST = 52  # letters of a line
_MOST_LINES = 5  # of layers in a box
_DARKEST = 0.5  # of the shade, so that text on it is read
_PNG_SCALE = 2
_USUAL, _MOST_PARTS = Level.BLOCKS, 60  # of a picture that nobody asked to be finer


@dataclass(frozen=True)
class Picture:
    """An SVG, as wide and high as it is drawn; `title` says what it is of."""

    title: str
    width: float
    height: float
    content: list[str] = field(default_factory=list)

    @property
    def svg(self) -> str:
        """The whole file, in which every name is text."""
        return "\n".join(
            [
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:.0f} '
                f'{self.height:.0f}" width="{self.width:.0f}" height="{self.height:.0f}" '
                f'role="group" aria-label="{said(self.title)}">',
                f"<title>{said(self.title)}</title>",
                f"<style>{_STYLE}</style>",
                f'<rect class="ground" width="{self.width:.0f}" height="{self.height:.0f}"/>',
                *self.content,
                "</svg>",
            ]
        )

    def save(self, path: Path) -> None:
        """Write it whole: .svg, .png, or .html to look at."""
        kind = path.suffix.lower()
        if kind == ".png":
            import vl_convert

            write(path, vl_convert.svg_to_png(self.svg, scale=_PNG_SCALE))
        elif kind == ".html":
            from cnnbench.reports.assets import file, rendered

            page = rendered(
                "network.html", title=self.title, picture=self.svg, script=file("network.js")
            )
            write(path, page)
        else:
            write(path, self.svg + "\n")


_STYLE = (
    "text{font:13px 'DejaVu Sans',Verdana,sans-serif;fill:#1a1a1a}"
    ".small{font-size:11px;fill:#404040}.title{font-size:15px;font-weight:bold}"
    ".ground{fill:#fff}.box{fill:#fff;stroke:#595959}.shade{fill:#0072B2}"
    ".differs{stroke:#D55E00;stroke-width:4}"
    ".wire{fill:none;stroke:#595959;stroke-width:1.3}.tip{fill:#595959}"
    ".fold{fill:none;stroke:#595959;stroke-dasharray:5 4}"
    ".front{fill:#cfe3f1;stroke:#2b4a60}.top{fill:#e6f1f8;stroke:#2b4a60}"
    ".side{fill:#a9c9de;stroke:#2b4a60}"
    ".part:focus .box,.part:hover .box{stroke:#D55E00;stroke-width:3}.part:focus{outline:none}"
    "@media (prefers-color-scheme:dark){text{fill:#f0f0f0}.small{fill:#cfcfcf}.ground{fill:#161616}"
    ".box{fill:#222;stroke:#b0b0b0}.wire,.fold{stroke:#b0b0b0}.tip{fill:#b0b0b0}"
    ".shade{fill:#56B4E9}}"
)


def usual_level(trace: Trace) -> Level:
    """Blocks, or where those are very many, stages."""
    return _USUAL if len(flow(trace, _USUAL).parts) <= _MOST_PARTS else Level.STAGES


@dataclass(frozen=True)
class Drawn:
    """A network to draw: what it is called, its trace, and how it is divided and shaded.

    With `full` every block is drawn, also where neighbours are equal; `formulas` writes at each
    convolution what its multiplications are made of.
    """

    model: str
    trace: Trace
    level: Level
    shade: Shade = Shade.MACS
    full: bool = False
    formulas: bool = False


def draw(one: Drawn) -> Picture:
    """The network, from above to below."""
    laid = _Laid(one)
    return Picture(
        f"{one.model}, {one.level}", laid.width, laid.height, list(laid.content(0.0, frozenset()))
    )


def draw_both(a: Drawn, b: Drawn) -> Picture:
    """Two networks beside each other; what the other has not, in its order, is framed.

    Both as coarse as the coarser is asked to be.
    """
    coarser = next(level for level in Level if level in (a.level, b.level))
    first, second = (_Laid(replace(one, level=coarser)) for one in (a, b))
    parts_a, parts_b = ([_alike(part) for part in laid.flow.parts] for laid in (first, second))
    shared = SequenceMatcher(None, parts_a, parts_b, autojunk=False).get_matching_blocks()
    in_a = {i for block in shared for i in range(block.a, block.a + block.size)}
    in_b = {i for block in shared for i in range(block.b, block.b + block.size)}
    marked = [
        frozenset(range(len(laid.flow.parts))) - known
        for laid, known in ((first, in_a), (second, in_b))
    ]
    right = first.width + 2 * _MARGIN
    content = [*first.content(0.0, marked[0]), *second.content(right, marked[1])]
    height = max(first.height, second.height)
    return Picture(f"{a.model} and {b.model}, {coarser}", right + second.width, height, content)


def _alike(part: Part) -> tuple[Any, ...]:
    """What parts of two networks have in common that are the same, wherever they stand."""
    layers = tuple(describe(leaf) for leaf in _leaves(part.node))
    return layers, part.node.outputs, part.cost, part.repeats


class _Laid:
    """A network whose parts have their places."""

    def __init__(self, one: Drawn) -> None:
        """Divide it, and lay it out."""
        self._one = one
        self.flow = flow(one.trace, one.level, fold=not one.full)
        last = one.trace.channels_last
        self._maps = [Map.of(shape, channels_last=last) for shape in self.flow.input_shapes[:1]]
        self._maps += [Map.of(part.output, channels_last=last) for part in self.flow.parts]
        self._labels = [_input(self.flow, last), *(_label(part, one) for part in self.flow.parts)]
        edges = [(a + 1, b + 1) for a, b in self.flow.edges]
        self._layout = laid_out([label.size for label in self._labels], edges)
        right = max(box.right for box in self._layout.boxes)
        self.width = max(right + 3.5 * _MARGIN, _NARROWEST_PICTURE)
        bottom = max(box.bottom for box in self._layout.boxes)
        self.height = bottom + _LEGEND + 2 * _MARGIN

    def content(self, right: float, marked: frozenset[int]) -> Iterator[str]:
        """Elements of SVG, so far to the right; parts that are marked have a frame."""
        one = self._one
        shares = [0.0, *_shares(self.flow.parts, one.trace, one.shade)]
        scale = Scale.of(self._maps)
        layout = _moved(self._layout, right + _MARGIN, _LEGEND + _MARGIN)
        yield from _heading(one, shares, scale, right, marked=bool(marked))
        for fold in self.flow.folds:
            yield from _fold(fold, layout)
        for route in layout.routes:
            yield from _wire(route)
        most = max(shares)
        for index, (label, box, map_) in enumerate(
            zip(self._labels, layout.boxes, self._maps, strict=True)
        ):
            shade = _DARKEST * shares[index] / most if most else 0.0
            yield from _part(label, box, map_, scale, shade, marked=index - 1 in marked)


@dataclass(frozen=True)
class _Label:
    """What stands in a box: its layers, its numbers, and all of them in a sentence."""

    lines: list[str]
    numbers: str
    path: str
    towers: int = 1
    record: dict[str, Any] = field(default_factory=dict)

    @property
    def size(self) -> tuple[float, float]:
        text = max(
            _LETTER * max(map(len, self.lines), default=0), _SMALL_LETTER * len(self.numbers)
        )
        height = _LINE * len(self.lines) + _SMALL_LINE + 2 * _PADDING
        width = text + SPACE + 3 * _PADDING
        return max(width, _NARROWEST), max(height, SPACE + _PADDING)


def _input(found: Flow, channels_last: bool) -> _Label:
    shapes = " ".join(units.feature_map(shape, channels_last) for shape in found.input_shapes)
    return _Label(["input"], units.shortened(shapes, _LONGEST), "input")


def _label(part: Part, one: Drawn) -> _Label:
    operators, trace = part.operators, one.trace
    numbers = [
        ", ".join(units.feature_map(one, trace.channels_last) for one in part.node.outputs),
    ]
    if part.cost.macs:
        formula = " + ".join(filter(None, map(_formula, operators))) if one.formulas else ""
        made_of = f"{formula} = " if formula else ""
        numbers.append(f"{made_of}{units.count(part.cost.macs)} MACs")
    if part.cost.params:
        numbers.append(f"{units.count(part.cost.params)} params")
    weighted = [op.groups for op in operators if op.weight is not None and op.kernel]
    alike = len(set(weighted)) == 1 and weighted and weighted[0] < operators[-1].filters
    return _Label(
        [units.shortened(line, _LONGEST) for line in _lines(part)],
        units.shortened(", ".join(numbers), _LONGEST + 12),
        part.path,
        weighted[0] if alike else 1,
        {
            "layer": part.path,
            "output": units.feature_map(part.output, trace.channels_last),
            "operators": len(operators),
            "repeats": part.repeats,
            "params": part.cost.params,
            "MACs": part.cost.macs,
            "FLOPs": part.cost.flops,
            "elementwise FLOPs": part.cost.elementwise_flops,
            "bytes moved": part.cost.bytes_moved,
            "activation bytes alive": max((op.live_bytes for op in operators), default=0),
        },
    )


def _formula(op: OpCost) -> str:
    """`3²·128·56²`: what the multiplications of a convolution on square windows are made of."""
    if not op.kernel or len(set(op.kernel)) > 1 or op.weight is None or len(op.sides) != 2:
        return ""
    channels = op.inputs[0][-1 if op.channels_last else 1]
    height, width = op.sides
    return str(Convolution(op.kernel[0], channels, op.filters, (height, width), op.groups))


def _lines(part: Part) -> list[str]:
    """A layer in the paper's words; of a block its name, and its layers where they are few."""
    if not part.node.children:
        words = describe(part.node)
        return [words or part.path or "?"]
    layers = [describe(leaf) for leaf in _leaves(part.node)]
    name = part.path or "network"
    if len(layers) <= _MOST_LINES:
        return [name, *filter(None, layers)]
    return [f"{name}: {len(layers)} layers"]


def _leaves(node: Node) -> Iterator[Node]:
    if not node.children:
        yield node
    for child in node.children:
        yield from _leaves(child)


def _shares(parts: Sequence[Part], trace: Trace, shade: Shade) -> list[float]:
    """Each part's share of what shades it."""
    values: dict[Shade, Callable[[Part], int]] = {
        Shade.MACS: lambda part: part.cost.macs,
        Shade.PARAMS: lambda part: part.cost.params,
        Shade.MEMORY: lambda part: max((op.live_bytes for op in part.operators), default=0),
    }
    wholes = {
        Shade.MACS: trace.total.macs,
        Shade.PARAMS: trace.total.params,
        Shade.MEMORY: trace.peak_activation_bytes,
    }
    if shade is Shade.NONE:
        return [0.0] * len(parts)
    return [values[shade](part) / max(wholes[shade], 1) for part in parts]


def _moved(layout: Layout, right: float, down: float) -> Layout:
    boxes = tuple(Box(b.x + right, b.y + down, b.width, b.height) for b in layout.boxes)
    routes = tuple(tuple((x + right, y + down) for x, y in route) for route in layout.routes)
    return Layout(boxes, routes)


def _heading(
    one: Drawn, shares: Sequence[float], scale: Scale, right: float, *, marked: bool
) -> Iterator[str]:
    whole, x = one.trace.total, right + _MARGIN
    title = f"{one.model}: {units.count(whole.macs)} MACs, {units.count(whole.params)} params"
    yield _text(title, x, _MARGIN + 8, "title")
    legend = [scale.words]
    if one.shade is not Shade.NONE:
        legend.insert(0, f"shade: {WORDS[one.shade]}, darkest {units.percent(max(shares))}")
    if marked:
        legend.insert(0, "thick frames: what the other has not")
    for number, words in enumerate(legend):
        yield _text(words, x, _MARGIN + 24 + 13 * number, "small")


def _fold(fold: Fold, layout: Layout) -> Iterator[str]:
    """A dashed frame around what stands for several."""
    boxes = layout.boxes[fold.first + 1 : fold.last + 2]
    left, right = min(b.left for b in boxes) - 7, max(b.right for b in boxes) + 7
    top, bottom = min(b.top for b in boxes) - 7, max(b.bottom for b in boxes) + 7
    yield (
        f'<rect class="fold" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" rx="8"/>'
    )
    yield _text(f"x {fold.repeats}", right + 4, top + 14)


def _wire(route: Sequence[tuple[float, float]]) -> Iterator[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in route)
    x, y = route[-1]
    yield f'<polyline class="wire" points="{points}"/>'
    yield f'<path class="tip" d="M{x:.1f} {y:.1f}l-4 -7h8z"/>'


def _part(
    label: _Label, box: Box, map_: Map, scale: Scale, shade: float, *, marked: bool
) -> Iterator[str]:
    """A box with its map, its words and its numbers, which the keyboard reaches."""
    where = (
        f'x="{box.left:.1f}" y="{box.top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
    )
    told = "differs" if marked else ""
    spoken = ", ".join(filter(None, (label.path, *label.lines, label.numbers, told)))
    data = " ".join(
        f'data-{key.lower().replace(" ", "-")}="{said(str(value))}"'
        for key, value in label.record.items()
    )
    yield f'<g class="part" tabindex="0" role="img" aria-label="{said(spoken)}" {data}>'
    yield f"<title>{said(spoken)}</title>"
    frame = "box differs" if marked else "box"
    yield f'<rect class="{frame}" {where} rx="5"/>'
    if shade:
        yield f'<rect class="shade" {where} rx="5" fill-opacity="{shade:.3f}"/>'
    middle = box.left + _PADDING + SPACE / 2
    for number, points in enumerate(faces(map_, scale, middle, box.y, label.towers)):
        corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polygon class="{("top", "side", "front")[number % 3]}" points="{corners}"/>'
    x = box.left + 2 * _PADDING + SPACE
    y = box.top + (box.height - _LINE * len(label.lines) - _SMALL_LINE) / 2 + 12
    for number, words in enumerate(label.lines):
        yield _text(words, x, y + number * _LINE)
    yield _text(label.numbers, x, y + len(label.lines) * _LINE - 1, "small")
    yield "</g>"


def _text(words: str, x: float, y: float, kind: str = "") -> str:
    styled = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}>{said(words)}</text>'


def said(words: str) -> str:
    """Somebody's words as text of XML."""
    return escape(harmless.line(words), quote=True)
