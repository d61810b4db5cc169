"""The papers' own figures beside ours: `published.csv` read, recounted and compared."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from importlib import resources
from typing import Any

from torch import nn

from cnnbench.counting.cost import total
from cnnbench.counting.count import count
from cnnbench.errors import SpecError, nearest
from cnnbench.models.spec import Spec, parse

_SCALES = {"": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9}


@dataclass(frozen=True)
class Figure:
    """One printed figure: of which network, what (`params` or `macs`), as the paper prints it.

    `note` says why where the counted figure differs, or what a reader should know.
    """

    model: str
    resolution: int
    metric: str
    printed: str
    source: str
    note: str

    @property
    def value(self) -> int:
        """'4.2M' -> 4200000, '1550M' -> 1550000000."""
        number, unit = self._parts()
        return int(number * _SCALES[unit])

    @property
    def unit_in_last_place(self) -> int:
        """'4.2M' -> 100000, '1550M' -> 1000000: what one more in the last digit printed means."""
        number, unit = self._parts()
        exponent = number.as_tuple().exponent
        assert isinstance(exponent, int)
        return max(1, int(Decimal(10) ** exponent * _SCALES[unit]))

    def agrees(self, count_figure: int) -> bool:
        """Whether `counted` could be printed so: papers round, and truncate as often."""
        return -self.unit_in_last_place / 2 <= count_figure - self.value < self.unit_in_last_place

    def _parts(self) -> tuple[Decimal, str]:
        match = re.fullmatch(r"([\d.]+)([kKMG]?)", self.printed)
        if match is None:
            raise ValueError(f"published.csv: cannot read the figure {self.printed!r}")
        return Decimal(match[1]), match[2]


def figures() -> list[Figure]:
    """Every figure of the package's table of publications, in its order."""
    text = resources.files("cnnbench.studies.papers").joinpath("published.csv").read_text("utf-8")
    _, *rows = csv.reader(text.splitlines())
    return [Figure(model, int(resolution), *rest) for model, resolution, *rest in rows]


def figures_of(models: Sequence[str]) -> list[Figure]:
    """Figures of the models named, of their variants and their modules; of none named, all.

    SpecError for a model that no paper's table has.
    """
    known = figures()
    if not models:
        return known
    wanted = []
    for text in models:
        spec = parse(text)
        name = str(spec)
        found = [one for one in known if name == _spec_of(one) or name == _base_of(one)]
        if not found:
            there = dict.fromkeys(_base_of(one) for one in known if " " not in one.model)
            raise SpecError(
                f"no paper's table has {name}{nearest(name, there)}; it has {', '.join(there)}"
            )
        wanted += found
    return list(dict.fromkeys(wanted))


def _spec_of(figure: Figure) -> str:
    """`googlenet/inception3a` -> googlenet, `resnet50@stride_on=1x1` as it is."""
    return figure.model.partition("/")[0]


def _base_of(figure: Figure) -> str:
    return _spec_of(figure).partition("@")[0]


def compared(figure: Figure) -> dict[str, Any]:
    """One figure beside the counted one: base units, and as it is printed."""
    found = count_figure(figure)
    return {
        "model": figure.model,
        "resolution": figure.resolution,
        "metric": figure.metric,
        "source": figure.source,
        "published": figure.value,
        "printed": figure.printed,
        "counted": found,
        "difference": found / figure.value - 1,
        "agrees": figure.agrees(found),
        "note": figure.note,
    }


def count_figure(figure: Figure) -> int:
    """Count what the figure is about: a model, a module of one, or layers in words.

    `googlenet/inception3a` is a module; `conv 5x5 192->32 same` a layer.
    """
    if " " in figure.model:
        net, channels = layers(figure.model)
        operators = count(net, (channels, figure.resolution, figure.resolution)).operators
    else:
        model, _, module = figure.model.partition("/")
        spec = parse(model)
        assert isinstance(spec, Spec)
        channels = spec.input_shape[0]
        trace = count(model, (channels, figure.resolution, figure.resolution))
        operators = tuple(op for op in trace.operators if op.path.startswith(module))
    value: int = getattr(total([op.cost for op in operators]), figure.metric)
    return value


_LAYERS = re.compile(
    r"(?:(?P<kind>conv|depthwise separable)|bottleneck 1x1x(?P<mid>\d+) then) "
    r"(?P<k>\d+)x\d+ (?P<inputs>\d+)->(?P<outputs>\d+) (?P<padding>same|valid)"
)


def layers(words: str) -> tuple[nn.Sequential, int]:
    """`depthwise separable 3x3 3->5 valid` -> its convolutions without biases, its channels."""
    match = _LAYERS.fullmatch(words)
    if match is None:
        raise ValueError(f"published.csv: cannot read the layers {words!r}")
    inputs, outputs, k = (int(match[name]) for name in ("inputs", "outputs", "k"))
    conv = partial(nn.Conv2d, padding=match["padding"], bias=False)
    if match["mid"]:
        mid = int(match["mid"])
        convs = [conv(inputs, mid, 1), conv(mid, outputs, k)]
    elif match["kind"] == "conv":
        convs = [conv(inputs, outputs, k)]
    else:
        convs = [conv(inputs, inputs, k, groups=inputs), conv(inputs, outputs, 1)]
    return nn.Sequential(*convs), inputs
