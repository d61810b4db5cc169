"""Published accuracies: `accuracy.csv` read, and what is known of a network.

They are facts of papers and releases. Nothing here is measured, trained or estimated. A figure
holds of one data set, one side of the test images and one way of cropping them: figures of two ways
are not of one ranking.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from cnnbench.models.spec import AnySpec, Spec, parse

METRICS = TOP1, TOP5 = ("top1", "top5")
WORDS = {TOP1: "top-1", TOP5: "top-5"}
SINGLE_CROP = "single crop"
_USUAL = (SINGLE_CROP, "not stated", "test set")  # as a network is tested that is deployed


@dataclass(frozen=True)
class Accuracy:
    """One published figure.

    `model` is a spec, `resolution` the side of a test image in pixels, `metric` `top1` or `top5`,
    `percent` of images, as `printed`. `protocol` says how they were cropped, `source` who printed
    it and where, `confirmed` where else the same figure stands, empty where that was not found.
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
        """`top-1 70.6%, Howard et al. 2017, table 4`."""
        return f"{WORDS[self.metric]} {self.printed}%, {self.source}"

    @property
    def is_usual(self) -> bool:
        """Whether it was tested as most are: on one crop, or on images that are not cropped."""
        return self.protocol in _USUAL

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
    """How images were cropped, the most figures first."""
    return _most([one.protocol for one in figures()])


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
    """What is published of a network of ours on images of that side, or its own; else nothing."""
    if not isinstance(spec, Spec):
        return ()
    return _by_network().get(_key(spec, side or spec.input_shape[1]), ())


def _key(spec: AnySpec, side: int) -> tuple[str, int]:
    """The network without the side of its images, and that side."""
    if isinstance(spec, Spec) and spec.model.option("resolution") is not None:
        spec = parse(str(spec.varied(resolution=spec.model.input[1])))
    return str(spec), side


def headline(known: Iterable[Accuracy], metric: str = TOP1) -> Accuracy | None:
    """The figure that stands for a network: as most are tested, the first source's; else none."""
    return next((one for one in known if one.metric == metric and one.is_usual), None)
