"""Published accuracies: `accuracy.csv` read, and what is known of a network.

They are facts of papers and releases. Nothing here is measured, trained or estimated. A figure
holds of one data set, one side of the test images and one way of cropping them: figures of two ways
are not of one ranking.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from cnnbench.errors import SpecError
from cnnbench.models.inputs import Shape
from cnnbench.models.sources import torchvision
from cnnbench.models.spec import AnySpec, SourceSpec, Spec, parse
from cnnbench.studies.papers import given

METRICS = TOP1, TOP5 = ("top1", "top5")
WORDS = {TOP1: "top-1", TOP5: "top-5"}
IMAGENET, SINGLE_CROP = "imagenet", "single crop"
_IMAGES = 4  # dimensions of a batch of them
_PLAIN = (SINGLE_CROP, "test set")  # as a network is tested that is deployed
_SAID = {"not stated": "crops not stated"}


@dataclass(frozen=True)
class Accuracy:
    """One published figure.

    `model` is a spec, `resolution` the side of a test image in pixels, `metric` `top1` or `top5`,
    `percent` of images, as `printed`. `protocol` says how they were cropped (where whole images
    of several sides were taken, `resolution` is that of training), `source` who printed it and
    where, `confirmed` where it was read a second time, empty where it was not.
    """

    model: str
    resolution: int
    dataset: str
    metric: str
    printed: str
    protocol: str
    source: str
    confirmed: str = ""
    note: str = ""

    @property
    def percent(self) -> float:
        """The accuracy in percent."""
        return float(self.printed)

    @property
    def words(self) -> str:
        """`top-1 77.15% (10 crops), He et al. 2015, table 3`."""
        how = "" if self.protocol in _PLAIN else f" ({_SAID.get(self.protocol, self.protocol)})"
        what = "" if self.dataset == IMAGENET else f" on {self.dataset}"
        return f"{WORDS[self.metric]} {self.printed}%{what}{how}, {self.source}"

    @property
    def test(self) -> tuple[str, str, str]:
        """What was tested, and how: figures of one test rank networks."""
        return self.dataset, self.metric, self.protocol

    @property
    def is_usual(self) -> bool:
        """Whether it was tested as most are: on one crop, or it is not said that it was not."""
        return is_usual(self.protocol)

    def record(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "percent": self.percent,
            "metric": self.metric,
            "dataset": self.dataset,
            "resolution": self.resolution,
            "protocol": self.protocol,
            "source": self.source,
            "confirmed": self.confirmed,
        }


def is_usual(protocol: str) -> bool:
    """Whether one pass gave the answer, or it is not said that more did."""
    return protocol in (*_PLAIN, *_SAID)


@cache
def figures() -> tuple[Accuracy, ...]:
    """Every figure of the package's table, in its order."""
    text = resources.files("cnnbench.studies.papers").joinpath("accuracy.csv").read_text("utf-8")
    _, *rows = csv.reader(text.splitlines())
    return tuple(Accuracy(model, int(side), *rest) for model, side, *rest in rows)


def datasets() -> list[str]:
    """What was classified, the most figures first."""
    return _most([one.dataset for one in figures()])


def protocols() -> list[str]:
    """How images were cropped of which one pass gives an answer, the most figures first."""
    return _most([one.protocol for one in figures() if one.is_usual])


def _most(values: list[str]) -> list[str]:
    return [name for name, _ in Counter(values).most_common()]


@cache
def _by_network() -> dict[tuple[str, int], tuple[Accuracy, ...]]:
    found: dict[tuple[str, int], tuple[Accuracy, ...]] = {}
    for one in figures():
        key = _key(parse(one.model), one.resolution)
        found[key] = (*found.get(key, ()), one)
    return found


def of_network(spec: AnySpec, side: int | None = None) -> tuple[Accuracy, ...]:
    """What is published of a network on images of that side, or its own; else nothing."""
    if not isinstance(spec, Spec):
        return (*_of_torchvision(spec, side), *_of_table(spec, side))
    return _by_network().get(_key(spec, side or spec.input_shape[1]), ())


def _of_torchvision(spec: SourceSpec, side: int | None) -> tuple[Accuracy, ...]:
    """What torchvision's weights of a network say of themselves."""
    named = {"acc@1": TOP1, "acc@5": TOP5}
    return tuple(
        Accuracy(
            *(str(spec), crop, IMAGENET, named[name], str(percent), SINGLE_CROP),
            f"torchvision, {weights}",
        )
        for weights, crop, name, percent in torchvision.claimed_accuracies(spec)
        if crop == side and name in named
    )


def _of_table(spec: SourceSpec, side: int | None) -> tuple[Accuracy, ...]:
    """What a table that was given says of one of timm's networks."""
    return tuple(
        Accuracy(
            *(str(spec), one.side, one.dataset, one.metric, one.printed, SINGLE_CROP),
            f"{one.file}, {one.weights}",
        )
        for one in given.claimed(spec)
        if one.side == side
    )


def _key(spec: AnySpec, side: int) -> tuple[str, int]:
    """The network without the side of its images, and that side."""
    if isinstance(spec, Spec) and spec.model.option("resolution") is not None:
        spec = parse(str(spec.varied(resolution=spec.model.input[1])))
    return str(spec), side


def headline(known: Iterable[Accuracy]) -> Accuracy | None:
    """The figure that stands for a network: top-1, as most are tested, of the first source."""
    return min(known, key=lambda one: (one.metric != TOP1, not one.is_usual), default=None)


def together(known: Sequence[Sequence[Accuracy]]) -> list[Accuracy | None]:
    """The figures that stand for networks side by side: tested alike, where all of them were.

    A network alone has its first source's.
    """
    ways = [{one.test for one in own} for own in known if own]
    shared = set.intersection(*ways) if len(ways) > 1 else set()
    alike = min(
        shared, key=lambda test: (test[1] != TOP1, test[2] != SINGLE_CROP, test), default=None
    )
    return [headline([one for one in own if alike in (None, one.test)]) for own in known]


def of_pass(name: str, input_shapes: Sequence[Shape]) -> tuple[Accuracy, ...]:
    """What is published of the network of that name on such images; else nothing."""
    shape = input_shapes[0] if input_shapes else ()
    if len(shape) != _IMAGES or shape[2] != shape[3]:
        return ()
    with suppress(SpecError):  # a module that somebody holds
        return of_network(parse(name), shape[2])
    return ()
