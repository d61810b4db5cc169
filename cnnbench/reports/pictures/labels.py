"""What stands in the box of a part: its layers in the papers' words, and its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from cnnbench import units
from cnnbench.counting.closed_forms import Convolution
from cnnbench.counting.cost import OpCost, Trace
from cnnbench.counting.division import Level
from cnnbench.counting.flow import Part
from cnnbench.models.inputs import Shape
from cnnbench.reports.architecture import describe
from cnnbench.reports.pictures.maps import SPACE
from cnnbench.reports.pictures.shades import Shade
from cnnbench.roofline.bound import Bound
from cnnbench.timing.by_layer.pass_times import PassTimes, TimedOp, held_by, seconds_of

LINE, SMALL_LINE, PADDING = 16.0, 14.0, 8.0  # pixels
LONGEST = 52  # letters of a line
_LETTER, _SMALL_LETTER = 7.2, 6.2  # pixels of a letter, at most in the mean
_NARROWEST = 190.0
_MOST_LINES = 5  # of layers in a box


@dataclass(frozen=True)
class Sketch:
    """A network to draw: what it is called, its trace, and how it is divided and shaded.

    With `full` every block is drawn, also where neighbours are equal; `formulas` writes at each
    convolution what its multiplications are made of. `times` are what time and bound are of.
    """

    model: str
    trace: Trace
    level: Level
    shade: Shade = Shade.MACS
    full: bool = False
    formulas: bool = False
    times: PassTimes | None = None

    def ran(self, part: Part) -> list[TimedOp]:
        """What of a pass is known to run for a part's operators; none where nothing is."""
        return self.times.of(part.operators) if self.times else []


@dataclass(frozen=True)
class Label:
    """Lines of layers and a line of numbers; `record` are all numbers as they are shown, by name.

    `towers` are the groups of a convolution that has few, `bound` is what shades it.
    """

    lines: Sequence[str]
    numbers: str
    path: str
    towers: int = 1
    record: dict[str, Any] = field(default_factory=dict)
    bound: Bound | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of its box, its map's place included."""
        letters = max(map(len, self.lines), default=0)
        width = max(_LETTER * letters, _SMALL_LETTER * len(self.numbers)) + SPACE + 3 * PADDING
        height = LINE * len(self.lines) + SMALL_LINE + 2 * PADDING
        return max(width, _NARROWEST), max(height, SPACE + PADDING)

    @property
    def spoken(self) -> str:
        """All of it in a sentence."""
        return ", ".join(filter(None, (self.path, *self.lines, self.numbers)))


def of_ends(what: str, shapes: Sequence[Shape], *, channels_last: bool) -> list[Label]:
    """The labels of what goes in or comes out, of each tensor one."""
    names = [what] if len(shapes) == 1 else [f"{what} {n}" for n in range(1, len(shapes) + 1)]
    return [
        Label([name], units.feature_map(shape, channels_last) if shape else "", name)
        for name, shape in zip(names, shapes, strict=True)
    ]


def of_part(part: Part, of: Sketch) -> Label:
    """The label of a part."""
    ran, trace = of.ran(part), of.trace
    numbers = [
        ", ".join(units.feature_map(one, trace.channels_last) for one in part.outputs),
        *_costs(part, of),
    ]
    seconds, held = seconds_of(ran), held_by(ran)
    if of.shade is Shade.TIME and of.times is not None:
        numbers.append(units.duration(seconds))
    if of.shade is Shade.BOUND and held is not None:
        numbers.append(f"held by {held}")
    record = _record(part, trace)
    if of.times is not None:
        record |= {f"{of.times.verb} time": units.duration(seconds), "bound": held or ""}
    return Label(
        [units.shortened(line, LONGEST) for line in _lines(part)],
        units.shortened(", ".join(filter(None, numbers)), LONGEST + 12),
        part.path,
        _towers(part.operators),
        record,
        held if of.shade is Shade.BOUND else None,
    )


def _record(part: Part, trace: Trace) -> dict[str, Any]:
    return {
        "layer": part.path,
        "output": units.feature_map(part.output, trace.channels_last),
        "operators": len(part.operators),
        "repeats": part.repeats,
        "params": part.cost.params,
        "macs": part.cost.macs,
        "flops": part.cost.flops,
        "elementwise flops": part.cost.elementwise_flops,
        "bytes moved": part.cost.bytes_moved,
        "bytes alive": live_bytes(part),
    }


def live_bytes(part: Part) -> int:
    """The most bytes of activations that are alive while it runs."""
    return max((op.live_bytes for op in part.operators), default=0)


def _costs(part: Part, of: Sketch) -> Iterator[str]:
    if part.cost.macs:
        made_of = f"{formula} = " if of.formulas and (formula := _formula(part)) else ""
        yield f"{made_of}{units.count(part.cost.macs)} MACs"
    if part.cost.params:
        yield f"{units.count(part.cost.params)} params"


def _formula(part: Part) -> str:
    """`3²·128·56²`: what the multiplications are made of; empty where that is not all of them."""
    return _sum(part.operators, part.cost.macs)


def closed_form(trace: Trace) -> str:
    """What all multiplications of a block are made of; empty where that is not all of them."""
    return _sum(trace.operators, trace.total.macs)


def _sum(operators: Sequence[OpCost], macs: int) -> str:
    found = [one for one in map(_convolution, operators) if one is not None]
    return " + ".join(map(str, found)) if sum(one.macs for one in found) == macs else ""


def _convolution(op: OpCost) -> Convolution | None:
    """A convolution by a square window on an image."""
    if op.weight is None or len(op.kernel) != 2 or len(set(op.kernel)) > 1 or not op.inputs:
        return None
    channels = op.inputs[0][-1 if op.channels_last else 1]
    height, width = op.sides
    return Convolution(op.kernel[0], channels, op.filters, (height, width), op.groups)


def _towers(operators: Sequence[OpCost]) -> int:
    """In how many groups convolutions are, where all are in as many, and are not depthwise."""
    found = {(op.groups, op.filters) for op in operators if op.weight is not None and op.kernel}
    groups = {number for number, _ in found}
    apart = len(groups) == 1 and all(number < filters for number, filters in found)
    return groups.pop() if apart else 1


def _lines(part: Part) -> list[str]:
    """A layer in the paper's words; of a block its name, and its layers where they are few."""
    if not part.node.children:
        return [describe(part.node) or part.path or "?"]
    layers = [describe(line) for line in part.node.lines()]
    name = part.path or "network"
    if len(layers) <= _MOST_LINES:
        return [name, *filter(None, layers)]
    return [f"{name}: {len(layers)} layers"]
