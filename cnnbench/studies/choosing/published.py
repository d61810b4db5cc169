"""Networks whose accuracy is published, each with its exact costs and predicted time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Published(Variant):
    """A network, and the accuracy that was printed of it."""

    accuracy: Accuracy

    def capacity(self, goal: Goal = Goal.MACS) -> tuple[float, int]:
        """Its accuracy, which is what it is chosen for; of equal ones, the one with fewer MACs."""
        return self.accuracy.percent, -self.costs.cost.macs


def known(
    models: Sequence[str], dataset: str, metric: str, protocol: str
) -> list[tuple[Spec, Accuracy]]:
    """One figure a network, the first of its sources: of the models named, of none named, all.

    SpecError where nothing is published so, with what is.
    """
    test = (dataset, metric, protocol)
    found: dict[str, tuple[Spec, Accuracy]] = {}
    usual = [(_at(one), one) for one in figures() if one.is_usual]
    texts: Sequence[str | None] = models or [None]
    for text in texts:
        own = usual if text is None else _meant(usual, text)
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


def _meant(of: Sequence[tuple[Spec, Accuracy]], text: str) -> list[tuple[Spec, Accuracy]]:
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


def _at(one: Accuracy) -> Spec:
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
    predictor: Predictor | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Published]:
    """Count each, and predict its time."""
    seconds = predictor.seconds if predictor else None
    adds_up = predictor is None or predictor.adds_up
    counter = ChainCounter(batch, seconds=seconds)
    found = []
    for done, (spec, accuracy) in enumerate(of):
        progress(done, len(of))
        if spec.model.option(Axis.WIDTH) is not None and adds_up:
            costs = counter(chain_of(spec), spec.input_shape)
        else:
            trace = count(spec, batch=batch)
            costs = ChainCost(
                trace.total, trace.peak_activation_bytes, seconds(trace) if seconds else None
            )
        found.append(Published(spec, costs, accuracy))
    return found
