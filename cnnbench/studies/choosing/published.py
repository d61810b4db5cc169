"""Networks whose accuracy is published, each with its exact costs and predicted time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TypeVar

from cnnbench.counting.chains import ChainCost, ChainCounter
from cnnbench.counting.count import count
from cnnbench.errors import SpecError
from cnnbench.models.build import chain_of
from cnnbench.models.scale import Axis
from cnnbench.models.spec import Spec, parse
from cnnbench.roofline.predict import Predictor
from cnnbench.studies.papers.accuracy import Accuracy, figures
from cnnbench.studies.scaling.budget import Goal
from cnnbench.studies.scaling.variants import Variant
from cnnbench.timing.backends import EAGER

T = TypeVar("T")


@dataclass(frozen=True)
class Published(Variant):
    """A network, the accuracy that was printed of it, and the back end that is to run it."""

    accuracy: Accuracy
    backend: str = EAGER

    @property
    def name(self) -> str:
        """Its spec, and what runs it where that is not eager torch."""
        return str(self.spec) if self.backend == EAGER else f"{self.spec} in {self.backend}"

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others."""
        return str(self.spec), self.backend

    def capacity(self, goal: Goal = Goal.MACS) -> tuple[float, int]:
        """Its accuracy, which is what it is chosen for; of equal ones, the one with fewer MACs."""
        return self.accuracy.percent, -self.costs.cost.macs


def run_by(variant: Variant) -> str:
    """The back end that is to run it."""
    assert isinstance(variant, Published)
    return variant.backend


def known(
    models: Sequence[str], dataset: str, metric: str, protocol: str
) -> list[tuple[Spec, Accuracy]]:
    """One figure a network, the first of its sources: of the models named, of none named, all.

    SpecError where nothing is published so, with what is.
    """
    test = (dataset, metric, protocol)
    found: dict[str, tuple[Spec, Accuracy]] = {}
    usual = [(at_its_side(one), one) for one in figures() if one.is_usual]
    texts: Sequence[str | None] = models or [None]
    for text in texts:
        own = usual if text is None else meant(usual, text)
        alike = [(spec, one) for spec, one in own if one.test == test]
        if not alike:
            of = dict.fromkeys(one.test for _, one in own if one.dataset == dataset or text)
            there = "; ".join(f"--metric {m} --dataset {d} --protocol '{p}'" for d, m, p in of)
            there = f"there is {there}" if there else "leave it out"
            which = "" if text is None else f" of {text}"
            raise SpecError(f"no {metric} on {dataset}, {protocol}, is published{which}; {there}")
        for spec, one in alike:
            found.setdefault(str(spec), (spec, one))
    return list(found.values())


def meant(of: Sequence[tuple[Spec, T]], text: str) -> list[tuple[Spec, T]]:
    """The published networks that are named: those that agree in the options that are written.

    A short name is that of all networks of its paper.
    """
    asked = parse(text)
    if not isinstance(asked, Spec):
        return []
    alias = text.partition("@")[0] in asked.model.aliases
    written = {pair for pair in asked.options if pair[0] in asked.written}
    return [
        (spec, one)
        for spec, one in of
        if spec.model.name == asked.model.name or (alias and spec.model.paper == asked.model.paper)
        if written <= set(spec.options)
    ]


def at_its_side(one: Accuracy) -> Spec:
    """The network at the side of the images that it was tested on."""
    spec = parse(one.model)
    assert isinstance(spec, Spec)
    if spec.input_shape[1] != one.resolution:
        spec = spec.varied(resolution=one.resolution)
    return spec


def published(
    of: Sequence[tuple[Spec, Accuracy]],
    *,
    batch: int = 1,
    predictors: Mapping[str, Predictor | None] | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Published]:
    """Count each, and predict its time in each back end that is named."""
    by_backend = {
        name: (predictor, ChainCounter(batch, seconds=predictor.seconds if predictor else None))
        for name, predictor in (predictors or {EAGER: None}).items()
    }
    found = []
    every = list(product(of, by_backend.items()))
    for done, ((spec, accuracy), (name, (predictor, counter))) in enumerate(every):
        progress(done, len(every))
        adds_up = predictor is None or predictor.adds_up
        if spec.model.option(Axis.WIDTH) is not None and adds_up:
            costs = counter(chain_of(spec), spec.input_shape)
        else:
            trace = count(spec, batch=batch)
            seconds = predictor.seconds(trace) if predictor else None
            costs = ChainCost(trace.total, trace.peak_activation_bytes, seconds)
        found.append(Published(spec, costs, accuracy, name))
    return found
