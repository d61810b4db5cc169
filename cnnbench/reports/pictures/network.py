"""A network as a picture: a box a part, its map in it, lines where its data goes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from textwrap import wrap
from typing import Any

from cnnbench import units
from cnnbench.counting.cost import Trace
from cnnbench.counting.division import Level
from cnnbench.counting.flow import Flow, Part, flow
from cnnbench.models.inputs import Shape
from cnnbench.reports.architecture import describe
from cnnbench.reports.pictures.elements import draw_part, draw_wire
from cnnbench.reports.pictures.frames import AROUND, BESIDE, Frame
from cnnbench.reports.pictures.labels import (
    LINE,
    LONGEST,
    Sketch,
    closed_form,
    live_bytes,
    of_ends,
    of_part,
)
from cnnbench.reports.pictures.layout import Layout, laid_out
from cnnbench.reports.pictures.maps import Map, Scale
from cnnbench.reports.pictures.picture import Picture, text
from cnnbench.reports.pictures.shades import WORDS, Shade
from cnnbench.timing.by_layer.pass_times import seconds_of

_MARGIN, _LEGEND = 16.0, 58.0
_NARROWEST = 560.0
_LETTERS = 64  # of a line below
_JOINT = 2.6  # pixels of the dot where a line leaves another
_DARKEST = 0.5  # of the shade, so that text on it is read
_USUAL, _MOST_PARTS = Level.BLOCKS, 60  # of a picture that nobody asked to be finer


def usual_level(trace: Trace) -> Level:
    """Blocks; stages where those are very many."""
    return _USUAL if len(flow(trace, _USUAL).parts) <= _MOST_PARTS else Level.STAGES


def draw(of: Sketch) -> Picture:
    """The network, from above to below."""
    laid = _Laid.of(of)
    content = laid.content(0.0, laid.scale, laid.most)
    return Picture(f"{of.model}, {of.level}", laid.width, laid.height, list(content))


def draw_both(a: Sketch, b: Sketch) -> Picture:
    """Two networks beside each other, on one scale; what the other has not is framed.

    Both are as coarse as the coarser is asked to be.
    """
    coarser = next(level for level in Level if level in (a.level, b.level))
    first, second = (_Laid.of(replace(one, level=coarser)) for one in (a, b))
    parts_a, parts_b = ([_alike(part) for part in laid.flow.parts] for laid in (first, second))
    shared = SequenceMatcher(None, parts_a, parts_b, autojunk=False).get_matching_blocks()
    in_a = {i for block in shared for i in range(block.a, block.a + block.size)}
    in_b = {i for block in shared for i in range(block.b, block.b + block.size)}
    right = first.width + 2 * _MARGIN
    scale, most = Scale.of([*first.maps, *second.maps]), max(first.most, second.most)
    content = [
        line
        for laid, known, shift in ((first, in_a, 0.0), (second, in_b, right))
        for line in laid.content(shift, scale, most, frozenset(range(len(laid.flow.parts))) - known)
    ]
    height = max(first.height, second.height)
    return Picture(f"{a.model} and {b.model}, {coarser}", right + second.width, height, content)


def _alike(part: Part) -> tuple[Any, ...]:
    """What parts of two networks have in common that are the same, wherever they stand."""
    layers = tuple(map(describe, part.node.lines()))
    return layers, part.outputs, part.cost, part.repeats


class _Laid:
    """A network whose parts have their places; `most` is the largest share that shades one."""

    @classmethod
    def of(cls, of: Sketch) -> _Laid:
        """Equal blocks folded, but where the frame of some would hold what is none of them."""
        folded = cls(of, fold=not of.full)
        return cls(of, fold=False) if folded.has_strangers else folded

    def __init__(self, of: Sketch, *, fold: bool) -> None:
        """Divide it, and lay it out."""
        self._of = of
        self.flow = flow(of.trace, of.level, fold=fold)
        parts, trace = self.flow.parts, of.trace
        given, outputs = trace.input_shapes or ((),), _told(self.flow)
        made = [shape for _, shape in outputs]
        one_side = any(len(op.kernel) == 1 for op in trace.operators)
        last = trace.channels_last
        self.maps = [
            Map.of(one, channels_last=last, one_side=one_side)
            for one in (*given, *(part.output for part in parts), *made)
        ]
        self.scale = Scale.of(self.maps)
        self._first = len(given)  # place of the first part
        self._labels = [
            *of_ends("input", given, channels_last=last),
            *(of_part(part, of) for part in parts),
            *of_ends("output", made, channels_last=last),
        ]
        self._shares = [0.0] * self._first + _shares(parts, of) + [0.0] * len(outputs)
        self.most = max(self._shares)
        edges = [
            (maker + self._first if maker >= 0 else -maker - 1, reader + self._first)
            for maker, reader in (
                *self.flow.edges,
                *((maker, len(parts) + place) for place, (maker, _) in enumerate(outputs)),
            )
        ]
        layout = laid_out([label.size for label in self._labels], edges, self._beside())
        self._layout = layout.moved(_MARGIN + AROUND, _LEGEND + _MARGIN)
        title = 9.5 * len(_title(of)) + 2 * _MARGIN
        self.width = max(self._layout.right + 4 * _MARGIN, _NARROWEST, title)
        self._closing = _closing(of)
        self.height = self._layout.bottom + _MARGIN + LINE * len(self._closing)

    def _frames(self, layout: Layout) -> list[Frame]:
        """A frame for each fold."""
        folds, placed = self.flow.folds, layout.boxes[self._first :]
        return [
            Frame.around(fold, sum(map(fold.holds, folds[:place])), placed)
            for place, fold in enumerate(folds)
        ]

    @property
    def has_strangers(self) -> bool:
        """Whether a fold's frame or number lies on a box that is none of it."""
        boxes = self._layout.boxes
        return any(
            one.meets(box)
            for frame in self._frames(self._layout)
            for one in (frame.box, frame.number)
            for place, box in enumerate(boxes, -self._first)
            if not frame.fold.first <= place <= frame.fold.last
        )

    def _beside(self) -> list[float]:
        """Pixels beside each box, for the frames and numbers of the folds that it is in."""
        folds = Counter(
            place for fold in self.flow.folds for place in range(fold.first, fold.last + 1)
        )
        places = range(len(self._labels))
        return [(AROUND + BESIDE) * folds[place - self._first] for place in places]

    def content(
        self, right: float, scale: Scale, most: float, marked: frozenset[int] = frozenset()
    ) -> Iterator[str]:
        """Elements of SVG, so far to the right; parts that are marked have a frame."""
        layout = self._layout.moved(right, 0.0)
        yield from _heading(self._of, max(self._shares), scale, right, marked=bool(marked))
        for frame in self._frames(layout):
            yield from frame.drawn()
        for route in layout.routes:
            yield from draw_wire(route)
        for x, y in layout.joints:
            yield f'<circle class="tip" cx="{x:.1f}" cy="{y:.1f}" r="{_JOINT}"/>'
        places = zip(self._labels, layout.boxes, self.maps, self._shares, strict=True)
        for index, (label, box, map_, share) in enumerate(places):
            shade = _DARKEST * share / most if most else 0.0
            if label.bound is not None:
                shade = _DARKEST
            yield from draw_part(
                label, box, map_, scale, shade, marked=index - self._first in marked
            )
        for number, words in enumerate(self._closing, 1):
            yield text(words, right + _MARGIN, layout.bottom + 4 + LINE * number)


def _told(flow: Flow) -> Sequence[tuple[int, Shape]]:
    """What the pass returns, where that is not what its last part makes alone."""
    makers = [maker for maker, _ in flow.outputs]
    return () if flow.parts and makers == [len(flow.parts) - 1] else flow.outputs


def _shares(parts: Sequence[Part], of: Sketch) -> list[float]:
    """Each part's share of what shades it."""
    trace, shade = of.trace, of.shade
    if of.times is not None and shade is Shade.TIME:
        whole = of.times.divided_s or 1.0
        return [seconds_of(of.ran(part)) / whole for part in parts]
    values: dict[Shade, tuple[Callable[[Part], int], int]] = {
        Shade.MACS: (lambda part: part.cost.macs, trace.total.macs),
        Shade.PARAMS: (lambda part: part.cost.params, trace.total.params),
        Shade.MEMORY: (live_bytes, trace.peak_activation_bytes),
    }
    if shade not in values:
        return [0.0] * len(parts)
    value, of_all = values[shade]
    return [value(part) / max(of_all, 1) for part in parts]


def _closing(of: Sketch) -> list[str]:
    """The closed form below a block."""
    formula = closed_form(of.trace) if of.formulas else ""
    return wrap(f"{formula} = {of.trace.total.macs:,} MACs", _LETTERS) if formula else []


def _title(of: Sketch) -> str:
    whole, name = of.trace.total, units.shortened(of.model, LONGEST)
    shapes = of.trace.input_shapes
    if shapes and len(shapes[0]) > 1 and shapes[0][0] > 1:
        name = f"{name}, batch {shapes[0][0]}"
    return f"{name}: {units.count(whole.macs)} MACs, {units.count(whole.params)} params"


def _heading(
    of: Sketch, darkest: float, scale: Scale, right: float, *, marked: bool
) -> Iterator[str]:
    legend = [scale.words]
    if of.shade is Shade.BOUND:
        legend.insert(0, "blue: held by compute, orange: by memory, green: by overhead, the calls")
    elif of.shade is not Shade.NONE:
        what = WORDS.get(of.shade) or _time(of)
        legend.insert(0, f"shade: {what}, darkest {units.percent(darkest)}")
    if marked:
        legend.insert(0, "thick frames: what the other has not")
    yield text(_title(of), right + _MARGIN, _MARGIN + 8, "title")
    for number, words in enumerate(legend):
        yield text(words, right + _MARGIN, _MARGIN + 24 + 13 * number, "small")


def _time(of: Sketch) -> str:
    """`share of a pass of 12.3 ms in eager, measured`."""
    assert of.times is not None, "time is shaded by times"
    took = units.duration(of.times.seconds)
    return f"share of a pass of {took} in {of.times.backend}, {of.times.verb}"
