"""Networks whose accuracy is published, each with its exact costs and predicted time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from cnnbench.counting.chains import ChainCost, ChainCounter
from cnnbench.counting.count import count
from cnnbench.errors import SpecError
from cnnbench.models.build import chain_of
from cnnbench.models.scale import scalable
from cnnbench.models.spec import Spec, parse
from cnnbench.roofline.predict import Predictor
from cnnbench.studies.papers.accuracy import Accuracy, figures
from cnnbench.studies.scaling.budget import Goal
from cnnbench.studies.scaling.variants import Variant


@dataclass(frozen=True)
class Published(Variant):
    """A network, and the accuracy that was printed of it."""

    accuracy: Accuracy

    def capacity(self, goal: Goal) -> tuple[float, int]:
        """Its accuracy; of equal ones, the one with fewer MACs."""
        if goal is Goal.ACCURACY:
            return self.accuracy.percent, -self.costs.cost.macs
        return super().capacity(goal)


def known(
    models: Sequence[str], dataset: str, metric: str, protocol: str
) -> list[tuple[Spec, Accuracy]]:
    """One figure a network, the first of its sources: of the models named, of none named, all.

    SpecError where nothing is published so, with what is.
    """
    asked = [parse(text) for text in models]
    for spec, text in zip(asked, models, strict=True):
        if not isinstance(spec, Spec) or spec.model.is_block:
            raise SpecError(f"no accuracy of {text} is published; leave it out")
    wanted = {spec.model.name for spec in asked if isinstance(spec, Spec)}
    found: dict[str, tuple[Spec, Accuracy]] = {}
    for one in figures():
        alike = (one.dataset, one.metric, one.protocol) == (dataset, metric, protocol)
        spec = _at(one)
        if alike and (not wanted or spec.model.name in wanted):
            found.setdefault(str(spec), (spec, one))
    if not found:
        of = dict.fromkeys(
            f"{one.metric} on {one.dataset}, {one.protocol}"
            for one in figures()
            if not wanted or _at(one).model.name in wanted
        )
        which = f" of {', '.join(models)}" if models else ""
        there = f"; there is {'; '.join(of)}" if of else ""
        raise SpecError(f"no {metric} on {dataset}, {protocol}, is published{which}{there}")
    return list(found.values())


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
    dtype: torch.dtype = torch.float32,
    predictor: Predictor | None = None,
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> list[Published]:
    """Count each, and predict its time."""
    seconds = predictor.seconds if predictor else None
    counter = ChainCounter(batch, dtype, seconds)
    found = []
    for done, (spec, accuracy) in enumerate(of):
        progress(done, len(of))
        try:
            costs = counter(chain_of(scalable(spec)), spec.input_shape)
        except SpecError:  # it is no chain
            name = str(dtype).removeprefix("torch.")
            trace = count(spec, batch=batch, dtype=name)
            costs = ChainCost(
                trace.total, trace.peak_activation_bytes, seconds(trace) if seconds else None
            )
        found.append(Published(spec, costs, accuracy))
    return found
