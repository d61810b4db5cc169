"""Candidates with their exact costs and predicted times, and which of them are worth a look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from cnnbench.counting.chains import ChainCost, ChainCounter
from cnnbench.counting.metrics import Metric
from cnnbench.models.build import chain_of
from cnnbench.models.spec import Spec
from cnnbench.roofline.predict import Predictor
from cnnbench.studies.scaling.budget import Budget, Goal
from cnnbench.studies.scaling.candidates import candidates

Counted = Callable[[int, int], None]  # how many of how many


@dataclass(frozen=True)
class Variant:
    """A network to choose: what one pass costs, and takes where that was predicted."""

    spec: Spec
    costs: ChainCost

    @property
    def predicted_s(self) -> float | None:
        """Predicted seconds of one pass."""
        return self.costs.predicted_s

    def value(self, metric: Metric) -> float:
        """The value of a static cost."""
        if metric is Metric.PEAK:
            return self.costs.peak_activation_bytes
        return int(getattr(self.costs.cost, metric))

    def capacity(self, goal: Goal) -> tuple[int, int]:
        """What is maximised; of equal resolutions, the one with more MACs."""
        if goal is Goal.RESOLUTION:
            return self.spec.input_shape[1], self.costs.cost.macs
        return int(getattr(self.costs.cost, goal)), self.costs.cost.macs

    @property
    def expense(self) -> float:
        """Predicted seconds, or else bytes moved: the least it costs to wait for them."""
        return self.costs.cost.bytes_moved if self.predicted_s is None else self.predicted_s

    def within(self, budget: Budget) -> bool:
        """Whether its static costs are."""
        return all(self.value(metric) <= limit for metric, limit in budget.static.items())


def variants(
    specs: Sequence[Spec],
    number: int,
    *,
    batch: int = 1,
    dtype: torch.dtype = torch.float32,
    predictor: Predictor | None = None,
    progress: Counted = lambda done, of: None,
) -> list[Variant]:
    """Cost about `number` distinct networks, as many of each family."""
    share = max(1, number // len(specs))
    chosen = {one.same: one for spec in specs for one in candidates(spec, share)}
    counter = ChainCounter(batch, dtype, predictor.seconds if predictor else None)
    found = []
    for done, one in enumerate(chosen.values()):
        progress(done, len(chosen))
        found.append(Variant(one.spec, counter(chain_of(one.spec), one.spec.input_shape)))
    return found


def front(of: Sequence[Variant], goal: Goal) -> list[Variant]:
    """The front: variants that no other beats in capacity and expense, by growing capacity."""
    found: list[Variant] = []
    by_capacity = sorted(of, key=lambda one: (one.capacity(goal), -one.expense), reverse=True)
    for one in by_capacity:
        if not found or one.expense < found[-1].expense:
            found.append(one)
    return found[::-1]
